//! How a host is entered, and how its server is logged in to: what the inventory and ansible.cfg say of it.

use std::path::PathBuf;

use serde_json::Value as Json;

use super::Builder;
use crate::{
    inventory::{Connection, SudoAs, Variables},
    model::{HostName, Place, SecretId},
    source::{Node, Problem},
    template::Scope,
};

/// Names of one setting; of several that are given, Ansible takes the last one.
const HOST: &[&str] = &["ansible_host", "ansible_ssh_host"];
const PORT: &[&str] = &["ansible_port", "ansible_ssh_port"];
const USER: &[&str] = &["ansible_user", "ansible_ssh_user"];
const KEY: &[&str] = &["ansible_private_key_file", "ansible_ssh_private_key_file"];
const PASSWORD: &[&str] = &["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"];
const BECOME_USER: &[&str] = &["ansible_become_user", "ansible_sudo_user"];
const BECOME_PASSWORD: &[&str] = &["ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"];
const ARGS: [&str; 3] = ["ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"];

/// Settings of Ansible that would change how a host is entered and that are not honoured, with the values that say
/// nothing else than what is done anyway.
const NOT_HONOURED: [(&str, &[&str]); 6] = [
    ("ansible_ssh_executable", &["ssh", "/usr/bin/ssh"]),
    ("ansible_become_exe", &["sudo", "/usr/bin/sudo"]),
    ("ansible_sudo_exe", &["sudo", "/usr/bin/sudo"]),
    ("ansible_become_flags", &["-H -S -n", "-H -S", "-H", "-S", "-n", "-H -n", ""]),
    ("ansible_sudo_flags", &["-H -S -n", "-H -S", "-H", "-S", "-n", "-H -n", ""]),
    ("ansible_ssh_timeout", &[]),
];

/// A host's settings: its variables first, then ansible.cfg.
struct Settings<'a> {
    variables: &'a Variables,
    scope: &'a Scope,
    builder: &'a Builder<'a>,
}

impl Settings<'_> {
    /// The name that counts, out of those of one setting.
    fn given(&self, names: &[&'static str]) -> Option<&'static str> {
        let there = |name: &&&'static str| {
            self.variables.get(name).is_some_and(|n| n.value != crate::source::Yaml::Null)
        };
        names
            .iter()
            .rev()
            .find(there)
            .or_else(|| names.iter().find(|name| self.of_config(name).is_some()))
            .copied()
    }

    fn of_config(&self, name: &str) -> Option<&Node> {
        self.builder.project.config.connection.get(name)
    }

    fn place(&self, names: &[&'static str]) -> Place {
        let node =
            self.given(names).and_then(|name| self.variables.get(name).or_else(|| self.of_config(name)));
        node.map_or_else(|| Place::file("inventory"), |node| node.place.clone())
    }

    fn value(&self, names: &[&'static str]) -> Option<Json> {
        let name = self.given(names)?;
        match self.variables.get(name) {
            Some(_) => self.scope.get(name).cloned(),
            None => self.of_config(name).map(Node::to_json),
        }
    }

    fn text(&self, names: &[&'static str]) -> Option<String> {
        match self.value(names)? {
            Json::String(text) => Some(text),
            Json::Number(n) => Some(n.to_string()),
            _ => None,
        }
    }

    fn secret(&self, names: &[&'static str]) -> Option<SecretId> {
        self.value(names).as_ref().and_then(Scope::secret_id).map(|id| SecretId(id.to_owned()))
    }

    /// A boolean in any of Ansible's words.
    fn truth(&self, names: &[&'static str]) -> Result<bool, String> {
        match self.value(names) {
            None | Some(Json::Null) => Ok(false),
            Some(Json::Bool(b)) => Ok(b),
            Some(other) => {
                let text = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
                match text.trim().to_ascii_lowercase().as_str() {
                    "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Ok(true),
                    "n" | "no" | "off" | "0" | "false" | "f" | "0.0" | "" => Ok(false),
                    _ => Err(text),
                }
            }
        }
    }
}

impl Builder<'_> {
    pub(super) fn connection(&mut self, name: &HostName, variables: &Variables, scope: &Scope) -> Connection {
        let settings = Settings { variables, scope, builder: &*self };
        let mut problems = Vec::new();
        let mut connection = Connection::to(name);
        address(&settings, &mut connection, &mut problems);
        connection.user = settings.text(USER);
        connection.key = settings.text(KEY).map(PathBuf::from);
        connection.args = arguments(&settings, &mut problems);
        connection.password = settings.secret(PASSWORD);
        connection.sudo = sudo(&settings, &mut problems);
        let kind = settings.text(&["ansible_connection"]);
        if let Some(kind) =
            kind.filter(|k| !matches!(k.trim_start_matches("ansible.builtin."), "ssh" | "smart"))
        {
            let message = format!("the connection `{kind}` is not supported, only ssh");
            let place = settings.place(&["ansible_connection"]);
            problems.push(Problem::error("connection::kind", &place, message, "this kind"));
        }
        not_honoured(&settings, &mut problems);
        connection.socket = settings.text(&["mysql_socket"]);
        connection.admin_user = settings.text(&["mysql_admin_user"]);
        connection.admin_password = settings.secret(&["mysql_admin_password"]);
        problems.into_iter().for_each(|problem| self.problems.push(problem));
        connection
    }
}

fn not_honoured(settings: &Settings<'_>, problems: &mut Vec<Problem>) {
    for (variable, usual) in NOT_HONOURED {
        if let Some(value) = settings.text(&[variable]).filter(|value| !usual.contains(&value.trim())) {
            let message = format!("`{variable}: {value}` is not honoured");
            let help = match variable {
                "ansible_ssh_timeout" => "Pass --connect-timeout instead.",
                _ => {
                    "tandem runs `ssh` and `sudo` of the PATH. Put what is needed into ~/.ssh/config or sudoers."
                }
            };
            let place = settings.place(&[variable]);
            problems.push(Problem::warning("connection::unused", &place, message, "not honoured").help(help));
        }
    }
}

fn arguments(settings: &Settings<'_>, problems: &mut Vec<Problem>) -> Vec<String> {
    let mut arguments = Vec::new();
    for variable in ARGS {
        let Some(args) = settings.text(&[variable]) else { continue };
        match shlex::split(&args) {
            Some(words) => arguments.extend(without_sharing(words)),
            None => problems.push(Problem::error(
                "connection::args",
                &settings.place(&[variable]),
                format!("`{variable}` has a quote that does not end"),
                "these arguments",
            )),
        }
    }
    arguments
}

fn address(settings: &Settings<'_>, connection: &mut Connection, problems: &mut Vec<Problem>) {
    if let Some(address) = settings.text(HOST) {
        connection.destination = address;
    }
    if connection.destination.starts_with('-') {
        let message = "an address can't begin with `-`: ssh would take it for an option";
        problems.push(Problem::error("connection::address", &settings.place(HOST), message, "this address"));
    }
    if let Some(port) = settings.text(PORT) {
        match port.trim().parse() {
            Ok(port) if port > 0 => connection.port = Some(port),
            _ => problems.push(Problem::error(
                "connection::port",
                &settings.place(PORT),
                "ansible_port is a number from 1 to 65535",
                "not a port",
            )),
        }
    }
}

fn sudo(settings: &Settings<'_>, problems: &mut Vec<Problem>) -> Option<SudoAs> {
    const BECOME: &[&str] = &["ansible_become"];
    const METHOD: &[&str] = &["ansible_become_method"];
    match settings.truth(BECOME) {
        Ok(true) => {}
        Ok(false) => return None,
        Err(text) => {
            let message = format!("`ansible_become` is true or false, not `{text}`");
            problems.push(Problem::error(
                "connection::become",
                &settings.place(BECOME),
                message,
                "this value",
            ));
            return None;
        }
    }
    if let Some(method) = settings.text(METHOD).filter(|m| m.trim_start_matches("ansible.builtin.") != "sudo")
    {
        let message = format!("become by `{method}` is not supported, only by sudo");
        problems.push(Problem::error("connection::become", &settings.place(METHOD), message, "this method"));
    }
    let user = settings.text(BECOME_USER).unwrap_or_else(|| "root".into());
    Some(SudoAs { user, password: settings.secret(BECOME_PASSWORD) })
}

/// Arguments without those that share a connection between runs of Ansible: tandem holds one of its own.
fn without_sharing(words: Vec<String>) -> Vec<String> {
    let shares = |option: &str| option.trim().to_ascii_lowercase().starts_with("control");
    let mut kept: Vec<String> = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == "-o" {
            if let Some(option) = words.next().filter(|option| !shares(option)) {
                kept.extend([word, option]);
            }
        } else if !word.strip_prefix("-o").is_some_and(shares) {
            kept.push(word);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::without_sharing;

    #[test]
    fn arguments_that_share_a_connection_are_left_out() {
        let words = shlex::split(
            "-C -o ControlMaster=auto -oControlPersist=60s -o 'ProxyCommand=ssh -W %h:%p jump' -4",
        );
        let kept = without_sharing(words.unwrap_or_default());
        assert_eq!(kept, ["-C", "-o", "ProxyCommand=ssh -W %h:%p jump", "-4"]);
    }
}
