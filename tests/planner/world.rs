//! Hosts that exist in memory: what they are, what a step makes of them.
//!
//! It proves that plans converge: whatever the hosts are, the steps in their order lead to an empty plan. It does not prove
//! that a step does what it says. Here each does so at once, without a statement, and never fails: a copy is equal, a
//! replica has caught up when it is asked to, a server comes back with what its files say, a filter lets in whom it names.
//! What the real steps send, wait for and undo is shown on hosts (`tests/hosts`), and with recordings of servers
//! (`tests/recordings`). An action that no world knows ends the test.

mod facts;

use std::collections::{BTreeMap, BTreeSet};

use tandem::inside::{
    desired::{self, DesiredChannel},
    grant::sha256_hex,
    gtid::ServerGtid,
    inventory::SecretBook,
    model::{BinlogPosition, Fact, HostName, Secret, SecretId, ThreadState, UsingGtid},
    observe::{
        BinlogFacts, ChannelFacts, HostFacts, Observed, SeedCoordinates, SeedMark, SeedMarks, ServerFacts,
        ServiceFacts,
    },
    plan::{self, AccountChange, Action, Coordinates, Plan, SeedPlan, Step},
    playbook::{Project, Request, load},
};

use facts::{account, facts, server};

/// The replication password of every world.
pub const SECRET: &str = "canary'of\"a\\secret";

/// What the files ask for.
#[derive(Debug, Clone)]
pub struct Files {
    /// A dual primary instead of a primary with replicas.
    pub dual: bool,
    /// Hosts.
    pub count: usize,
    /// `firewall_deny_others`.
    pub deny: bool,
    /// Positions by file instead of GTID.
    pub file: bool,
    /// The inventory names its hosts backwards.
    pub reversed: bool,
    /// Another topology than the two that `dual` tells apart, as a playbook has it.
    pub topology: Option<String>,
}

/// What a host is before anything is done.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// It runs with a server id of its own; else all have 1.
    pub own_id: bool,
    /// 0: no packet filter, 1: an open one, 2: one that drops what it does not know.
    pub firewall: u8,
    /// A file of ours from another time.
    pub stale_file: bool,
    /// 0: no account, 1: a wrong password, 2: too many privileges, 3: locked.
    pub account: u8,
    /// Whether the server is stopped.
    pub running: bool,
    /// Whether it does not start at boot.
    pub boots: bool,
    /// Whether a filter runs that nobody wishes.
    pub filters: bool,
    /// Whether it holds data.
    pub data: bool,
}

/// A fleet.
#[derive(Clone)]
pub struct World {
    /// Facts as they would be observed.
    pub observed: Observed,
    /// Variables that count more than the files, as `NAME=VALUE`.
    pub extra: Vec<String>,
    /// Roles of the play.
    pub roles: Vec<&'static str>,
    /// Variables of single hosts.
    pub vars: BTreeMap<HostName, Vec<(String, String)>>,
    /// Servers that are stopped come back as they were.
    stopped: BTreeMap<HostName, ServerFacts>,
}

fn name(n: usize) -> HostName {
    HostName::new(format!("db-{}", n + 1))
}

fn address(n: usize) -> String {
    format!("10.0.0.{}", n + 1)
}

impl World {
    /// Puts hosts together.
    pub fn new(hosts: &[Host]) -> Self {
        let mut world = Self {
            observed: Observed::new(),
            extra: Vec::new(),
            roles: vec!["firewall", "tls", "config", "accounts", "seed", "replication"],
            vars: BTreeMap::new(),
            stopped: BTreeMap::new(),
        };
        for (n, host) in hosts.iter().enumerate() {
            let server = server(n, host, hosts.len());
            let mut facts = facts(host);
            if host.running {
                facts.server = Fact::Unread("it is down".into());
                world.stopped.insert(name(n), server);
            } else {
                facts.server = Fact::Known(server);
            }
            world.observed.insert(name(n), Fact::Known(facts));
        }
        world
    }

    /// All names.
    pub fn names(&self) -> Vec<HostName> {
        self.observed.keys().cloned().collect()
    }

    /// What was observed of a host.
    pub fn host(&mut self, n: usize) -> &mut HostFacts {
        match self.observed.get_mut(&name(n)) {
            Some(Fact::Known(facts)) => facts,
            other => panic!("db-{}: {other:?}", n + 1),
        }
    }

    /// What was observed of its server.
    pub fn server_of(&mut self, n: usize) -> &mut ServerFacts {
        match &mut self.host(n).server {
            Fact::Known(server) => server,
            other => panic!("db-{}: {other:?}", n + 1),
        }
    }

    /// A channel that a host has.
    pub fn channel_of(&mut self, n: usize) -> &mut ChannelFacts {
        match &mut self.server_of(n).channels {
            Fact::Known(list) => list.first_mut().expect("a channel"),
            other => panic!("db-{}: {other:?}", n + 1),
        }
    }

    /// The plan for the world as it is now.
    pub fn plan(&self, files: &Files) -> Plan {
        self.plan_allowing(files, &plan::Policy::default())
    }

    /// The plan where more is allowed.
    pub fn plan_allowing(&self, files: &Files, policy: &plan::Policy) -> Plan {
        let (mut built, secrets) = self.wishes(files);
        let plan = tandem::inside::diff::build(&built, &self.observed, &secrets, policy);
        let Some(host) = tandem::inside::diff::stand_in(&built.desired, &self.observed, &plan) else {
            return plan;
        };
        built.turned = self.turned(files, &host);
        tandem::inside::diff::build(&built, &self.observed, &secrets, policy)
    }

    /// The topology as it is shown.
    pub fn status(&self, files: &Files) -> tandem::inside::status::StatusDocument {
        let (built, _) = self.wishes(files);
        let hosts: Vec<_> = built.desired.hosts.values().collect();
        tandem::inside::status::status(&hosts, &self.observed, true)
    }

    fn wishes(&self, files: &Files) -> (desired::Built, BTreeMap<SecretId, Secret>) {
        self.wishes_with(files, |project, known| {
            let (play, hosts) = &project.plays[0];
            desired::build(project, play, hosts, known)
        })
    }

    /// What would be wished if another host took the writes.
    fn turned(&self, files: &Files, to: &HostName) -> Option<desired::Turned> {
        let mut turned = None;
        let _ = self.wishes_with(files, |project, known| {
            let (play, hosts) = &project.plays[0];
            turned = desired::turned(project, play, hosts, known, to);
            desired::build(project, play, hosts, known)
        });
        turned
    }

    fn wishes_with(
        &self,
        files: &Files,
        build: impl FnOnce(&Project, &BTreeMap<HostName, desired::Identity>) -> desired::Built,
    ) -> (desired::Built, BTreeMap<SecretId, Secret>) {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: String| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).expect("a file");
            path
        };
        let mut order: Vec<usize> = (0..files.count).collect();
        if files.reversed {
            order.reverse();
        }
        let hosts: String = order
            .iter()
            .map(|n| {
                let vars = self.vars.get(&name(*n)).into_iter().flatten();
                let vars: String = vars.map(|(name, value)| format!(", {name}: {value}")).collect();
                format!("        {}: {{ansible_host: {}{vars}}}\n", name(*n), address(*n))
            })
            .collect();
        let inventory = write("hosts.yml", format!("all:\n  children:\n    db:\n      hosts:\n{hosts}"));
        let members: Vec<String> = (0..files.count).map(|n| name(n).to_string()).collect();
        let topology = match files.dual {
            _ if files.topology.is_some() => files.topology.clone().unwrap_or_default(),
            true => format!("{{kind: dual-primary, members: [{}]}}", members.join(", ")),
            false => format!(
                "{{kind: primary-replica, primary: {}, replicas: [{}]}}",
                members[0],
                members[1..].join(", ")
            ),
        };
        write("password", SECRET.to_owned());
        let positioning = if files.file { "file" } else { "gtid" };
        let play = write(
            "play.yml",
            format!(
                "- name: world\n  hosts: db\n  topology: {topology}\n  vars:\n    replication_password: {{file: password}}\n    \
                 replication_tls: \"off\"\n    firewall_deny_others: {}\n    replication_positioning: {positioning}\n  \
                 roles: [{}]\n",
                files.deny,
                self.roles.join(", ")
            ),
        );
        let loaded = load(&Request {
            inventory: vec![inventory],
            playbook: Some(play.to_string_lossy().into_owned()),
            extra: self.extra.clone(),
            ..Request::default()
        });
        assert!(!loaded.problems.fatal(), "{:?}", loaded.problems);
        let book: &SecretBook = &loaded.project.secrets;
        let secrets = book.resolve_all().expect("the secret is there");
        let reading =
            tandem::inside::observe::Reading { observed: self.observed.clone(), ..Default::default() };
        let mut built = build(&loaded.project, &reading.identities());
        assert!(!built.problems.fatal(), "{:?}", built.problems);
        // The files lie elsewhere each time; what is compared must not know where.
        strip(&mut built, &directory.path().to_string_lossy());
        (built, secrets)
    }

    /// Whether the world is as the files ask, judged without the planner.
    pub fn satisfies(&self, files: &Files) -> bool {
        let mut ids = BTreeSet::new();
        (0..files.count).all(|n| {
            let Some(facts) = self.observed.get(&name(n)).and_then(Fact::known) else { return false };
            let Some(server) = facts.server.known() else { return false };
            let channels = server.channels.known().map(Vec::as_slice).unwrap_or_default();
            let sources: Vec<usize> = match (files.dual, n) {
                (true, n) => vec![1 - n],
                (false, 0) => vec![],
                (false, _) => vec![0],
            };
            let replicas: Vec<usize> = match (files.dual, n) {
                (true, n) => vec![1 - n],
                (false, 0) => (1..files.count).collect(),
                (false, _) => vec![],
            };
            let follows = sources.iter().all(|s| {
                channels.iter().any(|c| {
                    c.source_host == address(*s) && c.running() && c.using_gtid.by_gtid() != files.file
                })
            });
            let serves = replicas.iter().all(|r| {
                server.accounts.iter().any(|a| {
                    a.host == address(*r)
                        && !a.locked
                        && a.privileges_on("*.*").iter().eq(["REPLICATION SLAVE"])
                        && a.check_password(SECRET) == tandem::inside::grant::PasswordCheck::Matches
                })
            });
            let same_data = sources.iter().all(|s| {
                let source =
                    self.observed.get(&name(*s)).and_then(Fact::known).and_then(|f| f.server.known());
                source.is_some_and(|s| s.databases == server.databases)
            });
            let read_only = server.is_on("read_only") == (!files.dual && n > 0);
            let offset = !files.dual || server.number("auto_increment_offset") == Some(n as u64 + 1);
            follows && serves && same_data && read_only && offset && ids.insert(server.number("server_id"))
        })
    }

    /// Whether every one of these channels runs, each on data of its source, and no other does on these hosts.
    pub fn runs(&self, edges: &[(usize, usize)]) -> bool {
        let server =
            |n: usize| self.observed.get(&name(n)).and_then(Fact::known).and_then(|f| f.server.known());
        edges.iter().all(|(from, to)| {
            let (Some(source), Some(replica)) = (server(*from), server(*to)) else { return false };
            let sources: Vec<&str> =
                replica.channels.known().into_iter().flatten().map(|c| c.source_host.as_str()).collect();
            sources == [address(*from)] && source.databases == replica.databases
        })
    }

    /// Clients have written on every one of these hosts, and all of it has got everywhere.
    pub fn write_everywhere(&mut self, members: &[usize]) {
        let ids: Vec<String> = members.iter().map(|n| format!("{0}-{0}-100", n + 1)).collect();
        for n in members {
            let Some(Fact::Known(facts)) = self.observed.get_mut(&name(*n)) else { continue };
            let Fact::Known(server) = &mut facts.server else { continue };
            server.gtid = Fact::Known(tandem::inside::gtid::GtidState::MariaDb(ServerGtid {
                server_id: u32::try_from(n + 1).expect("a small number"),
                binlog_state: ids.join(",").parse().expect("a state"),
                slave_pos: ids.join(",").parse().expect("a position"),
                binlog_start: Fact::Known(tandem::inside::gtid::BinlogState::default()),
                first: None,
                complete: tandem::inside::gtid::Complete::Everything,
            }));
        }
    }

    /// What must hold before a step runs, whatever order was chosen.
    pub fn check_before(&self, step: &Step) {
        let facts = self.observed.get(&step.host).and_then(Fact::known).expect("steps are on known hosts");
        match &step.action {
            Action::Channel(change) => {
                assert_ne!(change.wish.source, step.host, "a host replicates from itself");
                let source = self.server(&change.wish.source).expect("the source runs");
                let replica = facts.server.known().expect("the replica runs");
                assert!(source.is_on("log_bin"), "{}: the source has no binary log", step.id);
                assert_ne!(source.number("server_id"), replica.number("server_id"), "{}", step.id);
                assert!(
                    source.accounts.iter().any(|a| a.host == replica_address(&step.host) && !a.locked),
                    "{}: no account at the source",
                    step.id
                );
                if change.coordinates == Coordinates::OfSeed {
                    assert!(
                        facts
                            .seeds
                            .known()
                            .and_then(|m| m.from(&change.wish.source))
                            .is_some_and(|m| m.loaded.is_some()),
                        "{}: replication before the copy",
                        step.id
                    );
                }
            }
            Action::Seed(seed) => {
                let server = facts.server.known().expect("the replica runs");
                let foreign = server.databases.iter().find(|d| {
                    !d.is_empty()
                        && ![&seed.leftovers, &seed.others].iter().any(|known| known.contains(&d.name))
                });
                assert!(foreign.is_none(), "{}: overwrites {foreign:?}", step.id);
                assert!(
                    self.server(&seed.from).is_some_and(|s| s.is_on("log_bin")),
                    "a copy without coordinates"
                );
            }
            Action::Firewall(change) => {
                assert!(!change.script.contains("policy drop"), "{}", change.script);
                let shut = change.script.lines().filter(|l| l.contains("drop") || l.contains("DROP"));
                for line in shut {
                    assert!(!line.contains("22"), "{}: {line} may shut ssh out", step.id);
                }
            }
            _ => {}
        }
    }

    fn server(&self, host: &HostName) -> Option<&ServerFacts> {
        self.observed.get(host)?.known()?.server.known()
    }

    /// Does what a step says.
    pub fn run(&mut self, step: &Step) {
        let source = match &step.action {
            Action::Seed(seed) => self.server(&seed.from).cloned(),
            _ => None,
        };
        if let Action::Switchover(plan) = &step.action {
            for (host, list) in [(&plan.from, &plan.close), (&step.host, &plan.open)] {
                let Some(Fact::Known(facts)) = self.observed.get_mut(host) else {
                    panic!("{host} was not read")
                };
                let Fact::Known(server) = &mut facts.server else { panic!("{host} is down") };
                set(server, list);
                if let (true, Fact::Known(channels)) = (*host == step.host, &mut server.channels) {
                    channels.retain(|c| plan.ends.iter().all(|end| end.name != c.name));
                }
            }
            return;
        }
        let stopped = self.stopped.get(&step.host).cloned();
        let Some(Fact::Known(facts)) = self.observed.get_mut(&step.host) else {
            panic!("{} is on a host that was not read", step.id)
        };
        if change_host(facts, &step.action, stopped) {
            return;
        }
        let Fact::Known(server) = &mut facts.server else { panic!("{}: the server is down", step.id) };
        match &step.action {
            Action::SetGlobal(list) => set(server, list),
            Action::Restart { expect, .. } => set(server, expect),
            Action::Account(AccountChange { wish, .. }) => {
                server.accounts.retain(|a| (&a.user, &a.host) != (&wish.user, &wish.host));
                server.account_names.insert((wish.user.clone(), wish.host.clone()));
                server.accounts.push(account(&wish.user, &wish.host, SECRET, &wish.privileges.join(", ")));
            }
            Action::Seed(seed) => {
                let marks = facts.seeds.known().cloned().unwrap_or_default();
                let marks = copy(server, &source.expect("the source runs"), seed, marks);
                facts.seeds = Fact::Known(marks);
            }
            Action::Channel(change) => {
                let channel = running(&change.wish);
                if let Fact::Known(list) = &mut server.channels {
                    list.retain(|c| c.name != channel.name);
                    list.push(channel);
                }
                facts.channel_passwords.insert("master.info".into(), sha256_hex(SECRET.as_bytes()));
            }
            Action::LockAccount { user, host } => {
                let its = server.accounts.iter_mut().filter(|a| (&a.user, &a.host) == (user, host));
                its.for_each(|account| account.locked = true);
            }
            Action::KeepOut { user, host } => {
                server.account_names.insert((user.clone(), host.clone()));
                server.replicating.kept_out.insert((user.clone(), host.clone()));
            }
            Action::LetIn { user, host } => {
                server.account_names.remove(&(user.clone(), host.clone()));
                server.replicating.kept_out.remove(&(user.clone(), host.clone()));
            }
            Action::DropAccount { user, host } => {
                server.accounts.retain(|a| (&a.user, &a.host) != (user, host));
                server.account_names.remove(&(user.clone(), host.clone()));
            }
            Action::DropChannel(extra) => {
                if let Fact::Known(list) = &mut server.channels {
                    list.retain(|c| c.name != extra.name);
                }
            }
            other => panic!("a world without {other:?}"),
        }
    }
}

/// Does what changes the host and not its server; whether that was it.
fn change_host(facts: &mut HostFacts, action: &Action, stopped: Option<ServerFacts>) -> bool {
    match action {
        Action::StartService { enable, .. } => {
            facts.service = Fact::Known(ServiceFacts {
                unit: "mariadb.service".into(),
                active: "active".into(),
                enabled: *enable || facts.service.known().is_some_and(|s| s.enabled),
                ..ServiceFacts::default()
            });
            if let (Some(server), None) = (stopped, facts.server.known()) {
                facts.server = Fact::Known(server);
            }
        }
        // What it waits for is there already.
        Action::CatchUp { .. } => {}
        Action::CompareCopy(plan) => {
            let mut marks = facts.seeds.known().cloned().unwrap_or_default();
            marks.take(plan.from.as_str());
            facts.seeds = if marks.0.is_empty() { Fact::Absent } else { Fact::Known(marks) };
        }
        Action::RestoreRetention(_) => {
            facts.retention = Fact::Absent;
        }
        Action::Firewall(change) => {
            let Fact::Known(state) = &mut facts.firewall else { panic!("a filter that was not read") };
            *state = state.after(change);
        }
        Action::IncludeDirectory { file, directory, .. } => {
            let Fact::Known(files) = &mut facts.option_files else { panic!("files that were not read") };
            files.directories.push(directory.clone());
            let line = format!("!includedir {directory}\n");
            files.files.iter_mut().filter(|(path, _)| path == file).for_each(|(_, text)| {
                text.extend_from_slice(line.as_bytes());
            });
        }
        Action::WriteOptionFile { path, content, .. } => {
            let Fact::Known(files) = &mut facts.option_files else { panic!("files that were not read") };
            files.files.retain(|(p, _)| p != path);
            files.files.push((path.clone(), content.clone().into_bytes()));
        }
        _ => return false,
    }
    true
}

/// A copy of the source's data that is equal, and what it leaves noted.
fn copy(server: &mut ServerFacts, source: &ServerFacts, seed: &SeedPlan, mut marks: SeedMarks) -> SeedMarks {
    if marks.0.is_empty() && !seed.beside {
        server.gtid = source.gtid.clone();
        server.databases.clone_from(&source.databases);
    } else {
        server.databases.retain(|d| !seed.databases.contains(&d.name));
        server.databases.extend(source.databases.clone());
    }
    marks.put(SeedMark {
        from: seed.from.to_string(),
        databases: source.databases.iter().map(|d| d.name.clone()).collect(),
        loaded: Some(SeedCoordinates {
            at: BinlogPosition::start_of("mysql-bin.000001"),
            gtid: String::new(),
            own: BinlogPosition::start_of("mysql-bin.000001"),
        }),
        differs: Vec::new(),
    });
    marks
}

/// A channel as it is declared, with both threads running.
fn running(wish: &DesiredChannel) -> ChannelFacts {
    ChannelFacts {
        name: wish.name.clone(),
        source_host: wish.endpoint.address.clone(),
        source_port: wish.endpoint.port,
        user: wish.user.clone(),
        io_running: ThreadState::Yes,
        sql_running: ThreadState::Yes,
        using_gtid: match wish.positioning {
            desired::Positioning::Gtid => UsingGtid::SlavePos,
            desired::Positioning::File => UsingGtid::No,
        },
        delay: wish.delay,
        ..ChannelFacts::default()
    }
}

fn replica_address(host: &HostName) -> String {
    host.as_str().replace("db-", "10.0.0.")
}

/// Places without the directory in which the files happen to lie.
fn strip(built: &mut desired::Built, directory: &str) {
    let short = |place: &mut tandem::inside::model::Place| {
        place.file = place.file.replace(&format!("{directory}/"), "").into();
    };
    for host in built.desired.hosts.values_mut() {
        host.settings.iter_mut().flatten().for_each(|w| short(&mut w.place));
        host.accounts.iter_mut().for_each(|w| short(&mut w.place));
        host.channels.iter_mut().for_each(|w| short(&mut w.place));
        for seed in &mut host.seeds {
            for place in
                [&mut seed.place, &mut seed.method_place, &mut seed.databases_place, &mut seed.accounts_place]
            {
                short(place);
            }
        }
        host.firewall.iter_mut().for_each(|w| short(&mut w.place));
    }
}

/// Sets variables as a restart with the new file, or `SET GLOBAL`, would.
fn set(server: &mut ServerFacts, list: &[(String, String)]) {
    for (name, value) in list {
        match name.as_str() {
            "log_bin" => {
                server.variables.insert("log_bin".into(), "ON".into());
                server.variables.insert("log_bin_basename".into(), format!("/var/lib/mysql/{value}"));
                server.binlog = Fact::Known(BinlogFacts {
                    end: BinlogPosition::start_of(format!("{value}.000001")),
                    oldest: format!("{value}.000001"),
                    changes: Fact::Known(false),
                    ..BinlogFacts::default()
                });
            }
            _ => {
                server.variables.insert(name.clone(), value.clone());
            }
        }
    }
}
