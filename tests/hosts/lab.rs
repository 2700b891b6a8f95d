//! Real hosts for a test: booted when it begins, gone when it ends, however it ends.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Once,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    time::{Duration, Instant},
};

/// The password that most tests use; it has everything that a shell, SQL or a printf could stumble over.
pub const PASSWORD: &str = r#"p'q"r\s$(id)`id`%s&t ü;--"#;

/// The client program of a host. MySQL 5.6 lies in a directory of its own.
const CLIENT: &str =
    "exec $(command -v mariadb || command -v mysql || echo /usr/local/mysql/bin/mysql) -N -B";

pub struct Lab {
    child: Child,
    directory: tempfile::TempDir,
    /// The lab's limit ends when this does.
    _limit: Sender<()>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails the test with everything that was printed, unless the exit status is this one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert!(
            self.code == code,
            "exit status {} instead of {code}\n--- stdout\n{}\n--- stderr\n{}",
            self.code,
            self.out,
            self.err
        );
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("no JSON ({e}):\n{}\n{}", self.out, self.err))
    }

    /// The plan of `plan`, `drift` or `apply` with `--format json`.
    #[track_caller]
    pub fn plan_json(&self) -> serde_json::Value {
        let json = self.json();
        json.get("plan").unwrap_or(&json).clone()
    }

    /// Codes of what is refused, of a plan that was printed as JSON.
    #[track_caller]
    pub fn refusals(&self) -> Vec<String> {
        let plan = self.plan_json();
        let refused = plan["refused"].as_array().expect("a list of refusals").iter();
        refused.map(|r| r["code"].as_str().expect("a code").to_owned()).collect()
    }

    /// What is refused with this code, of a plan that was printed as JSON.
    #[track_caller]
    pub fn refusal(&self, code: &str) -> serde_json::Value {
        let plan = self.plan_json();
        let refused = plan["refused"].as_array().expect("a list of refusals");
        let found = refused.iter().find(|one| one["code"] == code);
        found.unwrap_or_else(|| panic!("no refusal {code}: {plan:#}")).clone()
    }

    /// The words themselves are the point: a person reads all of them on standard output.
    #[track_caller]
    pub fn prints_for_people(&self, words: &[&str]) {
        self.words_are_in(&self.out, words);
    }

    /// The words themselves are the point: a person reads all of them on standard error.
    #[track_caller]
    pub fn tells_people(&self, words: &[&str]) {
        self.words_are_in(&self.err, words);
    }

    #[track_caller]
    fn words_are_in(&self, text: &str, words: &[&str]) {
        for word in words {
            assert!(
                text.contains(word),
                "{word:?} is missing\n--- stdout\n{}\n--- stderr\n{}",
                self.out,
                self.err
            );
        }
    }

    /// Names of the steps of a plan that was printed as JSON.
    #[track_caller]
    pub fn step_names(&self) -> Vec<String> {
        let plan = self.plan_json();
        let steps = plan["steps"].as_array().expect("a plan has steps");
        steps.iter().map(|s| s["id"].as_str().expect("a step has an id").to_owned()).collect()
    }
}

/// The program that is tried: TANDEM_LAB_BINARY names another build of it, as where its speed counts.
pub fn binary() -> PathBuf {
    std::env::var_os("TANDEM_LAB_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_tandem").into(), PathBuf::from)
}

pub fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab")
}

/// Fails with one line where this machine can't boot hosts. A test that can't run has not passed.
fn need_hosts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let output = Command::new(script()).arg("check").output().expect("the lab script runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    });
}

impl Lab {
    /// Boots hosts, such as `db-a` or `db-b=trixie@10.77.0.12:2222`.
    pub fn boot(hosts: &[&str]) -> Self {
        need_hosts();
        let directory = tempfile::Builder::new().prefix("lab-").tempdir().expect("a directory for the lab");
        let mut child = Command::new(script())
            .arg("up")
            .arg(directory.path())
            .args(hosts)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the lab starts");
        let limit = limit(directory.path().to_owned(), child.id());
        let mut first = String::new();
        let out = child.stdout.take().expect("standard output is a pipe");
        BufReader::new(out).read_line(&mut first).expect("the lab talks");
        assert_eq!(first.trim(), "ready", "the lab did not boot");
        let lab = Self { child, directory, _limit: limit };
        lab.vars("replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n");
        lab
    }

    /// Two bare servers.
    pub fn pair() -> Self {
        Self::boot(&["db-a", "db-b"])
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file beside the inventory.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(&path, text).expect("a file");
        path
    }

    /// Variables of all hosts.
    pub fn vars(&self, text: &str) {
        self.write("group_vars/db.yml", text);
    }

    /// Variables of one host.
    pub fn host_vars(&self, host: &str, text: &str) {
        self.write(&format!("host_vars/{host}.yml"), text);
    }

    /// A program that is not started yet, inside the lab's network.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(script());
        command
            .arg("in")
            .arg(self.directory.path())
            .arg(program)
            .current_dir(self.directory.path())
            .env("REPLICATION_PASSWORD", PASSWORD)
            .env("XDG_STATE_HOME", self.path("state"))
            .env("HOME", self.path("home"))
            .env_remove("XDG_RUNTIME_DIR")
            .env_remove("SSH_AUTH_SOCK")
            .stdin(Stdio::null());
        command
    }

    /// A tandem that is not started yet, inside the lab's network.
    pub fn tandem_command(&self, args: &[&str]) -> Command {
        let mut command = self.command(&binary());
        command.args(["-i", "hosts.yml"]).args(args);
        command
    }

    /// Runs tandem on the lab's inventory.
    pub fn tandem(&self, args: &[&str]) -> Run {
        Run::of(&self.tandem_command(args).output().expect("tandem runs"))
    }

    /// Runs a shell command in the lab's network, in the lab's directory.
    pub fn here(&self, command: &str) -> Run {
        let mut shell = self.command(Path::new("/bin/sh"));
        shell.env_remove("REPLICATION_PASSWORD").env("LC_ALL", "C.UTF-8");
        Run::of(&shell.args(["-c", command]).output().expect("a shell runs"))
    }

    /// Runs tandem without naming an inventory.
    pub fn tandem_alone(&self, args: &[&str]) -> Run {
        let mut command = self.command(&binary());
        Run::of(&command.args(args).output().expect("tandem runs"))
    }

    /// Runs tandem with an answer to its prompt.
    pub fn tandem_answering(&self, args: &[&str], answer: &str) -> Run {
        let mut child = self
            .tandem_command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("tandem runs");
        child.stdin.take().expect("a pipe").write_all(answer.as_bytes()).expect("an answer");
        Run::of(&child.wait_with_output().expect("tandem ends"))
    }

    /// Applies a playbook and expects it to be done.
    #[track_caller]
    pub fn apply(&self, playbook: &str) -> Run {
        self.tandem(&["apply", playbook, "--yes"]).expect(0)
    }

    /// Applies a playbook that is refused with this code, and what the JSON says of it.
    #[track_caller]
    pub fn refuses(&self, args: &[&str], code: &str) -> serde_json::Value {
        let args: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
        self.tandem(&args).expect(8).refusal(code)
    }

    /// Plans a playbook as JSON.
    pub fn plan(&self, playbook: &str) -> Run {
        self.tandem(&["plan", playbook, "--format", "json"])
    }

    /// Runs a shell command inside a host, past ssh; what it says or how it ends is the caller's business.
    pub fn try_at(&self, host: &str, command: &str) -> Run {
        let output = Command::new(script())
            .arg("at")
            .arg(self.directory.path())
            .args([host, command])
            .stdin(Stdio::null())
            .output()
            .expect("the lab script runs");
        Run::of(&output)
    }

    /// Begins a shell command inside a host.
    pub fn begin_at(&self, host: &str, command: &str) -> Child {
        Command::new(script())
            .arg("at")
            .arg(self.directory.path())
            .args([host, command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the lab script runs")
    }

    /// The same with an input.
    pub fn try_at_with(&self, host: &str, command: &str, input: &str) -> Run {
        let mut child = self.begin_at(host, command);
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = input.to_owned();
        // A program that fails early reads no more.
        let writing = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let output = child.wait_with_output().expect("it ends");
        writing.join().expect("it was written");
        Run::of(&output)
    }

    /// Runs a shell command inside a host, past ssh, and expects it to work.
    #[track_caller]
    pub fn at(&self, host: &str, command: &str) -> String {
        self.try_at(host, command).expect(0).out.trim_end().to_owned()
    }

    /// Runs SQL as root inside a host.
    #[track_caller]
    pub fn sql(&self, host: &str, sql: &str) -> String {
        let mut child = self.begin_at(host, CLIENT);
        child.stdin.take().expect("a pipe").write_all(sql.as_bytes()).expect("SQL");
        Run::of(&child.wait_with_output().expect("the client ends")).expect(0).out.trim_end().to_owned()
    }

    /// What a shell command inside a host prints, byte by byte; what it reads is given. How it ends does not matter.
    pub fn bytes_at(&self, host: &str, command: &str, input: &[u8]) -> Vec<u8> {
        let mut child = self.begin_at(host, command);
        child.stdin.take().expect("a pipe").write_all(input).expect("it takes it");
        child.wait_with_output().expect("the command ends").stdout
    }

    /// Takes a host's network away, or gives it back.
    pub fn link(&self, host: &str, state: &str) {
        let status = Command::new(script())
            .arg("link")
            .arg(self.directory.path())
            .args([host, state])
            .status()
            .expect("the lab script runs");
        assert!(status.success());
    }

    /// Power off and on.
    pub fn reboot(&self, host: &str) {
        for what in ["cut", "boot"] {
            let status = Command::new(script())
                .arg(what)
                .arg(self.directory.path())
                .arg(host)
                .status()
                .expect("the lab script runs");
            assert!(status.success(), "{what} {host}");
        }
    }

    /// Kills the lab without a warning.
    pub fn kill(&self) {
        let status = Command::new("kill").args(["-KILL", &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    /// Waits until both databases answer the query alike and not with nothing.
    #[track_caller]
    pub fn same(&self, hosts: [&str; 2], sql: &str) -> String {
        let mut last = (String::new(), String::new());
        for _ in patience() {
            last = (self.sql(hosts[0], sql), self.sql(hosts[1], sql));
            if last.0 == last.1 && !last.0.is_empty() {
                return last.0;
            }
        }
        panic!("{sql}: {} has\n{}\n{} has\n{}", hosts[0], last.0, hosts[1], last.1);
    }

    /// Waits until the channels of these hosts run, by themselves.
    #[track_caller]
    pub fn channels_run(&self, hosts: &[&str]) {
        for host in hosts {
            let sql = "select group_concat(variable_value) from information_schema.global_status \
                       where variable_name = 'slave_running'";
            self.wait_sql(host, sql, "ON");
        }
    }

    /// Waits until `doctor` finds a channel that fails at this layer; what it says of that channel.
    #[track_caller]
    pub fn diagnosed(&self, layer: &str) -> serde_json::Value {
        let mut last = serde_json::Value::Null;
        for _ in patience() {
            last = self.tandem(&["doctor", "hot-standby", "--format", "json"]).json();
            let channels = last["channels"].as_array().expect("a list of channels");
            if let Some(channel) = channels.iter().find(|channel| channel["layer"] == layer) {
                return channel.clone();
            }
        }
        panic!("no channel fails at `{layer}`: {last:#}");
    }

    /// Waits until a query gives this answer.
    #[track_caller]
    pub fn wait_sql(&self, host: &str, sql: &str, answer: &str) {
        let mut last = String::new();
        for _ in patience() {
            last = self.sql(host, sql);
            if last == answer {
                return;
            }
        }
        panic!("{host}: {sql}: still {last:?} instead of {answer:?}");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // The lab ends with its standard input.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Ends a lab that lasts longer than any test does: what runs in it is said, and whatever waits for it fails.
/// Without it, one command that never ends takes the whole run with it and leaves no word of which.
fn limit(directory: PathBuf, lab: u32) -> Sender<()> {
    let (sender, receiver) = mpsc::channel();
    let minutes = std::env::var("TANDEM_LAB_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(15);
    std::thread::spawn(move || {
        if receiver.recv_timeout(Duration::from_secs(60 * minutes)) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        let mut ps = Command::new("timeout");
        ps.arg("20").arg(script()).arg("in").arg(&directory);
        let ps = ps.args(["ps", "-e", "-o", "pid,ppid,etimes,stat,wchan:20,args", "--forest"]).output();
        let processes = ps.map(|ps| String::from_utf8_lossy(&ps.stdout).into_owned()).unwrap_or_default();
        let lab_ends =
            format!("{} is ended after {minutes} minutes; there ran:\n{processes}", directory.display());
        let _ = std::io::stderr().write_all(lab_ends.as_bytes());
        let _ = Command::new("kill").args(["-KILL", &lab.to_string()]).status();
    });
    sender
}

/// Ticks for half a minute: a condition is looked at again with each.
pub fn patience() -> impl Iterator<Item = ()> {
    let end = Instant::now() + Duration::from_secs(30);
    std::iter::repeat_with(move || {
        std::thread::sleep(Duration::from_millis(100));
        Instant::now() < end
    })
    .take_while(|more| *more)
    .map(|_| ())
}
