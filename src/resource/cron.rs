//! A job of cron.

mod schedule;

use std::{borrow::Cow, collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Comparison, Kind, KindName, RoleFolder, Work,
    file::FileState,
    kind::unclear,
    spec::{Named, Text, Wrong},
};
use crate::model::Fact;

/// a job of cron in /etc/cron.d
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CronSpec {
    /// its name, and that of its file: letters, digits, _ and -
    name: Text,
    /// when it runs: five fields as in crontab(5), or a name such as @daily
    schedule: Text,
    /// the user that it runs as; root by default
    user: Option<Text>,
    /// a line for the shell; a % stands for itself
    command: Text,
    /// variables of its environment, such as MAILTO
    environment: Option<Named>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    name: String,
    schedule: String,
    user: String,
    command: String,
    environment: BTreeMap<String, String>,
}

/// A job as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronState {
    /// Whether a cron daemon runs.
    daemon: Daemon,
    /// Whether the host has the user.
    has_user: bool,
    /// The job's file, if it is there.
    file: Option<FileState>,
}

/// The program that runs jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Daemon {
    Runs,
    Stopped(String),
    Missing,
}

/// Why a job can't be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CronObstacle {
    /// The host has no cron daemon.
    NoDaemon,
    /// The cron daemon does not run.
    DaemonStopped {
        /// systemd unit.
        unit: String,
    },
    /// The host does not know the user.
    NoUser {
        /// Its name.
        user: String,
    },
    /// Somebody else's file has the name of the job's.
    ForeignFile {
        /// The file.
        path: String,
    },
}

impl fmt::Display for CronObstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CronObstacle::NoDaemon => f.write_str(
                "the host has no cron daemon (no unit cron, crond or cronie); install one, for instance with `packages`",
            ),
            CronObstacle::DaemonStopped { unit } => {
                write!(f, "the cron daemon does not run; start it: systemctl enable --now {unit}")
            }
            CronObstacle::NoUser { user } => write!(f, "the host has no user {user}"),
            CronObstacle::ForeignFile { path } => {
                write!(f, "{path} was not written by tandem; give the job another name, or move the file away")
            }
        }
    }
}

/// First line of the files that are ours.
const HEADER: &str = "# Written by tandem. A change made here is undone by the next apply.\n";

/// Arguments: PATH USER.
const LOOK: &str = r#"
for unit in cron.service crond.service cronie.service; do
  case $(systemctl show -p LoadState,ActiveState --value -- "$unit" 2>/dev/null | tr '\n' ' ') in
    'loaded active '*) echo "runs $unit" ;;
    'loaded '*) echo "stopped $unit" ;;
  esac
done
! id -u -- "$2" >/dev/null 2>&1 || echo user
echo file
show_file "$1"
"#;

impl Cron {
    fn path(&self) -> String {
        format!("/etc/cron.d/{}", self.name)
    }

    fn file(&self) -> String {
        let mut text = HEADER.to_owned();
        for (name, value) in &self.environment {
            text.push_str(&format!("{name}={}\n", quoted(value)));
        }
        // To cron, a percent sign is the end of the command.
        let command = self.command.replace('%', "\\%");
        text.push_str(&format!("{} {} {command}\n", self.schedule, self.user));
        text
    }

    fn as_declared(&self) -> FileState {
        FileState { owner: "root root 644".to_owned(), content: self.file() }
    }
}

/// A value of the environment; cron takes away blanks around it and one pair of quotes.
fn quoted(value: &str) -> String {
    match value.contains('"') {
        true => format!("'{value}'"),
        false => format!("\"{value}\""),
    }
}

fn is_name(text: &str, more: &[char]) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(&c))
}

impl Kind for Cron {
    const WORD: &'static str = "cron";
    const LOOK: &'static str = LOOK;
    // Arguments: PATH. Standard input: the file.
    const APPLY: &'static str = "put_file \"$1\" root root 0644";
    const AFTER: &'static [KindName] =
        &[KindName::Packages, KindName::File, KindName::Command, KindName::Service];

    type Spec = CronSpec;
    type State = CronState;
    type Obstacle = CronObstacle;

    fn declare(spec: CronSpec, _: &dyn RoleFolder) -> Result<Self, Wrong> {
        let user = spec.user.map_or_else(|| "root".to_owned(), |user| user.0);
        let environment = spec.environment.map_or_else(BTreeMap::new, |named| named.0);
        let (name, command) = (spec.name.0, spec.command.0.trim().to_owned());
        if !is_name(&name, &['_', '-']) || name.starts_with('-') {
            let what = "letters, digits, _ and - only: cron passes over files with any other name, such as one with a dot";
            return Err(Wrong::must_be("name", what));
        }
        let schedule = schedule::read(&spec.schedule.0).map_err(|what| Wrong::must_be("schedule", what))?;
        if user.starts_with(|c: char| !c.is_ascii_alphabetic() && c != '_') || !is_name(&user, &['_', '-', '.']) {
            return Err(Wrong::must_be("user", "the name of a user"));
        }
        if command.is_empty() || command.contains(char::is_control) {
            return Err(Wrong::must_be("command", "one line; put more than that into a `file` and run it"));
        }
        // cron would take both for the end of the command.
        if command.contains("\\%") {
            return Err(Wrong::must_be("command", "a line in which % stands without a backslash; tandem adds it"));
        }
        for (name, value) in &environment {
            if !is_name(name, &['_']) || name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
                let what = format!("a mapping of names to texts; `{name}` can't be the name of a variable");
                return Err(Wrong::must_be("environment", what));
            }
            // Cron takes blanks at the end away, in quotes, too.
            if value.ends_with(' ') || value.contains(char::is_control) || (value.contains('"') && value.contains('\'')) {
                let what = format!("a mapping of names to texts of one line, with one kind of quotes at most and no blank at the end, unlike `{name}`");
                return Err(Wrong::must_be("environment", what));
            }
        }
        Ok(Cron { name, schedule, user, command, environment })
    }

    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn ask(&self) -> Vec<String> {
        vec![self.path(), self.user.clone()]
    }

    fn read(&self, answer: &str) -> Fact<CronState> {
        let Some((host, file)) = format!("\n{answer}").split_once("\nfile\n").map(|(a, b)| (a.to_owned(), b.to_owned()))
        else {
            return unclear(answer);
        };
        let file = match FileState::read(&file) {
            Fact::Known(file) => Some(file),
            Fact::Absent => None,
            Fact::Unread(why) => return Fact::Unread(why),
        };
        let unit = |word: &str| host.lines().find_map(|line| line.strip_prefix(word).map(str::to_owned));
        let daemon = match (unit("runs "), unit("stopped ")) {
            (Some(_), _) => Daemon::Runs,
            (None, Some(unit)) => Daemon::Stopped(unit),
            (None, None) => Daemon::Missing,
        };
        Fact::Known(CronState { daemon, has_user: host.lines().any(|line| line == "user"), file })
    }

    fn compare(&self, now: Option<&CronState>) -> Comparison<Self> {
        let Some(now) = now else { return Comparison::Waits(CronObstacle::NoDaemon) };
        // Packages and services of the same plan may bring all of these.
        match &now.daemon {
            Daemon::Runs => {}
            Daemon::Stopped(unit) => {
                return Comparison::Waits(CronObstacle::DaemonStopped { unit: unit.clone() });
            }
            Daemon::Missing => return Comparison::Waits(CronObstacle::NoDaemon),
        }
        if !now.has_user {
            return Comparison::Waits(CronObstacle::NoUser { user: self.user.clone() });
        }
        match &now.file {
            Some(file) if !file.content.starts_with(HEADER) => {
                Comparison::Refused(CronObstacle::ForeignFile { path: self.path() })
            }
            Some(file) if *file == self.as_declared() => Comparison::Same,
            _ => Comparison::Differs(self.clone()),
        }
    }

    fn work(&self, _now: Option<&CronState>) -> Work<'_> {
        Work { args: vec![self.path()], input: Cow::Owned(self.file()) }
    }

    fn what(&self) -> String {
        format!("cron job {}", self.name)
    }

    fn summary(&self, now: Option<&CronState>) -> String {
        let verb = if now.is_some_and(|now| now.file.is_some()) { "change" } else { "add" };
        format!("{verb} the cron job {}", self.name)
    }

    fn before(&self, now: Option<&CronState>) -> Option<String> {
        now.and_then(|now| now.file.as_ref()).map(FileState::shown)
    }

    fn after(&self) -> Option<String> {
        Some(self.as_declared().shown())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::spec;

    struct NoFolder;

    impl RoleFolder for NoFolder {
        fn file(&self, _: &str, _: &str) -> Option<String> {
            None
        }

        fn render(&self, _: &str, text: &str) -> Result<String, crate::source::Problem> {
            Ok(text.to_owned())
        }
    }

    fn declare(body: &serde_json::Value) -> Result<Cron, Wrong> {
        Cron::declare(spec::read(body)?, &NoFolder)
    }

    fn job() -> Cron {
        declare(&json!({
            "name": "drift", "schedule": "*/15 * * * *", "command": "tandem drift >/tmp/$(date +%F)",
            "environment": {"MAILTO": "dba@example.org", "EMPTY": ""},
        }))
        .expect("a job")
    }

    #[test]
    fn the_file_is_what_cron_reads() {
        assert_eq!(
            job().file().strip_prefix(HEADER),
            Some("EMPTY=\"\"\nMAILTO=\"dba@example.org\"\n*/15 * * * * root tandem drift >/tmp/$(date +\\%F)\n")
        );
    }

    #[test]
    fn what_cron_would_pass_over_is_a_mistake() {
        for (key, value) in [
            ("name", json!("drift.sh")),
            ("name", json!("../x")),
            ("name", json!("-x")),
            ("schedule", json!("* * * *")),
            ("user", json!("a b")),
            ("user", json!("0")),
            ("command", json!("a\nb")),
            ("command", json!("date +\\%F")),
            ("environment", json!({"A B": "x"})),
            ("environment", json!({"A": "x\ny"})),
            ("environment", json!({"A": "'\""})),
            ("environment", json!(["A"])),
        ] {
            let mut body = json!({"name": "x", "schedule": "@daily", "command": "true"});
            body[key] = value;
            match declare(&body) {
                Err(Wrong::Value(at, _)) => assert_eq!(at, key, "{body}"),
                other => panic!("{body}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_job_waits_for_what_runs_it() {
        let outcome = |answer: &str| job().compare(job().read(answer).known());
        let file = format!("root root 644\n{}", job().file());
        assert_eq!(outcome(&format!("runs cron.service\nuser\nfile\n{file}")), Comparison::Same);
        assert!(matches!(outcome("runs cron.service\nuser\nfile\nabsent\n"), Comparison::Differs(_)));
        assert_eq!(outcome("user\nfile\nabsent\n"), Comparison::Waits(CronObstacle::NoDaemon));
        let stopped = Comparison::Waits(CronObstacle::DaemonStopped { unit: "crond.service".into() });
        assert_eq!(outcome("stopped crond.service\nuser\nfile\nabsent\n"), stopped);
        let nobody = Comparison::Waits(CronObstacle::NoUser { user: "root".into() });
        assert_eq!(outcome("runs cron.service\nfile\nabsent\n"), nobody);
        let path = "/etc/cron.d/drift".to_owned();
        let foreign = "runs cron.service\nuser\nfile\nroot root 644\n* * * * * root true\n";
        assert_eq!(outcome(foreign), Comparison::Refused(CronObstacle::ForeignFile { path }));
        assert_eq!(job().read("file\nabsent\n").known().map(|s| &s.daemon), Some(&Daemon::Missing));
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_taken(answer in "(runs |user\n|\nfile\n|.|\n){0,12}") {
            let _ = job().read(&answer);
        }
    }
}
