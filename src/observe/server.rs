//! What a running server says of itself, by SELECT and SHOW.

use std::collections::BTreeMap;

use super::{
    BinlogFacts, DatabaseFacts, HeartbeatFacts, Reach, ServerFacts,
    accounts::{OwnUsers, accounts, replicating},
    binlog::{binlog, changes, gtid},
    channels::{channels, connected_replicas, replica_addresses},
    databases::databases,
    events::events,
    heartbeat::heartbeat,
    ports::{ends, try_ports},
    schema::schema,
    startup::client_sessions,
    variables::{Variables, filters_of_channels, variables},
};
use crate::{
    desired::DesiredHost,
    dialect::{Dialect, ReadStatement},
    gtid::GtidState,
    model::{Endpoint, Fact, ServerVersion},
    transport::{Session, SqlError, SqlReader},
};

/// Reads everything that it says, and tries the ports that its channels need. What does not depend on anything else is
/// asked at once, so it goes to the server in one message.
pub(super) async fn read(
    session: &Session,
    sql: &SqlReader,
    host: &DesiredHost,
    own_users: &OwnUsers,
) -> Result<(ServerFacts, BTreeMap<Endpoint, Reach>), SqlError> {
    if !host.channels.is_empty() {
        // For a look at the ports of its sources, which comes last.
        session.expect_script();
    }
    let version_text = sql.query_first(ReadStatement::version()).await?.text("version")?;
    let version = ServerVersion::parse(&version_text)
        .ok_or_else(|| SqlError::Broken(format!("it calls its version `{version_text}`")))?;
    let dialect = Dialect::of(version);
    if let Some(why) = dialect.unsupported() {
        return Err(SqlError::Broken(why));
    }
    let channels = async {
        let channels = fact(channels(sql, dialect).await);
        let reach = try_ports(session, ends(host, &channels)).await;
        Ok::<_, SqlError>((channels, reach))
    };
    let (
        own,
        accounts,
        replicating,
        (channels, reach),
        schema,
        events,
        sessions,
        connected_replicas,
        replica_addresses,
    ) = tokio::try_join!(
        own(sql, dialect),
        accounts(sql, &own_users.accounts, dialect),
        replicating(sql),
        channels,
        async { Ok(fact(schema(sql, dialect).await)) },
        async { Ok(fact(events(sql, dialect).await)) },
        async { Ok(fact(client_sessions(session, sql, &own_users.replication).await)) },
        async { Ok(fact(connected_replicas(sql, dialect).await)) },
        async { Ok(fact(replica_addresses(sql).await)) },
    )?;
    let mut variables = own.variables;
    filters_of_channels(&mut variables.values, channels.known().map_or(&[], Vec::as_slice), dialect);
    let facts = ServerFacts {
        version,
        version_text,
        unit: String::new(),
        account_names: accounts.0,
        accounts: accounts.1,
        replicating,
        heartbeat: own.heartbeat,
        databases: own.databases,
        gtid: own.gtid,
        binlog: own.binlog,
        channels,
        schema,
        events,
        sessions,
        connected_replicas,
        replica_addresses,
        variables: variables.values,
        static_variables: variables.fixed,
        defaults: variables.defaults,
        found_in: variables.found_in,
        of_start: variables.of_start,
        ranges: variables.ranges,
        persisted: variables.persisted,
    };
    Ok((facts, reach))
}

fn fact<T>(read: Result<T, SqlError>) -> Fact<T> {
    read.map_or_else(|error| Fact::Unread(error.to_string()), Fact::Known)
}

/// What a server is set to, what it holds, and what it has logged: one can't be read without the other.
struct Own {
    variables: Variables,
    databases: Vec<DatabaseFacts>,
    binlog: Fact<BinlogFacts>,
    gtid: Fact<GtidState>,
    heartbeat: Fact<HeartbeatFacts>,
}

async fn own(sql: &SqlReader, dialect: Dialect) -> Result<Own, SqlError> {
    let (variables, databases, log) =
        tokio::join!(variables(sql, dialect), databases(sql, dialect), binlog(sql, dialect));
    let (variables, databases) = (variables?, databases?);
    // Where nothing is logged, the question has failed.
    let mut binlog = match variables.values.get("log_bin").map(String::as_str) {
        Some("ON") => match log {
            Ok(facts) => facts.into(),
            Err(error) => Fact::Unread(error.to_string()),
        },
        _ => Fact::Absent,
    };
    let nothing = binlog.known().is_some() && databases.iter().all(DatabaseFacts::is_empty);
    let changes = async {
        match nothing {
            true => changes(sql).await,
            false => Fact::Absent,
        }
    };
    let (heartbeat, gtid, changes) = tokio::join!(
        heartbeat(sql, &databases, dialect),
        gtid(&variables.values, &binlog, sql, dialect),
        changes
    );
    if let Fact::Known(facts) = &mut binlog {
        facts.changes = changes;
    }
    Ok(Own { variables, databases, binlog, gtid, heartbeat })
}
