//! How a host is entered, and how its server is logged in to: what the inventory says of it.

use std::path::PathBuf;

use serde_json::Value as Json;

use super::Builder;
use crate::{
    inventory::{Connection, SudoAs, Variables},
    model::{HostName, Place, SecretId},
    source::Problem,
    template::Scope,
};

/// What the inventory says of one host, with its templates evaluated.
struct Said<'a> {
    variables: &'a Variables,
    scope: &'a Scope,
}

impl Said<'_> {
    fn place(&self, variable: &str) -> Place {
        self.variables.get(variable).map_or_else(|| Place::file("inventory"), |node| node.place.clone())
    }

    /// The first of these variables that is there; Ansible has kept some of its old names.
    fn text(&self, variables: &[&str]) -> Option<String> {
        variables.iter().find_map(|variable| match self.scope.get(variable)? {
            Json::String(text) => Some(text.clone()),
            Json::Number(n) => Some(n.to_string()),
            _ => None,
        })
    }

    fn secret(&self, variables: &[&str]) -> Option<SecretId> {
        let id = |variable: &&str| Scope::secret_id(self.scope.get(variable)?).map(str::to_owned);
        variables.iter().find_map(id).map(SecretId)
    }

    fn is_true(&self, variable: &str) -> bool {
        match self.scope.get(variable) {
            Some(Json::Bool(b)) => *b,
            Some(Json::String(s)) => matches!(s.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1"),
            _ => false,
        }
    }
}

impl Builder<'_> {
    pub(super) fn connection(&mut self, name: &HostName, variables: &Variables, scope: &Scope) -> Connection {
        let said = Said { variables, scope };
        let mut connection = Connection::to(name);
        self.address(&said, &mut connection);
        self.ssh(&said, &mut connection);
        connection.sudo = self.sudo(&said);
        connection.socket = said.text(&["mysql_socket"]);
        connection.admin_user = said.text(&["mysql_admin_user"]);
        connection.admin_password = said.secret(&["mysql_admin_password"]);
        connection
    }

    fn address(&mut self, said: &Said<'_>, connection: &mut Connection) {
        if let Some(address) = said.text(&["ansible_host", "ansible_ssh_host"]) {
            connection.destination = address;
        }
        if connection.destination.starts_with('-') {
            let message = "an address can't begin with `-`: ssh would take it for an option";
            self.problems.push(Problem::error(
                "connection::address",
                &said.place("ansible_host"),
                message,
                "this address",
            ));
        }
        if let Some(port) = said.text(&["ansible_port", "ansible_ssh_port"]) {
            match port.parse() {
                Ok(port) => connection.port = Some(port),
                Err(_) => self.problems.push(Problem::error(
                    "connection::port",
                    &said.place("ansible_port"),
                    "ansible_port is a number from 1 to 65535",
                    "not a port",
                )),
            }
        }
    }

    fn ssh(&mut self, said: &Said<'_>, connection: &mut Connection) {
        connection.user = said.text(&["ansible_user", "ansible_ssh_user"]);
        connection.key = said.text(&["ansible_ssh_private_key_file"]).map(PathBuf::from);
        for variable in ["ansible_ssh_common_args", "ansible_ssh_extra_args"] {
            let Some(args) = said.text(&[variable]) else { continue };
            match shlex::split(&args) {
                Some(words) => connection.args.extend(words),
                None => self.problems.push(Problem::error(
                    "connection::args",
                    &said.place(variable),
                    format!("`{variable}` has a quote that does not end"),
                    "these arguments",
                )),
            }
        }
        connection.password = said.secret(&["ansible_password", "ansible_ssh_pass"]);
        if let Some(kind) = said.text(&["ansible_connection"]).filter(|k| k != "ssh" && k != "smart") {
            let message = format!("a connection of kind `{kind}` is not there, only ssh");
            self.problems.push(Problem::error(
                "connection::kind",
                &said.place("ansible_connection"),
                message,
                "this kind",
            ));
        }
    }

    fn sudo(&mut self, said: &Said<'_>) -> Option<SudoAs> {
        if !said.is_true("ansible_become") {
            return None;
        }
        if let Some(method) = said.text(&["ansible_become_method"]).filter(|m| m != "sudo") {
            let message = format!("become by `{method}` is not there, only by sudo");
            self.problems.push(Problem::error(
                "connection::become",
                &said.place("ansible_become_method"),
                message,
                "this method",
            ));
        }
        let password = said.secret(&["ansible_become_password", "ansible_become_pass"]);
        let user = said.text(&["ansible_become_user"]).unwrap_or_else(|| "root".into());
        Some(SudoAs { user, password })
    }
}
