//! tandem's own option file: checked by the server's binary before it counts.

use std::time::{Duration, Instant};

use super::{super::journal::Journal, Fleet, StepError};
use crate::model::HostName;

/// Arguments: PATH SERVER-BINARY CHECKING-OPTIONS ROOT-FILE... Standard input: the content. The server's binary reads
/// the whole chain with the candidate behind it; what it says then and does not say without the
/// candidate is what is wrong with it.
const WRITE: &str = concat!(
    include_str!("../../transport/safe.sh"),
    r#"
set -u
umask 022
path=$1 server=$2 options=$3; shift 3
private_dir /run/tandem && private_dir /var/lib/tandem && safe_place "${path%/*}" || exit 1
check=/run/tandem/check.cnf
candidate=/run/tandem/candidate.cnf
cat >"$candidate"
says() {
  "$server" --defaults-file="$check" --user=mysql $options 2>&1 >/dev/null |
    sed -n -e 's/\[MY-[0-9]*\] \[[A-Za-z]*\] //' -e '/\[ERROR\] Aborting/d' -e 's/^.*\[ERROR\] //p' \
      -e "s/^.*\[Warning\] \(option '.*\)/\1/p" -e 's/^.*unknown \(variable\|option\)/unknown \1/p' | sort -u
}
if [ -n "$server" ]; then
  : >"$check"
  for root; do echo "!include $root" >>"$check"; done
  before=$(says)
  echo "!include $candidate" >>"$check"
  after=$(says)
  rm -f "$check"
  new=$(printf '%s\n' "$after" | while IFS= read -r line; do
    printf '%s\n' "$before" | grep -qxF -e "$line" || printf '%s\n' "$line"; done)
  if [ -n "$new" ]; then
    rm -f "$candidate"
    printf '%s\n' "$new" >&2
    exit 3
  fi
fi
# What a failed restart brings back.
if [ -e "$path" ]; then cp -p "$path" /var/lib/tandem/option-file.before; else rm -f /var/lib/tandem/option-file.before; fi
printf '%s\n' "$path" >/var/lib/tandem/option-file.path
new_file "$path.new" <"$candidate" && chmod 644 "$path.new" && mv "$path.new" "$path" && sync "$path" 2>/dev/null
rm -f "$candidate"
[ -e "$path" ]
"#
);

/// Arguments: PATH.
const REMOVE: &str = concat!(
    include_str!("../../transport/safe.sh"),
    r#"
private_dir /var/lib/tandem && safe_place "${1%/*}" || exit 1
[ -e "$1" ] && cp -p "$1" /var/lib/tandem/option-file.before
printf '%s\n' "$1" >/var/lib/tandem/option-file.path
rm -f "$1"
"#
);

/// Writes the file, or removes it.
pub async fn run(
    host: &HostName,
    path: &str,
    content: Option<&str>,
    fleet: &Fleet<'_>,
    journal: &Journal,
) -> Result<Option<String>, StepError> {
    let writer = fleet.writer(host)?;
    let facts = fleet.facts(host)?;
    let begun = Instant::now();
    let limit = Duration::from_secs(60);
    let tried = format!("write {path}");
    let result = match content {
        Some(text) => {
            let server =
                ["mariadbd", "mysqld"].iter().find_map(|t| facts.os.tools.get(*t)).map_or("", String::as_str);
            let mut args = vec![path, server, fleet.dialect(host)?.check_options()];
            let roots =
                facts.option_files.known().map(|f| roots(&f.files, &f.directories)).unwrap_or_default();
            args.extend(roots.iter().map(String::as_str));
            writer.run(&tried, WRITE, &args, text.as_bytes(), limit).await
        }
        None => writer.run(&tried, REMOVE, &[path], b"", limit).await,
    };
    let said = result.as_ref().map_or_else(ToString::to_string, |_| "ok".to_owned());
    journal.ran(host, &tried, begun.elapsed(), &said);
    match result {
        Ok(_) => Ok(content.map(|_| "checked by the server's own binary".to_owned())),
        Err(crate::transport::RunError::Failed { status: 3, stderr, .. }) => {
            let reasons = stderr.lines().map(str::trim).collect::<Vec<_>>().join("; ");
            Err(StepError::new(host, tried, format!("the server would not take it: {reasons}"))
                .then("Correct it in the inventory. The old file is untouched."))
        }
        Err(error) => Err(StepError::new(host, tried, error)),
    }
}

/// The files at the beginning of the chain: those that no other one includes.
fn roots(files: &[(String, Vec<u8>)], directories: &[String]) -> Vec<String> {
    let included = |path: &str| {
        directories
            .iter()
            .any(|d| path.strip_prefix(d.trim_end_matches('/')).is_some_and(|r| r.starts_with('/')))
    };
    files.iter().map(|(path, _)| path.clone()).filter(|p| !included(p)).collect()
}
