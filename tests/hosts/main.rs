//! Tests on real hosts: Debian with systemd, sshd and a database server, booted for each test.
#![allow(clippy::unwrap_used)]

mod accidents;
mod accounts;
mod adoption;
mod bare;
mod comeback;
mod compared;
mod compatibility;
mod errant;
mod firewall;
mod fresh_pair;
mod gates;
mod honest;
mod hostile;
mod lab;
mod limits;
mod local;
mod logins;
mod mysql;
mod package;
mod places;
mod rings;
mod roles;
mod runs;
mod secrets;
mod seeding;
mod several;
mod takeover;
mod tls;
mod topologies;
mod transcripts;
mod verify;
mod versions;
mod views;
mod watch;
mod whole;
