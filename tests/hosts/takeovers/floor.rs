//! The floor: a switch by plain SQL over sessions that are open already, without a single check. Nobody should switch like
//! that; it is what a switch costs at least.

use super::{
    run::{between, now},
    session::Session,
};
use crate::lab::Lab;

pub struct Floor {
    mysql: bool,
    old: Session,
    new: Session,
}

impl Floor {
    pub fn between(lab: &Lab, mysql: bool, from: &str, to: &str) -> Self {
        let [mut old, mut new] = [from, to].map(|host| Session::with(&lab.path(""), host, "-f"));
        for session in [&mut old, &mut new] {
            session.ask("set session lock_wait_timeout = 1; select 1");
        }
        Self { mysql, old, new }
    }

    /// Lock, position, wait, close, open; then the clients of the old one are sent away. For how long writes waited, in
    /// milliseconds.
    pub fn switch(mut self) -> f64 {
        let (position, wait, close) = match self.mysql {
            true => ("@@global.gtid_executed", "wait_for_executed_gtid_set", "super_read_only"),
            false => ("@@global.gtid_binlog_pos", "master_gtid_wait", "read_only"),
        };
        let begun = now();
        self.old.ask("flush tables with read lock; select 1");
        let at = self.old.ask(&format!("select {position}")).replace("\\n", "");
        let reached = self.new.ask(&format!("select {wait}('{at}', 2)"));
        assert_eq!(reached, "0", "the replica does not come as far as {at}");
        self.old.ask(&format!("set global {close} = 1; select 1"));
        self.new.ask("set global read_only = 0; select 1");
        let waited = between(begun, now());
        let list = if self.mysql { "performance_schema" } else { "information_schema" };
        let clients = self.old.ask(&format!(
            "select coalesce(group_concat('kill ', id separator ';'), 'do 0') from {list}.processlist where user = 'app'"
        ));
        self.old.ask(&format!("{clients}; unlock tables; select 1"));
        // What is left of the former direction is no part of what clients notice.
        self.new.ask(match self.mysql {
            true => "stop replica; reset replica all; select 1",
            false => "stop all slaves; reset slave all; select 1",
        });
        waited
    }
}
