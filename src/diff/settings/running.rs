//! What the server runs with, against what it would run with by the files as they are wished.

use super::{
    Comparison, DesiredSetting, as_set, filters, gtid_mode, in_file, of_one_channel, values_in_file,
    without_extension,
};
use crate::{
    model::Filters,
    observe::CLOSING,
    option_file::{DEFAULT, Occurrence, Setting, canonical_value, same_value, takes_several},
    plan::{Because, Reason},
};

/// A variable that does not run with its wished value.
pub(super) struct Off {
    pub(super) name: String,
    pub(super) running: String,
    pub(super) wished: String,
    pub(super) reason: Reason,
    /// It does not ask for a restart by itself.
    pub(super) at_next_restart: bool,
}

impl Comparison<'_> {
    /// Every variable that does not run as it should. `started` is our file as it was when the server was started, where
    /// it is another one now.
    pub(super) fn off(
        &self,
        old: &[&Occurrence],
        started: Option<&[Occurrence]>,
        all: &[Occurrence],
    ) -> Vec<Off> {
        let mut off = Vec::new();
        // A run that was cut off may have written the file, and not brought the server to it.
        let of_start: Vec<&Occurrence> =
            started.unwrap_or_default().iter().filter(|one| self.still_runs(one)).collect();
        let mut ever = old.to_vec();
        ever.extend(&of_start);
        let kept = gtid_mode::kept(self.host, self.server, old);
        for wish in self.wishes.iter().filter(|w| !of_one_channel(&w.name)) {
            let (wished, from_default) = match wish.values.is_empty() {
                false => {
                    let values = wish.values.iter().filter(|v| !filters::of_a_channel(self.host, v));
                    (values.cloned().collect(), false)
                }
                // Who takes writes is never decided by a line that goes.
                true if CLOSING.contains(&wish.name.as_str()) => continue,
                true if ever.iter().any(|o| o.name == wish.name) => (self.without_us(&wish.name, all), true),
                // Somebody has set it, and no file brings it back.
                true if takes_several(&wish.name) && !all.iter().any(|o| o.name == wish.name) => {
                    (Vec::new(), true)
                }
                true => continue,
            };
            let by_steps = gtid_mode::NAMES.contains(&wish.name.as_str());
            if by_steps && gtid_mode::wished(self.host, self.server).is_some() {
                continue;
            }
            let reason = Reason::declared(Because::Setting { setting: wish.name.clone() }, &wish.place);
            off.extend(self.unseen(wish, started.map_or(old, |_| &of_start), &reason));
            off.extend(self.unseen_filter(wish, all, &reason));
            off.extend(
                self.compare(&wish.name, &wished, reason, from_default)
                    .map(|off| Off { at_next_restart: wish.at_next_restart, ..off }),
            );
        }
        self.add_gone(&ever, &kept, all, &mut off);
        off
    }

    /// Options of ours that nobody wishes any more go back to what the other files say.
    fn add_gone(&self, ever: &[&Occurrence], kept: &[Setting], all: &[Occurrence], off: &mut Vec<Off>) {
        let mut gone: Vec<&str> = ever.iter().map(|o| o.name.as_str()).collect();
        gone.sort_unstable();
        gone.dedup();
        let wished = |name: &str| {
            let stays = kept.iter().any(|k| k.name == name) || of_one_channel(name);
            stays || self.filed.iter().any(|w| w.name == name)
        };
        for name in gone.into_iter().filter(|n| !wished(n)) {
            let reason = Reason::because(Because::SettingNotDeclared { setting: name.to_owned() });
            let wished = self.without_us(name, all);
            if self.dialect.shown_by_nothing(name) && self.is_pseudo(name) {
                let (name, running) = (name.to_owned(), values_in_file(name, ever).join(","));
                let wished = wished.join(",");
                off.push(Off { name, running, wished, reason, at_next_restart: false });
                continue;
            }
            off.extend(self.compare(name, &wished, reason, true));
        }
    }

    /// Whether the server still runs with what it was started with. Where it does not, that has been ended since: by a run, by
    /// a switch of the writer, by a person.
    fn still_runs(&self, started: &Occurrence) -> bool {
        let (name, value) = (started.name.as_str(), started.value.as_deref().unwrap_or("ON"));
        takes_several(name)
            || (name == "log_bin" && self.same_log_bin(value))
            || self.running(name).is_none_or(|running| {
                same_value(name, value, &running) || self.facts.makes(name, value, &running)
            })
    }

    /// An option that no variable shows: our file does not have it yet, so the server was not started with it.
    fn unseen(&self, wish: &DesiredSetting, old: &[&Occurrence], reason: &Reason) -> Option<Off> {
        let unseen = self.dialect.shown_by_nothing(&wish.name) && self.is_pseudo(&wish.name);
        let new = unseen && !wish.values.is_empty() && !in_file(wish, old);
        new.then(|| Off {
            name: wish.name.clone(),
            running: String::new(),
            wished: wish.values.join(","),
            reason: reason.clone(),
            at_next_restart: wish.at_next_restart,
        })
    }

    /// A filter that the server does not show: what counts is what its option files said when it was started.
    fn unseen_filter(&self, wish: &DesiredSetting, all: &[Occurrence], reason: &Reason) -> Option<Off> {
        let hidden =
            self.dialect.shows_filters_by_channel() && Filters::OPTIONS.contains(&wish.name.as_str());
        let unseen = hidden && self.is_pseudo(&wish.name);
        let given = all.iter().filter(|one| one.name == wish.name);
        let started = given.filter(|one| self.files.before_start.contains(&one.file));
        let started: Vec<String> = started.filter_map(|one| one.value.clone()).collect();
        (unseen && as_set(&started) != as_set(&wish.values)).then(|| Off {
            name: wish.name.clone(),
            running: started.join(","),
            wished: wish.values.join(","),
            reason: reason.clone(),
            at_next_restart: wish.at_next_restart,
        })
    }

    /// The value that an option has when our file does not mention it.
    fn without_us(&self, name: &str, all: &[Occurrence]) -> Vec<String> {
        let other = all.iter().rfind(|o| o.name == name && o.file != self.path);
        match other {
            Some(o) => vec![o.value.clone().unwrap_or_else(|| "ON".into())],
            None => match self.server.defaults.get(name) {
                // MariaDB makes the name out of the host's, and only this word has it do so again.
                Some(default)
                    if default.is_empty() && matches!(name, "general_log_file" | "slow_query_log_file") =>
                {
                    vec![DEFAULT.to_owned()]
                }
                Some(default) => vec![default.clone()],
                // The server knows it, and sets it under this word.
                None if self.dialect.hides_defaults() && !takes_several(name) => vec![DEFAULT.to_owned()],
                None => Vec::new(),
            },
        }
    }

    fn compare(&self, name: &str, wished: &[String], reason: Reason, from_default: bool) -> Option<Off> {
        if from_default && wished.is_empty() && !takes_several(name) {
            return None;
        }
        let running = self.running(name)?;
        let same = if takes_several(name) {
            as_set(std::slice::from_ref(&running)) == as_set(wished)
        } else {
            let wished = wished.last().map_or("", String::as_str);
            match name {
                "log_bin" => self.same_log_bin(wished),
                _ => same_value(name, wished, &running) || self.facts.makes(name, wished, &running),
            }
        };
        let wished = match wished {
            [one] if !takes_several(name) => one.clone(),
            several => several.join(","),
        };
        (!same).then_some(Off { name: name.to_owned(), running, wished, reason, at_next_restart: false })
    }

    /// What the server runs with. `None` where the server does not show an option.
    fn running(&self, name: &str) -> Option<String> {
        let binlog = self.server.binlog.known();
        match name {
            "binlog_do_db" => Some(binlog.map(|b| b.do_db.join(",")).unwrap_or_default()),
            "binlog_ignore_db" => Some(binlog.map(|b| b.ignore_db.join(",")).unwrap_or_default()),
            _ => {
                let plugin = self.dialect.comes_with_a_plugin(name).then(|| "not loaded".to_owned());
                self.server.variables.get(name).cloned().or(plugin)
            }
        }
    }

    fn datadir(&self) -> Option<&str> {
        self.server.variable("datadir").map(|d| d.trim_end_matches('/'))
    }

    /// A path as it is named from the data directory, if it lies there.
    fn beside_data<'l>(&self, path: &'l str) -> &'l str {
        self.datadir().and_then(|d| path.strip_prefix(d)?.strip_prefix('/')).unwrap_or(path)
    }

    /// What the server makes of the name of a log.
    pub(super) fn log_base<'l>(&self, log: &'l str) -> &'l str {
        self.beside_data(without_extension(log))
    }

    /// `log_bin=NAME` runs as `log_bin=ON` with a base name.
    pub(super) fn same_log_bin(&self, wished: &str) -> bool {
        match canonical_value("log_bin", wished).as_str() {
            "0" => !self.server.is_on("log_bin"),
            "1" => self.server.is_on("log_bin"),
            _ => {
                let wished = without_extension(wished);
                let base = self.server.variable("log_bin_basename").unwrap_or_default();
                // A name alone is a file in the data directory: elsewhere it would be another log after a restart.
                let running = match self.datadir() {
                    _ if wished.starts_with('/') => base,
                    Some(_) => self.beside_data(base),
                    None => base.rsplit('/').next().unwrap_or(base),
                };
                self.server.is_on("log_bin") && running == wished
            }
        }
    }
}
