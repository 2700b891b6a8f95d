//! Transactions that only a host has are saved there before a copy takes their place: as SQL that a person can read and run,
//! and as the binary logs that hold them.

use std::time::Instant;

use crate::{
    exec::{On, StepError},
    gtid::Transactions,
    model::limits,
    transport::RunError,
};

/// Arguments: PROGRAM BASENAME KIND WANTED DIRECTORY. Prints the id of each transaction that it has saved, each on a line.
const SAVE: &str = concat!(include_str!("../../transport/safe.sh"), include_str!("save_errant.sh"));

/// Saves them, and names the directory. Where not all must be saved, what can't be is told and keeps nothing waiting: the
/// copy that follows keeps the data themselves.
pub(super) async fn run(on: On<'_>, list: &[Transactions], all: bool) -> Result<Option<String>, StepError> {
    match save(on, list).await {
        Err(error) if !all => Ok(Some(format!("not all were saved: {}; the old data are kept by the copy", error.why))),
        Err(error) => Err(error.then(
            "Nothing was replaced. Run the same with --allow reseed: then what can be saved is, and the old data are kept.",
        )),
        saved => saved,
    }
}

async fn save(on: On<'_>, list: &[Transactions]) -> Result<Option<String>, StepError> {
    let tried = "save the transactions that only it has";
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let directory = format!("/var/lib/tandem/errant/{stamp}");
    let server = on.server()?;
    let base = server.variable("log_bin_basename").filter(|base| !base.is_empty());
    let base = base.ok_or_else(|| on.failed(tried, "it does not say where its binary logs lie"))?;
    let (kind, wanted) = wanted(list);
    let names = if kind == "mariadb" { ["mariadb-binlog", "mysqlbinlog"] } else { ["mysqlbinlog"; 2] };
    let tools = &on.facts()?.os.tools;
    let program = names.iter().find_map(|name| tools.get(*name)).ok_or_else(|| {
        let why = format!("{} is not installed", names[0]);
        on.failed(tried, why)
    })?;
    let begun = Instant::now();
    let args = [program.as_str(), base, kind, &wanted, &directory];
    let result = on.writer()?.run(tried, SAVE, &args, b"", limits::FILES.time).await;
    let said = result.as_ref().map_or_else(|_| "failed".to_owned(), |_| "ok".to_owned());
    on.ran(tried, begun, &said);
    let output = result.map_err(RunError::without_rows).map_err(|e| on.failed(tried, e))?;
    let text = output.text();
    let saved: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let missing: Vec<String> =
        list.iter().filter_map(|one| one.named_beside(saved.iter().copied())).collect();
    if !missing.is_empty() {
        let why = format!(
            "its binary logs do not hold {} any more; what they hold is in {directory} there",
            missing.join(", ")
        );
        return Err(on.failed(tried, why));
    }
    let many = match saved.len() {
        1 => "1 transaction".to_owned(),
        many => format!("{many} transactions"),
    };
    Ok(Some(format!("{many} in {directory} on {}, as SQL and as binary logs", on.host)))
}

/// What the script looks for.
fn wanted(list: &[Transactions]) -> (&'static str, String) {
    let mut kind = "mysql";
    let mut wanted = Vec::new();
    for transactions in list {
        match transactions {
            Transactions::MySql(set) => wanted.push(set.to_string().replace(['\n', ' '], "")),
            Transactions::MariaDb(list) => {
                kind = "mariadb";
                let line =
                    |e: &crate::gtid::Errant| format!("{}-{} {} {}", e.domain, e.server, e.after, e.up_to);
                wanted.extend(list.iter().map(line));
            }
        }
    }
    (kind, wanted.join(if kind == "mysql" { "," } else { "\n" }))
}
