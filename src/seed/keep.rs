//! The old data of a replica, kept before a copy replaces it: a script of SQL on its own host, written by the engine that
//! copies, read back from the disk and held against what was written.

use std::time::Instant;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{
    copy::End,
    direct::{self, Agent},
    streams,
};
use crate::{
    copy::{self, CopyError, Written},
    direct::{Door, Failed, Part, Report},
    exec::{On, StepError},
    model::{SeedPath, bytes, duration, limits, visible},
    plan::{SeedPlan, Step},
    transport::{Stream, program_words},
};

/// Writes what it is given into a new file, and prints the digest of what can be read from there. Arguments: PIPE COMPRESSOR
/// EXPANDER PATH; the pipe may be `-`, for standard input. Whether that is what was given says who has given it.
const WRITE: &str = concat!(
    include_str!("../transport/safe.sh"),
    r#"
set -u
umask 077
input=$1 compressor=$2 expander=$3 path=$4
private_dir /var/lib/tandem && private_dir "${path%/*}" || exit 1
# Of a run that was cut off.
rm -f "${path%/*}"/*.new
[ "$input" = - ] || exec <"$input" || exit 1
$compressor >"$path.new" || exit 1
sync "$path.new" || exit 1
$expander <"$path.new" | sha256sum
"#
);

/// Gives the file its name, or takes it away. Arguments: PATH yes|no.
const SETTLE: &str = r#"
[ "$2" = yes ] || { rm -f "$1.new"; exit; }
mv "$1.new" "$1" && sync "${1%/*}"
"#;

/// Keeps databases of a host in a file there, and names the file.
pub(super) async fn keep(
    (on, step): (On<'_>, &Step),
    plan: &SeedPlan,
    databases: &[String],
) -> Result<String, StepError> {
    let tried = format!("keep the old data ({})", visible(&databases.join(", ")));
    let tools = &on.facts()?.os.tools;
    let (compressor, expander, ending) = match (tools.contains_key("zstd"), tools.contains_key("gzip")) {
        (true, _) => ("zstd -q -3 -c", "zstd -q -d -c", ".zst"),
        (false, true) => ("gzip -c", "gzip -d -c", ".gz"),
        (false, false) => ("cat", "cat", ""),
    };
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let path = format!("/var/lib/tandem/replaced/{stamp}.sql{ending}");
    let begun = Instant::now();
    let name = on.fleet.stream_name();
    let file = File { args: [compressor, expander, &path], tried: &tried, name: &name };
    // A file system may take nothing and say nothing.
    let kept = timeout(limits::FILES.time, file.fill((on, step), plan, databases)).await;
    let kept = kept.unwrap_or_else(|_| Err(format!("it took longer than {}", duration(limits::FILES.time))));
    on.ran(&tried, begun, kept.as_ref().map_or_else(|error| error.as_str(), |()| "ok"));
    if kept.is_err() {
        streams::end([on.host, on.host], &name, on.fleet).await;
    }
    let settle = [path.as_str(), if kept.is_ok() { "yes" } else { "no" }];
    let settled = on.writer()?.run(&tried, SETTLE, &settle, b"", limits::LOOK.time).await;
    kept.map_err(|why| on.failed(&tried, why).then("Nothing was replaced."))?;
    settled
        .map_err(crate::transport::RunError::without_rows)
        .map_err(|error| on.failed(&tried, error).then("Nothing was replaced."))?;
    Ok(path)
}

/// The file to be.
struct File<'k> {
    /// Compressor, expander and path.
    args: [&'k str; 3],
    tried: &'k str,
    /// By which its programs are ended.
    name: &'k str,
}

impl File<'_> {
    /// Writes it, and holds what can be read from it against that. What comes back is why it can't be trusted.
    async fn fill(
        &self,
        (on, step): (On<'_>, &Step),
        plan: &SeedPlan,
        databases: &[String],
    ) -> Result<(), String> {
        let on_bytes = |written: u64| {
            on.fleet.progress(step, (0, 0), format!("keeping the old data: {}", bytes(written)));
        };
        let agent = match self.is_large(on, plan, databases).await {
            true => self.bring(on, databases).await,
            false => None,
        };
        let (written, read) = match agent {
            Some(agent) => self.at_host(on, agent, on_bytes).await?,
            None => self.through_here(on, databases, on_bytes).await?,
        };
        match read.split_whitespace().next() {
            Some(digest) if digest == written.digest => Ok(()),
            _ => Err("what can be read from the file is not what was written into it".to_owned()),
        }
    }

    /// Whether so much is kept that it is not to pass through this machine.
    async fn is_large(&self, on: On<'_>, plan: &SeedPlan, databases: &[String]) -> bool {
        let Ok(server) = on.server() else { return false };
        let all = server.databases.iter().filter(|database| databases.contains(&database.name));
        match plan.path {
            SeedPath::Direct => true,
            SeedPath::Relay => false,
            SeedPath::Auto => direct::is_worth(all.map(|database| database.bytes).sum()).await,
        }
    }

    /// Our program there, which writes into its pipe; nothing where it can't be brought.
    async fn bring<'f>(&self, on: On<'f>, databases: &[String]) -> Option<Agent<'f>> {
        let server = Door::of(on.server().ok()?.version, on.login().ok()?);
        let part = Part::Keep { server: Box::new(server), databases: databases.to_vec() };
        Agent::bring(on, self.name, &part).await.ok()
    }

    async fn start<'f>(&self, on: On<'f>, input: &str) -> Result<Stream<'f>, String> {
        let [compressor, expander, path] = self.args;
        let args = [input, compressor, expander, path];
        streams::start(on, (self.tried, self.name), WRITE, &args).await.map_err(|error| error.why)
    }

    async fn at_host(
        &self,
        on: On<'_>,
        mut agent: Agent<'_>,
        on_bytes: impl Fn(u64),
    ) -> Result<(Written, String), String> {
        let stream = self.start(on, &agent.pipe()).await?;
        let written = async {
            loop {
                match agent.next().await {
                    Ok(Report::Kept(written)) => return Ok(written),
                    Ok(Report::Fetched { bytes, .. }) => on_bytes(bytes),
                    Ok(Report::Failed(failed)) | Err(failed) => return Err(said(failed)),
                    Ok(_) => {}
                }
            }
        };
        let written = written.await;
        // Without its writer the pipe ends as well.
        agent.end().await;
        self.ended(written, stream).await
    }

    async fn through_here(
        &self,
        on: On<'_>,
        databases: &[String],
        on_bytes: impl Fn(u64),
    ) -> Result<(Written, String), String> {
        let server = End::of(on).map_err(|error| error.why)?;
        let mut stream = self.start(on, "-").await?;
        let written = copy::write(&server, databases, &mut stream.stdin, &mut |bytes| on_bytes(bytes)).await;
        let shut = stream.stdin.shutdown().await;
        let written = written
            .map_err(|error| copy_failed(&error))
            .and_then(|written| shut.map(|()| written).map_err(|error| error.to_string()));
        self.ended(written, stream).await
    }

    /// What the program says that has written the file; where it says nothing, it knows better why than who gave to it.
    async fn ended(
        &self,
        written: Result<Written, String>,
        stream: Stream<'_>,
    ) -> Result<(Written, String), String> {
        let Stream { stdin, mut stdout, mut stderr, child, .. } = stream;
        drop(stdin);
        let mut read = String::new();
        let _ = stdout.read_to_string(&mut read).await;
        let messages = streams::all(&mut stderr).await;
        drop(child);
        match written {
            Ok(written) if !read.is_empty() => Ok((written, read)),
            Err(why) if messages.trim().is_empty() => Err(why),
            _ => Err(program_words(&messages)),
        }
    }
}

fn copy_failed(error: &CopyError) -> String {
    format!("could not {}: {}", error.tried, error.why)
}

fn said(failed: Failed) -> String {
    match failed {
        Failed::Copy(error) => copy_failed(&error),
        Failed::Broken { tried, why } => format!("could not {tried}: {why}"),
        Failed::Unreached { .. } => "its program has ended".to_owned(),
    }
}
