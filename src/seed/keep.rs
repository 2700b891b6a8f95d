//! The old data of a replica, kept before a copy replaces it.

use std::time::{Duration, Instant};

use crate::{
    exec::{On, StepError},
    model::{limits, visible},
};

/// A terabyte takes a while.
const LIMIT: Duration = limits::FILES.time;

/// Arguments: DUMP-PROGRAM SOCKET USER COMPRESSOR PATH DATABASE... Standard input: a line with the
/// password as an option file has it. The file is there whole, or not at all.
const KEEP: &str = concat!(
    include_str!("../transport/safe.sh"),
    r#"
set -u
umask 077
dump=$1 socket=$2 user=$3 compressor=$4 path=$5; shift 5
IFS= read -r password
private_dir /var/lib/tandem && private_dir "${path%/*}" || exit 1
trap 'rm -f "$path.new"' EXIT
{ "$dump" --defaults-file=/dev/fd/3 --socket="$socket" --user="$user" --default-character-set=utf8mb4 --quick --hex-blob \
    --max-allowed-packet=1G --single-transaction --routines --triggers --events --databases -- "$@" 3<<END
[client]
password="$password"
END
  echo $? >"$path.status"; } | $compressor >"$path.new" || { rm -f "$path.status"; exit 1; }
status=$(cat "$path.status"); rm -f "$path.status"
[ "$status" = 0 ] || exit 1
sync "$path.new" || exit 1
mv "$path.new" "$path"
"#
);

/// Dumps databases of a host into a file there, and names the file.
pub(super) async fn keep(on: On<'_>, databases: &[String]) -> Result<String, StepError> {
    let tools = &on.facts()?.os.tools;
    let tried = format!("keep the old data ({})", visible(&databases.join(", ")));
    let names = on.dialect()?.dump_programs();
    let Some(dump) = names.iter().find_map(|t| tools.get(*t)) else {
        return Err(on
            .failed(tried, format!("{} is not installed", names[0]))
            .then("Install the server's client package. Nothing was replaced."));
    };
    let (compressor, ending) = match (tools.contains_key("zstd"), tools.contains_key("gzip")) {
        (true, _) => ("zstd -q -3 -c", ".zst"),
        (false, true) => ("gzip -c", ".gz"),
        (false, false) => ("cat", ""),
    };
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let path = format!("/var/lib/tandem/replaced/{stamp}.sql{ending}");
    let login = on.login()?;
    let mut args = vec![dump.as_str(), &login.socket, &login.user, compressor, &path];
    args.extend(databases.iter().map(String::as_str));
    let begun = Instant::now();
    let password = login.password_line();
    let result = on.writer()?.run(&tried, KEEP, &args, password.as_bytes(), LIMIT).await;
    let result = result.map_err(crate::transport::RunError::without_rows);
    let said = result.as_ref().map_or_else(ToString::to_string, |_| "ok".to_owned());
    on.ran(&tried, begun, &said);
    result.map_err(|e| on.failed(tried, e).then("Nothing was replaced."))?;
    Ok(path)
}
