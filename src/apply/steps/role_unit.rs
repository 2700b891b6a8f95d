//! The unit that opens the recorded writer after a start of its server.

use std::time::Instant;

use crate::{
    exec::{On, SCRIPT, StepError, new_salt},
    role_unit::{RoleUnit, UNIT},
};

/// Puts the files of standard input beside the present ones, asks the others with them, and lets them count. Prints what
/// the others have said; ends with 3 where that will not do.
const RECORD: &str = concat!(
    include_str!("../../transport/safe.sh"),
    r#"
set -e
LC_ALL=C; export LC_ALL
umask 077
private_dir /var/lib/tandem
at=/var/lib/tandem/role
rm -rf "$at.new" "$at.old"
mkdir -m 700 "$at.new"
out=/dev/null
while IFS= read -r line; do
  case $line in
    '@@ '*) out=$at.new/${line#@@ }; : >"$out" ;;
    *) printf '%s\n' "$line" >>"$out" ;;
  esac
done
sh "$at.new/open.sh" check || { status=$?; rm -rf "$at.new"; exit $status; }
safe_place /etc/systemd/system
systemctl disable -q tandem-role.service 2>/dev/null || :
new_file /etc/systemd/system/tandem-role.service.new <"$at.new/unit"
chmod 644 /etc/systemd/system/tandem-role.service.new
rm "$at.new/unit"
[ ! -e "$at" ] || mv "$at" "$at.old"
mv "$at.new" "$at"
mv /etc/systemd/system/tandem-role.service.new /etc/systemd/system/tandem-role.service
rm -rf "$at.old"
sync
systemctl daemon-reload
systemctl enable -q tandem-role.service
"#
);
const FORGET: &str = concat!(
    include_str!("../../transport/safe.sh"),
    r#"
set -e
LC_ALL=C; export LC_ALL
if [ -e /etc/systemd/system/tandem-role.service ]; then
  safe_place /etc/systemd/system
  systemctl disable -q tandem-role.service
  rm -f /etc/systemd/system/tandem-role.service
fi
[ ! -d /var/lib/tandem ] || { private_dir /var/lib/tandem; rm -rf /var/lib/tandem/role; }
sync
systemctl daemon-reload
systemctl reset-failed tandem-role.service 2>/dev/null || :
"#
);

/// Records the host as the writer, once every other host that answers has said that it accepts no writes.
pub async fn record(on: On<'_>, unit: &RoleUnit) -> Result<Option<String>, StepError> {
    let tried = "record it as the writer";
    let password = on.secret(&unit.password)?.expose();
    let admin = match &unit.admin.1 {
        Some(id) => Some(on.secret(id)?.expose()),
        None => None,
    };
    let files = unit.files(password, admin);
    let mut input = format!("@@ salt\n{}\n", new_salt());
    for (name, content) in files.all() {
        input.push_str(&format!("@@ {name}\n{content}"));
    }
    let begun = Instant::now();
    let output = on.writer()?.try_run(tried, RECORD, &[], input.as_bytes(), SCRIPT).await;
    let output = output.map_err(|why| on.failed(tried, why))?;
    on.ran(tried, begun, if output.status == 0 { "ok" } else { "failed" });
    let text = output.text();
    match output.status {
        0 => Ok(silent(&text)),
        3 => Err(on.failed(tried, objections(&text)).then(format!(
            "{} starts read-only and is not opened by itself. Fix the cause, then run `tandem apply` again.",
            on.host
        ))),
        _ => Err(on.failed(tried, output.stderr.trim())),
    }
}

/// The hosts that did not answer.
fn silent(text: &str) -> Option<String> {
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    let silent: Vec<&str> = pairs.filter(|(_, state)| *state == "silent").map(|(host, _)| host).collect();
    (!silent.is_empty()).then(|| format!("without an answer from {}", silent.join(", ")))
}

fn objections(text: &str) -> String {
    let objection = |line: &str| {
        let (host, state) = line.split_once(' ')?;
        match state.split_once(' ').unwrap_or((state, "")) {
            ("open", _) => Some(format!("{host} accepts writes")),
            ("unknown", words) => Some(format!("{host} does not say whether it accepts writes: {words}")),
            _ => None,
        }
    };
    let all: Vec<String> = text.lines().filter_map(objection).collect();
    all.join("; ")
}

/// Takes the record and its unit away.
pub async fn forget(on: On<'_>) -> Result<Option<String>, StepError> {
    let tried = format!("take {UNIT} away");
    let begun = Instant::now();
    let run = on.writer()?.run(&tried, FORGET, &[], b"", SCRIPT).await;
    on.ran(&tried, begun, if run.is_ok() { "ok" } else { "failed" });
    run.map(|_| None).map_err(|e| on.failed(tried, e))
}
