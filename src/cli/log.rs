//! One line for each finding to syslog or to the journal, through their sockets on this machine.

use std::{io, os::unix::net::UnixDatagram};

use crate::model::without_hidden;

/// Where `drift` writes its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Log {
    /// `/dev/log`, as programs have always written there (RFC 3164).
    Syslog,
    /// systemd's journal, with fields (systemd, "Native Journal Protocol").
    Journald,
}

/// How bad a line is, with syslog's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Something could not be done.
    Error = 3,
    /// Something differs.
    Warning = 4,
    /// All is well.
    Info = 6,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// How bad it is.
    pub level: Level,
    /// The host that it is about.
    pub host: Option<String>,
    /// What it says; one line.
    pub text: String,
}

/// Facility `daemon`.
const DAEMON: u8 = 3;

impl Log {
    /// Writes the lines.
    ///
    /// # Errors
    /// Where no such service listens here.
    pub(super) fn write(self, lines: &[Line]) -> io::Result<()> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(match self {
            Log::Syslog => "/dev/log",
            Log::Journald => "/run/systemd/journal/socket",
        })?;
        for line in lines {
            socket.send(&self.datagram(line, std::process::id()))?;
        }
        Ok(())
    }

    fn datagram(self, line: &Line, pid: u32) -> Vec<u8> {
        let text: String =
            without_hidden(&line.text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let level = line.level as u8;
        match self {
            Log::Syslog => format!("<{}>tandem[{pid}]: {text}", DAEMON * 8 + level).into_bytes(),
            Log::Journald => {
                let host = line
                    .host
                    .as_ref()
                    .map(|host| format!("TANDEM_HOST={}\n", host.replace(|c: char| c.is_control(), " ")));
                format!(
                    "MESSAGE={text}\nPRIORITY={level}\nSYSLOG_FACILITY={DAEMON}\nSYSLOG_IDENTIFIER=tandem\n{}",
                    host.unwrap_or_default()
                )
                .into_bytes()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line() {
        let line = Line { level: Level::Warning, host: Some("db-a".into()), text: "two\nlines".into() };
        assert_eq!(Log::Syslog.datagram(&line, 7), b"<28>tandem[7]: two lines");
        assert_eq!(
            Log::Journald.datagram(&line, 7),
            b"MESSAGE=two lines\nPRIORITY=4\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=tandem\nTANDEM_HOST=db-a\n"
        );
    }
}
