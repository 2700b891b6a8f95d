//! The views of a topology that go on.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use crate::lab::Lab;

#[test]
fn a_watch_tells_what_changes_and_ends_when_asked() {
    let lab = Lab::pair();
    lab.apply("hot-standby");
    let mut watch = lab
        .tandem_command(&["status", "hot-standby", "--watch", "--interval", "200ms"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("tandem runs");
    let mut lines = BufReader::new(watch.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let mut until =
        |words: &str| lines.find(|line| line.contains(words)).unwrap_or_else(|| panic!("no {words}"));
    until("2 of 2 channels running");
    lab.sql("db-b", "stop slave");
    until("since the last look: db-b from db-a was running and is");
    lab.sql("db-b", "start slave");
    until("and is running");
    // A host that goes away is said, and the others are still shown.
    lab.at("db-a", "systemctl stop mariadb");
    until("db-a was up and is down");
    until("1 of 2 servers up");
    lab.at("db-a", "systemctl start mariadb");
    until("2 of 2 servers up");
    // Its own process, behind those that put it into the lab's network.
    let own =
        std::process::Command::new("pgrep").args(["-P", &watch.id().to_string()]).output().expect("pgrep");
    let child = String::from_utf8_lossy(&own.stdout).trim().to_owned();
    let pid = if child.is_empty() { watch.id().to_string() } else { child };
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    let ended = watch.wait().expect("it ends");
    assert!(matches!(ended.code(), Some(0 | 2)), "{ended}");
}
