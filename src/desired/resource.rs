//! From an evaluated resource of a role to a wish.

mod plain;
mod settings;

use std::str::FromStr;

use serde_json::Value as Json;

use super::{
    DesiredAccount, DesiredCertificates, DesiredChannel, DesiredDatabase, DesiredHeartbeat, DesiredHost,
    DesiredRoleUnit, DesiredSeed, DesiredServer, FirewallIntent, Tls, template_problem::template_problem,
};
use crate::{
    inventory::{SecretBook, Variables},
    model::{
        Endpoint, Filters, FirewallChoice, GIVEN_POSITION, HostName, Place, SecretId, SeedMethod, SeedPath,
        UnknownWord,
    },
    playbook::{ResourceKind, Role, RoleResource},
    resource::scalar,
    source::{Node, Problem, Problems, Yaml, closest},
    template::Scope,
};
use settings::settings;

/// A resource and what it is evaluated with.
pub(super) struct Evaluated<'a> {
    /// Its role.
    pub role: &'a Role,
    /// The resource.
    pub declared: &'a RoleResource,
    /// Names for its templates.
    pub scope: &'a Scope,
    /// The host's variables, for the places of wishes.
    pub variables: &'a Variables,
    /// The inventory's directory.
    pub base: &'a std::path::Path,
    /// Secrets, for values that came out of a vault.
    pub secrets: &'a SecretBook,
}

/// Adds a resource to a host's wishes.
pub(super) fn add(
    evaluated: &Evaluated<'_>,
    host: &mut DesiredHost,
    endpoint: &dyn Fn(&HostName) -> Endpoint,
    topology: &Place,
    problems: &mut Problems,
) {
    if evaluated.declared.kind == ResourceKind::Settings {
        let settings = settings(evaluated, problems);
        host.settings.get_or_insert_default().extend(settings);
        return;
    }
    if let ResourceKind::Plain(kind) = evaluated.declared.kind {
        plain::add(evaluated, kind, host, problems);
        return;
    }
    let body = match evaluated.scope.evaluate(&evaluated.declared.body.to_template()) {
        Ok(body) => body,
        Err(error) => {
            problems.push(evaluated.blame(&error));
            return;
        }
    };
    let mut reader = Reader { evaluated, body: &body, problems };
    reader.add(host, endpoint, topology);
}

impl Evaluated<'_> {
    /// The place of the wish: where the user gave the value, if the resource only passes it on.
    fn place_of(&self, node: &Node) -> Place {
        self.variable_behind(node).map_or_else(|| node.place.clone(), |n| n.place.clone())
    }

    /// The variable that a value is nothing but a reference to.
    fn variable_behind(&self, node: &Node) -> Option<&Node> {
        let Yaml::Text(text) = &node.value else { return None };
        let name = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
        self.variables.get(name)
    }

    /// Finds the value whose template has failed, since the error itself knows no file.
    fn blame(&self, error: &crate::template::TemplateError) -> Problem {
        template_problem(error, &failing(&self.declared.body, self.scope).place, self.scope)
    }
}

/// The text inside a value whose template fails; the value itself where none does.
pub(super) fn failing<'n>(node: &'n Node, scope: &Scope) -> &'n Node {
    fn find<'n>(node: &'n Node, scope: &Scope) -> Option<&'n Node> {
        match &node.value {
            Yaml::Seq(items) => items.iter().find_map(|i| find(i, scope)),
            Yaml::Map(entries) => entries.iter().find_map(|(_, v)| find(v, scope)),
            Yaml::Text(_) => scope.evaluate(&node.to_template()).is_err().then_some(node),
            _ => None,
        }
    }
    find(node, scope).unwrap_or(node)
}

/// Reads an evaluated body.
struct Reader<'a> {
    evaluated: &'a Evaluated<'a>,
    body: &'a Json,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn place(&self, key: &str) -> Place {
        let body = &self.evaluated.declared.body;
        body.get(key).map_or_else(|| body.place.clone(), |node| self.evaluated.place_of(node))
    }

    fn wrong(&mut self, key: &str, what: &str) {
        let message =
            format!("`{key}` of a resource `{}` must be {what}", self.evaluated.declared.kind.word());
        let place = self.place(key);
        self.problems.push(Problem::error("role::value", &place, message, format!("must be {what}")));
    }

    fn text(&mut self, key: &str) -> Option<String> {
        match self.body.get(key).and_then(scalar).filter(|t| !t.is_empty()) {
            Some(text) => Some(text),
            None => {
                self.wrong(key, "text");
                None
            }
        }
    }

    fn optional(&self, key: &str) -> Option<String> {
        self.body.get(key).and_then(scalar).filter(|t| !t.is_empty())
    }

    fn list(&mut self, key: &str) -> Vec<String> {
        match self.body.get(key) {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Array(items)) => {
                let texts: Option<Vec<String>> = items.iter().map(scalar).collect();
                texts.unwrap_or_else(|| {
                    self.wrong(key, "a list of texts");
                    Vec::new()
                })
            }
            Some(one) => scalar(one).into_iter().collect(),
        }
    }

    fn flag(&mut self, key: &str, default: bool) -> bool {
        match self.body.get(key) {
            None | Some(Json::Null) => default,
            Some(Json::Bool(b)) => *b,
            Some(_) => {
                self.wrong(key, "true or false");
                default
            }
        }
    }

    fn number(&mut self, key: &str, default: u64) -> u64 {
        match self.body.get(key) {
            None | Some(Json::Null) => default,
            Some(value) => scalar(value).and_then(|t| t.parse().ok()).unwrap_or_else(|| {
                self.wrong(key, "a number");
                default
            }),
        }
    }

    fn secret(&mut self, key: &str) -> Option<SecretId> {
        let value = self.body.get(key)?;
        let id = Scope::secret_id(value).map(|id| SecretId(id.to_owned()));
        match id.or_else(|| self.evaluated.secrets.vaulted_value(value)) {
            Some(id) => Some(id),
            None => {
                self.wrong(key, "a secret: {env: NAME}, {file: path}, {command: [..]}, or out of a vault");
                None
            }
        }
    }

    /// One word out of several.
    fn word<T: FromStr<Err = UnknownWord>>(&mut self, key: &str) -> Option<T> {
        let text = match self.body.get(key) {
            // YAML reads `off` as a boolean.
            Some(Json::Bool(false)) => "off".to_owned(),
            _ => self.optional(key).unwrap_or_default(),
        };
        let unknown = match text.to_ascii_lowercase().parse() {
            Ok(value) => return Some(value),
            Err(unknown) => unknown,
        };
        let place = self.place(key);
        let help = match closest(&text, unknown.list.split(", ")) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => format!("The words are {}.", unknown.list),
        };
        let message = format!("`{text}` is not a value of `{key}`");
        self.problems.push(Problem::error("role::value", &place, message, "unknown word").help(help));
        None
    }

    fn tls(&mut self, key: &str) -> Option<Tls> {
        self.word(key)
    }

    fn add(&mut self, host: &mut DesiredHost, endpoint: &dyn Fn(&HostName) -> Endpoint, topology: &Place) {
        let whole = self.evaluated.declared.body.place.clone();
        match self.evaluated.declared.kind {
            ResourceKind::Settings | ResourceKind::Plain(_) => {}
            ResourceKind::Firewall => {
                let peers = self.list("peers");
                let allow = self.list("allow");
                let deny_others = self.flag("deny_others", false);
                let backend = self.word("backend").unwrap_or(FirewallChoice::Auto);
                let port = self.number("port", 3306);
                let Ok(port) = u16::try_from(port) else { return self.wrong("port", "a port") };
                // Where nothing but peers is asked for, the topology is what asks.
                let place = if deny_others { self.place("deny_others") } else { topology.clone() };
                host.firewall = Some(FirewallIntent { port, peers, allow, deny_others, backend, place });
            }
            ResourceKind::Account => {
                // Several replicas may log in by one account.
                let wish = self.account().filter(|wish| !host.accounts.contains(wish));
                host.accounts.extend(wish);
            }
            ResourceKind::Database => {
                let Some(name) = self.text("name") else { return };
                let (character_set, collation) = (self.optional("character_set"), self.optional("collation"));
                let place =
                    self.evaluated.variables.get("mysql_databases").map_or(whole, |n| n.place.clone());
                host.databases.push(DesiredDatabase { name, character_set, collation, place });
            }
            ResourceKind::Seed => {
                let Some(wish) = self.seed(topology) else { return };
                host.seeds.retain(|s| s.from != wish.from);
                host.seeds.push(wish);
            }
            ResourceKind::Channel => host.channels.extend(self.channel(endpoint, topology)),
            ResourceKind::Heartbeat => {
                let interval = self.number("interval", 1);
                if !(1..=3600).contains(&interval) {
                    return self.wrong("interval", "a number of seconds from 1 to 3600");
                }
                host.heartbeat = Some(DesiredHeartbeat { interval, place: self.place("interval") });
            }
            ResourceKind::Server => host.server = self.server(),
            ResourceKind::RoleUnit => host.role_unit = self.role_unit(),
            ResourceKind::Certificates => {
                let directory = self.text("directory").unwrap_or_else(|| "tls".into());
                host.certificates = Some(DesiredCertificates {
                    directory: self.evaluated.base.join(directory),
                    authority: crate::model::Fact::Unread("not looked at yet".into()),
                    can_issue: false,
                    place: self.place("directory"),
                });
            }
        }
    }

    fn account(&mut self) -> Option<DesiredAccount> {
        let (user, at, password) = (self.text("user"), self.text("host"), self.secret("password"));
        let privileges = self.list("privileges");
        let on = self.optional("on").unwrap_or_else(|| "*.*".into());
        let require_tls = self.tls("tls").unwrap_or(Tls::Required).encrypted();
        // Servers keep host names of accounts in lower case.
        let (user, host, password) = (user?, at?.to_ascii_lowercase(), password?);
        Some(DesiredAccount {
            user,
            host,
            password,
            privileges,
            on,
            require_tls,
            place: self.place("password"),
        })
    }

    fn seed(&mut self, topology: &Place) -> Option<DesiredSeed> {
        let (from, method) = (self.text("from").map(HostName::new), self.word("method"));
        let databases = self.list("databases");
        let path = if self.optional("path").is_some() { self.word("path") } else { Some(SeedPath::Auto) };
        let accounts = self.flag("accounts", true);
        let position = self.optional("position").and_then(|text| {
            let read = text.parse().ok();
            if read.is_none() {
                self.wrong("position", GIVEN_POSITION);
            }
            read
        });
        if position.is_some() && method.is_some_and(|method| method != SeedMethod::None) {
            let message =
                "`seed_position` says where data stands that was loaded by hand, and a copy is to be made";
            let problem = Problem::error("seed::position", &self.place("position"), message, "this place");
            self.problems.push(problem.help("Say `seed_method: none` beside it, or leave it out."));
        }
        Some(DesiredSeed {
            from: from?,
            method: method?,
            path: path?,
            databases,
            accounts,
            position,
            place: topology.clone(),
            method_place: self.place("method"),
            databases_place: self.place("databases"),
            accounts_place: self.place("accounts"),
            position_place: self.place("position"),
        })
    }

    fn role_unit(&mut self) -> Option<DesiredRoleUnit> {
        let (user, password, tls) = (self.text("user")?, self.secret("password")?, self.word("tls")?);
        let tls_ca = self.optional("tls_ca").unwrap_or_default();
        Some(DesiredRoleUnit { user, password, tls, tls_ca, place: self.place("user") })
    }

    fn server(&mut self) -> Option<DesiredServer> {
        let package = self.text("package")?;
        let version = self.optional("version");
        // Both become words of a package manager's command line, which must not read them as options.
        let plain = |text: &str, more: &str| {
            text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        if !plain(&package, "+-._") {
            self.wrong("package", "the name of a package");
            return None;
        }
        if version.as_deref().is_some_and(|v| !plain(v, "+-._:~")) {
            self.wrong("version", "a version or its beginning, such as \"10.11\"");
            return None;
        }
        Some(DesiredServer {
            package,
            version,
            start: self.flag("start", true),
            secure: self.flag("secure", true),
            place: self.place("package"),
            version_place: self.place("version"),
            secure_place: self.place("secure"),
        })
    }

    fn channel(
        &mut self,
        endpoint: &dyn Fn(&HostName) -> Endpoint,
        topology: &Place,
    ) -> Option<DesiredChannel> {
        let source = HostName::new(self.text("source")?);
        let (user, password) = (self.text("user"), self.secret("password"));
        let written = password.as_ref().and_then(|id| self.evaluated.secrets.place(id)).cloned();
        let tls = self.tls("tls");
        let positioning = self.word("positioning");
        let name = self.optional("name").unwrap_or_default();
        let tls_ca = self.optional("tls_ca").unwrap_or_default();
        let delay = self.number("delay", 0);
        Some(DesiredChannel {
            endpoint: endpoint(&source),
            name,
            source,
            user: user?,
            password: password?,
            password_place: written.unwrap_or_else(|| self.place("password")),
            tls: tls?,
            positioning: positioning?,
            tls_ca,
            delay,
            filters: self.filters("filters"),
            place: topology.clone(),
        })
    }

    fn filters(&mut self, key: &str) -> Filters {
        match self.body.get(key) {
            None | Some(Json::Null) => Filters::default(),
            Some(value) => serde_json::from_value(value.clone()).unwrap_or_else(|_| {
                self.wrong(key, "a mapping of databases, ignore_databases, wild_tables, wild_ignore_tables");
                Filters::default()
            }),
        }
    }
}
