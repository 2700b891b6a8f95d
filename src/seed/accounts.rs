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
    let mut source = fleet.reader(from).await?;
    let rows = source
        .query("SELECT User AS user, Host AS host, is_role AS is_role FROM mysql.user ORDER BY is_role DESC, User, Host")
        .await
        .map_err(reading)?;
    let mut creates: Vec<String> = Vec::new();
    let mut grants: Vec<String> = Vec::new();
    let mut names = BTreeSet::new();
    for row in &rows {
        let (user, at) = (row.text("user"), row.text("host"));
        if is_system_account(&user, &at) || plan.own_users.contains(&user) {
            continue;
        }
        if row.get("is_role") == Some("Y") {
            creates.push(format!("CREATE ROLE IF NOT EXISTS {}", literal(&user)));
            let shown =
                source.query(&format!("SHOW GRANTS FOR {}", literal(&user))).await.map_err(reading)?;
            grants.extend(shown.iter().filter_map(|r| r.at(0)).map(str::to_owned));
        } else {
            let name = format!("{}@{}", literal(&user), literal(&at));
            let shown = source.query(&format!("SHOW CREATE USER {name}")).await.map_err(reading)?;
            let create = shown.first().and_then(|r| r.at(0)).unwrap_or_default();
            // An account that is there already gets the source's login; none is ever dropped.
            creates.push(create.replacen("CREATE USER ", "CREATE USER IF NOT EXISTS ", 1));
            creates.push(create.replacen("CREATE USER ", "ALTER USER ", 1));
            let shown = source.query(&format!("SHOW GRANTS FOR {name}")).await.map_err(reading)?;
            grants.extend(shown.iter().filter_map(|r| r.at(0)).map(str::to_owned));
        }
        names.insert((user, at));
    }
    source.close().await;
    if names.is_empty() {
        return Ok(0);
    }
    let writing = |e| StepError::new(host, format!("copy the accounts of {from}"), e);
    let mut sql = statements(host, fleet, journal).await?;
    sql.off_the_binlog().await.map_err(writing)?;
    for statement in creates.iter().chain(&grants) {
        sql.run_as(statement, &without_hashes(statement)).await.map_err(writing)?;
    }
    sql.sql.close().await;
    Ok(names.len())
}

/// A statement for the journal: what stands behind a login method is a secret too.
fn without_hashes(statement: &str) -> String {
    let mut shown = String::new();
    let mut rest = statement;
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
    use super::without_hashes;

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
        assert_eq!(without_hashes("GRANT SELECT ON `d`.* TO `a`@`%`"), "GRANT SELECT ON `d`.* TO `a`@`%`");
    }
}
