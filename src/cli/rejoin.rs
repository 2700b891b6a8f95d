//! `rejoin`: a lost host is back. It takes no writes, whatever else becomes of it; then it is a replica again.

use super::{
    apply::{close_first, run_on},
    args::{Global, RejoinArgs},
    edit::{edit, need_plays},
    exit::Exit,
};
use crate::{
    engine::{CommandError, Engine, ErrorKind},
    model::HostName,
    render::{self, Terminal},
};

/// Runs the command.
pub(super) async fn run(
    global: &Global,
    args: &RejoinArgs,
    terminal: &Terminal,
) -> Result<Exit, CommandError> {
    let named = need_plays(&args.apply, "rejoin")?;
    let Some(host) = args.host.as_ref().map(HostName::new) else {
        return Err(CommandError::usage("rejoin takes the playbook and the host that is back"));
    };
    let mut engine = Engine::open(&global.options_of(named, &args.apply))?;
    render::mistakes(engine.warnings.clone(), &engine.sources, terminal);
    // Whether it may come back at all is known before anything is read.
    let mut later = Engine::open(&global.options_of(named, &args.apply))?;
    later.find_again(&host)?;
    let planned = render::while_waiting(terminal, "reading the hosts", engine.plan()).await?;
    if let Some(why) = planned.not_back(&host) {
        planned.close().await;
        return Err(CommandError::new(ErrorKind::NotRead, format!("{host} is not back: {why}"))
            .next("Nothing was changed."));
    }
    let planned = close_first(&engine, planned, &host, global, &args.apply, terminal).await?;
    engine.find_again(&host)?;
    let ended = run_on(&engine, global, &args.apply, terminal, None, Some(planned)).await?;
    if ended.exit == Exit::Done {
        edit(&engine, args.no_edit, "takes it for lost again", terminal)?;
    }
    Ok(ended.exit)
}
