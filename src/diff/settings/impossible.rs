//! What no file of ours can give a server: a name that it does not know, a later place that says something else, and
//! files about which the server itself says something else than was read.

use std::net::IpAddr;

use super::Comparison;
use crate::{
    desired::{DesiredChannel, DesiredHost, DesiredSetting},
    diff::Draft,
    doctor::refused_by_program,
    model::{Fact, STARS, ServerVersion, variables::looks_secret, visible},
    observe::{HostFacts, NotTaken},
    option_file::{Argument, Asked, Dispute, Files, OWNED_HEADER, Occurrence, canonical_value, same_value},
    plan::{Part, ServerFinding, SettingRefused, ValueRefused, WaitsFor},
    source::closest,
};

/// The option files of a host; nothing where they don't count or were not read, and that is said.
pub(super) fn option_files<'a>(
    host: &DesiredHost,
    facts: &'a HostFacts,
    none: &'a Files,
    draft: &mut Draft,
) -> Option<&'a Files> {
    match &facts.option_files {
        Fact::Known(files) if files.no_defaults => {
            let known = facts.service.known().map(|service| service.unit.clone());
            let unit = host.service.clone().or(known).unwrap_or_default();
            draft.refuse(&host.name, SettingRefused::ReadsNoFiles { unit });
            None
        }
        Fact::Known(files) => Some(files),
        // It reads none: there is only the place that is declared.
        Fact::Absent => Some(none),
        Fact::Unread(why) => {
            draft.wait(&host.name, WaitsFor::part(Part::OptionFiles, why));
            None
        }
    }
}

/// What is to know of a host's option files, whatever is wished of it.
pub(super) fn findings(host: &DesiredHost, facts: &HostFacts, files: &Files, draft: &mut Draft) {
    for path in &files.ignored {
        draft.warn(&host.name, ServerFinding::FileIgnored { path: path.clone() });
    }
    let finding = match &files.asked {
        Asked::Unasked(Some(why)) => ServerFinding::OptionsUnasked { why: why.clone() },
        // Where settings are declared that is refused.
        Asked::Refused(said) if host.settings.is_none() => {
            ServerFinding::WouldNotStart { said: first_words(said), at: files.asked.place() }
        }
        _ => {
            let wished = |dispute: &Dispute| {
                let server = facts.server.known();
                let name = server.map_or(dispute.name.clone(), |s| s.known().meant(&dispute.name, None).0);
                host.settings.iter().flatten().any(|wish| wish.name == name && !wish.values.is_empty())
            };
            for dispute in files.disputes(facts.version()).iter().filter(|dispute| !wished(dispute)) {
                let (ours, server) = sides(dispute);
                let name = dispute.name.clone();
                draft.warn(&host.name, ServerFinding::OptionReadOtherwise { name, ours, server });
            }
            return;
        }
    };
    draft.warn(&host.name, finding);
}

/// What the server's program says of the other option files if it does not take them, and the file and the line that are
/// to blame.
pub(super) fn broken(facts: &HostFacts, files: &Files, path: &str) -> Option<(String, (String, u32))> {
    let server = facts.server.known()?;
    let others: Vec<Occurrence> =
        files.meant(server.known()).into_iter().filter(|one| one.file != path).collect();
    let knows = |name: &str| server.variables.contains_key(name);
    let (said, option) = refused_by_program(&facts.asked.broken, &others, knows)?;
    Some((visible(said.trim_end_matches('.')), (option.file.clone(), option.line)))
}

/// Tells of other option files with which the server runs on, and would not start again.
pub(super) fn warn_of_broken(
    host: &DesiredHost,
    facts: &HostFacts,
    files: &Files,
    path: &str,
    draft: &mut Draft,
) {
    if let Some((said, at)) = broken(facts, files, path) {
        draft.warn(&host.name, ServerFinding::WouldNotStart { said, at: Some(at) });
    }
}

/// Whether the server would not start with its files, which then is refused.
pub(super) fn refuse_files(host: &DesiredHost, files: &Files, path: &str, draft: &mut Draft) -> bool {
    let Asked::Refused(said) = &files.asked else { return false };
    let at = files.asked.place();
    // What stands in our own file is what is written anew.
    if at.as_ref().is_some_and(|(file, _)| file == path) {
        return false;
    }
    draft.refuse(&host.name, SettingRefused::FilesRefused { said: first_words(said), at });
    true
}

/// Whether our file can't be where it shall be: the server would not read it there, tandem has written it elsewhere, or it
/// would take the place of one that tandem has not written. One without a line holds nothing.
pub(super) fn refuse_place(
    host: &DesiredHost,
    (files, version): (&Files, Option<ServerVersion>),
    path: &str,
    draft: &mut Draft,
) -> bool {
    if host.option_file.is_some() && !files.would_read(path) {
        draft.refuse(&host.name, SettingRefused::NotRead { path: path.to_owned() });
        return true;
    }
    if let Some(former) = files.former_owned(path, version) {
        draft.refuse(&host.name, SettingRefused::Former { former, path: path.to_owned() });
        return true;
    }
    let there = files.content(path).map(String::from_utf8_lossy);
    let foreign = host.option_file.is_some()
        && there.is_some_and(|text| !text.starts_with(OWNED_HEADER) && !text.trim().is_empty());
    if foreign {
        draft.refuse(&host.name, SettingRefused::NotOurs { path: path.to_owned() });
    }
    foreign
}

/// The words that say what is wrong, without what stands before them.
fn first_words(said: &str) -> String {
    let line = said.lines().find(|line| line.to_ascii_lowercase().contains("error")).unwrap_or(said);
    let line = line.split_once("[ERROR] ").map_or(line, |(_, words)| words);
    line.strip_prefix("error: ").unwrap_or(line).trim().to_owned()
}

/// What was read here, and what the server reads: the last of each, as it may be shown.
fn sides(dispute: &Dispute) -> (Option<String>, Option<String>) {
    let last = |values: &[Option<String>]| {
        let value = values.last()?;
        Some(shown(&dispute.name, value.as_deref().unwrap_or("ON")))
    };
    (last(&dispute.ours), last(&dispute.server))
}

/// A value as everybody may see it.
fn shown(name: &str, value: &str) -> String {
    if looks_secret(name) { STARS.to_owned() } else { value.to_owned() }
}

impl Comparison<'_> {
    /// Names that the server does not know, and later places that would win. True where something was refused.
    pub(super) fn refuse_impossible(&self, draft: &mut Draft) -> bool {
        let before = draft.refused.len();
        let known = self.server.known();
        let later = self.files.meant_after(self.path, known);
        let arguments: Vec<(String, Option<String>, &Argument)> = self
            .files
            .arguments
            .iter()
            .map(|one| {
                let (name, value) = known.meant(&one.name, one.value.as_deref());
                (name, value, one)
            })
            .collect();
        let disputes = self.files.disputes(Some(self.server.version));
        for wish in self.filed.iter().filter(|w| !w.values.is_empty()) {
            if self.refuse_unknown(wish, draft) {
                continue;
            }
            let refused = self.refuse_number(wish, draft)
                || self.refuse_less(wish, draft)
                || self.refuse_said(wish, draft)
                || self.refuse_unheard(wish, draft)
                || self.refuse_socket(wish, draft);
            if !refused {
                self.refuse_kept(wish, draft);
            }
            let other = |value: Option<&str>| {
                !wish.values.iter().any(|v| self.means_the_same(&wish.name, v, value.unwrap_or("ON")))
            };
            let said = |value: Option<&str>| match wish.place.vaulted {
                true => STARS.to_owned(),
                false => shown(&wish.name, value.unwrap_or("ON")),
            };
            let (name, place) = (wish.name.clone(), wish.place.clone());
            let dispute = disputes.iter().find(|d| known.meant(&d.name, None).0 == wish.name);
            // The last of the process counts, and the last of its unit from the next start on.
            let argument = [true, false].into_iter().find_map(|runs| {
                let mut of = arguments.iter().filter(|(name, _, one)| *name == wish.name && one.runs == runs);
                of.next_back().filter(|(_, value, _)| other(value.as_deref()))
            });
            let why = if let Some(dispute) = dispute {
                let (ours, server) = sides(dispute);
                SettingRefused::Disputed { name, place, ours, server, at: dispute.at.clone() }
            } else if let Some((_, value, one)) = argument {
                let (unit, at, runs) = (self.unit_name(), one.at.clone(), one.runs);
                SettingRefused::Argument { name, place, value: said(value.as_deref()), unit, at, runs }
            } else if let Some(winner) =
                later.iter().rfind(|o| self.may_mean(o, &wish.name)).filter(|o| other(o.value.as_deref()))
            {
                let (file, line) = (winner.file.clone(), winner.line);
                SettingRefused::Overridden { name, place, file, line, value: said(winner.value.as_deref()) }
            } else {
                continue;
            };
            draft.refuse(&self.host.name, why);
        }
        draft.refused.len() > before
    }

    /// Whether the server makes the same of two values, as far as that is known: it has shown what it makes of them, or they
    /// name the same files.
    fn means_the_same(&self, name: &str, wished: &str, other: &str) -> bool {
        let runs_as = |value: &str| {
            let running = self.server.variable(name);
            running.is_some_and(|now| same_value(name, value, now) || self.facts.makes(name, value, now))
        };
        let one_log = matches!(name, "log_bin" | "relay_log")
            && !matches!(canonical_value(name, wished).as_str(), "0" | "1")
            && self.log_base(wished) == self.log_base(other);
        same_value(name, wished, other) || one_log || (runs_as(wished) && runs_as(other))
    }

    /// Whether a mention may stand for a variable. What could mean several variables the server takes for the one that is an
    /// option, or that it reads before the others, such as `max_connections`; else it would not have started. What is as long
    /// as the name of a plugin says when that is loaded.
    fn may_mean(&self, mention: &Occurrence, name: &str) -> bool {
        let word = mention.name.as_str();
        let known = || self.server.variables.contains_key(word) || self.dialect.option_without_variable(word);
        let loads = |value: &str| {
            matches!(value.to_ascii_lowercase().as_str(), "on" | "off" | "force" | "force_plus_permanent")
        };
        let short = || name.starts_with(word) && word.contains('_') && !known();
        let given = || mention.value.as_deref().is_some_and(|value| !loads(value));
        word == name || self.dialect.takes_abbreviations() && short() && given()
    }

    /// A number that the server would cut, or take for none.
    fn refuse_number(&self, wish: &DesiredSetting, draft: &mut Draft) -> bool {
        let Some(range) = self.server.ranges.get(&wish.name) else { return false };
        let number = |text: &str| canonical_value(&wish.name, text).parse::<f64>().ok();
        let (Some(least), Some(most)) = (number(&range.0), number(&range.1)) else { return false };
        // -1 stands for "find out" in some.
        let taken = |value: &f64| *value == -1.0 || (least..=most).contains(value);
        let Some(value) = wish.values.last().filter(|value| !number(value).is_some_and(|n| taken(&n))) else {
            return false;
        };
        self.refuse_value(wish, value, ValueRefused::Range(range.0.clone(), range.1.clone()), draft);
        true
    }

    /// A number that must not be less than another one, which the server only says when it is set.
    fn refuse_less(&self, wish: &DesiredSetting, draft: &mut Draft) -> bool {
        let Some(other) = self.dialect.no_less_than(&wish.name) else { return false };
        let declared = self.filed.iter().find(|one| one.name == other).and_then(|one| one.values.last());
        let least = declared.map(String::as_str).or_else(|| self.server.variable(other));
        let number = |text: &str| canonical_value(other, text).parse::<u64>().ok();
        let (Some(least), Some(value)) = (least, wish.values.last()) else { return false };
        let less = number(value).zip(number(least)).is_some_and(|(value, least)| value < least);
        if less {
            self.refuse_value(wish, value, ValueRefused::LessThan(other, least.to_owned()), draft);
        }
        less
    }

    /// A value of which the server or its program has said, asked for it, that it does not take it.
    fn refuse_said(&self, wish: &DesiredSetting, draft: &mut Draft) -> bool {
        let said = |value: &&String| self.facts.asked.refused.get(&(wish.name.clone(), (*value).clone()));
        let Some((value, said)) = wish.values.iter().find_map(|value| Some((value, said(&value)?))) else {
            return false;
        };
        let why = match said.clone() {
            NotTaken::Said(words) => ValueRefused::Said(words),
            NotTaken::NoDirectory(path) => ValueRefused::NoDirectory(path),
            NotTaken::Closed(path) => ValueRefused::Closed(path),
            NotTaken::Unreadable(path) => ValueRefused::Unreadable(path),
            NotTaken::NotPem(path) => ValueRefused::NotPem(path),
            NotTaken::NoAddress(address) => ValueRefused::NoAddress(address),
            NotTaken::NoMemory(memory) => ValueRefused::NoMemory(memory),
        };
        self.refuse_value(wish, value, why, draft);
        true
    }

    /// Addresses at which a replica would not find the server.
    fn refuse_unheard(&self, wish: &DesiredSetting, draft: &mut Draft) -> bool {
        let Some(value) = wish.values.last().filter(|_| wish.name == "bind_address") else { return false };
        let replicas = self.context.desired.hosts.values().filter_map(|replica| {
            let mut channels = replica.channels.iter().filter(|channel| channel.source == self.host.name);
            let unheard = |channel: &&DesiredChannel| {
                !listens(value, &channel.endpoint.address, &self.facts.os.addresses)
            };
            Some((replica, channels.find(unheard)?))
        });
        let Some((replica, channel)) = { replicas }.next() else { return false };
        let (replica, address) = (replica.name.clone(), channel.endpoint.address.clone());
        self.refuse_value(wish, value, ValueRefused::NotHeard { replica, address }, draft);
        true
    }

    /// A restart is seen to end through the socket of now, and so is everything that comes after it.
    fn refuse_socket(&self, wish: &DesiredSetting, draft: &mut Draft) -> bool {
        let Some(value) = wish.values.last().filter(|_| wish.name == "socket") else { return false };
        let Some(running) = self.server.variable("socket").filter(|now| !same_value("socket", value, now))
        else {
            return false;
        };
        self.refuse_value(wish, value, ValueRefused::WayIn(running.to_owned()), draft);
        true
    }

    /// A value with which the server was started, or that it was given, and that it does not have.
    fn refuse_kept(&self, wish: &DesiredSetting, draft: &mut Draft) {
        let (Some(value), Some(running)) = (wish.values.last(), self.server.variable(&wish.name)) else {
            return;
        };
        if self.dialect.made_with_data(&wish.name) && !same_value(&wish.name, value, running) {
            self.refuse_value(wish, value, ValueRefused::MadeWith(running.to_owned()), draft);
            return;
        }
        if wish.name != "log_bin" && !wish.at_start && self.facts.kept_other(&wish.name, value, running) {
            self.refuse_value(wish, value, ValueRefused::Runs(running.to_owned()), draft);
        }
    }

    fn refuse_value(&self, wish: &DesiredSetting, value: &str, why: ValueRefused, draft: &mut Draft) {
        let value = if wish.place.vaulted { STARS.to_owned() } else { shown(&wish.name, value) };
        let (name, place) = (wish.name.clone(), wish.place.clone());
        let why = SettingRefused::NotTaken { name, place, value, why };
        draft.refuse(&self.host.name, why);
    }

    /// Whether it is a variable of a plugin that is declared beside it: the server has it once it was started with that, and
    /// its program has taken it already.
    fn of_new_plugin(&self, wish: &DesiredSetting) -> bool {
        let word = |name: &str| matches!(name, "plugin_load_add" | "plugin_load" | "early_plugin_load");
        let loads = |one: &DesiredSetting| word(&one.name) && !one.values.is_empty();
        let taken = |value: &String| self.facts.asked.taken.contains(&(wish.name.clone(), value.clone()));
        // An abbreviation the program takes as well.
        let short = || self.server.variables.keys().any(|name| name.starts_with(&wish.name));
        self.filed.iter().any(loads) && wish.values.iter().all(taken) && !short()
    }

    fn refuse_unknown(&self, wish: &DesiredSetting, draft: &mut Draft) -> bool {
        let known = self.server.variables.contains_key(&wish.name)
            || self.dialect.option_without_variable(&wish.name)
            || self.of_new_plugin(wish);
        if known {
            return false;
        }
        let near = closest(&wish.name, self.server.variables.keys().map(String::as_str));
        let why = SettingRefused::Unknown {
            name: wish.name.clone(),
            place: wish.place.clone(),
            version: self.server.version,
            near: near.map(str::to_owned),
        };
        draft.refuse(&self.host.name, why);
        true
    }
}

/// Whether a server with this `bind_address` may be reached at an address. One that is not the host's own, as behind a
/// translation, leads to any other; loopback leads nowhere.
fn listens(bind: &str, address: &str, own: &[String]) -> bool {
    let to = address.parse::<IpAddr>().ok();
    let inside = address.eq_ignore_ascii_case("localhost") || to.is_some_and(|to| to.is_loopback());
    bind.split(',').map(str::trim).any(|bind| match bind.parse::<IpAddr>() {
        Ok(at) if at.is_loopback() => inside,
        Ok(at) if at.is_unspecified() => at.is_ipv6() || !to.is_some_and(|to| to.is_ipv6()),
        Ok(at) => to.is_none_or(|to| to == at || !own.iter().any(|own| own.parse() == Ok(to))),
        Err(_) => !bind.eq_ignore_ascii_case("localhost") || inside,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_where_is_known() {
        let own = ["10.0.0.1", "10.0.0.2", "fd00::1"].map(str::to_owned);
        let heard = [
            ("*", "10.0.0.1"),
            ("0.0.0.0", "10.0.0.1"),
            ("0.0.0.0", "db.example.org"),
            ("::", "10.0.0.1"),
            ("10.0.0.1", "10.0.0.1"),
            ("127.0.0.1,10.0.0.1", "10.0.0.1"),
            ("10.0.0.1", "192.0.2.1"),
            ("10.0.0.1", "db.example.org"),
            ("127.0.0.1", "127.0.0.1"),
            ("localhost", "localhost"),
            ("db.example.org", "10.0.0.1"),
        ];
        let unheard = [
            ("127.0.0.1", "10.0.0.1"),
            ("localhost", "192.0.2.1"),
            ("::1", "db.example.org"),
            ("10.0.0.2", "10.0.0.1"),
            ("0.0.0.0", "fd00::1"),
        ];
        assert_eq!(heard.map(|(bind, address)| listens(bind, address, &own)), [true; 11]);
        assert_eq!(unheard.map(|(bind, address)| listens(bind, address, &own)), [false; 5]);
    }
}
