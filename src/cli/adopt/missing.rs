//! Servers that belong to the topology and were not named.

use std::collections::BTreeSet;

use super::{Work, options, shell_word};
use crate::{
    adopt::{Adoption, Named},
    cli::args::InitArgs,
    engine::{CommandError, ErrorKind, bare_hosts, read_files},
    observe::Observed,
    playbook::Request,
    render::Terminal,
};

impl Work<'_> {
    /// A channel from a server that nobody named can't be declared.
    pub(super) fn need_sources(
        &self,
        draft: &Adoption,
        args: &InitArgs,
        terminal: &Terminal,
    ) -> Result<(), CommandError> {
        if draft.strangers.is_empty() {
            return Ok(());
        }
        let mut command = args.from.clone();
        let mut causes = Vec::new();
        for stranger in &draft.strangers {
            let id = match stranger.server_id {
                0 => String::new(),
                id => format!(" (server_id {id})"),
            };
            let text = format!(
                "{} replicates from {}{id}, which is none of the hosts that were named",
                stranger.replica,
                crate::model::visible(&stranger.source.to_string())
            );
            match args.incomplete {
                true => terminal.warning(&format!("{text}; this channel stays undeclared")),
                false => causes.push(text),
            }
            let word = self.as_named(args, &stranger.source.address);
            if !command.contains(&word) {
                command.push(word);
            }
        }
        if args.incomplete {
            return Ok(());
        }
        Err(self.name_them_too(causes, &command, args))
    }

    /// A replica that nobody named would stay undeclared: a playbook for its source alone declares nothing.
    pub(super) fn need_replicas(
        &self,
        named: &[Named],
        observed: &Observed,
        args: &InitArgs,
        terminal: &Terminal,
    ) -> Result<(), CommandError> {
        let servers: Vec<_> =
            named.iter().filter_map(|n| Some((n, observed.get(&n.name)?.known()?.server.known()?))).collect();
        let ids: BTreeSet<u64> = servers.iter().filter_map(|(_, s)| s.number("server_id")).collect();
        let ours: BTreeSet<&str> = named
            .iter()
            .flat_map(|n| {
                let connection = n.connection.iter().find(|(name, _)| *name == "ansible_host");
                [Some(n.destination.as_str()), connection.and_then(|(_, value)| value.as_str())]
            })
            .flatten()
            .collect();
        let mut command = args.from.clone();
        let mut causes = Vec::new();
        for (source, server) in &servers {
            let connected = server.connected_replicas.known().into_iter().flatten();
            let strange: Vec<_> = connected.filter(|(id, _)| !ids.contains(id)).collect();
            if strange.is_empty() {
                continue;
            }
            let reported = strange.iter().map(|(_, host)| host.clone()).filter(|host| !host.is_empty());
            let seen = server.replica_addresses.known().into_iter().flatten().cloned();
            let addresses: BTreeSet<String> = match strange.iter().all(|(_, host)| !host.is_empty()) {
                true => reported.collect(),
                false => seen.filter(|address| !ours.contains(address.as_str())).collect(),
            };
            for address in &addresses {
                let word = self.as_named(args, &crate::model::visible(address));
                if !command.contains(&word) {
                    command.push(word);
                }
            }
            for (id, _) in strange {
                let text = format!(
                    "a server with server_id {id} replicates from {}, and is none of the hosts that were named",
                    source.name
                );
                match args.incomplete {
                    true => terminal.warning(&format!("{text}; its channel stays undeclared")),
                    false => causes.push(text),
                }
            }
        }
        if causes.is_empty() {
            return Ok(());
        }
        Err(self.name_them_too(causes, &command, args))
    }

    /// A further host as it has to be named: by the inventory, where there is one, else as the first one was.
    fn as_named(&self, args: &InitArgs, address: &str) -> String {
        if !self.global.inventory.is_empty() {
            let loaded =
                read_files(&Request { inventory: self.global.inventory.clone(), ..self.request(None) });
            let host = bare_hosts(&loaded.project).into_iter().find(|host| host.endpoint.address == address);
            return host.map_or_else(|| address.to_owned(), |host| host.name.to_string());
        }
        like_the_first(args, address)
    }

    /// The whole command to run instead.
    fn name_them_too(&self, causes: Vec<String>, command: &[String], args: &InitArgs) -> CommandError {
        let words: Vec<String> = command.iter().map(|word| shell_word(word)).collect();
        let r#become = if args.r#become { " --become" } else { "" };
        CommandError::several(ErrorKind::Failed, causes).next(format!(
            "Nothing was written. Name all of them: tandem{} init {}{become} --from {}\n\
             Or leave their channels undeclared: --incomplete",
            options(self.global),
            args.directory.display(),
            words.join(" ")
        ))
    }
}

/// Without a channel between hosts there is no topology to write down.
pub(super) fn need_topology(draft: &Adoption, named: &[Named], args: &InitArgs) -> Result<(), CommandError> {
    if !draft.plays.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = named.iter().map(|n| n.name.as_str()).collect();
    let what = format!(
        "{}: no channel leads from one of these hosts to another, so there is no topology to declare",
        names.join(", ")
    );
    Err(CommandError::failed(what).next(format!(
        "Nothing was written. For a topology that is still to be made: tandem init {}",
        args.directory.display()
    )))
}

/// A further host as the first one was named: most fleets are logged in to as one user.
fn like_the_first(args: &InitArgs, address: &str) -> String {
    let user = args.from.first().and_then(|first| first.rsplit_once('@')).map(|(user, _)| format!("{user}@"));
    format!("{}{address}", user.unwrap_or_default())
}
