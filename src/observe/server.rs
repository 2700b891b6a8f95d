//! What a running server says of itself, by SELECT and SHOW.

use super::{
    DatabaseFacts, ServerFacts,
    accounts::accounts,
    binlog::{binlog, changes, gtid},
    channels::{channels, connected_replicas, replica_addresses},
    collect::Ours,
    databases::databases,
    schema::schema,
    startup::client_sessions,
    variables::variables,
};
use crate::{
    dialect::{Dialect, ReadStatement},
    model::{Fact, ServerVersion},
    transport::{Session, SqlError, SqlReader},
};

/// Reads everything.
pub(super) async fn read(
    session: &Session,
    sql: &mut SqlReader,
    ours: &Ours,
) -> Result<ServerFacts, SqlError> {
    let version_text = sql.query_first(&ReadStatement::version()).await?.text("version")?;
    let version = ServerVersion::parse(&version_text)
        .ok_or_else(|| SqlError::Broken(format!("it calls its version `{version_text}`")))?;
    let dialect = Dialect::of(version);
    if let Some(why) = dialect.unsupported() {
        return Err(SqlError::Broken(why));
    }
    let variables = variables(sql, dialect).await?;
    let (account_names, accounts) = accounts(sql, &ours.accounts, dialect).await?;
    let mut binlog = match variables.values.get("log_bin").map(String::as_str) {
        Some("ON") => match binlog(sql, dialect).await {
            Ok(facts) => facts.into(),
            Err(error) => Fact::Unread(error.to_string()),
        },
        _ => Fact::Absent,
    };
    let databases = databases(sql, dialect).await?;
    if let Fact::Known(facts) = &mut binlog
        && databases.iter().all(DatabaseFacts::is_empty)
    {
        facts.changes = changes(sql).await;
    }
    Ok(ServerFacts {
        version,
        version_text,
        unit: String::new(),
        account_names,
        accounts,
        heartbeat: super::heartbeat::heartbeat(sql, &databases, dialect).await,
        databases,
        gtid: gtid(&variables.values, &binlog, sql, dialect).await,
        binlog,
        channels: channels(sql, dialect).await.map_or_else(|e| Fact::Unread(e.to_string()), Fact::Known),
        schema: schema(sql, dialect).await.map_or_else(|e| Fact::Unread(e.to_string()), Fact::Known),
        sessions: client_sessions(session, sql, &ours.replication)
            .await
            .map_or_else(|e| Fact::Unread(e.to_string()), Fact::Known),
        connected_replicas: connected_replicas(sql, dialect)
            .await
            .map_or_else(|e| Fact::Unread(e.to_string()), Fact::Known),
        replica_addresses: replica_addresses(sql)
            .await
            .map_or_else(|e| Fact::Unread(e.to_string()), Fact::Known),
        variables: variables.values,
        static_variables: variables.fixed,
        defaults: variables.defaults,
        persisted: variables.persisted,
    })
}
