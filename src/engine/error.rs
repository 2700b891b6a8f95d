//! Why something that was asked for was not done.

use std::{error::Error, fmt};

use crate::{
    exec::LockError,
    source::{Problems, Sources},
};

/// What kind of end an error is. Each has one exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Something failed.
    Failed,
    /// What was asked for contradicts itself, or names what is not there.
    Usage,
    /// An input file is wrong.
    BadInput,
    /// Hosts could not be read.
    NotRead,
    /// A step would destroy data or break a promise, and was not allowed by name.
    Refused,
    /// A saved plan is stale.
    Stale,
    /// Another run holds a lock.
    Locked,
    /// The user interrupted the run.
    Interrupted,
}

/// Why something was not done: each thing that failed, the mistakes in files behind it, and what to do next.
#[derive(Debug)]
pub struct CommandError {
    /// What kind of end it is.
    pub kind: ErrorKind,
    /// What failed, a sentence for each thing.
    pub causes: Vec<Cause>,
    /// Mistakes in files, with the texts to show them in.
    pub files: Option<Box<(Problems, Sources)>>,
    /// What to do next, or what did not happen.
    pub next: Option<String>,
}

/// One thing that failed, and what lies behind it.
#[derive(Debug)]
pub struct Cause {
    what: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl CommandError {
    /// One thing failed.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Self::several(kind, [what.into()])
    }

    /// Several things failed; none where there is nothing to say but what comes next.
    pub fn several(kind: ErrorKind, what: impl IntoIterator<Item = String>) -> Self {
        let causes = what.into_iter().map(|what| Cause { what, source: None }).collect();
        Self { kind, causes, files: None, next: None }
    }

    /// Something failed.
    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, what)
    }

    /// What was asked for cannot be.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, what)
    }

    /// An input file is wrong.
    pub fn bad_input(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::BadInput, what)
    }

    /// Files hold mistakes.
    pub fn files(problems: Problems, sources: Sources) -> Self {
        let files = Some(Box::new((problems, sources)));
        Self { kind: ErrorKind::BadInput, causes: Vec::new(), files, next: None }
    }

    /// The same with what lies behind it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        if let Some(cause) = self.causes.last_mut() {
            cause.source = Some(source.into());
        }
        self
    }

    /// The same with what to do next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

impl From<LockError> for CommandError {
    fn from(error: LockError) -> Self {
        let kind = match error {
            LockError::Held { .. } => ErrorKind::Locked,
            LockError::Failed(_) => ErrorKind::Failed,
        };
        Self::new(kind, error.to_string())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        let mut source = self.source.as_ref().map(|s| s.as_ref() as &dyn Error);
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<String> = self.causes.iter().map(ToString::to_string).collect();
        if let Some(files) = &self.files {
            lines.extend(files.0.0.iter().map(|p| format!("{}: {}", p.place, p.message)));
        }
        lines.extend(self.next.clone());
        f.write_str(&lines.join("\n"))
    }
}

impl Error for CommandError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.causes.first()?.source.as_ref()?;
        Some(source.as_ref())
    }
}
