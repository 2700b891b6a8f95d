//! Plans and applies a playbook without a terminal: `plan_and_apply INVENTORY PLAYBOOK JOURNALS`.

use std::{env, error::Error, path::Path};

use tandem::engine::{Engine, Event, Events, Options, Run, StepEvent};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [inventory, playbook, journals] = arguments.as_slice() else { return Err("three arguments".into()) };
    let options =
        Options { inventory: vec![inventory.into()], playbook: Some(playbook.clone()), ..Options::default() };
    let engine = Engine::open(&options)?;
    let planned = engine.plan().await?;
    let document = planned.document()?;
    document.steps.iter().for_each(|step| show(&step.id.0));
    let journal = engine.begin_journal(Path::new(journals), &document)?;
    let run = Run::new(&journal, CancellationToken::new());
    let (events, mut told) = Events::channel();
    let counted = tokio::spawn(async move {
        let mut events = 0;
        while let Some(event) = told.recv().await {
            let Event::Step(step) = event else { continue };
            events += 1;
            match step {
                StepEvent::Done { id, took, .. } => show(&format!("{id} took {} s", took.as_secs())),
                StepEvent::Failed { id, error, .. } => show(&format!("{id} failed: {error}")),
                _ => {}
            }
        }
        events
    });
    let applied = engine.apply(planned, &run, &events).await?;
    drop(events);
    show(&format!("{} events, {} steps done, {:?}", counted.await?, applied.steps_done(), applied.end));
    Ok(())
}

#[allow(clippy::print_stdout)] // An example is a program of its own.
fn show(line: &str) {
    println!("{line}");
}
