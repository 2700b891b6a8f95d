//! The stream from host to host.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

use super::{check, lock::Lock, meanwhile, streams};
use crate::{
    dialect::ReadStatement,
    exec::{Fleet, On, StepError},
    model::{BinlogPosition, HostName, limits, without_hidden},
    observe::HostFacts,
    plan::{SeedPlan, Step},
    transport::{RelayError, Stream, relay},
};

/// Sends a dump. Arguments: DUMP-PROGRAM SOCKET USER COMPRESSOR LOCK-WAIT SNAPSHOT-OPTIONS PLAIN-OPTIONS [--table
/// DATABASE TABLE]... --then [--ignore-table=...]... --databases -- DATABASE... Standard input: a line with
/// the password as an option file has it.
///
/// The tables that are named come first and as they are, under a lock that the controller holds; then
/// everything else in one transaction, with the coordinates. Lines of standard error that begin with
/// `@` are for the controller, and so is the progress of `dd`.
const SEND: &str = concat!(
    include_str!("../transport/safe.sh"),
    r#"
set -u
umask 077
dump=$1 socket=$2 user=$3 compressor=$4 wait=$5 snapshot=$6 plain=$7; shift 7
IFS= read -r password
private_dir /run/tandem && here=$(mktemp -d /run/tandem/copy.XXXXXX) || exit 1
trap 'rm -rf "$here"' EXIT HUP INT TERM PIPE
mkfifo "$here/tail"
# It takes a read lock for a moment, for which writes wait. Some versions can be told how long.
limit=
! "$dump" --no-defaults --help 2>/dev/null | grep -q -e ' --init-command' || limit="--init-command=SET SESSION lock_wait_timeout=$wait"
run() {
  "$dump" --defaults-file=/dev/fd/3 --socket="$socket" --user="$user" --default-character-set=utf8mb4 --quick \
    --hex-blob --max-allowed-packet=1G --skip-lock-tables ${limit:+"$limit"} "$@" 3<<END
[client]
password="$password"
END
}
snapshot() {
  { run --single-transaction $snapshot --routines --triggers --events "$@"; echo $? >"$here/status"; } | {
    head -c 32768 | tee "$here/head"
    # MySQL writes its set of GTIDs here, one server a line, and MariaDB its position at the end.
    { sed -n '/GTID_PURGED=/,/;\*\//p' "$here/head" | tr -d '\n'; echo; } |
      sed -n "s/.*GTID_PURGED=[^']*'+*\([^']*\)'.*/@gtid '\1'/p" >&2
    sed -n 's/^-- CHANGE .* TO [A-Z]*_LOG_FILE=\(.*\);$/@head \1/p' "$here/head" >&2
    cat
  }
  return "$(cat "$here/status")"
}
everything() {
  while [ "$1" = --table ]; do
    # The first prints CREATE DATABASE and USE, the second the table.
    run $plain --no-data --no-create-info --skip-triggers --databases -- "$2" || return
    run $plain --triggers -- "$2" "$3" || return
    shift 3
  done
  shift
  snapshot "$@"
}
exec 5>&1
tail -c 4096 "$here/tail" >"$here/end" &
status=$( { { everything "$@"; echo $? >&4; } | tee "$here/tail" | dd bs=1M iflag=fullblock status=progress |
  $compressor >&5; } 4>&1 )
wait
sed -n -e 's/^-- SET GLOBAL gtid_slave_pos=\(.*\);$/@gtid \1/p' -e 's/^-- Dump completed.*/@complete/p' "$here/end" >&2
exit "$status"
"#
);

/// Loads a dump. Arguments: CLIENT SOCKET USER DECOMPRESSOR. Standard input: a line with the password,
/// then the dump.
///
/// A client that fails prints the whole statement, which may be a megabyte. When the connection is gone
/// nobody reads that, and the client would hang in the middle of it with its tables locked: so only the
/// beginning goes through, and the rest ends the client.
const LOAD: &str = r#"
set -u
client=$1 socket=$2 user=$3 decompressor=$4
IFS= read -r password
load() {
  $decompressor | "$client" --defaults-file=/dev/fd/3 --socket="$socket" --user="$user" \
    --default-character-set=utf8mb4 --max-allowed-packet=1G \
    --init-command='SET SESSION sql_log_bin=0, SESSION foreign_key_checks=0' 2>&1 >/dev/null 3<<END
[client]
password="$password"
END
}
status=$( { { load; echo $? >&4; } | head -c 4000 >&2; } 4>&1 )
exit "$status"
"#;

/// What a copy has shown of itself.
pub struct Copied {
    /// Where the snapshot stands in the source's binary log.
    pub at: BinlogPosition,
    /// The same as a GTID position.
    pub gtid: String,
    /// Compressed bytes that were sent.
    pub sent: u64,
    /// How long writes on the source had to wait, if at all.
    pub lock: Option<Duration>,
}

/// What the sending side has told so far.
#[derive(Debug, Default)]
struct Told {
    head: Option<BinlogPosition>,
    gtid: Option<String>,
    complete: bool,
    /// What the dump program has said last.
    said: String,
    /// Bytes before compression.
    read: u64,
}

impl Told {
    fn hear(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("@head ") {
            let (file, position) = rest.split_once(", ").unwrap_or((rest, ""));
            let offset = position.split_once("_LOG_POS=").and_then(|(_, p)| p.parse().ok());
            self.head = offset.and_then(|offset| BinlogPosition::new(file.trim_matches('\''), offset));
        } else if let Some(rest) = line.strip_prefix("@gtid ") {
            self.gtid = Some(rest.trim_matches('\'').to_owned());
        } else if line == "@complete" {
            self.complete = true;
        } else if let Some((number, _)) = line.split_once(" bytes (") {
            self.read = number.trim().parse().unwrap_or(self.read);
        } else if !line.trim().is_empty() {
            self.said = without_hidden(line).chars().take(300).collect();
        }
    }
}

/// Copies everything and returns the coordinates of the snapshot.
pub async fn run(step: &Step, plan: &SeedPlan, fleet: &Fleet<'_>) -> Result<Copied, StepError> {
    let host = &step.host;
    let on = fleet.on(host);
    let from = &plan.donor;
    let begun = Instant::now();
    let name = fleet.stream_name();
    let mut lock = Lock::take(fleet.on(from), plan).await?;
    let told = Mutex::new(Told::default());
    let sent = AtomicU64::new(0);
    let (stop, mut broken) = (CancellationToken::new(), None);
    let result = {
        let (source, sink) = programs(on, plan, &name).await?;
        let hear = |line: &str| {
            if let Ok(mut told) = told.lock() {
                told.hear(line);
            }
        };
        let look = async || streams::look(on).await;
        let copying = relay(source, sink, (&sent, streams::patience(fleet)), hear, look);
        let copying = meanwhile(copying, async || {
            let (bytes, snapshot) = told.lock().map(|t| (t.read, t.head.is_some())).unwrap_or_default();
            let bytes = bytes.max(sent.load(Ordering::Relaxed));
            fleet.progress(step, (bytes, plan.bytes), format!("copying from {from}"));
            // The transaction has its view of the data now; nobody has to wait any more.
            if (snapshot || lock.is_over())
                && let Err(error) = lock.release().await
            {
                broken.get_or_insert(error);
                stop.cancel();
            }
        });
        tokio::select! {
            biased;
            () = stop.cancelled() => None,
            copied = copying => Some(copied),
        }
    };
    let held = lock.release().await;
    let failed = !matches!(result, Some(Ok(_))) || held.is_err();
    fleet.on(from).ran("send a snapshot", begun, if failed { "failed" } else { "ok" });
    if failed {
        streams::end([from, host], &name, fleet).await;
    }
    let (held, total) = match (broken, result) {
        (Some(error), _) => return Err(error),
        (None, Some(Err(error))) => return Err(failed_copy(&error, plan, host)),
        (None, Some(Ok(total))) => (held?, total),
        (None, None) => (held?, 0),
    };
    let told = told.into_inner().unwrap_or_default();
    let at = match told.head {
        Some(head) if told.complete => head,
        _ => {
            return Err(StepError::new(
                from,
                "find the snapshot's coordinates in the dump",
                match told.said.is_empty() {
                    true => "the dump ended too early".to_owned(),
                    false => format!("the dump ended too early: {}", told.said),
                },
            )
            .then("Apply again; the copy begins anew."));
        }
    };
    let gtid = check::coordinates(fleet.on(from), &at, told.gtid.as_deref()).await?;
    Ok(Copied { at, gtid, sent: total, lock: held })
}

/// Why a copy failed, and what to do about it.
fn failed_copy(error: &RelayError, plan: &SeedPlan, host: &HostName) -> StepError {
    let step = streams::failed(error, format!("copy from {} to {host}", plan.donor));
    match error.said().contains("1412") || error.said().contains("Table definition has changed") {
        true => {
            step.then("A table was altered while it was copied. Apply again when no table is being altered.")
        }
        false => step,
    }
}

async fn programs<'f>(
    on: On<'f>,
    plan: &'f SeedPlan,
    name: &str,
) -> Result<(Stream<'f>, Stream<'f>), StepError> {
    let host = on.host;
    let from = &plan.donor;
    let (source, sink) = (on.at(from).facts()?, on.facts()?);
    let tool = |facts: &HostFacts, at: &HostName, names: &[&str]| {
        names.iter().find_map(|n| facts.os.tools.get(*n)).cloned().ok_or_else(|| {
            StepError::new(at, format!("find {} on the host", names.join(" or ")), "it is not installed")
                .then("Install the server's client package.")
        })
    };
    let dump = tool(source, from, &["mariadb-dump", "mysqldump"])?;
    let client = tool(sink, host, &["mariadb", "mysql"])?;
    let (pack, unpack) = packers(source, sink);
    let (from_login, to_login) = (on.at(from).login()?, on.login()?);
    let words = on.at(from).dialect()?.dump(counts_by_gtid(on.at(from)).await?);
    let wait = limits::LOCK_WAIT.time.as_secs().to_string();
    let mut args: Vec<&str> =
        vec![&dump, &from_login.socket, &from_login.user, pack, &wait, words.snapshot, words.plain];
    let names: Vec<String> =
        plan.locked_tables.iter().map(|(db, table)| format!("--ignore-table={db}.{table}")).collect();
    for (database, table) in &plan.locked_tables {
        args.extend(["--table", database, table]);
    }
    args.push("--then");
    args.extend(names.iter().map(String::as_str));
    args.extend(["--databases", "--"]);
    args.extend(plan.databases.iter().map(String::as_str));
    let load_args = [client.as_str(), &to_login.socket, &to_login.user, unpack];
    let (mut send, mut load) = tokio::try_join!(
        streams::start(on.at(from), ("send a snapshot", name), SEND, &args),
        streams::start(on, ("load a snapshot", name), LOAD, &load_args)
    )?;
    for (stream, login) in [(&mut send, from_login), (&mut load, to_login)] {
        let line = login.password_line();
        let result = stream.stdin.write_all(line.as_bytes()).await;
        result.map_err(|e| StepError::new(from, format!("begin the copy from {from} to {host}"), e))?;
    }
    Ok((send, load))
}

/// The command that compresses on one host, and the one that undoes it on the other.
pub(super) fn packers(source: &HostFacts, sink: &HostFacts) -> (&'static str, &'static str) {
    let both = |name: &str| source.os.tools.contains_key(name) && sink.os.tools.contains_key(name);
    match (both("zstd"), both("gzip")) {
        (true, _) => ("zstd -q -1 -c", "zstd -q -d -c"),
        (false, true) => ("gzip -1 -c", "gzip -d -c"),
        (false, false) => ("cat", "cat"),
    }
}

/// Whether a server of MySQL gives transactions GTIDs, or has been made ready to. Others always do.
async fn counts_by_gtid(on: On<'_>) -> Result<bool, StepError> {
    if on.dialect()?.always_has_gtids() {
        return Ok(true);
    }
    let sql = on.reader().await?;
    let rows = sql.query(&ReadStatement::globals(&["gtid_mode"])).await;
    let rows = rows.map_err(|e| on.failed("look at gtid_mode", e))?;
    Ok(rows.first().and_then(|r| r.get("gtid_mode")) != Some("OFF"))
}

#[cfg(test)]
mod tests {
    use super::{BinlogPosition, Told};

    #[test]
    fn coordinates_are_heard() {
        let mut told = Told::default();
        told.hear("@head 'mysql-bin.000002', MASTER_LOG_POS=785");
        told.hear("@gtid '1-1-7,0-1-3'");
        told.hear("@complete");
        assert_eq!(told.head, BinlogPosition::new("mysql-bin.000002", 785));
        assert_eq!(told.gtid.as_deref(), Some("1-1-7,0-1-3"));
        assert!(told.complete);
        told.hear("@head 'binlog.000001', SOURCE_LOG_POS=859");
        assert_eq!(told.head, BinlogPosition::new("binlog.000001", 859));
    }
}
