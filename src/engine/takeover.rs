//! What the verbs of a takeover make of the declared topology, before it is planned like any other.

use super::{CommandError, Engine, ErrorKind, Planned};
use crate::{
    model::HostName,
    playbook::{CannotTurn, Edit, Topology},
};

impl Engine {
    /// Declares another host as the one that is written to. Where it is declared so already, nothing changes.
    ///
    /// # Errors
    /// Why that can't be.
    pub fn switch_over(&mut self, to: &HostName) -> Result<(), CommandError> {
        let topology = self.topology_of("--to", to)?;
        let mut edit = Edit::of(topology);
        match topology.turn(to) {
            Ok(renames) => edit.renames = renames,
            Err(CannotTurn::WritesAlready) => {}
            Err(why) => return Err(cannot(to, why)),
        }
        edit.declares = topology.clone();
        self.policy.takes_over = (!edit.renames.is_empty()).then(|| to.clone());
        self.edit = Some(edit);
        Ok(())
    }

    /// Declares the one host that is written to lost, so that nobody waits for it; says which that is. Nothing where
    /// clients are declared to write to several hosts: then whoever is silent is lost.
    ///
    /// # Errors
    /// Where the playbook does not tell which topology is meant.
    pub fn lose_writer(&mut self, to: Option<&HostName>) -> Result<Option<HostName>, CommandError> {
        let topology = match to {
            Some(to) => self.topology_of("--to", to)?,
            None => self.only_topology()?,
        };
        let Some(writer) = topology.one_writer().cloned() else { return Ok(None) };
        if to == Some(&writer) {
            let what = format!("--to {writer}: clients are declared to write there already");
            return Err(CommandError::usage(what));
        }
        let edit = Edit::of(topology);
        if !topology.is_lost(&writer) {
            topology.lose(std::slice::from_ref(&writer), None).map_err(|why| cannot(&writer, why))?;
        }
        self.edit = Some(edit);
        Ok(Some(writer))
    }

    /// Lets a host take the writes of one that [`Engine::lose_writer`] has declared lost.
    ///
    /// # Errors
    /// Why that can't be.
    pub fn fail_over(&mut self, writer: &HostName, to: &HostName) -> Result<(), CommandError> {
        let topology = self.topology_of("--to", to)?;
        let mut edit = Edit::of(topology);
        edit.renames = topology.turn(to).map_err(|why| cannot(to, why))?;
        edit.lost.push(writer.clone());
        edit.declares = topology.clone();
        self.policy.takes_over = Some(to.clone());
        self.edit = Some(edit);
        Ok(())
    }

    /// Whether a host is a member of a topology, and not lost.
    pub fn is_member(&self, host: &HostName) -> bool {
        let mut topologies = self.project.plays.iter().filter_map(|(play, _)| play.topology.as_ref());
        topologies.any(|topology| {
            topology.members.iter().any(|member| member.host == *host) && !topology.is_lost(host)
        })
    }

    /// Declares those members lost that could not be read; clients write to the others already.
    ///
    /// # Errors
    /// Where none, or all, are silent.
    pub fn lose_silent(&mut self, planned: &Planned) -> Result<(), CommandError> {
        let unread = planned.unread();
        let topology = self.only_topology()?;
        let is_silent = |host: &&HostName| unread.contains_key(*host) && !topology.is_lost(host);
        let silent: Vec<HostName> =
            topology.members.iter().map(|m| &m.host).filter(is_silent).cloned().collect();
        if silent.is_empty() {
            return Err(CommandError::new(
                ErrorKind::Refused,
                "every member answers: nobody has to take over from one",
            )
            .next("Nothing was changed."));
        }
        if topology.members.iter().all(|m| silent.contains(&m.host) || topology.is_lost(&m.host)) {
            return Err(CommandError::new(ErrorKind::NotRead, "no member answers: nobody could take over")
                .next("Nothing was changed."));
        }
        let edit = topology.lose(&silent, None).map_err(|why| cannot(&silent[0], why))?;
        self.edit = Some(edit);
        Ok(())
    }

    /// Declares a lost host a member again.
    ///
    /// # Errors
    /// Where it is not lost, or has no place among the others.
    pub fn find_again(&mut self, host: &HostName) -> Result<(), CommandError> {
        let mut topologies = self.project.plays.iter_mut().filter_map(|(play, _)| play.topology.as_mut());
        let Some(topology) = topologies.find(|topology| topology.is_lost(host)) else {
            return Err(CommandError::usage(format!("{host} is not declared lost in this playbook")));
        };
        match topology.find(host) {
            Some(edit) => self.edit = Some(edit),
            None => {
                let what =
                    format!("{host} is declared lost, and has no place among the others of its topology");
                return Err(CommandError::usage(what).next(
                    "Name it where it shall be (`replicas:`, `members:`), and run the same command again.",
                ));
            }
        }
        Ok(())
    }

    /// The one topology that has this member.
    fn topology_of(&mut self, option: &str, host: &HostName) -> Result<&mut Topology, CommandError> {
        let topologies = self.project.plays.iter_mut().filter_map(|(play, _)| play.topology.as_mut());
        let of_host =
            topologies.filter(|topology| topology.members.iter().any(|member| member.host == *host));
        let mut of_host: Vec<&mut Topology> = of_host.collect();
        match (of_host.pop(), of_host.is_empty()) {
            (Some(one), true) => Ok(one),
            (None, _) => Err(CommandError::usage(format!(
                "{option} {host}: it is no member of a topology of this playbook"
            ))),
            (Some(_), false) => Err(CommandError::usage(format!(
                "{option} {host}: it is a member of several topologies of this playbook; edit it and run `tandem apply`"
            ))),
        }
    }

    fn only_topology(&mut self) -> Result<&mut Topology, CommandError> {
        let mut all: Vec<&mut Topology> =
            self.project.plays.iter_mut().filter_map(|(play, _)| play.topology.as_mut()).collect();
        match (all.pop(), all.is_empty()) {
            (Some(one), true) => Ok(one),
            (None, _) => Err(CommandError::usage("this playbook declares no topology")),
            (Some(_), false) => Err(CommandError::usage(
                "this playbook declares several topologies: name the host that takes the writes with --to",
            )),
        }
    }
}

fn cannot(to: &HostName, why: CannotTurn) -> CommandError {
    CommandError::usage(format!(
        "--to {to}: {}",
        match why {
            CannotTurn::NoMember => "it is no member of a topology of this playbook".to_owned(),
            CannotTurn::WritesAlready => "clients are declared to write there already".to_owned(),
            CannotTurn::Lost => format!(
                "{to} is declared lost: `tandem rejoin PLAYBOOK {to}` makes it a replica again, and then it can take the \
                 writes"
            ),
            CannotTurn::SeveralWriters => format!(
                "the topology of {to} declares no single host that is written to: it takes a `primary-replica`, or a \
                 `dual-primary` with a `standby`"
            ),
        }
    ))
}
