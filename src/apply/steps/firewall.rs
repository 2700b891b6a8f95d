//! The packet filter, under a dead man's switch.

use std::time::Instant;

use super::{super::fleet::SCRIPT, super::journal::Journal, Fleet, StepError};
use crate::{
    firewall::{APPLY, CONFIRM, FirewallChange, UNDO},
    model::HostName,
};

/// How long the host waits for a confirmation before it takes the rules back.
const CONFIRM_WITHIN: &str = "30";

/// Loads the rules, confirms them over a fresh connection, and makes them survive a reboot.
pub async fn run(
    host: &HostName,
    change: &FirewallChange,
    fleet: &Fleet<'_>,
    journal: &Journal,
) -> Result<Option<String>, StepError> {
    let writer = fleet.writer(host)?;
    let begun = Instant::now();
    let tried = "load the packet filter's rules";
    let loaded = writer.run(tried, APPLY, &[CONFIRM_WITHIN, &change.undo, &change.script], b"", SCRIPT).await;
    let said = loaded.as_ref().map_or_else(ToString::to_string, |o| o.stderr.trim().to_owned());
    journal.ran(
        host,
        "load packet filter rules",
        begun.elapsed(),
        if said.is_empty() { "ok" } else { &said },
    );
    let take_back = async || {
        let _ = writer.run("take the rules back", UNDO, &[], b"", SCRIPT).await;
    };
    match loaded {
        Err(error) => {
            take_back().await;
            return Err(StepError::new(host, tried, error).then("The rules from before are back."));
        }
        Ok(output) if !output.stderr.trim().is_empty() => {
            take_back().await;
            return Err(
                StepError::new(host, tried, output.stderr.trim()).then("The rules from before are back.")
            );
        }
        Ok(_) => {}
    }
    if let Err(error) = fleet.session(host)?.confirm_fresh().await {
        take_back().await;
        return Err(StepError::new(host, "get in by a fresh connection with the new rules", error).then(
            format!(
                "The rules from before are back, at the latest {CONFIRM_WITHIN} seconds after the change."
            ),
        ));
    }
    let persist = if change.persist { "yes" } else { "no" };
    writer
        .run("keep the packet filter's rules", CONFIRM, &[persist], b"", SCRIPT)
        .await
        .map_err(|e| StepError::new(host, "keep the packet filter's rules", e))?;
    Ok(Some("confirmed by a fresh connection".into()))
}
