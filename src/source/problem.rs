//! A mistake in a user's file, as plain data. `render` draws it with the lines it is about.

use crate::model::{Place, masked};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing can be done before it is mended.
    Error,
    /// Worth knowing.
    Warning,
}

/// A mistake, or something worth knowing, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A stable word such as `inventory::unknown-host`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to write under the marked place.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
    /// Where.
    pub place: Place,
    /// Another place that belongs to it, such as a first definition.
    pub related: Option<(Place, String)>,
}

impl Problem {
    /// An error.
    pub fn error(
        code: &'static str,
        place: &Place,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            label: label.into(),
            help: None,
            place: place.clone(),
            related: None,
        }
    }

    /// A warning.
    pub fn warning(
        code: &'static str,
        place: &Place,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, place, message, label) }
    }

    /// The same with what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same without a secret in its words, before lines are broken somewhere in it.
    #[must_use]
    pub fn masked(mut self) -> Self {
        let words = [&mut self.message, &mut self.label].into_iter().chain(&mut self.help);
        for text in words.chain(self.related.iter_mut().map(|(_, label)| label)) {
            *text = masked(std::mem::take(text));
        }
        self
    }

    /// The same with another place.
    #[must_use]
    pub fn see(mut self, place: &Place, label: impl Into<String>) -> Self {
        self.related = Some((place.clone(), label.into()));
        self
    }
}

/// Problems that are collected, since a user wants all of them at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Adds one, unless the same is there already.
    pub fn push(&mut self, problem: Problem) {
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// Adds others.
    pub fn extend(&mut self, others: Problems) {
        others.0.into_iter().for_each(|p| self.push(p));
    }

    /// Whether some problem is an error.
    pub fn fatal(&self) -> bool {
        self.0.iter().any(|p| p.severity == Severity::Error)
    }

    /// Errors first, then by place.
    pub fn sorted(mut self) -> Vec<Problem> {
        self.0.sort_by(|a, b| {
            (a.severity, &a.place.file, a.place.offset).cmp(&(b.severity, &b.place.file, b.place.offset))
        });
        self.0
    }
}
