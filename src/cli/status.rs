//! `status`, `doctor` and `graph`.

use std::collections::BTreeMap;

use super::{
    args::{Global, GraphArgs, Picture},
    exit::Exit,
    form::Format,
    open::open,
};
use crate::{
    engine::{CommandError, State},
    render::{self, Terminal},
};

/// Shows the topology as it is. Without a playbook all hosts of the inventory are shown.
pub(super) async fn run(
    global: &Global,
    playbook: Option<&str>,
    terminal: &Terminal,
    doctor: bool,
) -> Result<Exit, CommandError> {
    let engine = open(global, playbook, &[], terminal)?;
    let look = engine.look();
    let reading = look.read(BTreeMap::new());
    let (mut document, reading) = render::while_waiting(terminal, "reading the hosts", reading).await;
    if doctor {
        let looking = look.find_rows(&mut document, &reading);
        render::while_waiting(terminal, "looking for the cause", looking).await;
    }
    reading.close().await;
    let exit = State::of_topology(&document).into();
    let tally = render::tally(&document);
    if doctor {
        document.keep_faults();
    }
    match global.wanted.format() {
        Format::Human if doctor && exit == Exit::Done => {
            terminal.out("Nothing is wrong: every server is up and every channel runs.\n");
        }
        Format::Human => {
            terminal.out(&format!(
                "{}{tally}",
                render::status(&document, global.verbose > 0, terminal.width(), terminal.columns_out())
            ));
        }
        Format::Json => terminal.json(&document),
        Format::Jsonl => terminal.json_line(&document),
    }
    Ok(exit)
}

/// Draws the topology as it is.
pub(super) async fn graph(
    global: &Global,
    args: &GraphArgs,
    terminal: &Terminal,
) -> Result<Exit, CommandError> {
    let engine = open(global, args.playbook.playbook.as_deref(), &[], terminal)?;
    let document = render::while_waiting(terminal, "reading the hosts", engine.look().status()).await;
    let (word, picture) = match args.picture {
        Picture::Mermaid => ("mermaid", render::mermaid(&document)),
        Picture::Dot => ("dot", render::dot(&document)),
        Picture::Svg => ("svg", render::svg(&document)),
    };
    let value = || serde_json::json!({"format_version": "1.0", "as": word, "picture": picture});
    match global.wanted.format() {
        Format::Human => terminal.out(&picture),
        Format::Json => terminal.json(&value()),
        Format::Jsonl => terminal.json_line(&value()),
    }
    Ok(State::of_topology(&document).into())
}
