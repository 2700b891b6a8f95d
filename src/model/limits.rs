//! Every limit of time: what it bounds, how long that is, and the flag or variable that sets it. One table, from
//! which the reference is made.

use std::time::Duration;

/// One limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What it bounds, as a line of the reference.
    pub bounds: &'static str,
    /// How long that is, unless [`Limit::set_by`] says otherwise.
    pub time: Duration,
    /// The flag or the variable that sets it, where it is a question of policy.
    pub set_by: Option<&'static str>,
}

const fn limit(bounds: &'static str, time: Duration) -> Limit {
    Limit { bounds, time, set_by: None }
}

const fn set(bounds: &'static str, time: Duration, by: &'static str) -> Limit {
    Limit { bounds, time, set_by: Some(by) }
}

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

const fn milliseconds(n: u64) -> Duration {
    Duration::from_millis(n)
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Opening a connection.
pub const CONNECT: Limit = set("an ssh connection, up to the login", seconds(10), "--connect-timeout");
/// Reading a host.
pub const READ_HOST: Limit = set("reading a host", seconds(60), "--timeout");
/// An ssh login after the connection.
pub const LOGIN: Limit = limit("the login, beyond `--connect-timeout`", seconds(5));
/// Ending something in good order.
pub const FAREWELL: Limit = limit("the orderly end of a connection", seconds(2));
/// One statement.
pub const STATEMENT: Limit = limit("an SQL statement that should be quick", seconds(60));
/// A statement that waits for a lock of somebody else.
pub const LOCK_OF_OTHERS: Limit =
    limit("a statement that waits for somebody's lock: a table's, a backup's", seconds(8));
/// One script.
pub const SCRIPT: Limit = limit("a script that should be quick", seconds(60));
/// A small file or a short look.
pub const LOOK: Limit = limit("reading or writing a small file of tandem's on a host", seconds(30));
/// A port that does not answer.
pub const PORT: Limit = limit("one port that is tried", seconds(3));
/// Ports that are tried from a host.
pub const PORTS: Limit = limit("all ports that are tried from a host", seconds(20));

/// The lock of a run without a sign of life.
pub const LEASE: Limit = limit(
    "silence of a controller before a host ends its run: its lock, its locks in the server, its changed settings",
    seconds(10),
);
/// The lock of a run that may be about to end.
pub const TAKE: Limit = limit("waiting for the lock of another run, which may be about to end", seconds(5));
/// Signs of life.
pub const BEAT: Limit = limit("time between two signs of life of a run", seconds(2));
/// What a host undoes.
pub const UNDO: Limit = limit(
    "one statement with which a host takes a setting back by itself; it tries up to thirty times",
    seconds(5),
);

/// Waiting for the source's read lock.
pub const LOCK_WAIT: Limit =
    limit("waiting for the read lock of a source; new writes wait behind it", seconds(10));
/// Holding the source's read lock.
pub const LOCK_HOLD: Limit = set(
    "holding the read lock of a source, under which tables without transactions are copied",
    seconds(30),
    "--lock-limit",
);
/// A lock without a sign of life, kept by the server.
pub const LOCK_IDLE: Limit =
    limit("silence before a server itself ends the session that holds its read lock", seconds(10));
/// Signs of life to that session.
pub const LOCK_PING: Limit = limit("time between two signs of life of that session", seconds(3));
/// A look into rows before a copy.
pub const COPY_LOOK: Limit = limit(
    "looking into the rows of a source for what a copy row by row can't carry, while a plan is made",
    seconds(20),
);
/// A copy without a byte.
pub const STALL: Limit = set(
    "a copy in which no byte comes from its source, or none is taken by its replica",
    seconds(60),
    "--stall-timeout",
);
/// A replica that works on one statement of a copy.
pub const LONG_STATEMENT: Limit = limit(
    "one statement of a copy on the replica, such as building an index, while no byte is taken",
    seconds(HOUR),
);
/// Work on the files of a whole server.
pub const FILES: Limit =
    limit("preparing the files of a whole server, or keeping old data", seconds(24 * HOUR));
/// `CLONE INSTANCE`.
pub const CLONE: Limit = limit("`CLONE INSTANCE`", seconds(7 * 24 * HOUR));
/// A server that starts with new data, or directories that change places.
pub const NEW_DATA: Limit = limit("a server that starts with the data of a copy", seconds(HOUR));

/// A server that was restarted.
pub const RESTART: Limit = set(
    "a restarted server until it answers; then its old option file is put back",
    seconds(10 * MINUTE),
    "`restart_wait`",
);
/// A server that runs on its old option file.
pub const RETURN: Limit = limit("a server until it answers on its old option file", seconds(60));
/// A server that has come up.
pub const LETS_IN: Limit =
    limit("a server that has come up until it lets tandem in; some load what they have first", seconds(60));
/// One try of that.
pub const SQL_LOGIN: Limit = limit("one try of that login", seconds(5));
/// A server that is shut down for a restart.
pub const SHUTDOWN: Limit = limit("a server until it has ended for a restart", seconds(15 * MINUTE));
/// A look at a restart that the host itself carries out.
pub const RESTART_LOOK: Limit =
    limit("one look at a restart that the host carries out by itself", seconds(20));
/// Packages.
pub const PACKAGES: Limit = limit("installing packages", seconds(30 * MINUTE));
/// A role's command.
pub const COMMAND: Limit = limit("a command of a role", seconds(10 * MINUTE));

/// A channel that connects.
pub const CHANNEL_CONNECT: Limit = limit("a new channel until it is connected", seconds(25));
/// A channel whose source does not let it in.
pub const CHANNEL_DENIED: Limit = limit("a new channel whose source refuses its login", seconds(1));
/// A channel whose receiver reports an error and tries again.
pub const CHANNEL_FAILED: Limit = limit("a new channel whose receiver reports another error", seconds(3));
/// A channel that connects again.
pub const CHANNEL_RECONNECT: Limit = limit("a channel until it is connected again", seconds(5));
/// A channel that should run.
pub const CHANNEL_RETURN: Limit = limit("a channel whose threads do not both run until they do", seconds(10));
/// A channel that stands still.
pub const CHANNEL_STALL: Limit = limit("a channel that stands still while it catches up", seconds(120));
/// A relay log that is emptied.
pub const CHANNEL_EMPTY: Limit = limit("a channel that applies the rest before it is dropped", seconds(60));
/// Transactions without GTIDs.
pub const GTID_DRAIN: Limit =
    limit("transactions without a GTID until they are replicated", seconds(5 * MINUTE));

/// Writes that wait for a switchover.
pub const SWITCHOVER: Limit = set(
    "writes that wait while another host takes over; then the old writer goes on",
    seconds(2),
    "`switchover_limit`",
);
/// Long writes that a switchover waits for.
pub const SWITCHOVER_WAIT: Limit = set(
    "a switchover that waits for long writes to end, before anything is changed",
    seconds(60),
    "`switchover_wait`",
);
/// A host that may have been opened.
pub const SWITCHOVER_DOUBT: Limit =
    limit("finding out whether a host was opened whose answer was lost", seconds(3));

/// One wait for a replica that is far behind yet.
pub const SWITCHOVER_NEAR: Limit =
    limit("one statement that waits for a replica to come near, before writes wait for it", seconds(10));
/// A session that holds writes, without a sign of life.
pub const SWITCHOVER_SILENCE: Limit = limit(
    "silence, beyond `switchover_limit`, before the server itself ends the session that lets writes wait",
    seconds(2),
);

/// Comparing a part of a table.
pub const CHUNK: Limit = limit("one statement with which tables are compared", seconds(HOUR));
/// Comparing a copy.
pub const COPY_COMPARED: Limit = limit(
    "a replica until it has executed what its source had, when a copy is compared",
    seconds(10 * MINUTE),
);
/// A row of `verify`.
pub const CANARY: Limit = set("a row of `verify` along a channel, beyond its delay", seconds(30), "--wait");
/// How far a replica may be behind while its rows are compared.
pub const MAX_LAG: Limit =
    set("a replica that falls behind while `verify` compares rows, before it waits", seconds(5), "--max-lag");
/// Between two looks of `status --watch`.
pub const WATCH: Limit = set("the next look of `status --watch`", seconds(2), "--interval");
/// After an interrupt.
pub const CANARY_END: Limit = limit("rows of `verify` that are under way after an interrupt", seconds(5));
/// The user's command that ends a lost host.
pub const FENCE: Limit = limit("the command of `--fence`", seconds(60));
/// An ssh connection to a host that may well be gone.
pub const LOST_CONNECT: Limit =
    limit("an ssh connection to a host that is declared lost, up to the login", seconds(2));
/// Reading a host that may well be gone.
pub const LOST_READ: Limit = limit("reading a host that is declared lost", seconds(5));
/// `MASTER_CONNECT_RETRY`.
pub const CHANNEL_RETRY: Limit =
    limit("a channel until it tries again by itself after a restart of `verify`", seconds(70));

/// A close look.
pub const CLOSER: Limit = limit("a closer look at transactions that only a replica has", seconds(60));
/// The far end of a channel.
pub const FAR_END: Limit = limit("finding out which server is at the far end of a channel", seconds(20));
/// A declared source that is asked whether it has a replica's connection.
pub const FAR_END_ASKED: Limit =
    limit("asking a declared source for a connection of its replica", seconds(1));
/// An SQL connection that ends.
pub const SQL_END: Limit = limit("the orderly end of an SQL connection", seconds(1));
/// An SQL connection that was opened ahead.
pub const SQL_READY: Limit =
    limit("an SQL connection that was opened ahead until another is opened instead", seconds(15));
/// A connection for a lock that was begun ahead.
pub const LIFELINE_READY: Limit =
    limit("a connection for a lock that was begun ahead until another is begun instead", seconds(45));
/// A session that was told to end.
pub const SESSION_END: Limit =
    limit("a session of a server that was told to end until it is gone", seconds(30));
/// A session of ours that has ended.
pub const SESSION_LISTED: Limit =
    limit("a session of tandem's that has ended, while its server may list it still", seconds(10));
/// Files on this machine.
pub const SCRATCH: Limit =
    limit("files of a run that was killed, on this machine, before they are removed", seconds(HOUR));

/// How often something that is waited for is looked at.
pub const POLL: Duration = milliseconds(100);
/// How often a login that is only there for a moment is looked for.
pub const GLIMPSE: Duration = milliseconds(20);
/// Pause before a lock that somebody else has is tried again, or servers that rest are looked at again.
pub const AGAIN: Duration = milliseconds(500);
/// Pauses of proofs: short while an answer is near, and up to the longest where it is not.
pub const PAUSES: [Duration; 2] = [milliseconds(2), milliseconds(200)];
/// Between the samples of `verify --sample`.
pub const SAMPLE: Duration = milliseconds(700);
/// How long what is known of a server's load counts.
pub const LOAD: Duration = seconds(1);
/// Bringing the program.
pub const BRING: Limit = limit("a piece of the program of a direct copy on its way to a host", seconds(30));
/// How often the two hosts of a copy look for each other.
pub const DIRECT_BEAT: Limit =
    limit("silence after which the two hosts of a direct copy look for each other", seconds(5));
/// How long one may be silent.
pub const DIRECT_SILENCE: Limit =
    limit("silence of a host before the other one ends what it did for it in a direct copy", seconds(20));
/// How often a running copy is looked at.
pub const TICK: Duration = milliseconds(250);

/// Between two looks whether ssh listens for sessions.
pub const SSH_LISTENS: Duration = milliseconds(3);
/// Between two attempts of a switchover at the lock, in which the writes that waited behind it go on.
pub const LOCK_AGAIN: Duration = milliseconds(200);
/// How long other writes may wait behind a read lock that a long one keeps from being taken (MariaDB).
pub const BEHIND_LOCK: Duration = milliseconds(50);
/// Once a replica is as near as this, writes may wait for it.
pub const NEAR: Duration = milliseconds(200);

// What is judged by, and nothing waits for.

/// The longest delay of a channel for the sake of which nobody may be able to write.
pub const TAKEOVER_DELAY: Duration = seconds(30);
/// The farthest that a replica may be behind before a switchover is tried.
pub const SWITCHOVER_BEHIND: Duration = seconds(30);
/// The farthest that a replica may be behind that takes the writes for a restart.
pub const STAND_IN_BEHIND: Duration = seconds(10);
/// The farthest that a replica may be behind that is copied in the place of its source.
pub const DONOR_BEHIND: Duration = seconds(10);
/// By how much two clocks may differ. Reading them takes a moment too.
pub const CLOCKS: Duration = seconds(5);
/// The longest delay of a channel whose tables are compared: each look at a row takes that long.
pub const COMPARED_DELAY: Duration = seconds(60);
/// Who has been up for longer than this is not asked about its start.
pub const STARTED: Duration = seconds(300);

/// All of them, in the order of the reference.
pub const ALL: &[Limit] = &[
    CONNECT,
    LOGIN,
    READ_HOST,
    SCRIPT,
    STATEMENT,
    LOCK_OF_OTHERS,
    LOOK,
    PORT,
    PORTS,
    FAREWELL,
    SQL_END,
    SQL_READY,
    LIFELINE_READY,
    SESSION_END,
    SESSION_LISTED,
    SCRATCH,
    BEAT,
    TAKE,
    LEASE,
    UNDO,
    LOCK_WAIT,
    LOCK_HOLD,
    LOCK_PING,
    LOCK_IDLE,
    COPY_LOOK,
    STALL,
    LONG_STATEMENT,
    FILES,
    CLONE,
    NEW_DATA,
    RESTART,
    RETURN,
    LETS_IN,
    SQL_LOGIN,
    SHUTDOWN,
    RESTART_LOOK,
    PACKAGES,
    COMMAND,
    CHANNEL_CONNECT,
    CHANNEL_DENIED,
    CHANNEL_FAILED,
    CHANNEL_RECONNECT,
    CHANNEL_RETURN,
    CHANNEL_STALL,
    BRING,
    DIRECT_BEAT,
    DIRECT_SILENCE,
    CHANNEL_EMPTY,
    GTID_DRAIN,
    SWITCHOVER_WAIT,
    SWITCHOVER,
    SWITCHOVER_DOUBT,
    SWITCHOVER_NEAR,
    SWITCHOVER_SILENCE,
    CHUNK,
    COPY_COMPARED,
    CLOSER,
    FAR_END,
    FAR_END_ASKED,
    CANARY,
    MAX_LAG,
    WATCH,
    CANARY_END,
    CHANNEL_RETRY,
    FENCE,
    LOST_CONNECT,
    LOST_READ,
];

/// Limits that a user can set for a run, and how many hosts it handles in parallel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Hosts, or steps, in parallel.
    pub forks: usize,
    /// See [`STALL`].
    pub stall: Duration,
    /// See [`LOCK_HOLD`].
    pub lock: Duration,
    /// Bytes per second that a copy takes from its source, where that is bounded.
    pub rate: Option<u64>,
    /// Statements of others on the source beside which a copy row by row goes on.
    pub max_running: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { forks: 25, stall: STALL.time, lock: LOCK_HOLD.time, rate: None, max_running: None }
    }
}

/// The table of the reference.
pub fn table() -> String {
    let mut text = String::from("| limit of | default | set by |\n|---|---|---|\n");
    for limit in ALL {
        let by = match limit.set_by {
            Some(name) if name.starts_with('-') => format!("`{name}`"),
            Some(name) => name.to_owned(),
            None => String::new(),
        };
        text.push_str(
            &format!("| {} | {} | {by} |\n", limit.bounds, words(limit.time)).replace("|  |", "| |"),
        );
    }
    text
}

/// A whole time in its largest unit.
fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        _ if seconds >= HOUR && seconds.is_multiple_of(HOUR) => format!("{} h", seconds / HOUR),
        _ if seconds > MINUTE && seconds.is_multiple_of(MINUTE) => format!("{} min", seconds / MINUTE),
        _ => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_within_fifteen_seconds_of_silence() {
        // The last sign of life, then the host's patience, and a second in which it looks.
        assert!(BEAT.time + LEASE.time + seconds(1) < seconds(15));
        assert!(LOCK_PING.time * 2 < LOCK_IDLE.time && LOCK_PING.time + LOCK_IDLE.time < seconds(15));
        // After the connections have ended, a statement may still wait that keeps others from theirs.
        assert!(LOCK_OF_OTHERS.time + UNDO.time < seconds(15));
        assert!(BEAT.time * 3 < LEASE.time, "a controller that is merely slow keeps its lock");
    }

    #[test]
    fn every_limit_stands_once_in_the_reference() {
        let mut bounds: Vec<&str> = ALL.iter().map(|l| l.bounds).collect();
        bounds.sort_unstable();
        bounds.dedup();
        assert_eq!(bounds.len(), ALL.len());
        assert!(table().lines().all(|line| line.starts_with('|') && line.ends_with('|')));
    }
}
