//! What can go wrong on the way to a host, with what to do about it.

use std::{borrow::Cow, time::Duration};

use serde::{Deserialize, Serialize};

use super::Target;
use crate::model::{HostName, duration, masked, visible};

/// Why a connection did not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectKind {
    /// The host's key is not in any known_hosts file.
    UnknownHostKey,
    /// The host's key is another one than before.
    ChangedHostKey,
    /// Nothing answers, or the connection is refused.
    Unreachable,
    /// The name does not resolve.
    UnknownName,
    /// No key or password was accepted.
    Denied,
    /// A jump host or proxy command failed.
    Proxy,
    /// It took too long.
    Timeout,
    /// The login succeeded and runs something else than commands.
    Shell,
    /// Something else.
    Other,
}

/// A connection that did not come about.
#[derive(Debug, Clone, thiserror::Error)]
#[error("ssh to {host} ({destination}) failed: {said}. {next}")]
pub struct ConnectError {
    /// The host.
    pub host: HostName,
    /// What ssh was told.
    pub destination: String,
    /// The kind of failure.
    pub kind: ConnectKind,
    /// ssh's own last words.
    pub said: String,
    /// What to do next.
    pub next: String,
}

impl ConnectError {
    /// Classifies what ssh printed before it gave up.
    pub fn from_stderr(
        host: &HostName,
        destination: &str,
        port: Option<u16>,
        known_hosts: Option<&str>,
        stderr: &str,
    ) -> Self {
        let lower = stderr.to_ascii_lowercase();
        let has = |mark: &str| lower.contains(mark);
        let kind = if has("remote host identification has changed")
            || has("host key for") && has("has changed")
        {
            ConnectKind::ChangedHostKey
        } else if has("host key is known for") || has("host key verification failed") {
            ConnectKind::UnknownHostKey
        } else if has("could not resolve hostname") || has("name or service not known") {
            ConnectKind::UnknownName
        } else if has("permission denied")
            || has("too many authentication failures")
            || has("no more authentication methods")
        {
            ConnectKind::Denied
        } else if has("timed out") {
            ConnectKind::Timeout
        } else if has("proxy") || has("jump") || has("stdio forwarding failed") || has("unknown port 65535") {
            ConnectKind::Proxy
        } else if has("connection refused") || has("no route to host") || has("network is unreachable") {
            ConnectKind::Unreachable
        } else {
            ConnectKind::Other
        };
        let said = stderr
            .lines()
            .map(str::trim)
            .rfind(|line| !line.is_empty() && !line.starts_with('@'))
            .unwrap_or("ssh ended without a word")
            .trim_end_matches('.');
        let said = masked(said);
        let next = next_step(kind, host, destination, port, known_hosts);
        Self { host: host.clone(), destination: destination.to_owned(), kind, said, next }
    }

    /// A connection that took too long.
    pub fn timeout(host: &HostName, destination: &str, after: Duration) -> Self {
        Self {
            host: host.clone(),
            destination: destination.to_owned(),
            kind: ConnectKind::Timeout,
            said: format!("no answer within {}", duration(after)),
            next: next_step(ConnectKind::Timeout, host, destination, None, None),
        }
    }

    /// A login that runs no command of ours, and what came in its place.
    pub fn shell(target: &Target, stderr: &str, stdout: &[u8]) -> Self {
        let said = super::sudo::last_line(stderr)
            .or_else(|| super::sudo::last_line(&String::from_utf8_lossy(stdout)));
        Self {
            host: target.host.clone(),
            destination: target.destination.clone(),
            kind: ConnectKind::Shell,
            said: match said {
                Some(line) => format!("the login runs no commands: it printed `{}`", visible(&line)),
                None => "the login runs no commands".to_owned(),
            },
            next: super::sudo::shell_step(target.user.as_deref().unwrap_or("the login")),
        }
    }

    /// A question that is not answered with the host's password.
    pub fn prompt(host: &HostName, destination: &str, prompt: &str) -> Self {
        Self {
            host: host.clone(),
            destination: destination.to_owned(),
            kind: ConnectKind::Proxy,
            said: format!("ssh asked `{}`", prompt.trim_end_matches([':', ' '])),
            next: format!(
                "ansible_password answers {host}'s own question for a password and no other; use a key without a passphrase, or ssh-agent, for jump hosts, keys and codes"
            ),
        }
    }

    /// A connection that could not even be tried.
    pub fn local(host: &HostName, destination: &str, said: impl Into<String>) -> Self {
        Self {
            host: host.clone(),
            destination: destination.to_owned(),
            kind: ConnectKind::Other,
            said: said.into(),
            next: "Is the OpenSSH client installed on this machine?".into(),
        }
    }
}

fn next_step(
    kind: ConnectKind,
    host: &HostName,
    destination: &str,
    port: Option<u16>,
    known_hosts: Option<&str>,
) -> String {
    let port_option = port.map(|p| format!("-p {p} ")).unwrap_or_default();
    let file = known_hosts.unwrap_or("~/.ssh/known_hosts");
    match kind {
        ConnectKind::UnknownHostKey => format!(
            "Its key is not known yet; compare its fingerprint, then: ssh-keyscan {port_option}{destination} >> {file}"
        ),
        ConnectKind::ChangedHostKey => {
            let name = port.map_or(destination.to_owned(), |p| format!("'[{destination}]:{p}'"));
            format!(
                "Its key is another one than before. If the host was installed anew: ssh-keygen -R {name} -f {file}; \
                 if not, somebody may be in between"
            )
        }
        ConnectKind::UnknownName => format!("Set ansible_host of {host} to an address that resolves here"),
        ConnectKind::Denied => format!(
            "Check ansible_user, ansible_ssh_private_key_file and ansible_password of {host}; try: ssh {port_option}{destination} true"
        ),
        ConnectKind::Timeout | ConnectKind::Unreachable => format!(
            "Check ansible_host and ansible_port of {host}, and that the host is up; try: ssh {port_option}{destination} true"
        ),
        ConnectKind::Proxy => "Check ProxyJump or ProxyCommand in the ssh configuration".into(),
        ConnectKind::Shell => super::sudo::shell_step("the login"),
        ConnectKind::Other => format!("Try: ssh -v {port_option}{destination} true"),
    }
}

/// Why a script did not run to its end.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RunError {
    /// The connection is gone.
    #[error("the connection to {host} was lost while it was to {what}")]
    Lost {
        /// The host.
        host: HostName,
        /// What ran.
        what: String,
    },
    /// It took too long.
    #[error("{host} took longer than {} to {what}", duration(*after))]
    Timeout {
        /// The host.
        host: HostName,
        /// What ran.
        what: String,
        /// The limit.
        after: Duration,
    },
    /// Root could not be become.
    #[error("{host}: sudo: {said}. {next}")]
    Sudo {
        /// The host.
        host: HostName,
        /// sudo's words, shortened.
        said: String,
        /// What to do next.
        next: String,
    },
    /// The login shell ran no script of ours.
    #[error("{host}: the login runs no commands: {}. {next}", visible(said))]
    Shell {
        /// The host.
        host: HostName,
        /// What it printed in its place.
        said: String,
        /// What to do next.
        next: String,
    },
    /// sshd takes no more sessions.
    #[error(
        "{host}: sshd allows no session beside the first of a connection. Set MaxSessions in its sshd_config to 2 or more"
    )]
    Full {
        /// The host.
        host: HostName,
    },
    /// It printed more than is taken.
    #[error("{host}: to {what} printed more than {} MiB and was ended; a file or a log there is far too large", most >> 20)]
    TooMuch {
        /// The host.
        host: HostName,
        /// What ran.
        what: String,
        /// The limit in bytes.
        most: usize,
    },
    /// It ran and failed.
    #[error("{host}: to {what} failed with exit status {status}{}", if stderr.is_empty() { String::new() } else { format!(": {stderr}") })]
    Failed {
        /// The host.
        host: HostName,
        /// What ran.
        what: String,
        /// Exit status.
        status: i32,
        /// The end of what it printed to standard error.
        stderr: String,
    },
}

impl RunError {
    /// The same for a script whose programs handle rows: of what they said, only messages without data.
    #[must_use]
    pub fn without_rows(mut self) -> Self {
        if let Self::Failed { stderr, .. } = &mut self {
            *stderr = super::program_words(stderr);
        }
        self
    }
}

/// Why SQL did not work.
#[derive(Debug, Clone, thiserror::Error, Serialize, Deserialize)]
pub enum SqlError {
    /// The server could not be reached through its socket.
    #[error("the server's socket {socket} does not answer: {why}")]
    Connect {
        /// Socket path on the host.
        socket: String,
        /// Why.
        why: String,
    },
    /// Another user than root and the server's is behind the socket.
    #[error(
        "the socket {socket} belongs to another user than the server's, so it was not used; correct mysql_socket"
    )]
    Foreign {
        /// Socket path on the host.
        socket: String,
    },
    /// The login was refused.
    #[error(
        "the server refuses the login of `{user}`: {why}. Set mysql_admin_user and mysql_admin_password, \
         or enter the host as root: ansible_become: true"
    )]
    Denied {
        /// User name.
        user: String,
        /// The server's words.
        why: String,
    },
    /// The server said no to a statement.
    #[error("the server says: {message} ({code})")]
    Server {
        /// Error number.
        code: u16,
        /// Its words, without the values that it repeats.
        message: String,
    },
    /// The connection broke, or the answer makes no sense.
    #[error("the connection to the server broke: {0}")]
    Broken(String),
    /// It took too long.
    #[error("the server took longer than {} to answer", duration(*.0))]
    Timeout(Duration),
    /// An answer came without a column that it must have, or with a value that it can't have.
    #[error("the server's answer to `{statement}` can't be used: its column `{column}` {what}")]
    Column {
        /// The beginning of the statement, without secrets.
        statement: String,
        /// The column.
        column: String,
        /// What is the matter with it.
        what: Cow<'static, str>,
    },
    /// An answer came without the row that it must have.
    #[error("the server's answer to `{statement}` can't be used: it has no row")]
    NoRow {
        /// The beginning of the statement, without secrets.
        statement: String,
    },
    /// A reader was asked to run something that is no SELECT, SHOW or SET SESSION.
    #[error("a reader does not run `{0}`")]
    NotARead(String),
}

impl SqlError {
    /// The server's error number, where it gave one.
    pub fn code(&self) -> Option<u16> {
        match self {
            SqlError::Server { code, .. } => Some(*code),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(stderr: &str) -> ConnectKind {
        ConnectError::from_stderr(&"db-a".into(), "10.0.0.1", Some(2222), None, stderr).kind
    }

    #[test]
    fn what_ssh_prints_is_understood() {
        assert_eq!(
            kind(
                "No ED25519 host key is known for [10.0.0.1]:2222 and you have requested strict checking.\nHost key verification failed."
            ),
            ConnectKind::UnknownHostKey
        );
        assert_eq!(kind("root@10.0.0.1: Permission denied (publickey)."), ConnectKind::Denied);
        assert_eq!(
            kind("ssh: connect to host 10.0.0.1 port 22: Connection refused"),
            ConnectKind::Unreachable
        );
        assert_eq!(kind("ssh: connect to host 10.0.0.1 port 22: Connection timed out"), ConnectKind::Timeout);
        assert_eq!(
            kind("ssh: Could not resolve hostname nowhere: Name or service not known"),
            ConnectKind::UnknownName
        );
    }

    #[test]
    fn an_unknown_key_comes_with_the_command_that_mends_it() {
        let error = ConnectError::from_stderr(
            &"db-a".into(),
            "10.0.0.1",
            Some(2222),
            Some("/tmp/kh"),
            "Host key verification failed.",
        );
        assert!(error.next.contains("ssh-keyscan -p 2222 10.0.0.1 >> /tmp/kh"), "{}", error.next);
    }
}
