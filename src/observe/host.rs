//! Turns the sections of the host script into facts.

use std::collections::{BTreeMap, BTreeSet};

use super::{DiskFacts, HostFacts, OsFacts, Reach, ServiceFacts, down, restart};
use crate::{
    certificate::{CertificateFacts, PublicKey},
    firewall,
    model::{Endpoint, Fact},
    option_file::{Asked, Files, UnitLine, arguments},
    role_unit::RoleUnitFacts,
    transport::Sections,
};

/// The whole script.
pub const SCRIPT: &str = concat!(
    include_str!("host.sh"),
    include_str!("down.sh"),
    include_str!("../firewall/observe.sh"),
    "\nsection end\n"
);

/// Facts of a host without its server.
pub(super) fn facts(sections: &Sections<'_>) -> HostFacts {
    let os = os(sections);
    let process = process(sections);
    let root = os.root;
    let limited = |what: &str| format!("{what} can only be read by root; set ansible_become");
    HostFacts {
        admins: Fact::Absent,
        prepared: Fact::Absent,
        service: service(sections, process.pid),
        option_files: option_files(sections, &process),
        server: Fact::Unread("not asked yet".into()),
        down: down::facts(sections),
        restart: restart::record(sections),
        firewall: match root {
            true => firewall::read(sections).map_or_else(Fact::Unread, Fact::Known),
            false => Fact::Unread(limited("the packet filter")),
        },
        disk: disk(sections),
        reach: BTreeMap::new(),
        far_ends: BTreeMap::new(),
        seeds: record(sections, "seed"),
        shared_uuids: sections
            .text("shared-uuids")
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_lowercase)
            .collect(),
        content: Fact::Absent,
        demands: None,
        takes: None,
        errant: Fact::Absent,
        retention: record(sections, "retention"),
        values: record(sections, "values"),
        locked: record(sections, "locked"),
        asked: super::ValuesAsked::default(),
        role_unit: match root {
            true => RoleUnitFacts::read(&sections.text("role-unit").unwrap_or_default())
                .map_or(Fact::Absent, Fact::Known),
            false => Fact::Unread(limited("the unit that opens the writer")),
        },
        certificate: CertificateFacts {
            authority: sections.text("tls-ca").unwrap_or_default(),
            certificate: sections.text("tls-certificate").unwrap_or_default(),
            key: sections.text("tls-key").unwrap_or_default().trim().to_owned(),
            public: public_key(&sections.text("tls-public").unwrap_or_default()),
        },
        resources: super::Answers::default(),
        channel_passwords: channel_passwords(sections),
        os,
    }
}

/// The option files in what the script has printed.
pub fn files_of_host(output: &[u8], nonce: &str) -> Fact<Files> {
    let sections = Sections::cut(output, nonce);
    option_files(&sections, &process(&sections))
}

/// The public part of the server's key, in the words of the script.
fn public_key(text: &str) -> PublicKey {
    /// SHA-256 of nothing: openssl gave no key.
    const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    match text.trim().split_once(' ') {
        Some(("info", NOTHING)) => PublicKey::Broken,
        Some(("info", digest)) => PublicKey::Info(digest.to_owned()),
        Some(("point", point)) => PublicKey::Point(point.to_owned()),
        _ => PublicKey::Unknown,
    }
}

/// Whether the host has no database server at all: no unit, no program, no process, and everything was looked at.
pub(super) fn has_no_server(facts: &HostFacts, sections: &Sections<'_>) -> bool {
    let process = process(sections);
    let programs = ["mariadbd", "mysqld"].iter().any(|p| facts.os.tools.contains_key(*p));
    facts.service == Fact::Absent && !programs && process.pid.is_none() && !process.named
}

/// Which process is the server, and which sockets are its own.
#[derive(Debug, Default)]
pub(super) struct Process {
    /// The process, told by systemd and not by its name.
    pub pid: Option<u32>,
    /// Whether some process bears a server's name, whoever's it is.
    pub named: bool,
    /// The program that the unit runs, where it is no server.
    pub other: Option<String>,
    /// Why a process that systemd tells is not trusted.
    pub untrusted: Option<String>,
    /// Who runs it, or will run it.
    pub uid: Option<u32>,
    /// Sockets that belong to it.
    pub sockets: Vec<String>,
    /// Sockets that are there and belong to somebody else.
    pub refused: Vec<String>,
    /// Sockets that others than root and the server's user may exchange.
    pub shared: Vec<String>,
}

/// Which process is the server.
pub(super) fn process(sections: &Sections<'_>) -> Process {
    let mut process = Process::default();
    let tree = sections.text("option-tree").unwrap_or_default();
    let sockets = sections.text("sockets").unwrap_or_default();
    for (key, value) in tree.lines().take(4).chain(sockets.lines()).filter_map(|line| line.split_once(' ')) {
        match key {
            "pid" => process.pid = value.trim().parse().ok(),
            "named" => process.named = !value.trim().is_empty(),
            "other" => process.other = Some(value.trim().to_owned()).filter(|program| !program.is_empty()),
            "untrusted" => process.untrusted = Some(value.trim().to_owned()).filter(|why| !why.is_empty()),
            "uid" => process.uid = value.trim().parse().ok(),
            "socket" => process.sockets.push(value.to_owned()),
            "refused" => process.refused.push(value.to_owned()),
            "shared" => process.shared.push(value.to_owned()),
            _ => {}
        }
    }
    process
}

/// A record of ours below `/var/lib/tandem`.
fn record<T: serde::de::DeserializeOwned>(sections: &Sections<'_>, name: &str) -> Fact<T> {
    match sections.text(name).filter(|t| !t.trim().is_empty()) {
        None => Fact::Absent,
        Some(text) => serde_json::from_str(&text).map_or_else(
            |e| Fact::Unread(format!("/var/lib/tandem/{name}.json makes no sense: {e}")),
            Fact::Known,
        ),
    }
}

fn os(sections: &Sections<'_>) -> OsFacts {
    let release = sections.pairs("os");
    let host = sections.pairs("host");
    let text = |map: &BTreeMap<String, String>, key: &str| map.get(key).cloned().unwrap_or_default();
    OsFacts {
        pretty: text(&release, "PRETTY_NAME"),
        id: text(&release, "ID"),
        hostname: text(&host, "hostname"),
        addresses: sections
            .text("addresses")
            .unwrap_or_default()
            .split_whitespace()
            .filter(|a| !a.starts_with("127.") && *a != "::1")
            .map(str::to_owned)
            .collect(),
        root: host.get("uid").is_some_and(|uid| uid == "0"),
        clock: text(&host, "clock").parse().unwrap_or(0.0),
        ahead: None,
        systemd: host.get("init").is_some_and(|i| i == "systemd"),
        // Of two the one beside the server is taken.
        tools: ["tools", "tools-beside"]
            .iter()
            .flat_map(|name| {
                sections.text(name).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .filter_map(|path| Some((path.rsplit('/').next()?.to_owned(), path)))
            .collect(),
    }
}

/// `systemctl show` of several units: blocks of `Key=value`, with empty lines in between.
fn service(sections: &Sections<'_>, pid: Option<u32>) -> Fact<ServiceFacts> {
    let text = sections.text("service").unwrap_or_default();
    if !text.contains("LoadState=") {
        let said = text.lines().next().unwrap_or("nothing").to_owned();
        return Fact::Unread(format!("systemctl says: {said}"));
    }
    let mut units: Vec<ServiceFacts> = Vec::new();
    for block in text.split("\n\n") {
        let fields: BTreeMap<&str, &str> = block.lines().filter_map(|l| l.split_once('=')).collect();
        let get = |key: &str| fields.get(key).copied().unwrap_or_default();
        // One that is masked is there, and can't be started.
        if !matches!(get("LoadState"), "loaded" | "masked") {
            continue;
        }
        units.push(ServiceFacts {
            masked: get("LoadState") == "masked",
            unit: get("Id").to_owned(),
            active: get("ActiveState").to_owned(),
            enabled: starts_at_boot(get("UnitFileState"), get("WantedBy")),
            result: get("Result").to_owned(),
            main_pid: get("MainPID").parse().unwrap_or(0),
            user: get("User").to_owned(),
        });
    }
    // `mysql` is often an alias of `mariadb`: then both blocks are the same unit.
    let running = units.iter().find(|u| pid.is_some() && Some(u.main_pid) == pid);
    running.or_else(|| units.iter().find(|u| !u.masked)).or_else(|| units.first()).cloned().into()
}

/// Whether a unit starts at boot. One that systemd makes of a script in /etc/init.d has no file to be enabled: it is wanted by
/// a target, or not.
fn starts_at_boot(state: &str, wanted_by: &str) -> bool {
    state.starts_with("enabled") || state == "generated" && !wanted_by.is_empty()
}

/// Files and directories of the chain that another user than root and the server's own may write to. What the server leaves
/// out for that stands not in the chain.
fn meddled(sections: &Sections<'_>, process: &Process) -> Option<String> {
    let owners = sections.text("option-owners").unwrap_or_default();
    owners.lines().find_map(|line| {
        let mut fields = line.splitn(4, ':');
        let (owner, mode, path) = (fields.nth(1)?, fields.next()?, fields.next()?);
        let owner: u32 = owner.parse().ok()?;
        let mode = u32::from_str_radix(mode, 8).ok()?;
        if owner != 0 && Some(owner) != process.uid {
            return Some(format!(
                "{path} belongs to uid {owner}, who could change what the server does; give it to root: chown root {path}"
            ));
        }
        (mode & 0o002 != 0).then(|| {
            format!("every user may write to {path} and change what the server does; take that away: chmod o-w {path}")
        })
    })
}

fn option_files(sections: &Sections<'_>, process: &Process) -> Fact<Files> {
    let tree = sections.text("option-tree").unwrap_or_default();
    let mut files = Files::default();
    let mut order: Vec<String> = Vec::new();
    let (mut words, mut by_script) = (Vec::new(), false);
    for line in tree.lines() {
        match line.split_once(' ') {
            Some(("F", path)) => order.push(path.to_owned()),
            Some(("D", path)) => files.directories.push(path.to_owned()),
            Some(("G", "--no-defaults")) => files.no_defaults = true,
            Some(("G", word)) => words.push(word.to_owned()),
            Some(("B", _)) => by_script = true,
            Some(("I", path)) => files.ignored.push(path.to_owned()),
            Some(("X", suffix)) => suffix.clone_into(&mut files.group_suffix),
            Some(("T", path)) => return Fact::Unread(format!("the option file {path} is larger than 4 MiB")),
            _ => {}
        }
    }
    if let Some(why) = process.untrusted.clone().or_else(|| meddled(sections, process)) {
        return Fact::Unread(why);
    }
    let words = process.pid.is_some().then_some(words.as_slice());
    files.arguments = arguments(words, &unit_lines(sections), by_script);
    files.asked = Asked::read(&sections.text("option-defaults").unwrap_or_default());
    files.before_start = before_start(sections);
    // `wc -c` prints a total below several files.
    let sizes = sections.text("option-sizes").unwrap_or_default();
    let mut sizes: Vec<(usize, String)> = sizes
        .lines()
        .filter_map(|l| l.trim_start().split_once(' '))
        .filter_map(|(size, path)| Some((size.parse().ok()?, path.to_owned())))
        .collect();
    if sizes.len() > 1 {
        sizes.pop();
    }
    let mut bytes = sections.bytes("option-bytes").unwrap_or_default();
    for (size, path) in sizes {
        if size > bytes.len() {
            return Fact::Unread("an option file changed while it was read; try again".into());
        }
        let (content, rest) = bytes.split_at(size);
        bytes = rest;
        if order.contains(&path) {
            files.files.push((path, content.to_vec()));
        } else {
            files.outside.insert(path, content.to_vec());
        }
    }
    if !bytes.is_empty() {
        return Fact::Unread("an option file changed while it was read; try again".into());
    }
    if order.is_empty() && !files.no_defaults { Fact::Absent } else { Fact::Known(files) }
}

/// Files and directories of the chain that have not changed since the server's process was started, by the host's clock.
fn before_start(sections: &Sections<'_>) -> BTreeSet<String> {
    /// Of a second: `USER_HZ`, in which the kernel tells all programs its times (proc(5)).
    const TICKS: f64 = 100.0;
    let host = sections.pairs("host");
    let number = |key: &str| host.get(key)?.parse::<f64>().ok();
    let times = sections.text("option-times").unwrap_or_default();
    let mut lines = times.lines().filter_map(|line| line.split_once(' '));
    let started =
        lines.clone().find(|(key, _)| *key == "started").and_then(|(_, ticks)| ticks.parse::<f64>().ok());
    let (Some(clock), Some(uptime), Some(ticks)) = (number("clock"), number("uptime"), started) else {
        return BTreeSet::new();
    };
    let started = clock - (uptime - ticks / TICKS);
    // A container may be told an uptime of its own, and then nothing is known.
    if ticks / TICKS > uptime {
        return BTreeSet::new();
    }
    let before = |(time, path): (&str, &str)| {
        (time.parse::<f64>().ok()? < started).then(|| path.trim_end_matches('/').to_owned())
    };
    lines.by_ref().filter_map(before).collect()
}

/// Lines `FILE:NUMBER:TEXT` of a unit's own files.
fn unit_lines(sections: &Sections<'_>) -> Vec<UnitLine> {
    let read = |line: &str| {
        let mut fields = line.splitn(3, ':');
        let (file, number) = (fields.next()?.to_owned(), fields.next()?.parse().ok()?);
        Some(UnitLine { file, line: number, text: fields.next()?.to_owned() })
    };
    sections.text("unit-lines").unwrap_or_default().lines().filter_map(read).collect()
}

fn disk(sections: &Sections<'_>) -> Fact<DiskFacts> {
    let text = sections.text("disk").unwrap_or_default();
    let pairs = sections.pairs("disk");
    let datadir = pairs.get("datadir").cloned().unwrap_or_default();
    // Of the directory, and of the one in which it lies.
    let devices: Vec<&str> = pairs.get("devices").map(|d| d.split_whitespace().collect()).unwrap_or_default();
    let one_file_system = matches!(devices.as_slice(), [own, above] if own == above);
    let number = |field: Option<&str>| field?.parse::<u64>().ok();
    // The size of a block, all blocks, and those that are free for everybody.
    let stat = pairs.get("space").and_then(|space| {
        let mut fields = space.split_whitespace();
        let block = number(fields.next())?;
        let (all, free) = (number(fields.next())?, number(fields.next())?);
        Some((all.saturating_mul(block), free.saturating_mul(block)))
    });
    // `df -Pk`: the device, all kibibytes, those in use, those that are free.
    let df = || {
        text.lines().rev().find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let kibibytes = |n: usize| number(fields.get(n).copied()).map(|k| k.saturating_mul(1024));
            Some((kibibytes(1)?, kibibytes(3)?))
        })
    };
    match stat.or_else(df) {
        Some((total, free)) => Fact::Known(DiskFacts {
            datadir,
            free,
            total,
            owner: sections.text("datadir-owner").unwrap_or_default().trim().to_owned(),
            file_system: pairs.get("type").cloned().unwrap_or_default(),
            renamable: !pairs.contains_key("link") && one_file_system,
        }),
        None => Fact::Unread(format!("the space at {datadir} is not known")),
    }
}

/// Lines `DIGEST  - master.info`.
fn channel_passwords(sections: &Sections<'_>) -> BTreeMap<String, String> {
    sections
        .text("channel-passwords")
        .unwrap_or_default()
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let digest = fields.next()?.to_owned();
            Some((fields.next_back()?.to_owned(), digest))
        })
        .collect()
}

/// Lines `ADDRESS PORT open`, or with a reason.
pub(super) fn reach(text: &str) -> BTreeMap<Endpoint, Reach> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, ' ');
            let address = fields.next()?.to_owned();
            let port = fields.next()?.parse().ok()?;
            let result = match fields.next()? {
                "open" => Reach::Open,
                reason => Reach::Failed(reason.to_owned()),
            };
            Some((Endpoint { address, port }, result))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every section of the script, in the script's own order.
    fn sections() -> Vec<&'static str> {
        let names: Vec<&str> = SCRIPT
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("section "))
            .filter_map(|rest| rest.split([' ', ';']).next())
            .filter(|name| !name.starts_with('"') && !name.starts_with('$'))
            .collect();
        assert!(names.len() > 10, "{names:?}");
        names
    }

    proptest::proptest! {
        /// Whatever a host says in whatever section, it is facts or a reason, and no panic.
        #[test]
        fn nonsense_of_a_host_is_taken(
            texts in proptest::collection::vec(
                "(root|=|yes|enabled|active|nft|iptables|ufw|firewalld|\\{|\\}|\\[|\"|:|,|-A INPUT|/|[0-9]{1,22}|[a-z]{1,6}|\\n| |\\PC){0,30}", 5..6,
            ),
        ) {
            let mut output = Vec::new();
            for (name, text) in sections().iter().zip(texts.iter().cycle()) {
                output.extend(format!("\n@@n {name}\n{text}").into_bytes());
            }
            let said = facts(&Sections::cut(&output, "n"));
            let _ = reach(&texts[0]);
            proptest::prop_assert!(said.server.known().is_none());
        }
    }
}
