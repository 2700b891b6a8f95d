//! The database server itself: where none is installed, it is, and what follows from it is planned later.

use super::{Context, Draft};
use crate::{
    desired::{DesiredHost, DesiredServer},
    model::Fact,
    observe::{HostFacts, ServerPackages},
    plan::{
        Action, Because, Follows, HostWaits, Kind, PackageVersion, Part, Reason, ServerFinding,
        ServerRefused, State, Step, StepId, StepName, WaitsFor,
    },
};

/// Adds the step that installs a server, or says what stands in its way.
pub(super) fn steps(context: &Context<'_>, host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    let absent = facts.server.is_absent();
    let Some(wish) = &host.server else {
        if absent && needs_server(host) {
            draft.wait(&host.name, HostWaits::NoServer);
        }
        return;
    };
    let found = match facts.resources.server(&wish.package) {
        Fact::Known(found) => found,
        other => {
            let why = other.unread().unwrap_or("nobody looked");
            draft.wait(&host.name, WaitsFor::part(Part::ServerPackages, why));
            return;
        }
    };
    let half = found.half_installed();
    if let (Some(_), Some(half)) = (facts.server.known(), half) {
        let (package, status) = (half.name.clone(), half.status.clone());
        draft.warn(&host.name, ServerFinding::HalfInstalled { package, status });
        return;
    }
    if !absent && half.is_none() {
        other_version(host, facts, wish, draft);
        return;
    }
    if !facts.os.root {
        draft.wait(&host.name, HostWaits::NotRoot);
        return;
    }
    // What the cut-off installation has made of the data directory is nobody's data yet, or it was there before.
    if half.is_none() && !may_install(context, host, wish, &found, draft) {
        return;
    }
    draft.steps.push(step(host, wish, &found));
    let later = what_follows(host);
    if absent && !later.is_empty() {
        draft.wait(&host.name, HostWaits::ServerFirst(later));
    }
}

/// Whether anything is wished that only a server can be.
fn needs_server(host: &DesiredHost) -> bool {
    host.settings.is_some()
        || !host.accounts.is_empty()
        || !host.databases.is_empty()
        || !host.channels.is_empty()
}

fn may_install(
    context: &Context<'_>,
    host: &DesiredHost,
    wish: &DesiredServer,
    found: &ServerPackages,
    draft: &mut Draft,
) -> bool {
    if found.manager.is_none() {
        draft.refuse(&host.name, ServerRefused::NoPackageManager);
        return false;
    }
    if let Some(data) = &found.data {
        let (data, package) = (data.clone(), wish.package.clone());
        draft.refuse(&host.name, ServerRefused::DataWithout { data, package });
        return false;
    }
    if let Some(why) = other_family(context, host, wish) {
        draft.refuse(&host.name, why);
        return false;
    }
    true
}

/// A source or replica of this host that has, or gets, a server of the other family.
fn other_family(context: &Context<'_>, host: &DesiredHost, wish: &DesiredServer) -> Option<ServerRefused> {
    host.channels.iter().map(|c| &c.source).chain(&host.replicas).find_map(|peer| {
        let observed = context.server(peer).map(|server| server.version);
        let declared = || context.desired.hosts.get(peer)?.server.as_ref();
        let family = wish.family_apart(observed, declared())?;
        Some(ServerRefused::OtherFamily { package: wish.package.clone(), peer: peer.clone(), family })
    })
}

fn step(host: &DesiredHost, wish: &DesiredServer, found: &ServerPackages) -> Step {
    let version = match (wish.version.clone(), found.candidate.clone()) {
        (Some(version), _) => PackageVersion::Declared { version },
        (None, Some(version)) => PackageVersion::Offered { version },
        (None, None) => PackageVersion::Newest,
    };
    let half = found.half_installed();
    let because = match half {
        None => Because::NoServer,
        Some(half) => Because::InstallationCutOff { package: half.name.clone() },
    };
    let mut reason = vec![Reason::declared(because, &wish.place)];
    let of_version = || Reason::declared(Because::ServerVersion, &wish.version_place);
    reason.extend(wish.version.as_ref().map(|_| of_version()));
    Step {
        id: StepId::of(&host.name, StepName::Server),
        host: host.name.clone(),
        kind: Kind::Packages,
        reason,
        before: half.map(|p| State::HalfInstalled {
            package: p.name.clone(),
            version: p.version.clone(),
            status: p.status.clone(),
        }),
        after: Some(State::Server { package: wish.package.clone(), version, starts: wish.start }),
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::InstallServer {
            package: wish.package.clone(),
            version: wish.version.clone(),
            unit: host.service.clone(),
            start: wish.start,
        },
    }
}

/// What is wished of a server that is not there yet.
fn what_follows(host: &DesiredHost) -> Follows {
    Follows {
        settings: host.settings.is_some(),
        accounts: host.accounts.len(),
        databases: host.databases.iter().map(|d| d.name.clone()).collect(),
        copies: host.seeds.iter().map(|s| s.from.clone()).collect(),
        channels: host.channels.iter().map(|c| c.source.clone()).collect(),
    }
}

/// A server that lives is neither up- nor downgraded.
fn other_version(host: &DesiredHost, facts: &HostFacts, wish: &DesiredServer, draft: &mut Draft) {
    let (Some(version), Some(server)) = (&wish.version, facts.server.known()) else { return };
    let wished = version.split_once(':').map_or(version.as_str(), |(_, v)| v);
    let upstream = wished.split(['-', '+', '~']).next().unwrap_or(wished);
    let numbers: Vec<&str> = server.version_text.split(|c: char| !c.is_ascii_digit()).collect();
    if upstream.split('.').zip(numbers).all(|(wished, runs)| wished == runs) {
        return;
    }
    let what = ServerFinding::OtherVersion { declared: version.clone(), runs: server.version };
    draft.warn(&host.name, what);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::observe::server_query;
    use crate::{
        desired::Desired,
        model::Place,
        observe::{Observed, OsFacts},
    };

    fn host(package: Option<&str>) -> DesiredHost {
        let place = Place::file("play.yml");
        let mut host = DesiredHost::bare(&"db-a".into());
        host.settings = Some(Vec::new());
        host.server = package.map(|package| DesiredServer {
            package: package.into(),
            version: None,
            start: true,
            secure: true,
            place: place.clone(),
            version_place: place.clone(),
            secure_place: place,
        });
        host
    }

    fn bare() -> HostFacts {
        HostFacts {
            os: OsFacts { root: true, ..OsFacts::default() },
            service: Fact::Absent,
            server: Fact::Absent,
            ..HostFacts::default()
        }
    }

    fn draft(host: &DesiredHost, facts: &HostFacts, peers: Vec<DesiredHost>) -> Draft {
        let hosts = peers.into_iter().chain([host.clone()]).map(|h| (h.name.clone(), h)).collect();
        let desired = Desired {
            play: String::new(),
            members: Vec::new(),
            hosts,
            several_writers: false,
            one_primary: false,
            lost: Vec::new(),
            all_plays: Default::default(),
        };
        let context = Context {
            desired: &desired,
            observed: &Observed::new(),
            secrets: &BTreeMap::new(),
            may_reseed: false,
            may_discard: false,
            may_drop_accounts: false,
            may_drop_channels: false,
            may_replace_authority: false,
            turned: None,
            returned: &[],
            fence: None,
            takes_over: None,
        };
        let mut draft = Draft::default();
        steps(&context, host, facts, &mut draft);
        draft
    }

    fn with(facts: HostFacts, text: &str) -> HostFacts {
        let resources =
            [(server_query("mariadb-server"), Fact::Known(text.to_owned()))].into_iter().collect();
        HostFacts { resources, ..facts }
    }

    /// The ids of steps, the codes of refusals and the number of waiting wishes.
    fn outcome(draft: &Draft) -> (Vec<&str>, Vec<&str>, usize) {
        let steps = draft.steps.iter().map(|s| s.id.0.as_str()).collect();
        (steps, draft.refused.iter().map(|r| r.why.code()).collect(), draft.waiting.len())
    }

    #[test]
    fn only_a_server_that_is_known_to_be_absent_is_installed() {
        let apt = "manager apt\n";
        let wished = host(Some("mariadb-server"));
        assert_eq!(outcome(&draft(&wished, &with(bare(), apt), vec![])), (vec!["db-a/server"], vec![], 1));
        let unread = HostFacts { server: Fact::Unread("no answer".into()), ..bare() };
        assert_eq!(outcome(&draft(&wished, &with(unread, apt), vec![])), (vec![], vec![], 0));
        assert_eq!(outcome(&draft(&wished, &bare(), vec![])), (vec![], vec![], 1), "packages were not read");
        let weak = HostFacts { os: OsFacts::default(), ..bare() };
        assert_eq!(outcome(&draft(&wished, &with(weak, apt), vec![])), (vec![], vec![], 1), "not root");
        assert_eq!(outcome(&draft(&host(None), &with(bare(), apt), vec![])), (vec![], vec![], 1), "no role");
    }

    #[test]
    fn what_could_be_lost_or_can_t_work_is_refused() {
        let wished = host(Some("mariadb-server"));
        let data = with(bare(), "manager apt\ndata /var/lib/mysql\n");
        assert_eq!(outcome(&draft(&wished, &data, vec![])).1, ["data-without-server"]);
        assert_eq!(outcome(&draft(&wished, &with(bare(), ""), vec![])).1, ["no-package-manager"]);
        let mut source = wished;
        source.replicas = vec!["db-b".into()];
        let peer = DesiredHost { name: "db-b".into(), ..host(Some("mysql-server")) };
        assert_eq!(outcome(&draft(&source, &with(bare(), "manager apt\n"), vec![peer])).1, ["server-family"]);
    }

    #[test]
    fn an_installation_that_was_cut_off_is_finished_although_a_data_directory_is_there() {
        let text =
            "manager apt\ndata /var/lib/mysql\npackage mariadb-server 1:10.11.19-0+deb12u1 half-configured\n";
        let down = HostFacts { server: Fact::Unread("it is down".into()), ..bare() };
        let draft = draft(&host(Some("mariadb-server")), &with(down, text), vec![]);
        assert_eq!(outcome(&draft), (vec!["db-a/server"], vec![], 0));
        let Some(State::HalfInstalled { status, .. }) = &draft.steps[0].before else { panic!("{draft:?}") };
        assert_eq!(status, "half-configured");
    }
}
