//! Reads a fleet: all hosts at once, each with its own limit of time.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use futures_util::{StreamExt, stream};

use super::{HostFacts, Options, Reach, Reading, ServerFacts, accounts::OwnUsers, far_end, host, server};
use crate::{
    desired::DesiredHost,
    dialect::words_of_option_groups,
    inventory::Connection,
    model::{Endpoint, Fact, HostName, Secret, SecretId},
    transport::{Login, Output, ReadScript, RunError, Scratch, Sections, Session, SqlError, Sudo, Target},
};

const HOST: ReadScript = ReadScript::new("read the host", host::SCRIPT);
/// Where servers have their socket unless told otherwise; the first one is tried before the host has
/// answered, to save a round trip.
const USUAL_SOCKET: &str = "/run/mysqld/mysqld.sock";

/// Reads every host. Connections that are open already are used again.
pub(crate) async fn observe(
    hosts: &[&DesiredHost],
    secrets: &BTreeMap<SecretId, Secret>,
    options: &Options,
    scratch: &Arc<Scratch>,
    mut open: BTreeMap<HostName, Session>,
) -> Reading {
    let begun = Instant::now();
    let own = OwnUsers::of(hosts);
    let work = hosts.iter().map(|host| {
        let session = open.remove(&host.name);
        let own = &own;
        async move { (host.name.clone(), observe_host(host, secrets, options, scratch, session, own).await) }
    });
    let mut results = stream::iter(work.collect::<Vec<_>>()).buffer_unordered(options.forks.max(1));
    let mut reading = Reading::default();
    while let Some((name, (fact, session, login))) = results.next().await {
        reading.observed.insert(name.clone(), fact);
        if let Some(session) = session {
            reading.sessions.insert(name.clone(), session);
        }
        if let Some(login) = login {
            reading.logins.insert(name, login);
        }
    }
    drop(results);
    // Those of hosts that were not read now are needed again, by another play.
    reading.sessions.extend(open);
    reading.took = begun.elapsed();
    reading
}

/// Adds to a reading who is at the far ends to which channels are to change: replica, declared source, and address.
/// Writes nothing.
pub(crate) async fn prove_ends(reading: &mut Reading, ends: &[(HostName, HostName, Endpoint)]) {
    let looks = ends.iter().filter_map(|(replica, source, endpoint)| {
        let own = reading.sessions.get(replica)?;
        let there = (reading.sessions.get(source)?, reading.logins.get(source)?);
        Some(async move { (replica.clone(), source.clone(), far_end(own, endpoint, there).await) })
    });
    let found = futures_util::future::join_all(looks).await;
    for (replica, source, end) in found {
        if let Some(Fact::Known(facts)) = reading.observed.get_mut(&replica) {
            facts.far_ends.insert(source, end);
        }
    }
}

type ObservedHost = (Fact<HostFacts>, Option<Session>, Option<Login>);

async fn observe_host(
    host: &DesiredHost,
    secrets: &BTreeMap<SecretId, Secret>,
    options: &Options,
    scratch: &Arc<Scratch>,
    session: Option<Session>,
    own: &OwnUsers,
) -> ObservedHost {
    let alive = match session {
        Some(session) if session.alive().await => Some(session),
        _ => None,
    };
    let session = match alive {
        Some(session) => session,
        None => {
            let target = match target(&host.name, &host.connection, secrets, options) {
                Ok(target) => target,
                Err(why) => return (Fact::Unread(why), None, None),
            };
            match Session::open(target, scratch.clone()).await {
                Ok(session) => session,
                Err(error) => return (Fact::Unread(error.to_string()), None, None),
            }
        }
    };
    let reading = async { Ok(read(host, &session, secrets, options, own).await) };
    let (fact, login) = match tokio::try_join!(session.settled(), reading) {
        Ok(((), read)) => read,
        Err(error) => return (Fact::Unread(error.to_string()), None, None),
    };
    (fact, Some(session), login)
}

async fn read(
    host: &DesiredHost,
    session: &Session,
    secrets: &BTreeMap<SecretId, Secret>,
    options: &Options,
    own: &OwnUsers,
) -> (Fact<HostFacts>, Option<Login>) {
    let asking = Asking { host, session, secrets, options, own };
    let nonce = nonce();
    let first_socket = host.connection.socket.clone().unwrap_or_else(|| USUAL_SOCKET.to_owned());
    // A host on which scripts don't run needs no patience for its server.
    let declared = super::resources::read(session, host, &nonce, options.timeout);
    let guess = asking.guess(&first_socket);
    let all =
        tokio::try_join!(asking.script(&nonce), async { Ok(guess.await) }, async { Ok(declared.await) });
    let ((output, our_clock), guessed, declared) = match all {
        Ok(all) => all,
        Err(error) => return (Fact::Unread(error.to_string()), None),
    };
    let sections = Sections::cut(&output.stdout, &nonce);
    if !sections.complete() {
        let said = output.stderr.lines().next().unwrap_or("no words").to_owned();
        let why = format!("the host's shell did not run the reading script to its end: {said}");
        return (Fact::Unread(why), None);
    }
    let mut facts = host::facts(&sections);
    facts.os.ahead = (facts.os.clock > 0.0).then_some(facts.os.clock - our_clock);
    facts.resources = declared;
    let process = host::process(&sections);
    match asking.answer(guessed, &process, &first_socket).await {
        Ok((login, (mut server, reach))) => {
            server.unit = facts.service.known().map(|s| s.unit.clone()).unwrap_or_default();
            facts.reach = reach;
            facts.server = Fact::Known(server);
            (Fact::Known(facts), Some(login))
        }
        Err(error) => {
            let down = facts.service.known().is_some_and(|s| !s.running());
            facts.server = match (facts.service.known(), down) {
                _ if host::has_no_server(&facts, &sections) => Fact::Absent,
                (None, _) if facts.service == Fact::Absent => Fact::Unread(format!(
                    "no unit of systemd is its server; name it with mysql_service ({error})"
                )),
                (_, true) => Fact::Unread("it is down".to_owned()),
                _ => Fact::Unread(error.to_string()),
            };
            // Once a server that is down has been started, this is the way in.
            let to_come = socket_to_come(host, &facts);
            let shared = process.shared.contains(&to_come);
            let later = if down { asking.login(&to_come, process.uid, shared).ok() } else { None };
            (Fact::Known(facts), later)
        }
    }
}

/// What a server has said, and the login by which it did.
type Answer = Result<(Login, (ServerFacts, BTreeMap<Endpoint, Reach>)), SqlError>;

/// Who is asked, and with what.
#[derive(Clone, Copy)]
struct Asking<'a> {
    host: &'a DesiredHost,
    session: &'a Session,
    secrets: &'a BTreeMap<SecretId, Secret>,
    options: &'a Options,
    own: &'a OwnUsers,
}

impl Asking<'_> {
    fn login(&self, socket: &str, server_uid: Option<u32>, shared: bool) -> Result<Login, String> {
        let connection = &self.host.connection;
        let password = match &connection.admin_password {
            Some(id) => {
                let password = self.secrets.get(id).cloned();
                Some(password.ok_or_else(|| format!("the secret {} has no value", id.0))?)
            }
            None => None,
        };
        let user = connection.admin_user.clone().unwrap_or_else(|| "root".to_owned());
        Ok(Login { socket: socket.to_owned(), server_uid, shared, user, password })
    }

    async fn at(&self, socket: &str, uid: Option<u32>, shared: bool) -> Answer {
        let login = self.login(socket, uid, shared).map_err(SqlError::Broken)?;
        let facts = ask(self.session, &login, self.host, self.options, self.own).await?;
        Ok((login, facts))
    }

    /// Asks at the usual place before it is known whether that is the server's. A password is for the server alone, so whose
    /// socket it is must be known first; so must who can exchange a socket that does not lie at the usual place.
    async fn guess(&self, first: &str) -> Option<Answer> {
        match (&self.host.connection.admin_password, &self.host.connection.socket) {
            (None, None) => Some(self.at(first, None, false).await),
            _ => None,
        }
    }

    /// What the host's script says, and our clock by then. What passes on the way counts half; the script looks at the clock
    /// early.
    async fn script(&self, nonce: &str) -> Result<(Output, f64), RunError> {
        let of = |text: &Option<String>| text.clone().unwrap_or_default();
        let (service, file) = (of(&self.host.service), of(&self.host.option_file));
        let socket = of(&self.host.connection.socket);
        let (port, groups) = (self.host.endpoint.port.to_string(), words_of_option_groups());
        let before = seconds_now();
        let args = [nonce, &service, &socket, &file, &port, &groups];
        let output = self.session.read(&HOST, &args, self.options.timeout).await?;
        Ok((output, (before + seconds_now()) / 2.0))
    }

    /// What the server itself says. What was guessed counts only where it turns out to be the server's; who runs it was not
    /// known by then.
    async fn answer(&self, guessed: Option<Answer>, process: &host::Process, first: &str) -> Answer {
        let shared = |socket: &String| process.shared.contains(socket);
        match (guessed, process.sockets.first()) {
            (Some(Ok((mut login, server))), Some(_)) if process.sockets.contains(&login.socket) => {
                login.server_uid = process.uid;
                login.shared = shared(&login.socket);
                Ok((login, server))
            }
            (Some(Err(error)), Some(own)) if own == first && !matches!(error, SqlError::Foreign { .. }) => {
                Err(error)
            }
            (_, Some(own)) => self.at(own, process.uid, shared(own)).await,
            (_, None) => Err(no_socket(process, first)),
        }
    }
}

/// Where a server that is down will listen: as declared, else as its option files say.
fn socket_to_come(host: &DesiredHost, facts: &HostFacts) -> String {
    let in_files = || {
        let last = facts.option_files.known()?.last_of("socket", facts.version());
        last.filter(|path| path.starts_with('/'))
    };
    host.connection.socket.clone().or_else(in_files).unwrap_or_else(|| USUAL_SOCKET.to_owned())
}

/// Why there is no socket at which the server could be asked.
fn no_socket(process: &host::Process, usual: &str) -> SqlError {
    let socket = process.refused.first().map_or(usual, String::as_str).to_owned();
    let why = match (&process.untrusted, process.pid) {
        (Some(why), _) => why.clone(),
        _ if process.other.is_some() => format!(
            "its unit runs {}, which is no database server; set mysql_service to the unit that runs one",
            process.other.as_deref().unwrap_or_default()
        ),
        _ if !process.refused.is_empty() => return SqlError::Foreign { socket },
        (None, None) => "no unit of the system runs a server; set mysql_service to the unit that does".into(),
        (None, Some(pid)) => {
            format!("the server (process {pid}) listens at no unix socket; set mysql_socket")
        }
    };
    SqlError::Connect { socket, why }
}

async fn ask(
    session: &Session,
    login: &Login,
    host: &DesiredHost,
    options: &Options,
    own: &OwnUsers,
) -> Result<(ServerFacts, BTreeMap<Endpoint, Reach>), SqlError> {
    let sql = session.sql(login, options.timeout).await?;

    server::read(session, &sql, host, own).await
}

/// What transport needs, with secrets in place of their references.
///
/// # Errors
/// A secret that has no value, in words.
pub(crate) fn target(
    name: &HostName,
    connection: &Connection,
    secrets: &BTreeMap<SecretId, Secret>,
    options: &Options,
) -> Result<Target, String> {
    let value = |id: &Option<SecretId>| match id {
        None => Ok(None),
        Some(id) => {
            secrets.get(id).cloned().map(Some).ok_or_else(|| format!("the secret {} has no value", id.0))
        }
    };
    let sudo = match &connection.sudo {
        None => None,
        Some(sudo) => Some(Sudo { user: sudo.user.clone(), password: value(&sudo.password)? }),
    };
    Ok(Target {
        host: name.clone(),
        destination: connection.destination.clone(),
        port: connection.port,
        user: connection.user.clone(),
        key: connection.key_file(),
        args: connection.args.clone(),
        password: value(&connection.password)?,
        sudo,
        ssh_config: options.ssh_config.clone(),
        connect_timeout: options.connect_timeout,
    })
}

/// Seconds since 1970 by this machine's clock.
fn seconds_now() -> f64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0.0, |d| d.as_secs_f64())
}

/// A word that no content of a host holds by chance.
fn nonce() -> String {
    use std::hash::{BuildHasher, Hasher};
    let random = std::collections::hash_map::RandomState::new();
    let mut hasher = random.build_hasher();
    hasher.write_u32(std::process::id());
    format!("{:016x}{:016x}", hasher.finish(), random.build_hasher().finish())
}
