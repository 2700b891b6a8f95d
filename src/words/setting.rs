//! Server variables.

use super::down::failed_start;
use crate::{
    doctor::FailedStart,
    model::{HostName, bytes, visible},
    plan::{SettingRefused, ValueRefused},
};

/// Why a variable is not set on a host, and what to do.
pub(super) fn refused(host: &HostName, why: &SettingRefused) -> String {
    match why {
        SettingRefused::NoPlace => {
            "the server reads no option file in which a directory could be included; make /etc/my.cnf with a line `!includedir \
             /etc/my.cnf.d`, and that directory, or set mysql_option_file"
                .to_owned()
        }
        SettingRefused::NotOurs { path } => format!(
            "{path} (mysql_option_file) was not written by tandem, and would be replaced as a whole. Take mysql_option_file out: \
             tandem keeps a file of its own beside yours."
        ),
        SettingRefused::NotRead { path } => format!(
            "the server reads no file at {path} (mysql_option_file), so nothing in it would count. Take mysql_option_file out, or \
             name a file that ends in .cnf in a directory that its option files include."
        ),
        SettingRefused::Former { former, path } => moved(host, former, path),
        SettingRefused::ReadsNoFiles { unit } => format!(
            "the server of {unit} is started with --no-defaults and reads no option file, so no setting would last. Take it \
             out of the unit (`systemctl edit --full {unit}`) and restart the server."
        ),
        SettingRefused::DiskFull { free, datadir } => {
            format!("a restart needs room, and {datadir} has {} free. Make room there first.", bytes(*free))
        }
        SettingRefused::Unknown { name, place, version, near } => {
            let hint = near.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
            format!("{version} has no variable `{name}` ({place}){hint}")
        }
        SettingRefused::NotTaken { name, place, value, why } => {
            format!("`{name}` ({place}) can't be {}: {}. Correct it there.", visible(value), not_taken(why))
        }
        SettingRefused::Overridden { name, place, file, line, value } => format!(
            "`{name}` ({place}) would not count: {file}:{line} is read later and says {value}. Take it out there."
        ),
        SettingRefused::LeavesOut { name, values, skips, variable, written } => {
            leaves_out(name, values, *skips, variable, written.as_ref())
        }
        SettingRefused::Argument { name, place, value, unit, at, runs } => {
            let at = at_line(at.as_ref());
            let server = if *runs { "was started" } else { "will be started" };
            format!(
                "`{name}` ({place}) would not count: the server of {unit} {server} with an argument{at} that says {value}. \
                 Take it out of the unit and restart the server, or declare that value."
            )
        }
        SettingRefused::Disputed { name, place, ours, server, at } => {
            let at = at_line(at.as_ref());
            let (ours, server) = read_by_both(ours.as_ref(), server.as_ref());
            format!(
                "`{name}` ({place}) is left alone: out of its option files the server reads {server}, and tandem reads \
                 {ours}{at}. Write it once in one plain line, or take it out of the files."
            )
        }
        SettingRefused::FilesRefused { said, at } => format!(
            "the server would not start with its option files: {said}{}. Correct that first.",
            at_line(at.as_ref())
        ),
        SettingRefused::Failed { setting, path, why } => {
            let what = match setting {
                Some((name, place)) => format!("`{name}` ({place})"),
                None => format!("this {path}"),
            };
            failed(host, &what, why)
        }
        SettingRefused::KeepsServerDown { name, place, file, line } => format!(
            "the server does not start with `{name}` ({place}), which stands in {file}:{line}. Correct it in the \
             inventory."
        ),
    }
}

fn moved(host: &HostName, former: &str, path: &str) -> String {
    format!(
        "tandem's option file is {former}, and shall be {path}: both would count. Move it there on {host} (mv {former} {path}), \
         or name {former} in mysql_option_file. Nothing was changed."
    )
}

fn leaves_out(
    name: &str,
    values: &[String],
    skips: bool,
    variable: &str,
    written: Option<&(String, u32)>,
) -> String {
    let place = at_line(written);
    let way = if written.is_some() { ", or take the line out there" } else { "" };
    let values = visible(&values.join(", "));
    let what = match skips {
        true => "changes that fail are left out without a word",
        false => "what it leaves out never arrives",
    };
    format!(
        "`{name}` is {values} there{place}, and nobody declared it: {what}. Declare it with {variable}{way}."
    )
}

fn failed(host: &HostName, what: &str, why: &FailedStart) -> String {
    format!(
        "the server did not start with {what} the last time, and the host put the old file back: {}. Correct it \
         in the inventory. To try the same file again once another cause is fixed, first run on {host}: rm \
         /var/lib/tandem/restart/state",
        failed_start(why)
    )
}

/// Where a line stands, behind what it is about.
pub(super) fn at_line(at: Option<&(String, u32)>) -> String {
    at.map(|(file, line)| format!(" ({file}:{line})")).unwrap_or_default()
}

/// Why a server does not take a value.
fn not_taken(why: &ValueRefused) -> String {
    match why {
        ValueRefused::Range(least, most) => format!(
            "the server takes a number from {least} to {most}, with K, M, G or T behind it where it counts bytes"
        ),
        ValueRefused::Said(said) => format!("the server says: {}", visible(said.trim_end_matches('.'))),
        ValueRefused::NoDirectory(path) => format!("{} is no directory on the host", visible(path)),
        ValueRefused::Closed(path) => {
            format!("the server's user can't write in {}, as its unit lets it see the host", visible(path))
        }
        ValueRefused::Unreadable(path) => format!("the server's user can't read {}", visible(path)),
        ValueRefused::NotPem(path) => {
            format!("{} is not a certificate or key in PEM format", visible(path))
        }
        ValueRefused::LessThan(other, value) => {
            format!("the server takes no less than {other}, which is {}", visible(value))
        }
        ValueRefused::NoAddress(address) => {
            format!("{} is no address of the host, and its server would not start", visible(address))
        }
        ValueRefused::NoMemory(memory) => {
            format!("the host has {} of memory, with swap, and its server would not start", bytes(*memory))
        }
        ValueRefused::WayIn(running) => format!(
            "the server is reached through {} until it has come up again. Change the socket in an option file of yours and \
             restart the server, then take it out here",
            visible(running)
        ),
        ValueRefused::NotHeard { replica, address } => {
            format!("{replica} replicates from {}, and no server would listen there", visible(address))
        }
        ValueRefused::MadeWith(running) => format!(
            "the data directory was made with {}, and its server starts with nothing else",
            visible(running)
        ),
        ValueRefused::Runs(running) => {
            format!("the server was given it and runs with {}", visible(running))
        }
    }
}

/// What was read here and what the server reads, each for a person.
pub(super) fn read_by_both(ours: Option<&String>, server: Option<&String>) -> (String, String) {
    let word = |value: Option<&String>| value.map_or_else(|| "no value".to_owned(), |value| visible(value));
    (word(ours), word(server))
}
