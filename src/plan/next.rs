//! What a person can do about a refusal, as values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Alive, Allow, AuthorityRefused, ChannelRefused, Copies, CopyRefused, DataRefused, EndRefused,
    FirewallRefused, GtidWay, Refused, ServerRefused, SettingRefused, TakeoverRefused, WayToSource,
};
use crate::{
    desired::SeedMethod,
    dialect::{Unfit, UnfitObject, UnfitWhy, account_shown, identifier},
    doctor::ErrantRepair,
    model::HostName,
};

/// A next step of a person's. Of several each is a way out by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Next {
    /// Pass a word of `--allow`.
    Allow {
        /// The word.
        allow: Allow,
    },
    /// Give a variable another value.
    Set {
        /// Its name, or that of a server variable in `mysql_settings`.
        variable: String,
        /// The value, where only one will do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// Add a role to the play.
    AddRole {
        /// Its name.
        role: String,
    },
    /// Change what a role declares, or what stands in its way on the host.
    EditRole {
        /// The resource.
        resource: String,
    },
    /// Declare another topology.
    EditTopology {
        /// The key that changes.
        key: String,
        /// Its value, where only one will do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// Run a command.
    Run {
        /// The host; null where it is run beside the inventory.
        on: Option<HostName>,
        /// The command.
        command: String,
    },
    /// Take a line out of an option file.
    EditFile {
        /// The host.
        on: HostName,
        /// The file.
        file: String,
        /// The line.
        line: u32,
    },
    /// Bring a file back, or to a place.
    Restore {
        /// The file beside the inventory.
        file: String,
    },
    /// Make room on a disk.
    MakeRoom {
        /// The host.
        on: HostName,
        /// A path on the disk.
        path: String,
    },
    /// Move data away, or drop it.
    MoveAway {
        /// The host.
        on: HostName,
        /// Databases, or a directory.
        what: Vec<String>,
    },
    /// End channels.
    EndChannels {
        /// The host.
        on: HostName,
        /// Their names.
        channels: Vec<String>,
        /// The statements that do it, in order.
        ending: Vec<String>,
    },
    /// Install something.
    Install {
        /// The host.
        on: HostName,
        /// What.
        what: String,
    },
    /// Replace a server, or its data directory, by one that fits.
    ReplaceServer {
        /// The host.
        on: HostName,
    },
    /// One of the ways out of errant transactions.
    Settle(#[schemars(with = "WayOut")] Settle),
    /// Report a fault of this program.
    Report,
}

/// A way out of errant transactions: the value in a plan, and its words in a plan that is written or was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WayOut", into = "WayOut")]
pub enum Settle {
    /// What it is.
    Found(Box<ErrantRepair>),
    /// Its words.
    Worded(WayOut),
}

/// A way out in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WayOut {
    /// Its code, stable from version to version.
    #[serde(default)]
    pub code: String,
    /// What is done.
    pub what: String,
    /// What is lost by it.
    pub loses: String,
    /// The command.
    pub command: String,
}

impl From<WayOut> for Settle {
    fn from(told: WayOut) -> Self {
        Settle::Worded(told)
    }
}

/// A plan is put in words before it is written.
impl From<Settle> for WayOut {
    fn from(way: Settle) -> Self {
        match way {
            Settle::Found(_) => WayOut::default(),
            Settle::Worded(told) => told,
        }
    }
}

impl ErrantRepair {
    /// The word that lets `apply` do it, where `apply` can.
    pub fn allow(&self) -> Option<Allow> {
        match self {
            ErrantRepair::SaveAndCopy { .. } => Some(Allow::DiscardErrant),
            ErrantRepair::Copy { .. } | ErrantRepair::Exchange { .. } => Some(Allow::Reseed),
            ErrantRepair::Repeat { .. }
            | ErrantRepair::Empty { .. }
            | ErrantRepair::Return { .. }
            | ErrantRepair::Forget { .. }
            | ErrantRepair::Compare { .. } => None,
        }
    }
}

fn allow(allow: Allow) -> Next {
    Next::Allow { allow }
}

fn set(variable: &str) -> Next {
    Next::Set { variable: variable.to_owned(), value: None }
}

fn set_to(variable: &str, value: &str) -> Next {
    Next::Set { variable: variable.to_owned(), value: Some(value.to_owned()) }
}

fn role(role: &str) -> Next {
    Next::AddRole { role: role.to_owned() }
}

fn topology(key: &str, value: Option<&HostName>) -> Next {
    Next::EditTopology { key: key.to_owned(), value: value.map(ToString::to_string) }
}

/// A copy over the replica's data, or what keeps one from being made.
fn copy(copies: Copies, source: &HostName) -> Next {
    match copies {
        Copies::Made => allow(Allow::Reseed),
        Copies::NoRole => role("seed"),
        Copies::OtherWay => topology("seed_from", Some(source)),
        Copies::ByHand => set_to("seed_method", "auto"),
    }
}

/// GTIDs instead of files and positions, where they would do.
fn by_gtid(gtid: GtidWay) -> Option<Next> {
    match gtid {
        GtidWay::Open => Some(set_to("replication_positioning", "gtid")),
        GtidWay::DeclaredOff => Some(set_to("gtid_mode", "ON")),
        GtidWay::SharedDomain => None,
    }
}

impl Refused {
    /// What to do about a refusal on this host.
    pub fn next(&self, host: &HostName) -> Vec<Next> {
        match self {
            Refused::Copy(why) => of_copy(host, why),
            Refused::Data(why) => of_data(host, why),
            Refused::Errant(found) => {
                let way = |repair: &ErrantRepair| Next::Settle(Settle::Found(Box::new(repair.clone())));
                found.repairs.iter().map(way).collect()
            }
            Refused::End(EndRefused::PortDiffers { listens, .. }) => {
                vec![set_to("mysql_port", &listens.to_string())]
            }
            Refused::End(EndRefused::NotRead { .. }) => vec![set("replication_address"), set("ansible_host")],
            Refused::End(EndRefused::OfAnother { .. } | EndRefused::Unreachable { .. }) => {
                vec![set("replication_address"), set("mysql_port")]
            }
            Refused::Channel(why) => of_channel(host, why),
            Refused::Takeover(why) => of_takeover(host, why),
            Refused::Pair { .. } => {
                vec![Next::ReplaceServer { on: host.clone() }]
            }
            Refused::Setting(why) => of_setting(host, why),
            Refused::Server(why) => of_server(host, why),
            Refused::Firewall(why) => of_firewall(host, why),
            Refused::Authority(why) => of_authority(why),
            Refused::Resource(resource, _) => vec![Next::EditRole { resource: resource.any().what() }],
            Refused::Circle { .. } => vec![Next::Report],
            Refused::NotAllowed { allow: word, .. } => vec![allow(*word)],
        }
    }
}

fn of_copy(host: &HostName, why: &CopyRefused) -> Vec<Next> {
    vec![match why {
        CopyRefused::OtherChannels { channels, ending } => {
            Next::EndChannels { on: host.clone(), channels: channels.clone(), ending: ending.clone() }
        }
        CopyRefused::NotPassedOn { .. } => topology("channels", None),
        CopyRefused::Needed { source, copies } => copy(*copies, source),
        CopyRefused::UnknownDatabase { .. } => set("seed_databases"),
        CopyRefused::SameDatabaseTwice { .. } => topology("filters", None),
        CopyRefused::Method { .. } => set_to("seed_method", "logical"),
        CopyRefused::NotCarried { source, unfit, whole } => {
            return of_unfit(host, source, unfit, *whole);
        }
        CopyRefused::DiskTooSmall { datadir, .. } => {
            Next::MakeRoom { on: host.clone(), path: datadir.clone() }
        }
        CopyRefused::BesideUnfinished { foreign, .. } => {
            Next::MoveAway { on: host.clone(), what: foreign.clone() }
        }
    }]
}

/// A copy of the whole server where that carries everything. Else what it does not carry is changed first, all of it.
fn of_unfit(host: &HostName, source: &HostName, unfit: &[Unfit], whole: Option<SeedMethod>) -> Vec<Next> {
    let by_hand = |one: &&Unfit| whole.is_none() || !one.why.is_carried_by_whole();
    let mut all: Vec<Next> = Vec::new();
    for one in unfit.iter().filter(by_hand).map(|one| workaround(host, source, one)) {
        match all.iter().position(|known| same_variable(known, &one)) {
            Some(at) => all[at] = larger(&all[at], one),
            None if all.contains(&one) => {}
            None => all.push(one),
        }
    }
    match whole {
        Some(method) if all.is_empty() => vec![set_to("seed_method", method.word())],
        _ => all,
    }
}

fn same_variable(a: &Next, b: &Next) -> bool {
    matches!((a, b), (Next::Set { variable: a, .. }, Next::Set { variable: b, .. }) if a == b)
}

/// Of two values of one variable the one that serves both.
fn larger(a: &Next, b: Next) -> Next {
    let number = |next: &Next| match next {
        Next::Set { value: Some(value), .. } => value.parse::<u64>().ok(),
        _ => None,
    };
    if number(a) >= number(&b) { a.clone() } else { b }
}

/// What lets a copy row by row carry something that it can't carry now.
pub(crate) fn workaround(host: &HostName, source: &HostName, unfit: &Unfit) -> Next {
    /// The largest value that the variable takes.
    const LARGEST_PACKET: u64 = 1 << 30;
    let path = |(database, name): &(String, String)| format!("{}.{}", identifier(database), identifier(name));
    let run = |command: String| Next::Run { on: Some(source.clone()), command };
    let install = |what: String| Next::Install { on: host.clone(), what };
    match (&unfit.why, &unfit.object) {
        (UnfitWhy::NoEngine { engine }, _) => install(format!("the storage engine {engine}")),
        (UnfitWhy::LoginPlugin { plugin }, _) => install(format!("the plugin {plugin}")),
        (UnfitWhy::PartialRevokes, _) => set_to("partial_revokes", "ON"),
        (UnfitWhy::NoKey, _) => set_to("innodb_force_primary_key", "OFF"),
        (UnfitWhy::LargeRow { bytes, .. }, _) => {
            let packet = (bytes * 2).next_power_of_two().min(LARGEST_PACKET);
            set_to("max_allowed_packet", &packet.to_string())
        }
        (UnfitWhy::Tablespace, UnfitObject::Table(name)) => {
            run(format!("ALTER TABLE {} TABLESPACE innodb_file_per_table", path(name)))
        }
        (UnfitWhy::BrokenView | UnfitWhy::RestsOnSystem { .. }, UnfitObject::View(name)) => {
            run(format!("DROP VIEW {}", path(name)))
        }
        (UnfitWhy::NoDefiner { definer: (user, at), of, on_source }, _) => Next::Run {
            on: Some(if *on_source { host.clone() } else { source.clone() }),
            // No server makes the view where its function may not be executed by its definer.
            command: format!(
                "CREATE USER {0} ACCOUNT LOCK; GRANT EXECUTE ON {1}.* TO {0}",
                account_shown(user, at),
                identifier(of)
            ),
        },
        (UnfitWhy::GrantOnGone(grant) | UnfitWhy::GrantOnSystem(grant), UnfitObject::Account(name)) => {
            run(grant.revoke(name))
        }
        (UnfitWhy::GrantOnLeftOut(_), _) => set("seed_databases"),
        _ => Next::ReplaceServer { on: host.clone() },
    }
}

fn of_data(host: &HostName, why: &DataRefused) -> Vec<Next> {
    match why {
        DataRefused::OnReplicaOnly { way, .. } => vec![match way {
            WayToSource::SeedFrom => topology("seed_from", Some(host)),
            WayToSource::NoRole => role("seed"),
            WayToSource::ChangePlaces => topology("primary", Some(host)),
            WayToSource::TurnChannel => topology("channels", None),
        }],
        DataRefused::OnBoth { copies: Copies::Made, saved: true, .. } => {
            vec![allow(Allow::DiscardErrant), allow(Allow::Reseed)]
        }
        DataRefused::OnBoth { source, copies, .. }
        | DataRefused::SourcePurged { source, copies, .. }
        | DataRefused::MovedApart { source, copies, .. } => vec![copy(*copies, source)],
        DataRefused::SharedDomain { .. } => vec![set_to("replication_positioning", "file")],
        DataRefused::MoveNeedsGtid { source, gtid, copies, .. } => {
            by_gtid(*gtid).into_iter().chain(copies.map(|copies| copy(copies, source))).collect()
        }
        DataRefused::GivenPosition { .. } => vec![set("seed_position")],
        DataRefused::WayBackNeedsGtid { gtid, .. } => {
            vec![by_gtid(*gtid).unwrap_or_else(|| topology("channels", None))]
        }
    }
}

fn of_channel(host: &HostName, why: &ChannelRefused) -> Vec<Next> {
    match why {
        ChannelRefused::Broken { or_copy, start, .. } => {
            let doctor = Next::Run { on: None, command: "tandem doctor PLAYBOOK".to_owned() };
            let start = start.clone().map(|command| Next::Run { on: Some(host.clone()), command });
            std::iter::once(doctor).chain(start).chain(or_copy.then(|| allow(Allow::Reseed))).collect()
        }
        ChannelRefused::Filter => vec![topology("filters", None)],
        ChannelRefused::GtidModeOff { .. } => {
            vec![set_to("gtid_mode", "ON"), set_to("replication_positioning", "file")]
        }
        ChannelRefused::PlaceLost { statement, .. } => {
            vec![Next::Run { on: Some(host.clone()), command: statement.clone() }]
        }
        ChannelRefused::OneChannel { .. } => vec![topology("channels", None)],
        ChannelRefused::GtidModeOffline { .. } => vec![set_to("replication_positioning", "file")],
        ChannelRefused::OldTls { .. } => vec![set_to("replication_tls", "off")],
        ChannelRefused::DelayedTakeover { slow, ending, .. } => {
            vec![Next::Run { on: Some(slow.clone()), command: ending.join("; ") }]
        }
        // What is closed by hand would be opened again.
        ChannelRefused::WritersNotOne { open_at, .. } if !open_at.is_empty() => vec![set("mysql_settings")],
        ChannelRefused::WritersNotOne { writers, .. } => {
            let close = |host: &HostName| Next::Run {
                on: Some(host.clone()),
                command: "SET GLOBAL read_only = ON".to_owned(),
            };
            writers.iter().skip(1).map(close).collect()
        }
        ChannelRefused::XaPrepared { on, .. } => {
            vec![Next::Run { on: Some(on.clone()), command: "XA RECOVER".to_owned() }]
        }
        ChannelRefused::ApplierStopped { slow, ending } => {
            vec![Next::Run { on: Some(slow.clone()), command: ending.join("; ") }]
        }
        ChannelRefused::OtherParameters { values, .. } => values.iter().map(|(name, ..)| set(name)).collect(),
        ChannelRefused::TargetBroken { .. } => {
            vec![Next::Run { on: None, command: "tandem doctor PLAYBOOK".to_owned() }]
        }
        ChannelRefused::TargetBehind { .. } => {
            vec![Next::Run { on: None, command: "tandem status --watch PLAYBOOK".to_owned() }]
        }
        ChannelRefused::PasswordTooLong { .. } => vec![set("replication_password")],
        ChannelRefused::NoCertificate { issued } => {
            vec![role(if *issued { "config" } else { "tls" }), set_to("replication_tls", "off")]
        }
        ChannelRefused::NoAuthority { .. } => vec![role("tls"), set("replication_tls_ca")],
        ChannelRefused::AccountForAName { .. } => vec![set("replication_address")],
        ChannelRefused::NoAccount { .. } | ChannelRefused::AccountUnfit { .. } => vec![role("accounts")],
    }
}

fn of_takeover(host: &HostName, why: &TakeoverRefused) -> Vec<Next> {
    match why {
        TakeoverRefused::StillAlive { seen: Alive::Server, .. } => vec![
            topology("lost", None),
            Next::Run { on: None, command: format!("tandem switchover PLAYBOOK --to {host}") },
        ],
        TakeoverRefused::StillAlive { seen: Alive::Port { .. }, .. } => {
            let command = format!("tandem failover PLAYBOOK --to {host} --fence COMMAND");
            vec![Next::Run { on: None, command }]
        }
        TakeoverRefused::NotSuperset { best: Some(best), .. } => {
            vec![Next::Run { on: None, command: format!("tandem failover PLAYBOOK --to {best}") }]
        }
        TakeoverRefused::WritesElsewhere { unread, .. } if !unread.is_empty() => {
            unread.iter().map(|unread| topology("lost", Some(unread))).collect()
        }
        TakeoverRefused::WritesElsewhere { closed_at: Some(_), .. } => vec![set("mysql_settings")],
        TakeoverRefused::WritesElsewhere { .. } => {
            vec![Next::Run { on: None, command: format!("tandem switchover PLAYBOOK --to {host}") }]
        }
        TakeoverRefused::OtherWriter { behind, .. } if !behind.is_empty() => {
            let close = || "SET GLOBAL read_only = ON".to_owned();
            behind.iter().map(|open| Next::Run { on: Some(open.clone()), command: close() }).collect()
        }
        TakeoverRefused::OtherWriter { writers, .. } => {
            let on = |writer: &HostName| format!("tandem failover PLAYBOOK --to {writer}");
            writers.iter().map(|writer| Next::Run { on: None, command: on(writer) }).collect()
        }
        TakeoverRefused::GoneApart { .. } => {
            vec![Next::Run { on: None, command: "tandem doctor PLAYBOOK".to_owned() }]
        }
        TakeoverRefused::DeclaredClosed { .. } | TakeoverRefused::OldWriterDeclaredOpen { .. } => {
            vec![set("mysql_settings")]
        }
        TakeoverRefused::NoStandIn { .. } => vec![set_to("restart_primary", "in_place")],
        TakeoverRefused::NotSuperset { ahead, .. } => {
            ahead.iter().map(|ahead| topology("lost", Some(&ahead.replica))).collect()
        }
    }
}

fn of_setting(host: &HostName, why: &SettingRefused) -> Vec<Next> {
    match why {
        SettingRefused::NoPlace | SettingRefused::NotOurs { .. } | SettingRefused::NotRead { .. } => {
            vec![set("mysql_option_file")]
        }
        SettingRefused::Former { former, path } => {
            let command = format!("mv {former} {path}");
            vec![Next::Run { on: Some(host.clone()), command }, set("mysql_option_file")]
        }
        SettingRefused::ReadsNoFiles { unit } => {
            let command = format!("systemctl edit --full {unit} && systemctl restart {unit}");
            vec![Next::Run { on: Some(host.clone()), command }]
        }
        SettingRefused::DiskFull { datadir, .. } => {
            vec![Next::MakeRoom { on: host.clone(), path: datadir.clone() }]
        }
        SettingRefused::Unknown { name, .. }
        | SettingRefused::NotTaken { name, .. }
        | SettingRefused::KeepsServerDown { name, .. } => vec![set(name)],
        SettingRefused::Overridden { file, line, .. } => {
            vec![Next::EditFile { on: host.clone(), file: file.clone(), line: *line }]
        }
        SettingRefused::LeavesOut { variable, written, .. } => {
            let line = written.iter().map(|(file, line)| Next::EditFile {
                on: host.clone(),
                file: file.clone(),
                line: *line,
            });
            [set(variable)].into_iter().chain(line).collect()
        }
        SettingRefused::Argument { unit, at, .. } => {
            let edit = at.iter().map(|(file, line)| Next::EditFile {
                on: host.clone(),
                file: file.clone(),
                line: *line,
            });
            let restart = format!("systemctl daemon-reload && systemctl restart {unit}");
            edit.chain([Next::Run { on: Some(host.clone()), command: restart }]).collect()
        }
        SettingRefused::Disputed { at: Some((file, line)), .. }
        | SettingRefused::FilesRefused { at: Some((file, line)), .. } => {
            vec![Next::EditFile { on: host.clone(), file: file.clone(), line: *line }]
        }
        SettingRefused::Disputed { at: None, .. } | SettingRefused::FilesRefused { at: None, .. } => {
            let look = "my_print_defaults mysqld server mariadb mariadbd".to_owned();
            vec![Next::Run { on: Some(host.clone()), command: look }]
        }
        SettingRefused::Failed { setting, .. } => {
            let again = "rm /var/lib/tandem/restart/state".to_owned();
            let again = Next::Run { on: Some(host.clone()), command: again };
            setting.iter().map(|(name, _)| set(name)).chain([again]).collect()
        }
    }
}

fn of_server(host: &HostName, why: &ServerRefused) -> Vec<Next> {
    let on = host.clone();
    match why {
        ServerRefused::NoPackageManager => vec![Next::Install { on, what: "a database server".to_owned() }],
        ServerRefused::DataWithout { data, .. } => vec![Next::MoveAway { on, what: vec![data.clone()] }],
        ServerRefused::OtherFamily { .. } => vec![set("mysql_server_package")],
        ServerRefused::Masked { unit } => {
            vec![Next::Run { on: Some(on), command: format!("systemctl unmask {unit}") }]
        }
    }
}

fn of_firewall(host: &HostName, why: &FirewallRefused) -> Vec<Next> {
    match why {
        FirewallRefused::OtherBackend { .. } => vec![set_to("firewall_backend", "auto")],
        FirewallRefused::Missing => vec![
            Next::Install { on: host.clone(), what: "nftables".to_owned() },
            set_to("firewall_deny_others", "false"),
        ],
        FirewallRefused::Name { .. } => vec![set("replication_address"), set("firewall_allow")],
    }
}

fn of_authority(why: &AuthorityRefused) -> Vec<Next> {
    match why {
        AuthorityRefused::Unreadable { file, .. } => vec![Next::Restore { file: file.clone() }],
        AuthorityRefused::Another { directory, .. } => {
            vec![Next::Restore { file: directory.clone() }, allow(Allow::NewAuthority)]
        }
        AuthorityRefused::Ended { .. } => vec![allow(Allow::NewAuthority)],
        AuthorityRefused::KeyMissing { key, .. } => vec![Next::Restore { file: key.clone() }],
    }
}
