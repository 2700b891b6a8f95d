//! The files of the whole server, by `mariadb-backup`.
//!
//! They flow from the source's server into a directory beside the replica's data directory while both run. There
//! they are made consistent and opened once, with nobody connected; only then the replica stops, the two
//! directories change places, and it starts.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

use super::{
    aside::{self, ALONE},
    check,
    copy::{Copied, packers},
    direct::{CopyPath, DirectLine},
    meanwhile, streams,
};
use crate::{
    doctor::last_words,
    exec::{Fleet, On, StepError},
    model::{BinlogPosition, HostName, duration, limits},
    plan::{SeedPlan, Step},
    transport::{Moved, Pace, ReadScript, RelayError, Stream, Turn, attend, relay},
    words,
};

/// A terabyte takes a while.
const LIMIT: Duration = limits::FILES.time;

/// Files that belong to the server and lie elsewhere are not brought along to the same place.
const OUTSIDE: ReadScript = ReadScript::new(
    "look for tables outside of the data directory",
    r#"find "$1/" \( -name '*.isl' -o -type l \) ! -path '*/.*' -print 2>/dev/null | head -n 3"#,
);

/// Sends the files. Arguments: PROGRAM SOCKET USER COMPRESSOR PIPE. Standard input: a line with the password as an
/// option file has it.
const SEND: &str = concat!(
    include_str!("../transport/safe.sh"),
    r#"
set -u
umask 077
program=$1 socket=$2 user=$3 compressor=$4
IFS= read -r password
private_dir /run/tandem && here=$(mktemp -d /run/tandem/copy.XXXXXX) || exit 1
trap 'rm -rf "$here"' EXIT HUP INT TERM PIPE
# It reads its option files more than once, and a here-document is a pipe in some shells. `printf` is the shell's own.
send() {
  printf '[client]\npassword="%s"\n' "$password" >"$here/login" && exec 3<"$here/login" && rm -f "$here/login" || return 1
  "$program" --defaults-extra-file=/dev/fd/3 --backup --stream=mbstream --target-dir="$here" --socket="$socket" \
    --user="$user"
}
# Where the bytes go straight to the other host, a program of ours takes them from a pipe.
if [ -n "$5" ]; then exec 5>"$5"; else exec 5>&1; fi || exit 1
status=$( { { send; echo $? >&4; } | dd bs=1M iflag=fullblock status=progress | $compressor >&5; } 4>&1 )
exit "$status"
"#
);

/// Takes the files. Arguments: DIRECTORY DECOMPRESSOR PIPE. Beside it lies the data, whose owner may exchange both.
const TAKE: &str = r#"
set -u
umask 077
safe_place "${1%/*}" "$(stat -c %u "${1%.tandem-new}")" || exit 1
rm -rf "$1"
mkdir "$1" || exit 1
# What ends its programs must not keep it from cleaning up.
trap : TERM
[ -z "$3" ] || exec <"$3" || exit 1
# A part is worth nothing, and the server beside it needs the room. Both programs must have come to their end.
status=$( { { $2; echo $? >&4; } | { mbstream -x -C "$1" >&2; echo $? >&4; } } 4>&1 )
case $status in
  "0
0") ;;
  *) rm -rf "$1"; exit 1 ;;
esac
"#;

/// Removes what a copy that failed has left. Arguments: DIRECTORY.
const REMOVE: &str = r#"safe_place "${1%/*}" "$(stat -c %u "${1%.tandem-new}")" && rm -rf "$1""#;

/// Makes the files consistent and says where in the binary log they end. Arguments: PROGRAM DIRECTORY.
const PREPARE: &str = r#"
set -u
umask 077
"$1" --prepare --target-dir="$2" >&2 || exit 1
cat "$2/mariadb_backup_binlog_info" 2>/dev/null || cat "$2/xtrabackup_binlog_info"
"#;

/// Opens the files with nobody connected, and disables the events: on a replica they must not run, not even
/// once. Whatever the option files say, its logs and temporary tables are those of the new directory: the old ones
/// are in use, and no lock keeps a second server off the redo log.
/// Arguments: SERVER DATADIR DIRECTORY.
const OPEN: &str = r#"
set -u
umask 077
server=$1 datadir=$2 new=$3
rm -f "$new"/xtrabackup_* "$new"/mariadb_backup_* "$new"/backup-my.cnf
chown -R --reference="$datadir" "$new" && chmod --reference="$datadir" "$new" || exit 1
uid=$(stat -c %u "$datadir") && gid=$(id -g "$uid") || exit 1
command -v setpriv >/dev/null 2>&1 || { echo "setpriv is not installed (package util-linux)" >&2; exit 1; }
unset TMPDIR
# Of several `user` in its options the first wins; so it is started as who owns the data.
setpriv --reuid="$uid" --regid="$gid" --init-groups -- "$server" --datadir="$new" --bootstrap --skip-log-bin --skip-slave-start \
  --innodb-data-home-dir= --innodb-log-group-home-dir="$new" --innodb-undo-directory="$new" --aria-log-dir-path="$new" \
  --innodb-temp-data-file-path=ibtmp1:12M:autoextend --skip-networking --innodb-buffer-pool-size=128M --skip-log-error <<END
UPDATE mysql.event SET status = 'SLAVESIDE_DISABLED' WHERE status = 'ENABLED';
END
"#;

/// What the sending side has told so far.
#[derive(Debug, Default)]
struct SenderReport {
    /// Bytes before compression.
    read: u64,
    /// When commits began to wait.
    blocked: Option<Instant>,
    /// How long they waited.
    lock: Option<Duration>,
}

impl SenderReport {
    /// How long commits have been waiting by now.
    fn waits(&self) -> Duration {
        match (self.blocked, self.lock) {
            (Some(since), None) => since.elapsed(),
            _ => Duration::ZERO,
        }
    }

    fn take_line(&mut self, line: &str) {
        if let Some((number, _)) = line.split_once(" bytes (") {
            self.read = number.trim().parse().unwrap_or(self.read);
        } else if line.contains("BLOCK_COMMIT") && self.blocked.is_none() {
            self.blocked = Some(Instant::now());
        } else if line.contains("BACKUP STAGE END") || line.contains("All tables unlocked") {
            self.lock = self.lock.or(self.blocked.map(|since| since.elapsed()));
        }
    }
}

/// Looks at what could be in the way, before anything changes, and notes what becomes of the old data.
pub(super) async fn prepare(on: On<'_>, plan: &SeedPlan) -> Result<(), StepError> {
    let from = &plan.donor;
    let found = on.at(from).read(&OUTSIDE, &[datadir(on.at(from))?], LIMIT).await?.text();
    let found: Vec<&str> = found.lines().collect();
    if !found.is_empty() {
        return Err(StepError::new(
            from,
            "copy its files",
            format!("some lie elsewhere: {}", found.join(", ")),
        )
        .then("Use `seed_method: logical`. Nothing was changed."));
    }
    let own = datadir(on)?;
    match aside::left(on, own).await? {
        aside::Left::Foreign => Err(on
            .failed(
                format!("move {own} aside"),
                format!("{own}.tandem-old is there, and no run of tandem has noted why"),
            )
            .then("Look what it is and move it away. Nothing was changed.")),
        aside::Left::Nothing => aside::intend(on, own, !plan.replaces.is_empty()).await,
        // What an earlier run has moved aside, or was about to, is what is worth keeping.
        aside::Left::Meant { keep, done } => {
            // Until the directories have changed places, nothing there is of that copy.
            let own_data = !plan.replaces.is_empty() || (!done && !plan.leftovers.is_empty());
            aside::intend(on, own, keep || own_data).await
        }
    }
}

/// A server's data directory, without a slash at its end.
pub(super) fn datadir<'f>(on: On<'f>) -> Result<&'f str, StepError> {
    let known = on.server()?.variable("datadir").map(|d| d.trim_end_matches('/'));
    known.filter(|d| d.len() > 1).ok_or_else(|| on.failed("find its data directory", "it does not say"))
}

/// Copies everything, up to a directory that is ready to take the place of the old one. Returns the coordinates.
pub(super) async fn copy(
    step: &Step,
    plan: &SeedPlan,
    way: &mut CopyPath<'_>,
    fleet: &Fleet<'_>,
) -> Result<Copied, StepError> {
    let (host, from) = (&step.host, &plan.donor);
    let new = format!("{}.tandem-new", datadir(fleet.on(host))?);
    let (sent, lock) = transfer(step, plan, &new, way, fleet).await?;
    let program = program(fleet.on(host), &["mariadb-backup", "mariabackup"])?;
    let begun = Instant::now();
    let tried = "make the copied files consistent";
    tell(step, plan, plan.bytes, "making the files consistent", fleet);
    let output =
        fleet.on(host).writer()?.run(tried, &format!("{ALONE}{PREPARE}"), &[program, &new], b"", LIMIT).await;
    fleet.on(host).ran(tried, begun, output.as_ref().map_or("failed", |_| "ok"));
    let output =
        output.map_err(|e| StepError::new(host, tried, e).then("Apply again; the copy begins anew."))?;
    let text = output.text();
    let mut fields = text.trim_end_matches(['\n', '\r']).split('\t');
    let (file, offset) = (fields.next().unwrap_or_default(), fields.next().and_then(|p| p.parse().ok()));
    let Some(at) = offset.and_then(|offset| BinlogPosition::new(file, offset)) else {
        return Err(StepError::new(
            from,
            "find the copy's place in the binary log",
            format!("mariadb-backup says {text:?}"),
        ));
    };
    let gtid = check::coordinates(fleet.on(from), &at, fields.next()).await?;
    open(fleet.on(host), &new).await?;
    Ok(Copied { at, gtid, sent, lock, kept: 0 })
}

/// Proves that the server can open the files, with the options that it has now.
async fn open(on: On<'_>, new: &str) -> Result<(), StepError> {
    let tried = "open the copied files";
    let server = program(on, &["mariadbd", "mysqld"])?;
    let begun = Instant::now();
    let args = [server, datadir(on)?, new];
    let output = on.writer()?.try_run(tried, &format!("{ALONE}{OPEN}"), &args, b"", LIMIT).await;
    let output = output.map_err(|e| on.failed(tried, e))?;
    on.ran(tried, begun, if output.status == 0 { "ok" } else { "failed" });
    if output.status == 0 {
        return Ok(());
    }
    let log: Vec<String> = output.stderr.lines().map(str::to_owned).collect();
    let why = last_words(&log, &[]).map(|said| words::down::said(&said));
    let why = why.unwrap_or_else(|| format!("exit status {}", output.status));
    Err(on
        .failed(tried, why)
        .then("Its server runs as before, on its old data. Mend the cause, then apply again."))
}

/// The stream from host to host. Returns the compressed bytes, and how long commits had to wait.
async fn transfer(
    step: &Step,
    plan: &SeedPlan,
    new: &str,
    way: &mut CopyPath<'_>,
    fleet: &Fleet<'_>,
) -> Result<(u64, Option<Duration>), StepError> {
    let (host, from) = (&step.host, &plan.donor);
    let begun = Instant::now();
    let sender = Mutex::new(SenderReport::default());
    let sent = AtomicU64::new(0);
    let name = fleet.stream_name();
    let pipes = match way {
        CopyPath::Direct(pair) => pair.pipes(),
        CopyPath::Relay { .. } => Default::default(),
    };
    let (source, sink) = programs(fleet.on(host), plan, (new, &name), &pipes).await?;
    let take_line = |line: &str| {
        if let Ok(mut sender) = sender.lock() {
            sender.take_line(line);
        }
    };
    let look = async || streams::look(fleet.on(host)).await;
    let patience = streams::patience(fleet);
    let copying = async {
        match way {
            CopyPath::Relay { .. } => {
                let pace = Pace::of(fleet.limits.rate);
                relay(source, sink, (&sent, patience, &pace), take_line, look).await
            }
            CopyPath::Direct(pair) => {
                let moved = Moved::begin();
                let passes = pass(pair, host, &moved, &sent);
                attend((source, sink), (&moved, patience), passes, take_line, look).await
            }
        }
    };
    let stop = CancellationToken::new();
    let copying = meanwhile(copying, async || {
        let (read, waits) = sender.lock().map(|t| (t.read, t.waits())).unwrap_or_default();
        let bytes = read.max(sent.load(Ordering::Relaxed));
        tell(step, plan, bytes, &format!("copying the files of {from}"), fleet);
        if waits > fleet.limits.lock {
            stop.cancel();
        }
    });
    let result = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        copied = copying => Some(copied),
    };
    let failed = !matches!(result, Some(Ok(_)));
    fleet.on(from).ran("send its files", begun, if failed { "failed" } else { "ok" });
    if failed {
        streams::end([from, host], &name, fleet).await;
        remove(fleet.on(host), new).await;
    }
    let tried = format!("copy the files of {from} to {host}");
    let total = match result {
        Some(Ok(total)) => total,
        Some(Err(error)) => return Err(streams::failed(&error, tried)),
        None => {
            let why = format!("commits waited longer than {}", duration(fleet.limits.lock));
            return Err(StepError::new(from, tried, why).then(
                "Let them wait longer with --lock-limit, or use `seed_method: logical`. Then apply again; the copy \
                 starts over.",
            ));
        }
    };
    let lock = sender.lock().map(|t| t.lock).unwrap_or_default();
    Ok((total, lock))
}

/// Removes the part of a copy that failed: one that ended at the border of two pieces has not looked like a failure there.
async fn remove(on: On<'_>, new: &str) {
    if let Ok(writer) = on.writer() {
        // The next run removes it as well.
        let _ = writer
            .try_run("remove the part of a copy", &format!("{ALONE}{REMOVE}"), &[new], b"", LIMIT)
            .await;
    }
}

/// The bytes on their way from one host to the other.
async fn pass(
    pair: &mut DirectLine<'_>,
    host: &HostName,
    moved: &Moved,
    sent: &AtomicU64,
) -> Result<u64, RelayError> {
    let mut turn = Turn::Source;
    let on_bytes = |bytes, sink| {
        let next = if sink { Turn::Sink } else { Turn::Source };
        if sent.swap(bytes, Ordering::Relaxed) != bytes || turn != next {
            moved.now(next);
        }
        turn = next;
    };
    let fetched = pair.fetch(on_bytes).await;
    // From here on the sink has to come to its end.
    moved.now(Turn::Sink);
    fetched.map_err(|error| RelayError::Failed {
        host: host.clone(),
        what: error.tried.clone(),
        status: None,
        said: error.why.to_string(),
    })
}

async fn programs<'f>(
    on: On<'f>,
    plan: &'f SeedPlan,
    (new, name): (&str, &str),
    [into, out_of]: &[String; 2],
) -> Result<(Stream<'f>, Stream<'f>), StepError> {
    let host = on.host;
    let from = &plan.donor;
    let (pack, unpack) = packers(on.at(from).facts()?, on.facts()?);
    let login = on.at(from).login()?;
    let tried = || format!("begin the copy from {from} to {host}");
    let program = program(on.at(from), &["mariadb-backup", "mariabackup"])?;
    let args = [program, &login.socket, &login.user, pack, into];
    let mut send = streams::start(on.at(from), ("send its files", name), SEND, &args).await?;
    let take = format!("{ALONE}{TAKE}");
    let take = streams::start(on, ("take the files", name), &take, &[new, unpack, out_of]).await?;
    let line = login.password_line();
    let written = send.stdin.write_all(line.as_bytes()).await;
    written.map_err(|e| StepError::new(from, tried(), e))?;
    Ok((send, take))
}

fn program<'f>(on: On<'f>, names: &[&str]) -> Result<&'f str, StepError> {
    let tools = &on.facts()?.os.tools;
    names.iter().find_map(|n| tools.get(*n)).map(String::as_str).ok_or_else(|| {
        on.failed(format!("find {}", names.join(" or ")), "it is not installed")
            .then("Install the package mariadb-backup.")
    })
}

fn tell(step: &Step, plan: &SeedPlan, bytes: u64, doing: &str, fleet: &Fleet<'_>) {
    fleet.progress(step, (bytes, plan.bytes.max(bytes)), doing);
}

#[cfg(test)]
mod tests {
    use super::SenderReport;

    #[test]
    fn the_time_in_which_commits_wait_is_measured() {
        let mut sender = SenderReport::default();
        for line in [
            "[00] 2026-11-25 18:33:41 Starting BACKUP STAGE START",
            "[00] 2026-11-25 18:33:41 Starting BACKUP STAGE END",
        ] {
            sender.take_line(line);
        }
        assert!(sender.lock.is_none(), "nothing waited yet");
        sender.take_line("[00] 2026-11-25 18:33:41 Starting BACKUP STAGE BLOCK_COMMIT");
        sender.take_line("1048576 bytes (1.0 MB, 1.0 MiB) copied, 1 s, 1.0 MB/s");
        sender.take_line("[00] 2026-11-25 18:33:42 Executing BACKUP STAGE END");
        let first = sender.lock;
        sender.take_line("[00] 2026-11-25 18:33:42 All tables unlocked");
        assert!(first.is_some() && sender.lock == first);
        assert_eq!(sender.read, 1_048_576);
    }
}
