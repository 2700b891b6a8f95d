//! `validate`, `plan` and `show`.

use std::path::Path;

use serde_json::json;

use super::{
    args::{Global, PlanArgs, ValidateArgs},
    exit::Exit,
    form::{Format, Wanted},
    open::open,
    wants_json,
    write::{FOR_ITS_OWNER, is_no_input, replace_masked},
};
use crate::{
    engine::{CommandError, Engine, Planned, check_files},
    plan::{self, Allow, PlanDocument, PlanFileError, Policy, blocked_by_policy, missing_words},
    render::{self, PlanView, Terminal},
    source::{Problem, Severity},
    words,
};

/// `validate`: all mistakes at once.
pub(super) fn validate(
    global: &Global,
    args: &ValidateArgs,
    terminal: &Terminal,
) -> Result<Exit, CommandError> {
    let playbook = args.playbook.playbook.as_deref();
    let (loaded, more) = check_files(&global.options(playbook, &[]))?;
    let mut problems = loaded.problems;
    problems.extend(more);
    loaded.project.secrets.check(&loaded.project.uses, &mut problems);
    let fatal = problems.fatal() || (args.strict && !problems.0.is_empty());
    let hosts = loaded.project.inventory.hosts.len();
    let plays = loaded.project.plays.len();
    if global.wanted == Wanted::Sarif {
        terminal.json(&render::sarif(&problems.sorted()));
        return Ok(Exit::of_files(fatal));
    }
    if wants_json(global.wanted.format()) {
        let list: Vec<_> = problems.sorted().iter().map(problem_json).collect();
        let value = json!({"format_version": "1.0", "valid": !fatal, "problems": list});
        match global.wanted.format() {
            Format::Jsonl => terminal.json_line(&value),
            _ => terminal.json(&value),
        }
    } else {
        let warnings = problems.0.iter().filter(|p| p.severity == Severity::Warning).count();
        let errors = problems.0.len() - warnings;
        render::mistakes(problems, &loaded.sources, terminal);
        if fatal {
            terminal.error(&format!(
                "{errors} mistake{} in the files, {warnings} warning{}",
                if errors == 1 { "" } else { "s" },
                if warnings == 1 { "" } else { "s" }
            ));
        } else {
            let plays = match playbook {
                None => String::new(),
                Some(_) => format!(", {plays} play{}", if plays == 1 { "" } else { "s" }),
            };
            terminal.out(&format!("Valid: {hosts} host{}{plays}.\n", if hosts == 1 { "" } else { "s" }));
        }
    }
    Ok(Exit::of_files(fatal))
}

fn problem_json(problem: &Problem) -> serde_json::Value {
    json!({
        "code": problem.code,
        "severity": match problem.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "message": problem.message,
        "file": problem.place.file.as_ref(),
        "line": problem.place.line,
        "column": problem.place.column,
        "help": problem.help,
    })
}

/// `plan`: observes, shows, writes nothing but the file the user names.
pub(super) async fn run(global: &Global, args: &PlanArgs, terminal: &Terminal) -> Result<Exit, CommandError> {
    let playbook = need_playbook(args.playbook.playbook.as_deref(), "plan")?;
    is_no_input(args.out.as_deref(), global, Some(playbook))?;
    let engine = open(global, Some(playbook), &args.allow, terminal)?;
    let planned = render::while_waiting(terminal, "reading the hosts", engine.plan()).await?;
    show_what_was_read(&planned, terminal);
    let mut document = planned.document()?;
    warn_of_unneeded(&planned, &args.allow, terminal);
    let exit = planned.state(&document).into();
    let missing = blocked_by_policy(&planned.whole_plan(), &Policy::of(args.allow.iter().copied()));
    let seen = planned.seen();
    planned.close().await;
    match global.wanted.form() {
        None => print(&document, global, terminal),
        Some(form) => {
            let hosts = seen.read.iter().chain(seen.unread.keys()).cloned().collect();
            let planned =
                render::Planned { playbook, document: &document, hosts: &hosts, unread: &seen.unread };
            terminal.out(&form.plan(&planned));
        }
    }
    if !missing.is_empty() && !wants_json(global.wanted.format()) {
        terminal.note(&format!(
            "To apply it, allow by name what it can hurt: --allow {}",
            words::allow(&missing_words(&missing))
        ));
    }
    if let Some(path) = &args.out {
        document.inputs = Some(engine.inputs.clone());
        save(path, &document, terminal)?;
    }
    Ok(exit)
}

/// What was read, and what is worth knowing of the servers' versions.
pub(super) fn show_what_was_read(planned: &Planned, terminal: &Terminal) {
    terminal.note(&render::seen(&planned.seen()));
    planned.version_notes().iter().for_each(|note| terminal.warning(note));
}

/// A word that nothing needs may be a word for something else.
pub(super) fn warn_of_unneeded(planned: &Planned, given: &[Allow], terminal: &Terminal) {
    for word in plan::unneeded(&planned.whole_plan(), given) {
        terminal.warning(&format!("--allow {word}: no step of this plan needs it"));
    }
}

/// `show`: a saved plan as `plan` showed it.
pub(super) fn show(global: &Global, file: &Path, terminal: &Terminal) -> Result<Exit, CommandError> {
    let mut document = read(file)?;
    if !wants_json(global.wanted.format()) {
        document.inputs = None;
    }
    print(&document, global, terminal);
    Ok(Exit::Done)
}

/// Prints a plan to standard output in the form that was asked for.
pub(super) fn print(document: &PlanDocument, global: &Global, terminal: &Terminal) {
    match global.wanted.format() {
        Format::Human => {
            let view =
                PlanView { brief: global.quiet, names: global.verbose > 0, width: terminal.columns_out() };
            terminal.out(&render::plan(document, view));
        }
        Format::Json => terminal.json(document),
        Format::Jsonl => {
            for step in &document.steps {
                terminal.json_line(&tagged("step", step));
            }
            for waiting in &document.waiting {
                terminal.json_line(&tagged("waiting", waiting));
            }
            for refusal in &document.refused {
                terminal.json_line(&tagged("refused", refusal));
            }
            for warning in &document.warnings {
                terminal.json_line(&tagged("warning", warning));
            }
            let mut last = tagged("summary", &document.summary);
            last["in_sync"] = document.in_sync.into();
            terminal.json_line(&last);
        }
    }
}

fn tagged(kind: &str, value: &impl serde::Serialize) -> serde_json::Value {
    let mut tagged = json!({"type": kind});
    if let (Some(map), Ok(serde_json::Value::Object(fields))) =
        (tagged.as_object_mut(), serde_json::to_value(value))
    {
        map.extend(fields);
    }
    tagged
}

/// A playbook is needed: which ones there are.
pub(super) fn need_playbook<'a>(playbook: Option<&'a str>, command: &str) -> Result<&'a str, CommandError> {
    playbook.ok_or_else(|| {
        CommandError::usage(format!(
            "no playbook: tandem {command} PLAYBOOK takes a file, or a shipped one ({}); playbook.yml of this directory needs no name",
            crate::playbook::playbook_names().join(", ")
        ))
    })
}

/// Reads a plan file.
pub(super) fn read(file: &Path) -> Result<PlanDocument, CommandError> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| CommandError::bad_input(format!("the plan {name} can't be read")).because(error))?;
    PlanDocument::parse(&text).map_err(|error| {
        let next = match &error {
            PlanFileError::Malformed { .. } => "Was it written by `tandem plan -o`?",
            PlanFileError::Version(_) => "Make it again with `tandem plan -o`.",
        };
        CommandError::bad_input(format!("{name} is not a plan that can be used: {error}. {next}"))
    })
}

/// Writes a plan file: whole or not at all, for its owner only.
fn save(path: &Path, document: &PlanDocument, terminal: &Terminal) -> Result<(), CommandError> {
    let write = || -> std::io::Result<()> {
        let text = serde_json::to_string_pretty(document)?;
        replace_masked(path, &format!("{text}\n"), FOR_ITS_OWNER)
    };
    write().map_err(|error| {
        CommandError::failed(format!("the plan can't be saved as {}", path.display())).because(error)
    })?;
    terminal.note(&match document.steps.is_empty() {
        true => format!("Saved as {}; it has no step to apply.", path.display()),
        false => format!("Saved: tandem apply {}", path.display()),
    });
    Ok(())
}

/// The `-e` of a saved plan: what it keeps, and the secrets that it only names, given again.
fn extra_again(kept: &[String], global: &Global, file: &Path) -> Result<Vec<String>, CommandError> {
    let given = |name: &str| {
        global.extra.iter().find(|text| text.split_once('=').is_some_and(|(n, _)| n.trim() == name))
    };
    let secrets: Vec<&String> = kept.iter().filter(|text| !text.contains('=')).collect();
    let foreign =
        global.extra.iter().filter(|text| !secrets.iter().any(|name| given(name) == Some(text))).count();
    if global.limit.is_some() || foreign > 0 {
        let what = "A saved plan has its own --limit and -e. Make another plan to change them.";
        return Err(CommandError::usage(what));
    }
    let missing: Vec<String> =
        secrets.iter().filter(|name| given(name).is_none()).map(|name| format!(" -e {name}=...")).collect();
    if !missing.is_empty() {
        return Err(CommandError::usage(format!(
            "The plan was made with a secret on the command line, and a plan keeps none. Give it again: tandem apply {}{}",
            file.display(),
            missing.concat()
        )));
    }
    Ok(kept.iter().map(|text| given(text).unwrap_or(text).clone()).collect())
}

/// Reads the files that a saved plan was made from, as its maker named them.
pub(super) fn open_again(
    document: &PlanDocument,
    global: &Global,
    file: &Path,
    terminal: &Terminal,
) -> Result<Engine, CommandError> {
    let Some(inputs) = &document.inputs else {
        return Err(CommandError::bad_input(format!(
            "{} does not say what it was made from; apply takes what `tandem plan -o` wrote",
            file.display()
        )));
    };
    let extra = extra_again(&inputs.extra, global, file)?;
    let mut as_then = global.clone();
    as_then.ssh_config = global.ssh_config.as_ref().and_then(|p| std::path::absolute(p).ok());
    // Relative paths, here and in the files, mean what they meant to the plan's maker.
    std::env::set_current_dir(&inputs.directory).map_err(|error| {
        CommandError::bad_input(format!("{}, from where the plan was made", inputs.directory)).because(error)
    })?;
    as_then.inventory = inputs.inventory.iter().map(Into::into).collect();
    as_then.limit.clone_from(&inputs.limit);
    as_then.extra = extra;
    let allow: Vec<Allow> = inputs.allow.iter().filter_map(|word| word.parse().ok()).collect();
    open(&as_then, Some(&inputs.playbook), &allow, terminal)
}
