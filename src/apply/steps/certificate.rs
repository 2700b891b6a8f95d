//! A server's certificate: issued here, sent over ssh, and kept nowhere else.

use std::time::Instant;

use tokio::sync::Mutex;

use super::{super::fleet::SCRIPT, super::journal::Journal, Fleet, StepError, restart::PLACE, statements};
use crate::{
    certificate::{Authority, DIRECTORY},
    model::HostName,
    plan::CertificatePlan,
};

/// Argument: DIRECTORY. Standard input: three PEM texts, each behind a line `#@ NAME`, then `#@ end`. All three are
/// there before any takes its place.
const WRITE: &str = r#"
set -u
umask 077
directory=$1
undo() { rm -f "$directory"/*.new; }
at "${directory%/*}" mkdir -p "$directory"
at "$directory" chmod 755 "$directory"
undo
receive() {
  name= whole=
  while IFS= read -r line; do
    case $line in
      '#@ end') whole=yes ;;
      '#@ '*) name=${line#'#@ '}; : >"$directory/$name.new" || return 1 ;;
      *) printf '%s\n' "$line" >>"$directory/$name.new" || return 1 ;;
    esac
  done
  [ -n "$whole" ] || { echo "the connection ended in the middle" >&2; return 1; }
}
at "$directory" receive
cd "$directory" || exit 1
at "$directory" sync ca.pem.new server-cert.pem.new server-key.pem.new
at "$directory" chmod 644 ca.pem.new server-cert.pem.new
at "$directory" chmod 400 server-key.pem.new
if id mysql >/dev/null 2>&1; then at "$directory" chown mysql: server-key.pem.new; fi
mv server-key.pem.new server-key.pem && mv server-cert.pem.new server-cert.pem && mv ca.pem.new ca.pem && sync
"#;

/// Two hosts must not make two authorities.
static OPENING: Mutex<()> = Mutex::const_new(());

/// Issues a certificate and puts it in its place; a server that uses it already loads it at once.
pub async fn run(
    host: &HostName,
    plan: &CertificatePlan,
    fleet: &Fleet<'_>,
    journal: &Journal,
) -> Result<Option<String>, StepError> {
    let begun = Instant::now();
    let tried = format!("issue a certificate for {}", plan.names.join(", "));
    let failed = |e: crate::certificate::AuthorityError| {
        StepError::new(host, tried.clone(), e)
            .then("See the directory of the authority; nothing was changed on the host.")
    };
    let (authority, issued) = {
        let _one_at_a_time = OPENING.lock().await;
        let authority = Authority::open(&plan.directory).map_err(failed)?;
        let issued = match Authority::brought(&plan.directory, host.as_str()).map_err(failed)? {
            Some(brought) => brought,
            None => authority.issue(&plan.names).map_err(failed)?,
        };
        (authority, issued)
    };
    let mut text = zeroize::Zeroizing::new(String::new());
    for (name, pem) in [
        ("ca.pem", authority.certificate.as_str()),
        ("server-cert.pem", issued.certificate.as_str()),
        ("server-key.pem", issued.key.as_str()),
    ] {
        text.push_str(&format!("#@ {name}\n{}\n", pem.trim_end()));
    }
    text.push_str("#@ end\n");
    let what = "write its certificate";
    let result = fleet
        .writer(host)?
        .run(what, &format!("{PLACE}{WRITE}"), &[DIRECTORY], text.as_bytes(), SCRIPT)
        .await;
    let said = result.as_ref().map_or_else(ToString::to_string, |_| "ok".to_owned());
    journal.ran(host, what, begun.elapsed(), &said);
    result.map_err(|e| StepError::unwritten(host, what, e))?;
    if plan.reload {
        let mut sql = statements(host, fleet, journal).await?;
        let Some(reload) = fleet.dialect(host)?.reload_certificates() else {
            return Ok(Some("it counts from the server's next restart on".into()));
        };
        sql.run(reload).await.map_err(|e| {
            StepError::new(host, "load the new certificate", e).then("It is loaded at the next restart.")
        })?;
        sql.sql.close().await;
        return Ok(Some("loaded without a restart".into()));
    }
    Ok(None)
}
