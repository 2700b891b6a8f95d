//! Packages of the host's package manager, beside those that a role declares.

use std::time::{Duration, Instant};

use crate::{
    exec::{On, StepError},
    model::{HostName, limits},
    resource,
};

/// Packages may have to come over a slow line.
pub(super) const INSTALL: Duration = limits::PACKAGES.time;

/// Installs packages. A name may carry a version, as the package manager writes it.
///
/// # Errors
/// With the cause and the next step, where the package manager's words are known.
pub(super) async fn install(on: On<'_>, names: &[String]) -> Result<(), StepError> {
    let host = on.host;
    let begun = Instant::now();
    let tried = format!("install {}", names.join(", "));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let result = on.writer()?.try_run(&tried, resource::INSTALL, &names, b"", INSTALL).await;
    let failed = match result {
        Ok(output) if output.status == 0 => None,
        Ok(output) => Some(explained(host, &tried, &output.stderr)),
        Err(error) => Some(on.failed(tried.clone(), error)),
    };
    let said = failed.as_ref().map_or_else(|| "ok".to_owned(), ToString::to_string);
    on.ran(&tried, begun, &said);
    failed.map_or(Ok(()), Err)
}

/// A package manager's failure in words.
pub(super) fn explained(host: &HostName, tried: &str, stderr: &str) -> StepError {
    let (why, next) = resource::explain_packages(stderr);
    let error = StepError::new(host, tried, why);
    match next {
        Some(next) => error.then(next),
        None => error,
    }
}
