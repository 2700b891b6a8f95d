//! `failover`: the writer is silent; a replica takes its place, and the playbook says so afterwards.

use super::{
    apply::run_on,
    args::{FailoverArgs, Global},
    edit::{edit, need_plays},
    exit::Exit,
};
use crate::{
    engine::{CommandError, Engine, ErrorKind, Planned},
    model::HostName,
    render::{self, Terminal},
};

/// Runs the command.
pub(super) async fn run(
    global: &Global,
    args: &FailoverArgs,
    terminal: &Terminal,
) -> Result<Exit, CommandError> {
    let named = need_plays(&args.apply, "failover")?;
    let mut engine = Engine::open(&global.options_of(named, &args.apply))?;
    render::mistakes(engine.warnings.clone(), &engine.sources, terminal);
    let to = args.to.as_ref().map(HostName::new);
    let looked = match engine.lose_writer(to.as_ref())? {
        Some(writer) => choose(&mut engine, &writer, to, terminal).await?,
        None => {
            let planned = render::while_waiting(terminal, "reading the hosts", engine.plan()).await?;
            engine.lose_silent(&planned)?;
            Some(planned)
        }
    };
    let ended = run_on(&engine, global, &args.apply, terminal, None, looked).await?;
    // Whatever else failed: the lost host must not be waited for, or written to, by the next `apply`.
    if ended.switched || ended.exit == Exit::Done {
        edit(&engine, args.no_edit, "waits for the lost host", terminal)?;
    }
    Ok(ended.exit)
}

/// Lets a host take the writes: the one that is named, else the replica that has received most.
async fn choose(
    engine: &mut Engine,
    writer: &HostName,
    to: Option<HostName>,
    terminal: &Terminal,
) -> Result<Option<Planned>, CommandError> {
    if let Some(to) = to {
        engine.fail_over(writer, &to)?;
        return Ok(None);
    }
    let planned = render::while_waiting(terminal, "reading the hosts", engine.plan_without_lost()).await?;
    // One that accepts writes was opened before: by a run that ended early, or by hand.
    let open = planned.used_writers().into_iter().find(|open| engine.is_member(open));
    let has_most = open.is_none();
    // Where none has everything, the plan of any of them says who has what.
    let Some(to) = open.or_else(|| planned.most_advanced()).or_else(|| planned.some_follower()) else {
        planned.close().await;
        return Err(CommandError::new(
            ErrorKind::NotRead,
            format!("no replica of {writer} could be read: nobody can take its writes"),
        )
        .next("If another member is lost, name that in `lost:` of the topology and run `tandem apply`. Nothing was changed."));
    };
    let why = if has_most { "has received most of it" } else { "accepts writes already" };
    terminal.note(&format!("{writer} is taken for lost; {to} {why}."));
    engine.fail_over(writer, &to)?;
    Ok(Some(planned))
}
