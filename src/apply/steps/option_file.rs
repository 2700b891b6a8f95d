//! tandem's own option file: checked by the server's own program before it counts.

use std::time::Instant;

use crate::{
    dialect::Dialect,
    exec::{
        On, SCRIPT, StepError,
        restart::{self, Given},
        values,
    },
    grant::sha256_hex,
    option_file::{Setting, owned_text},
    plan::FileStage,
    transport::RunError,
};

/// Writes the file. What it replaces is kept until the server has been seen to start with it.
pub(super) async fn run(
    on: On<'_>,
    (path, content): (&str, &str),
    stage: &FileStage,
) -> Result<Option<String>, StepError> {
    let host = on.host;
    let writer = on.writer()?;
    let facts = on.facts()?;
    let begun = Instant::now();
    let tried = format!("write {path}");
    let failed = |why: &str| on.failed(tried.clone(), why);
    let unit =
        facts.service.known().map(|s| s.unit.as_str()).ok_or_else(|| failed("its unit is not known"))?;
    let version = facts.version().ok_or_else(|| failed("the version of its server is not known"))?;
    let given = Given::of(on)?;
    let digest = sha256_hex(content.as_bytes());
    let options = Dialect::of(version).check_options();
    let (names, alone) = closed(on, stage);
    let mut args = vec![path, &digest, unit, &given.socket, &given.log, &given.limit, &given.switch, options];
    args.extend([names.as_str(), alone.as_str()]);
    let files = facts.option_files.known().map(|f| f.files.as_slice()).unwrap_or_default();
    args.extend(files.iter().map(|(path, _)| path.as_str()));
    let limit = restart::limit(on) + SCRIPT;
    // With what it was started is known only as long as the file is the one of then.
    if !matches!(stage, FileStage::WritesBack { .. }) {
        values::note(on, facts.made_at_start()).await?;
    }
    let result = writer.run(&tried, &restart::write_script(), &args, content.as_bytes(), limit).await;
    let said = result.as_ref().map_or_else(ToString::to_string, |_| "ok".to_owned());
    on.ran(&tried, begun, &said);
    match result {
        Ok(output) => Ok(Some(match output.text().trim() {
            "checked" => "checked by the server's own program".to_owned(),
            why => {
                format!("not checked beforehand: {}", why.lines().next().unwrap_or("no program was asked"))
            }
        })),
        Err(RunError::Failed { status: 3, stderr, .. }) => {
            let reasons = stderr.lines().map(str::trim).collect::<Vec<_>>().join("; ");
            Err(failed(&format!("the server would not take it: {reasons}"))
                .then("Correct it in the inventory. The old file is untouched."))
        }
        Err(error) => Err(StepError::unwritten(host, tried, error)),
    }
}

/// Adds a line to an option file of somebody's that includes a directory, which is made.
pub(super) async fn include(
    on: On<'_>,
    (file, digest): (&str, &str),
    directory: &str,
) -> Result<Option<String>, StepError> {
    let tried = format!("include {directory} in {file}");
    let begun = Instant::now();
    let facts = on.facts()?;
    let unit = facts.service.known().map(|service| service.unit.as_str()).unwrap_or_default();
    let args = [file, digest, directory, unit];
    let result = on.writer()?.run(&tried, &restart::include_script(), &args, b"", SCRIPT).await;
    let said = result.as_ref().map_or_else(ToString::to_string, |_| "ok".to_owned());
    on.ran(&tried, begun, &said);
    match result {
        Ok(_) => Ok(None),
        Err(RunError::Failed { stderr, .. }) => {
            let why = stderr.lines().map(str::trim).collect::<Vec<_>>().join("; ");
            Err(on.failed(tried, why).then(format!("{file} is as it was.")))
        }
        Err(error) => Err(StepError::unwritten(on.host, tried, error)),
    }
}

/// The variables by which what comes back, should the server not start, keeps the host closed, and a file that holds no
/// others.
fn closed(on: On<'_>, stage: &FileStage) -> (String, String) {
    let FileStage::WritesAway { closed } = stage else { return Default::default() };
    let setting =
        |(name, value): &(String, String)| Setting { name: name.clone(), values: vec![value.clone()] };
    let names: Vec<&str> = closed.iter().map(|(name, _)| name.as_str()).collect();
    let files = on.facts().ok().and_then(|facts| facts.option_files.known());
    let suffix = files.map_or("", |files| &files.group_suffix);
    (names.join(" "), owned_text(suffix, &closed.iter().map(setting).collect::<Vec<_>>()))
}
