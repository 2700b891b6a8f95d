//! Packages of the host's package manager.

use std::time::{Duration, Instant};

use super::{super::journal::Journal, Fleet, StepError};
use crate::{doctor::explain_packages, model::HostName};

/// Packages may have to come over a slow line.
pub(super) const INSTALL: Duration = Duration::from_secs(1800);

const SCRIPT: &str = include_str!("packages.sh");

/// Installs packages. A name may carry a version, as the package manager writes it.
///
/// # Errors
/// With the cause and the next step, where the package manager's words are known.
pub async fn install(
    host: &HostName,
    names: &[String],
    fleet: &Fleet<'_>,
    journal: &Journal,
) -> Result<(), StepError> {
    let begun = Instant::now();
    let tried = format!("install {}", names.join(", "));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let result = fleet.writer(host)?.try_run(&tried, SCRIPT, &names, b"", INSTALL).await;
    let failed = match result {
        Ok(output) if output.status == 0 => None,
        Ok(output) => Some(explained(host, &tried, &output.stderr)),
        Err(error) => Some(StepError::new(host, tried.clone(), error)),
    };
    let said = failed.as_ref().map_or_else(|| "ok".to_owned(), ToString::to_string);
    journal.ran(host, &tried, begun.elapsed(), &said);
    failed.map_or(Ok(()), Err)
}

/// A package manager's failure in words.
pub(super) fn explained(host: &HostName, tried: &str, stderr: &str) -> StepError {
    match explain_packages(stderr) {
        Some(known) => StepError::new(host, tried, known.cause).then(known.next),
        None => {
            let last = stderr.lines().rfind(|l| !l.trim().is_empty()).unwrap_or("it says nothing").trim();
            StepError::new(host, tried, format!("the package manager says: {last}"))
        }
    }
}
