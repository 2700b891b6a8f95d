//! A server's certificate: issued here, sent over ssh, and kept nowhere else.

use std::time::Instant;

use tokio::sync::Mutex;

use crate::{
    certificate::{Authority, AuthorityError, DIRECTORY, Issued},
    exec::{On, SCRIPT, StepError, restart::PLACE},
    model::HostName,
    plan::{AuthorityPlan, CertificatePlan},
};

/// Argument: DIRECTORY. Standard input: PEM texts, each behind a line `#@ NAME`, then `#@ end`. All are there before any
/// takes its place; a key comes before its certificate, and both before the authority.
const WRITE: &str = r#"
set -u
umask 077
directory=$1
undo() { rm -f "$directory"/*.new; }
at "${directory%/*}" mkdir -p "$directory"
at "$directory" safe_place "$directory"
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
for name in server-key.pem server-cert.pem ca.pem; do
  [ -e "$name.new" ] || continue
  at "$directory" test -s "$name.new"
  case $name in
    server-key.pem) at "$directory" chmod 400 "$name.new" ;;
    *) at "$directory" chmod 644 "$name.new" ;;
  esac
  at "$directory" sync "$name.new"
done
if [ -e server-key.pem.new ] && id mysql >/dev/null 2>&1; then at "$directory" chown mysql: server-key.pem.new; fi
for name in server-key.pem server-cert.pem ca.pem; do
  [ ! -e "$name.new" ] || mv "$name.new" "$name" || exit 1
done
sync
"#;

/// Two hosts must not make two authorities.
static OPENING: Mutex<()> = Mutex::const_new(());

/// The authority's certificate, and what is issued by it.
fn certificates(host: &HostName, plan: &CertificatePlan) -> Result<(String, Option<Issued>), AuthorityError> {
    let directory = &plan.directory;
    if !plan.issue
        && let AuthorityPlan::Keep(pem) = &plan.authority
    {
        return Ok((pem.clone(), None));
    }
    let brought = match plan.issue {
        true => Authority::brought(directory, host.as_str())?,
        false => None,
    };
    if let (Some(brought), AuthorityPlan::Keep(pem)) = (brought, &plan.authority) {
        return Ok((pem.clone(), Some(brought)));
    }
    let authority = match &plan.authority {
        AuthorityPlan::Replace(old) => Authority::renew(directory, old)?,
        AuthorityPlan::Keep(_) | AuthorityPlan::Make => Authority::open(directory)?,
    };
    let issued = match plan.issue {
        true => Some(match Authority::brought(directory, host.as_str())? {
            Some(brought) => brought,
            None => authority.issue(&plan.names)?,
        }),
        false => None,
    };
    Ok((authority.certificate, issued))
}

/// Issues a certificate and puts it in its place; a server that uses it already loads it at once.
pub(super) async fn run(on: On<'_>, plan: &CertificatePlan) -> Result<Option<String>, StepError> {
    let host = on.host;
    let begun = Instant::now();
    let tried = match plan.issue {
        true => format!("issue a certificate for {}", plan.names.join(", ")),
        false => "let it trust the authority".to_owned(),
    };
    let failed = |e: AuthorityError| {
        on.failed(tried.clone(), e)
            .then("See the directory of the authority; nothing was changed on the host.")
    };
    let (authority, issued) = {
        let _one_at_a_time = OPENING.lock().await;
        certificates(host, plan).map_err(failed)?
    };
    let mut trusted = authority.trim_end().to_owned();
    for other in &plan.others {
        trusted.push('\n');
        trusted.push_str(other.trim_end());
    }
    let mut text = zeroize::Zeroizing::new(format!("#@ ca.pem\n{trusted}\n"));
    if let Some(issued) = &issued {
        for (name, pem) in [("server-cert.pem", &issued.certificate), ("server-key.pem", &issued.key)] {
            text.push_str(&format!("#@ {name}\n{}\n", pem.trim_end()));
        }
    }
    text.push_str("#@ end\n");
    let what = "write its certificate";
    let result =
        on.writer()?.run(what, &format!("{PLACE}{WRITE}"), &[DIRECTORY], text.as_bytes(), SCRIPT).await;
    let said = result.as_ref().map_or_else(ToString::to_string, |_| "ok".to_owned());
    on.ran(what, begun, &said);
    result.map_err(|e| StepError::unwritten(host, what, e))?;
    if plan.reload && plan.issue {
        let mut sql = on.statements().await?;
        let Some(reload) = on.dialect()?.reload_certificates() else {
            return Ok(Some("it counts from the server's next restart on".into()));
        };
        sql.run(reload).await.map_err(|e| {
            on.failed("load the new certificate", e).then("It is loaded at the next restart.")
        })?;
        return Ok(Some("loaded without a restart".into()));
    }
    Ok(None)
}
