//! What is shown while a plan is applied.

use tokio::sync::mpsc::UnboundedReceiver;

use super::{args::Global, form::Format, plan::print};
use crate::{
    engine::Event,
    render::{Steps, Terminal, Waiting},
};

/// Shows events until there are no more.
pub(super) async fn follow(mut events: UnboundedReceiver<Event>, terminal: Terminal, global: Global) {
    let mut steps = Steps::new(terminal, global.wanted.format() == Format::Jsonl);
    let mut waiting = None;
    while let Some(event) = events.recv().await {
        match event {
            Event::Step(event) => steps.show(&event),
            Event::Reading => waiting = Some(Waiting::begin(&terminal, "reading the hosts")),
            Event::Read => drop(waiting.take()),
            Event::More(document) => {
                terminal.note("What was done leads to more steps:");
                if global.wanted.format() != Format::Json {
                    print(&document, &global, &terminal);
                }
            }
        }
    }
}
