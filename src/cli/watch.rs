//! `status --watch`: the same again and again, over connections that stay open.

use std::{collections::BTreeSet, io::IsTerminal, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use super::{args::Global, exit::Exit, form::Format, open::open};
use crate::{
    engine::{CommandError, State},
    render::{self, Screen, Terminal},
    status::StatusDocument,
};

/// Shows the topology until the user has seen enough: Ctrl-C, or `q` and Enter. Where standard output is no
/// terminal, each round is printed behind the one before.
pub(super) async fn run(
    global: &Global,
    playbook: Option<&str>,
    interval: Duration,
    terminal: &Terminal,
) -> Result<Exit, CommandError> {
    let engine = open(global, playbook, &[], terminal)?;
    let look = engine.look();
    let exit = |document: &StatusDocument| Exit::from(State::of_topology(document));
    let screen = if global.wanted.format() == Format::Human { Screen::begin() } else { None };
    let end = enough();
    tokio::pin!(end);
    let mut sessions = std::collections::BTreeMap::new();
    let mut before: Option<StatusDocument> = None;
    let last = loop {
        let round = look.read(std::mem::take(&mut sessions));
        let (document, open) = tokio::select! {
            round = round => round,
            () = &mut end => break before.as_ref().map_or(Exit::Interrupted, exit),
        };
        sessions = open.sessions;
        show(&document, before.as_ref(), screen.as_ref(), global, terminal, interval);
        let code = exit(&document);
        if render::reader_is_gone() {
            break code;
        }
        before = Some(document);
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = &mut end => break code,
        }
    };
    drop(screen);
    futures_util::future::join_all(sessions.into_values().map(crate::transport::Session::close)).await;
    Ok(last)
}

fn show(
    document: &StatusDocument,
    before: Option<&StatusDocument>,
    screen: Option<&Screen>,
    global: &Global,
    terminal: &Terminal,
    interval: Duration,
) {
    if global.wanted.format() != Format::Human {
        terminal.json_line(document);
        return;
    }
    let mut text = render::status(document, global.verbose > 0, terminal.width(), terminal.columns_out());
    text.push_str(&render::tally(document));
    for change in before.map(|before| changes(before, document)).unwrap_or_default() {
        text.push_str(&format!("since the last look: {change}\n"));
    }
    match screen {
        Some(screen) => {
            let now = jiff::Zoned::now().strftime("%H:%M:%S");
            let every = crate::model::duration(interval);
            screen.draw(&format!("{now}, every {every}; Ctrl-C ends, or q and Enter\n\n{text}"));
        }
        None => terminal.out(&format!("{text}\n")),
    }
}

/// What is another state than before, in words.
fn changes(before: &StatusDocument, now: &StatusDocument) -> BTreeSet<String> {
    let hosts = now.hosts.iter().filter_map(|host| {
        let old = before.hosts.iter().find(|h| h.host == host.host)?;
        (old.state != host.state).then(|| format!("{} was {} and is {}", host.host, old.state, host.state))
    });
    let channels = now.channels.iter().filter_map(|channel| {
        let same = |c: &&crate::status::ChannelStatus| {
            c.replica == channel.replica && c.source == channel.source && c.name == channel.name
        };
        let old = before.channels.iter().find(same)?;
        let source = channel.source.as_ref().map_or("elsewhere", |s| s.as_str());
        (old.state != channel.state)
            .then(|| format!("{} from {source} was {} and is {}", channel.replica, old.state, channel.state))
    });
    hosts.chain(channels).collect()
}

/// Ends with Ctrl-C, with a polite kill, or with `q` on a line of its own.
async fn enough() {
    let (tell, told) = oneshot::channel::<()>();
    if std::io::stdin().is_terminal() {
        // Nobody waits for this thread: a line that is never typed must not hold the program.
        std::thread::spawn(move || {
            let mut line = String::new();
            while std::io::stdin().read_line(&mut line).is_ok_and(|n| n > 0) {
                if line.trim().eq_ignore_ascii_case("q") {
                    let _ = tell.send(());
                    return;
                }
                line.clear();
            }
        });
    }
    let asked = async {
        if told.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return asked.await;
    };
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
        () = asked => {}
    }
}
