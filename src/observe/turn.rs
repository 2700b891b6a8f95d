//! What has to be known of two hosts before the writes of one go to the other. It is asked only then.

use std::collections::BTreeSet;

use super::{AdminWriter, Reading};
use crate::{
    dialect::{Dialect, ReadStatement},
    model::{Fact, HostName},
    transport::{Login, SqlError, SqlReader},
};

/// Accounts of the system, which log in through the server's socket as the owner of the host.
const OF_THE_SYSTEM: [&str; 3] = ["root", "mysql", "mariadb.sys"];

/// Adds to a reading which accounts of these hosts may write past `read_only`, and which transactions wait there for their end.
/// Writes nothing.
pub(crate) async fn look_before_a_turn(reading: &mut Reading, hosts: &BTreeSet<HostName>) {
    let looks = hosts.iter().filter_map(|host| {
        let (session, login) = (reading.sessions.get(host)?, reading.logins.get(host)?);
        let server = reading.observed.get(host)?.known()?.server.known()?;
        let dialect = Dialect::of(server.version);
        Some(async move {
            let found = async {
                let sql = session.sql(login, crate::model::limits::STATEMENT.time).await?;
                Ok::<_, SqlError>(tokio::join!(admins(&sql, dialect, login), prepared(&sql)))
            };
            let found = match found.await {
                Ok((admins, prepared)) => (fact(admins), fact(prepared)),
                Err(error) => (Fact::Unread(error.to_string()), Fact::Unread(error.to_string())),
            };
            (host.clone(), found)
        })
    });
    for (host, (admins, prepared)) in futures_util::future::join_all(looks).await {
        if let Some(Fact::Known(facts)) = reading.observed.get_mut(&host) {
            (facts.admins, facts.prepared) = (admins, prepared);
        }
    }
}

fn fact<T>(read: Result<T, SqlError>) -> Fact<T> {
    read.map_or_else(|error| Fact::Unread(error.to_string()), Fact::Known)
}

async fn prepared(sql: &SqlReader) -> Result<Vec<String>, SqlError> {
    let rows = sql.query(&ReadStatement::prepared_transactions()).await?;
    // A name may be no text.
    let name = |row: &crate::transport::Row| row.optional("data").ok().flatten().unwrap_or("?").to_owned();
    Ok(rows.iter().map(name).collect())
}

async fn admins(sql: &SqlReader, dialect: Dialect, login: &Login) -> Result<Vec<AdminWriter>, SqlError> {
    let Some(privileged) = dialect.who_writes_past_read_only() else { return Ok(Vec::new()) };
    let (locked, roles) = (ReadStatement::locked_accounts(), ReadStatement::roles_of_accounts());
    let (privileged, locked, roles) =
        tokio::try_join!(sql.query(&privileged), sql.query(&locked), sql.query(&roles))?;
    let pair = |row: &crate::transport::Row| Ok::<_, SqlError>((row.text("user")?, row.text("host")?));
    let locked = locked.iter().map(pair).collect::<Result<BTreeSet<_>, _>>()?;
    let granted = privileged.iter().map(|row| Ok(grantee(row.need("grantee")?)));
    let mut all = granted.collect::<Result<BTreeSet<(String, String)>, SqlError>>()?;
    // Who has a role has what the role may, and a role may have others.
    loop {
        let before = all.len();
        for row in &roles {
            if all.contains(&(row.text("role")?, String::new())) {
                all.insert(pair(row)?);
            }
        }
        if all.len() == before {
            break;
        }
    }
    let is_account = |(user, host): &(String, String)| {
        let of_the_system = host == "localhost" && OF_THE_SYSTEM.contains(&user.as_str());
        !host.is_empty() && !of_the_system && *user != login.user
    };
    let made = |(user, host): (String, String)| {
        let locked = locked.contains(&(user.clone(), host.clone()));
        AdminWriter { user, host, locked }
    };
    Ok(all.into_iter().filter(is_account).map(made).collect())
}

/// `'user'@'host'` as the server lists it; quotes inside are as they are.
fn grantee(text: &str) -> (String, String) {
    let bare = |part: &str| part.trim_matches('\'').to_owned();
    match text.rsplit_once("'@'") {
        Some((user, host)) => {
            let user = user.strip_prefix('\'').unwrap_or(user);
            (user.to_owned(), host.strip_suffix('\'').unwrap_or(host).to_owned())
        }
        None => (bare(text), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_out_of_its_name() {
        let pair = |user: &str, host: &str| (user.to_owned(), host.to_owned());
        assert_eq!(grantee("'boss'@'%'"), pair("boss", "%"));
        assert_eq!(grantee("'o'k'@'10.0.0.1'"), pair("o'k", "10.0.0.1"));
        assert_eq!(grantee("'role'@''"), pair("role", ""));
        assert_eq!(grantee("'role'"), pair("role", ""));
    }
}
