//! What a run does, while it does it: bars on a terminal, lines elsewhere, JSON lines where asked for.

use std::{collections::BTreeMap, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    Terminal,
    paint::{ADDED, ALARM, CHANGED, QUIET, paint},
    terminal::harmless,
};
use crate::{
    exec::Event,
    model::{self, masked, visible},
    plan::StepId,
    words,
};

/// A line on a terminal that says what is going on, from its making until it is dropped.
#[derive(Debug)]
pub(crate) struct Waiting(Option<ProgressBar>);

impl Waiting {
    /// Begins, where things may move.
    pub(crate) fn begin(terminal: &Terminal, what: &str) -> Self {
        if !terminal.can_animate() {
            return Self(None);
        }
        let bar = ProgressBar::new_spinner().with_style(spinner()).with_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(Some(bar))
    }

    /// Takes the line away while something is printed.
    pub(crate) fn pause(&self, print: impl FnOnce()) {
        match &self.0 {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Says something else from now on.
    pub(crate) fn say(&self, what: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(visible(what));
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Awaits something, with a line on a terminal that says what.
pub(crate) async fn while_waiting<T>(terminal: &Terminal, what: &str, work: impl Future<Output = T>) -> T {
    let _waiting = Waiting::begin(terminal, what);
    work.await
}

/// The steps of a run, as they go on.
pub(crate) struct Steps {
    terminal: Terminal,
    live: Option<Live>,
    json_lines: bool,
}

impl Steps {
    /// Nothing has begun yet.
    pub(crate) fn new(terminal: Terminal, json_lines: bool) -> Self {
        Self { terminal, live: terminal.can_animate().then(Live::new), json_lines }
    }

    /// Shows what happened.
    pub(crate) fn show(&mut self, event: &Event) {
        if self.json_lines {
            self.terminal.json_line(&json(event));
        }
        if let Some(live) = &mut self.live {
            live.show(event);
        } else if let Some(line) = line(event) {
            self.terminal.note(&line);
        }
    }
}

/// An event as JSON: a step that began says what it does.
fn json(event: &Event) -> serde_json::Value {
    let mut value = serde_json::to_value(event).unwrap_or_default();
    if let Event::Started { step, .. } = event {
        value["summary"] = words::step(step).into();
    }
    value
}

/// The line that stays of an event.
fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::Started { .. } | Event::Progress { .. } => return None,
        Event::Done { id, took, note, .. } => {
            let took = paint(QUIET, model::duration(*took));
            let note = note.as_ref().map(|n| format!("\n          {n}")).unwrap_or_default();
            format!("  {}  {id}  {took}{note}", paint(ADDED, "done"))
        }
        Event::Failed { id, took, error, .. } => {
            format!(
                "  {}  {id}  {}\n          {error}",
                paint(ALARM, "FAIL"),
                paint(QUIET, model::duration(*took))
            )
        }
        Event::Skipped { id, because, .. } => format!("  {}  {id}  {because}", paint(CHANGED, "skip")),
    })
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("  {spinner} {wide_msg} {elapsed:.dim}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn copying() -> ProgressStyle {
    ProgressStyle::with_template(
        "  {spinner} {msg}  [{bar:24}] {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar())
    .progress_chars("=> ")
}

struct Live {
    all: MultiProgress,
    bars: BTreeMap<StepId, ProgressBar>,
}

impl Live {
    fn new() -> Self {
        Self { all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()), bars: BTreeMap::new() }
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::Started { id, host, step } => {
                let bar = self.all.add(ProgressBar::new_spinner().with_style(spinner()));
                bar.set_message(visible(&masked(format!("{host}  {}", words::step(step)))));
                bar.enable_steady_tick(Duration::from_millis(120));
                self.bars.insert(id.clone(), bar);
            }
            Event::Progress { id, host, bytes, total, doing } => {
                if let Some(bar) = self.bars.get(id) {
                    bar.set_message(visible(&format!("{host}  {doing}")));
                    if *total > 0 {
                        if bar.length().is_none() {
                            bar.set_style(copying());
                        }
                        // The total is an estimate; a copy that outgrows it must not look done.
                        bar.set_length((*total).max(bytes + 1).max(bar.length().unwrap_or(0)));
                        bar.set_position(*bytes);
                    }
                }
            }
            Event::Done { id, .. } | Event::Failed { id, .. } | Event::Skipped { id, .. } => {
                if let Some(bar) = self.bars.remove(id) {
                    bar.finish_and_clear();
                }
                if let Some(line) = line(event) {
                    let _ = self.all.println(harmless(&line));
                }
            }
        }
    }
}
