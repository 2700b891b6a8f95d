//! Two data directories beside each other: the old one is moved aside for the new one, and kept until that is
//! verified.
//!
//! `/var/lib/tandem/aside` says so from before the copy begins until the old directory is dealt with: its first
//! line is the data directory, its second `keep` or `drop`, its third where the old one is kept in the end. For a
//! data directory DIR the new one is made as `DIR.tandem-new`, the old one becomes `DIR.tandem-old`, and where
//! that is there already, what an unfinished copy of ours left becomes `DIR.tandem-unfinished`.

use std::time::{Duration, Instant};

use crate::{
    doctor::last_words,
    exec::{On, StepError},
    model::limits,
    transport::ReadScript,
    words,
};

/// A server with much memory to write back takes a while to stop, and one with a long log to start.
const LIMIT: Duration = limits::NEW_DATA.time;

/// One at a time, also after a run that was killed: what it began on the host may still be at work.
pub(super) const ALONE: &str = concat!(
    include_str!("../transport/safe.sh"),
    r#"
private_dir /var/lib/tandem && private_dir /run/tandem || exit 1
if command -v flock >/dev/null 2>&1; then exec 9>>/run/tandem/aside.lock; flock -w 3600 9 || exit 1; fi
"#
);

const READ: ReadScript = ReadScript::new(
    "look for a data directory that was moved aside",
    r#"
# What a run that was killed has begun here may still be at work.
lock=/run/tandem/aside.lock
if [ -r "$lock" ] && command -v flock >/dev/null 2>&1; then exec 9<"$lock"; flock -s -w 3600 9 || exit 1; fi
[ -s /var/lib/tandem/aside ] || { [ ! -e "$1.tandem-old" ] || echo foreign; exit 0; }
{ IFS= read -r datadir; IFS= read -r fate; IFS= read -r kept; } </var/lib/tandem/aside
[ "$datadir" = "$1" ] || { echo foreign; exit 0; }
[ -z "$kept" ] || [ ! -e "$kept" ] || fate=drop
if [ -e "$1.tandem-old" ]; then echo "$fate there"; else echo "$fate"; fi
"#,
);

/// Arguments: DATADIR FATE.
const NOTE: &str = r#"
set -e
umask 077
printf '%s\n%s\n' "$1" "$2" >/var/lib/tandem/aside.new
sync /var/lib/tandem/aside.new 2>/dev/null || true
mv /var/lib/tandem/aside.new /var/lib/tandem/aside
"#;

/// Arguments: UNIT DATADIR. What begins here comes to its end, also when the connection ends.
const SWAP: &str = r#"
set -u
trap '' HUP INT TERM PIPE
unit=$1 datadir=$2
[ -d "$datadir.tandem-new/mysql" ] || { echo "the new data directory is not there" >&2; exit 1; }
for file in "$datadir"/debian-*.flag "$datadir"/*_upgrade_info "$datadir"/*.pem; do
  [ ! -f "$file" ] || cp -p "$file" "$datadir.tandem-new/" || exit 1
done
systemctl stop -- "$unit" || exit 1
# A server that runs by another unit, or by hand, would go on in the directory that is moved.
real=$(readlink -f "$datadir")
for pid in $(pidof mariadbd mysqld 2>/dev/null); do
  [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$real" ] || continue
  # A name is anybody's; a server is root's or runs as who owns the data.
  case $(stat -c %u "/proc/$pid" 2>/dev/null) in 0 | "$(stat -c %u "$real")") ;; *) continue ;; esac
  systemctl start -- "$unit"
  echo "a server (process $pid) went on in $datadir while $unit was stopped; set mysql_service to its unit" >&2
  exit 1
done
aside=$datadir.tandem-old
if [ -e "$aside" ]; then aside=$datadir.tandem-unfinished; rm -rf "$aside"; fi
# What a move that failed halfway has left must not pass for the old data.
mv -T "$datadir" "$aside" || {
  [ ! -d "$datadir" ] || [ ! -e "$aside" ] || mv -T "$aside" "$datadir.tandem-partial-$$"
  systemctl start -- "$unit"
  exit 1
}
mv -T "$datadir.tandem-new" "$datadir" || {
  rm -rf "$datadir"
  mv -T "$aside" "$datadir"
  systemctl start -- "$unit"
  exit 1
}
! command -v restorecon >/dev/null 2>&1 || restorecon -R "$datadir"
systemctl reset-failed -- "$unit" 2>/dev/null
systemctl start -- "$unit" && exit 0
journalctl -q -n 20 -o cat -u "$unit" >&2 2>/dev/null
systemctl stop -- "$unit"
mv -T "$datadir" "$datadir.tandem-new" && mv -T "$aside" "$datadir"
systemctl reset-failed -- "$unit" 2>/dev/null
systemctl start -- "$unit"
exit 4
"#;

/// Arguments: STAMP. Prints where the old directory is kept.
const SETTLE: &str = r#"
set -u
[ -s /var/lib/tandem/aside ] || exit 0
{ IFS= read -r datadir; IFS= read -r fate; IFS= read -r kept; } </var/lib/tandem/aside
case $datadir in /?*) ;; *) exit 1 ;; esac
if [ "$fate" = keep ] && [ -d "$datadir.tandem-old" ] && { [ -z "$kept" ] || [ ! -e "$kept" ]; }; then
  kept=$datadir.replaced-$1
  printf '%s\n%s\n%s\n' "$datadir" "$fate" "$kept" >/var/lib/tandem/aside.new || exit 1
  sync /var/lib/tandem/aside.new 2>/dev/null || true
  mv /var/lib/tandem/aside.new /var/lib/tandem/aside && mv "$datadir.tandem-old" "$kept" || exit 1
fi
[ -z "$kept" ] || echo "$kept"
rm -rf "$datadir.tandem-old" "$datadir.tandem-unfinished" "$datadir.tandem-new"
rm -f /var/lib/tandem/aside
"#;

/// What an earlier run has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing.
    Nothing,
    /// A directory that is none of ours stands where the old one would go.
    Foreign,
    /// It was to put the old data aside.
    Meant {
        /// Whether that is to be kept for good.
        keep: bool,
        /// Whether it has done so: then what is in the data directory is ours.
        done: bool,
    },
}

/// Looks for what an earlier run has left.
pub(super) async fn left(on: On<'_>, datadir: &str) -> Result<Left, StepError> {
    let output = on.read(&READ, &[datadir], LIMIT).await?;
    Ok(match output.text().trim() {
        "" => Left::Nothing,
        "foreign" => Left::Foreign,
        text => Left::Meant { keep: text.starts_with("keep"), done: text.ends_with("there") },
    })
}

/// Notes, before anything happens, that the data directory will be moved aside and what becomes of it.
pub(super) async fn intend(on: On<'_>, datadir: &str, keep: bool) -> Result<(), StepError> {
    let tried = "note that its data will be moved aside";
    let fate = if keep { "keep" } else { "drop" };
    let text = format!("{ALONE}{NOTE}");
    let done = on.writer()?.run(tried, &text, &[datadir, fate], b"", LIMIT).await;
    done.map(|_| ()).map_err(|e| on.failed(tried, e))
}

/// Stops the server, puts the new data directory in the place of the old one, and starts it. If it does not
/// start, the old one comes back.
pub(super) async fn swap(on: On<'_>, (unit, datadir): (&str, &str)) -> Result<(), StepError> {
    let tried = format!("start {unit} with the new data directory");
    let begun = Instant::now();
    let output = on.writer()?.try_run(&tried, &format!("{ALONE}{SWAP}"), &[unit, datadir], b"", LIMIT).await;
    let output = output.map_err(|e| on.failed(tried.clone(), e))?;
    on.ran(&tried, begun, if output.status == 0 { "ok" } else { "failed" });
    if output.status == 0 {
        return Ok(());
    }
    let log: Vec<String> = output.stderr.lines().map(str::to_owned).collect();
    let why = last_words(&log, &[])
        .map(|said| words::down::said(&said))
        .or_else(|| log.last().cloned())
        .unwrap_or_else(|| "it does not say why".into());
    Err(on
        .failed(tried, why)
        .then("The old data directory is in its place. Mend the cause, then apply again."))
}

/// Ends it: the old directory is kept under a name of its own, which comes back, or removed.
pub(super) async fn settle(on: On<'_>) -> Result<Option<String>, StepError> {
    let tried = "settle the old data directory";
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let begun = Instant::now();
    let output = on.writer()?.run(tried, &format!("{ALONE}{SETTLE}"), &[&stamp], b"", LIMIT).await;
    on.ran(tried, begun, output.as_ref().map_or("failed", |_| "ok"));
    let output = output.map_err(|e| on.failed(tried, e))?;
    Ok(Some(output.text().trim().to_owned()).filter(|path| !path.is_empty()))
}
