//! The question before `apply`.

use super::args::ApplyArgs;
use crate::{
    engine::{CommandError, ErrorKind},
    plan::{Action, Allow, Plan, Policy, Refusal, blocked_by_policy, missing_words},
    render::Terminal,
    words,
};

/// What this plan may do when it runs; an error says how the command ends instead.
///
/// `yes` at the prompt allows the restarts that were shown, since they were read. `--yes` allows nothing.
pub(super) async fn confirm(
    plan: &Plan,
    args: &ApplyArgs,
    terminal: &Terminal,
) -> Result<Policy, CommandError> {
    let mut policy = Policy::of(args.allow.iter().copied());
    let blocked = blocked_by_policy(plan, &policy);
    let asks = !args.yes;
    let only_restarts = missing_words(&blocked).iter().all(|word| *word == Allow::Restart);
    let prompt_allows = asks && only_restarts;
    if !(blocked.is_empty() || prompt_allows) {
        return Err(refuse(&blocked));
    }
    if !asks {
        return Ok(policy);
    }
    let installs = plan.steps.iter().any(|s| matches!(s.action, Action::InstallServer { .. }));
    if installs && !plan.waiting.is_empty() {
        terminal.note(
            "A second part follows: what waits is planned when the servers are installed, shown, and done without another \
             question, as far as --allow goes.",
        );
    }
    let restarts = blocked.len();
    let question = match restarts {
        0 => "Apply this plan? Only `yes` is accepted: ".to_owned(),
        1 => {
            "Apply this plan, with the restart that cuts client sessions? Only `yes` is accepted: ".to_owned()
        }
        n => format!("Apply this plan, with {n} restarts that cut client sessions? Only `yes` is accepted: "),
    };
    match terminal.ask(&question).await.as_deref() {
        Some("yes") => {
            if restarts > 0 {
                policy.allow.insert(Allow::Restart);
            }
            Ok(policy)
        }
        Some(_) => Err(CommandError::several(ErrorKind::Failed, []).next("Nothing was changed.")),
        None => {
            let what = "No terminal to prompt on; nothing was changed. Pass --yes to run unattended.";
            Err(CommandError::failed(what))
        }
    }
}

/// What is missing for a plan to be executed.
pub(super) fn refuse(blocked: &[Refusal]) -> CommandError {
    let reasons =
        blocked.iter().map(|refusal| format!("{}: {}", refusal.host, words::refused(refusal).whole()));
    CommandError::several(ErrorKind::Refused, reasons).next(format!(
        "Nothing of this plan was done. To go on: --allow {}",
        words::allow(&missing_words(blocked))
    ))
}
