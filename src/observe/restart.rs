//! What the host's own switch for restarts has noted; see `apply::steps::restart`.

use std::collections::BTreeMap;

use super::Ended;
use crate::transport::Sections;

/// How the last restart under the switch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartState {
    /// An option file was written, and the server was not started with it yet.
    Written,
    /// The switch is at work.
    Restarting,
    /// The server has come up.
    Up,
    /// It did not; what was there before is back, and with that it has come up.
    Back,
    /// It did not, and does not with what was there before either.
    Down,
    /// It did not, and somebody else has changed the option file meanwhile.
    Changed,
    /// It did not, and the old option file could not be put back.
    Stuck,
    /// The switch was ended by somebody.
    Lost,
}

impl RestartState {
    fn read(word: &str) -> Option<Self> {
        Some(match word {
            "written" => Self::Written,
            "restarting" => Self::Restarting,
            "up" => Self::Up,
            "back" => Self::Back,
            "down" => Self::Down,
            "changed" => Self::Changed,
            "stuck" => Self::Stuck,
            "lost" => Self::Lost,
            _ => return None,
        })
    }
}

/// A record of the switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartRecord {
    /// How it stands.
    pub state: RestartState,
    /// The option file that was changed for it; empty where none was.
    pub path: String,
    /// How the server ended that did not come up.
    pub ended: Ended,
    /// What that server said.
    pub said: Vec<String>,
    /// While a file is written and not tried yet: the one with which the server has last started; empty where none was.
    pub before: Vec<u8>,
    /// The option file with which it did not come up.
    pub failed: Option<Vec<u8>>,
}

impl RestartRecord {
    /// Out of what the script prints that watches the switch: the state, properties, an empty line, and the words.
    pub fn watched(text: &str) -> Option<Self> {
        let (head, said) = text.split_once("\n\n").unwrap_or((text, ""));
        let state = head.lines().find_map(|l| l.strip_prefix("state "))?;
        let pairs = head.lines().filter_map(|l| l.split_once('=')).map(owned).collect();
        Some(Self {
            state: RestartState::read(state.trim())?,
            path: String::new(),
            ended: Ended::read(&pairs),
            said: said.lines().map(str::to_owned).collect(),
            before: Vec::new(),
            failed: None,
        })
    }
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// The record that the host script has found.
pub(super) fn record(sections: &Sections<'_>) -> Option<RestartRecord> {
    let text = sections.text("restart")?;
    let of = |part: &'static str| text.lines().filter_map(move |l| l.strip_prefix(part)?.strip_prefix(' '));
    let ended: BTreeMap<String, String> = of("ended").filter_map(|l| l.split_once('=')).map(owned).collect();
    Some(RestartRecord {
        state: RestartState::read(of("state").next()?.trim())?,
        path: of("file").find_map(|l| l.strip_prefix("path ")).unwrap_or_default().to_owned(),
        ended: Ended::read(&ended),
        said: sections.text("restart-said").unwrap_or_default().lines().map(str::to_owned).collect(),
        before: sections.bytes("restart-before").unwrap_or_default().to_vec(),
        failed: sections.bytes("restart-failed").filter(|b| !b.is_empty()).map(<[u8]>::to_vec),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_watching_script_prints_is_read() {
        let text = "state back\nResult=exit-code\nExecMainCode=1\nExecMainStatus=7\n\n[ERROR] Aborting\n";
        let record = RestartRecord::watched(text).expect("a record");
        assert_eq!((record.state, record.ended.status), (RestartState::Back, 7));
        assert_eq!(record.said, ["[ERROR] Aborting"]);
        assert!(RestartRecord::watched("state up\n\n").is_some_and(|r| r.said.is_empty()));
        assert_eq!(RestartRecord::watched("state \n\n"), None);
    }
}
