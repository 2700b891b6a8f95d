//! How a host is entered, and how its server is logged in to: what the inventory says of it.

use serde_json::Value as Json;

use super::Builder;
use crate::{
    inventory::{Connection, SudoAs, Variables},
    model::{HostName, Place, SecretId, at_home},
    source::Problem,
    template::Scope,
};

impl Builder<'_> {
    pub(super) fn connection(&mut self, name: &HostName, variables: &Variables, scope: &Scope) -> Connection {
        let mut connection = Connection::to(name);
        let place = |variable: &str| {
            variables.get(variable).map_or_else(|| Place::file("inventory"), |n| n.place.clone())
        };
        let text = |variable: &str| match scope.get(variable)? {
            Json::String(text) => Some(text.clone()),
            Json::Number(n) => Some(n.to_string()),
            _ => None,
        };
        let secret =
            |variable: &str| scope.get(variable).and_then(Scope::secret_id).map(|id| SecretId(id.to_owned()));
        if let Some(address) = text("ansible_host").or_else(|| text("ansible_ssh_host")) {
            connection.destination = address;
        }
        if connection.destination.starts_with('-') {
            let message = "an address can't begin with `-`: ssh would take it for an option";
            self.problems.push(Problem::error(
                "connection::address",
                &place("ansible_host"),
                message,
                "this address",
            ));
        }
        if let Some(port) = text("ansible_port").or_else(|| text("ansible_ssh_port")) {
            match port.parse() {
                Ok(port) => connection.port = Some(port),
                Err(_) => self.problems.push(Problem::error(
                    "connection::port",
                    &place("ansible_port"),
                    "ansible_port is a number from 1 to 65535",
                    "not a port",
                )),
            }
        }
        connection.user = text("ansible_user").or_else(|| text("ansible_ssh_user"));
        connection.key = text("ansible_ssh_private_key_file").map(|path| at_home(&path));
        for variable in ["ansible_ssh_common_args", "ansible_ssh_extra_args"] {
            let Some(args) = text(variable) else { continue };
            match shlex::split(&args) {
                Some(words) => connection.args.extend(words),
                None => self.problems.push(Problem::error(
                    "connection::args",
                    &place(variable),
                    format!("`{variable}` has a quote that does not end"),
                    "these arguments",
                )),
            }
        }
        connection.password = secret("ansible_password").or_else(|| secret("ansible_ssh_pass"));
        let truthy = |variable: &str| match scope.get(variable) {
            Some(Json::Bool(b)) => *b,
            Some(Json::String(s)) => matches!(s.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1"),
            _ => false,
        };
        if truthy("ansible_become") {
            if let Some(method) = text("ansible_become_method").filter(|m| m != "sudo") {
                let message = format!("become by `{method}` is not there, only by sudo");
                self.problems.push(Problem::error(
                    "connection::become",
                    &place("ansible_become_method"),
                    message,
                    "this method",
                ));
            }
            let password = secret("ansible_become_password").or_else(|| secret("ansible_become_pass"));
            let user = text("ansible_become_user").unwrap_or_else(|| "root".into());
            connection.sudo = Some(SudoAs { user, password });
        }
        if let Some(kind) = text("ansible_connection").filter(|k| k != "ssh" && k != "smart") {
            let message = format!("a connection of kind `{kind}` is not there, only ssh");
            self.problems.push(Problem::error(
                "connection::kind",
                &place("ansible_connection"),
                message,
                "this kind",
            ));
        }
        connection.socket = text("mysql_socket");
        connection.admin_user = text("mysql_admin_user");
        connection.admin_password = secret("mysql_admin_password");
        connection
    }
}
