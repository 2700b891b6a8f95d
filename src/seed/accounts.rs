//! The source's own accounts, statement by statement: a standby without logins is none.

use std::collections::BTreeSet;

use crate::{
    apply::{Fleet, StepError, journal::Journal, statements},
    dialect::literal,
    grant::is_system_account,
    model::HostName,
    plan::SeedPlan,
};

/// Copies accounts, roles and grants that are neither the server's nor ours, off the binary log.
/// Returns how many.
pub async fn copy(
    host: &HostName,
    plan: &SeedPlan,
    fleet: &Fleet<'_>,
    journal: &Journal,
) -> Result<usize, StepError> {
    let from = &plan.from;
    let reading = |e| StepError::new(from, "read its accounts", e);
    let dialect = fleet.dialect(from)?;
    let mut source = fleet.reader(from).await?;
    if let Some(hex) = dialect.show_hashes_as_hex() {
        source.query(hex).await.map_err(reading)?;
    }
    let rows = source.query(dialect.show_accounts()).await.map_err(reading)?;
    let several = plan.beside || !plan.others.is_empty();
    let there = if several { accounts_of(host, fleet).await? } else { BTreeSet::new() };
    let (mut creates, mut grants, mut roles) = (Vec::new(), Vec::new(), Vec::new());
    let mut names = BTreeSet::new();
    for row in &rows {
        let (user, at) = (row.text("user"), row.text("host"));
        if is_system_account(&user, &at) || plan.own_users.contains(&user) {
            continue;
        }
        let name = if row.get("is_role") == Some("Y") {
            creates.push(format!("CREATE ROLE IF NOT EXISTS {}", literal(&user)));
            literal(&user)
        } else {
            let name = format!("{}@{}", literal(&user), literal(&at));
            let shown = source.query(&dialect.show_create_user(&user, &at)).await.map_err(reading)?;
            let create = shown.first().and_then(|r| r.at(0)).unwrap_or_default();
            let (create, default) = without_default_roles(create);
            // An account that is there already gets the source's login; none is ever dropped. Of several sources
            // each brings only those that are not there.
            if several && there.contains(&(user.clone(), at.clone())) {
                continue;
            }
            creates.push(create.replacen("CREATE USER ", "CREATE USER IF NOT EXISTS ", 1));
            creates.push(create.replacen("CREATE USER ", "ALTER USER ", 1));
            roles.extend(default.map(|list| format!("ALTER USER {name} DEFAULT ROLE {list}")));
            name
        };
        let shown = source.query(&format!("SHOW GRANTS FOR {name}")).await.map_err(reading)?;
        grants.extend(shown.iter().filter_map(|r| r.at(0)).map(str::to_owned));
        names.insert((user, at));
    }
    source.close().await;
    if names.is_empty() {
        return Ok(0);
    }
    let writing = |e| StepError::new(host, format!("copy the accounts of {from}"), e);
    let mut sql = statements(host, fleet, journal).await?;
    sql.off_the_binlog().await.map_err(writing)?;
    for statement in creates.iter().chain(&grants).chain(&roles) {
        sql.run_as(statement, &without_hashes(statement)).await.map_err(writing)?;
    }
    sql.sql.close().await;
    Ok(names.len())
}

async fn accounts_of(host: &HostName, fleet: &Fleet<'_>) -> Result<BTreeSet<(String, String)>, StepError> {
    let mut sql = fleet.reader(host).await?;
    let rows = sql.query(fleet.dialect(host)?.show_accounts()).await;
    sql.close().await;
    let rows = rows.map_err(|e| StepError::new(host, "read its accounts", e))?;
    Ok(rows.iter().map(|row| (row.text("user"), row.text("host"))).collect())
}

/// Takes `DEFAULT ROLE ...` out of MySQL's CREATE USER: a role must have been granted before it can be one.
fn without_default_roles(create: &str) -> (String, Option<String>) {
    let (mut quote, mut begin, mut end) = (None, None, create.len());
    for (at, c) in create.char_indices() {
        match quote {
            Some(mark) if c == mark => quote = None,
            Some(_) => {}
            None if matches!(c, '\'' | '`') => quote = Some(c),
            None if begin.is_none() && create[at..].starts_with(" DEFAULT ROLE ") => begin = Some(at),
            None if begin.is_some() && create[at..].starts_with(" REQUIRE ") => {
                end = at;
                break;
            }
            None => {}
        }
    }
    let Some(begin) = begin else { return (create.to_owned(), None) };
    let list = create[begin + " DEFAULT ROLE ".len()..end].to_owned();
    (format!("{}{}", &create[..begin], &create[end..]), Some(list))
}

/// A statement for the journal: what stands behind a login method is a secret too.
fn without_hashes(statement: &str) -> String {
    let mut shown = String::new();
    // MySQL's salts don't survive as text, so its hashes come as hexadecimal numbers.
    let statement = match statement.split_once(" AS 0x") {
        Some((before, hash)) => {
            let after = hash.trim_start_matches(|c: char| c.is_ascii_hexdigit());
            format!("{before} AS ***{after}")
        }
        None => statement.to_owned(),
    };
    let mut rest = statement.as_str();
    while let Some(at) =
        ["PASSWORD '", "USING '", "AS '"].iter().filter_map(|m| rest.find(m).map(|n| n + m.len())).min()
    {
        shown.push_str(&rest[..at]);
        shown.push_str("***'");
        // Hashes hold no quote; a doubled one would only hide more.
        rest = rest[at..].split_once('\'').map_or("", |(_, tail)| tail);
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::{without_default_roles, without_hashes};

    #[test]
    fn hashes_stay_out_of_the_journal() {
        assert_eq!(
            without_hashes("CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '*AB' REQUIRE SSL"),
            "CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '***' REQUIRE SSL"
        );
        assert_eq!(
            without_hashes("CREATE USER `a`@`%` IDENTIFIED VIA ed25519 USING 'x' OR unix_socket"),
            "CREATE USER `a`@`%` IDENTIFIED VIA ed25519 USING '***' OR unix_socket"
        );
        assert_eq!(
            without_hashes(
                "CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x244124 REQUIRE NONE"
            ),
            "CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' AS *** REQUIRE NONE"
        );
        assert_eq!(without_hashes("GRANT SELECT ON `d`.* TO `a`@`%`"), "GRANT SELECT ON `d`.* TO `a`@`%`");
    }

    #[test]
    fn default_roles_come_after_the_grants() {
        let plain = "CREATE USER `a`@`%` IDENTIFIED WITH 'x' AS 0x24 REQUIRE NONE ACCOUNT UNLOCK";
        assert_eq!(without_default_roles(plain), (plain.to_owned(), None));
        let hostile = "CREATE USER `a DEFAULT ROLE b`@`%` IDENTIFIED WITH 'x' DEFAULT ROLE `r REQUIRE `@`%`,`s`@`%` REQUIRE NONE";
        let (create, roles) = without_default_roles(hostile);
        assert_eq!(create, "CREATE USER `a DEFAULT ROLE b`@`%` IDENTIFIED WITH 'x' REQUIRE NONE");
        assert_eq!(roles.as_deref(), Some("`r REQUIRE `@`%`,`s`@`%`"));
    }
}
