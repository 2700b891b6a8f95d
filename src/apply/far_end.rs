//! The far end of a channel is proven right before its step: a channel that runs is not stopped for one that can't.

use crate::{
    dialect::ReadStatement,
    doctor::{ChannelContext, explain_channel},
    exec::{On, StepError},
    grant::{Login, unfit},
    model::{HostName, ThreadState},
    observe::{ChannelFacts, FarEnd, channels, far_end, read_accounts},
    plan::ChannelChange,
    transport::SqlError,
    words::cause,
};

/// Looks who is at the far end of a channel that is new, or whose end changes.
///
/// # Errors
/// A stale one where a channel is there and its new end is not proven; where there is none, the layer that fails.
pub(super) async fn check(on: On<'_>, change: &ChannelChange) -> Result<(), StepError> {
    let host = on.host;
    let (wish, end) = (&change.wish, &change.wish.endpoint);
    if !change.change {
        return Ok(());
    }
    let tried = format!("replicate from {} at {end}", wish.source);
    let now = if change.exists { present(on, change).await? } else { None };
    if let Some(now) = now.as_ref().filter(|c| c.source_host == end.address && c.source_port == end.port) {
        return if now.running() { lets_in(on, change, now).await } else { Ok(()) };
    }
    let there = (on.at(&wish.source).session()?, on.at(&wish.source).login()?);
    let found = far_end(on.session()?, end, there).await;
    let Some(now) = now else {
        return match unproven(host, change, &found) {
            Some((why, next)) => Err(on.failed(tried, why).then(next)),
            None => Ok(()),
        };
    };
    let why = match &found {
        FarEnd::Same => return lets_in(on, change, &now).await,
        FarEnd::Unknown(why) => format!("who is there could not be found out: {why}"),
        other => unproven(host, change, other).map_or_else(String::new, |(why, _)| why),
    };
    let stays = format!(
        "The channel from {}:{} was not stopped. Check replication_address and mysql_port of {}.",
        now.source_host, now.source_port, wish.source
    );
    Err(StepError::stale(host, tried, why).then(stays))
}

/// A channel that is connected stays so when its account is locked or loses its right, and could not connect again.
async fn lets_in(on: On<'_>, change: &ChannelChange, now: &ChannelFacts) -> Result<(), StepError> {
    let host = on.host;
    let (wish, source) = (&change.wish, &change.wish.source);
    let failed = |e: SqlError| StepError::new(source, format!("look at the account {}", wish.user), e);
    let dialect = on.at(source).dialect()?;
    let sql = on.at(source).reader().await?;
    let names = sql.query(&ReadStatement::account_names()).await.map_err(failed)?;
    let own = names.iter().filter(|row| row.get("user") == Some(&wish.user));
    let own = own.map(|row| Ok((row.text("user")?, row.text("host")?)));
    let own = own.collect::<Result<Vec<(String, String)>, SqlError>>().map_err(failed)?;
    let accounts = read_accounts(&sql, &own, dialect).await.map_err(failed)?;
    let declared = on.fleet.desired.hosts.get(host);
    let from = declared.map(|d| Ok(d.addresses(&on.facts()?.os.addresses))).transpose()?;
    let password = on.secret(&wish.password)?.expose();
    let from = from.unwrap_or_default();
    let login = Login { user: &wish.user, from: &from, password: Some(password), tls: wish.tls.encrypted() };
    let why = match unfit(&accounts, login) {
        Some((account, why)) => format!("the account {}@{} there {why}", account.user, account.host),
        None if accounts.is_empty() => format!("there is no account {} there any more", wish.user),
        None => return Ok(()),
    };
    let stays = format!(
        "The channel from {}:{} was not stopped. Run `tandem plan` again, or correct the account on {source}.",
        now.source_host, now.source_port
    );
    Err(StepError::stale(host, format!("replicate from {source}"), why).then(stays))
}

async fn present(on: On<'_>, change: &ChannelChange) -> Result<Option<ChannelFacts>, StepError> {
    let sql = on.reader().await?;
    let list = channels(&sql, on.dialect()?).await;
    let list = list.map_err(|e| on.failed("look at its channels", e))?;
    Ok(list.into_iter().find(|channel| channel.name == change.wish.name))
}

/// Why nobody is there who could be replicated from, and what to do.
fn unproven(host: &HostName, change: &ChannelChange, found: &FarEnd) -> Option<(String, String)> {
    let (source, end) = (&change.wish.source, &change.wish.endpoint);
    let (errno, said) = match found {
        FarEnd::Same | FarEnd::Unknown(_) => return None,
        FarEnd::Another(version) => {
            let why =
                format!("the server that answers there is not that of {source}; its version is {version}");
            return Some((why, format!("Check replication_address and mysql_port of {source}.")));
        }
        FarEnd::Refused(code, said) => (*code, said.clone()),
        FarEnd::Unreachable(why) => (2003, why.clone()),
    };
    let trying = ChannelFacts {
        source_host: end.address.clone(),
        source_port: end.port,
        user: change.wish.user.clone(),
        io_running: ThreadState::Connecting,
        sql_running: ThreadState::Yes,
        io_errno: errno,
        io_error: said,
        ..ChannelFacts::default()
    };
    let reach = found.reach().filter(|_| errno == 2003);
    let channel_context = ChannelContext {
        replica: host.as_str(),
        source: source.as_str(),
        source_runs: Some(true),
        reach: reach.as_ref(),
        relay_log: None,
        source_down_because: None,
    };
    let found = explain_channel(&trying, &channel_context)?;
    Some((format!("{}: {}", found.layer, cause::clause(&found)), cause::next(&found)))
}
