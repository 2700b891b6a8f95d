//! What a step can disrupt.

use super::{all, first};
use crate::{
    model::{HostName, bytes, visible},
    plan::{CLONE_USER, CutClient, HasReceived, Kept, LockReason, LostLogs, Note, Risk, UndeclaredReplica},
};

/// A risk in words.
pub(crate) fn risk(risk: &Risk) -> String {
    const AWAY: &str = "restart: the server is away for some seconds";
    match risk {
        Risk::Restart { sessions: Some(0) } => format!("{AWAY}; no client is connected"),
        Risk::Restart { sessions: Some(1) } => format!("{AWAY}; 1 client session is cut"),
        Risk::Restart { sessions: Some(n) } => format!("{AWAY}; {n} client sessions are cut"),
        Risk::Restart { sessions: None } => {
            format!("{AWAY}; whether clients are connected could not be read")
        }
        Risk::LocksAccounts { on, accounts, revoke } => locks_accounts(on, accounts, revoke),
        Risk::CutClients { clients } => {
            let clients: Vec<String> = clients.iter().map(cut_client).collect();
            format!("cuts clients that are connected now: {}", clients.join(", "))
        }
        Risk::WriteLock { on, why } => format!("writes on {on} wait for a moment: {}", lock_reason(why)),
        Risk::ReplacesData { on, databases, bytes: size, kept } => {
            let kept = kept_in(on, *kept);
            format!("replaces data: {} of {on}: {}; {kept}", bytes(*size), first(databases))
        }
        Risk::DiscardsErrant { on, transactions, databases, bytes: size, kept } => format!(
            "gives up what only {on} has, {}, and replaces {} of it: {}; {}",
            first(transactions),
            bytes(*size),
            first(databases),
            kept_in(on, *kept)
        ),
        Risk::ResetsBinlogs { lost } => {
            let lost: Vec<String> = lost.iter().map(lost_logs).collect();
            format!("resets binary logs: {}", lost.join("; "))
        }
        Risk::EditsOptionFile { file } => {
            format!("edits an option file of yours: one line at the end of {file}, and nothing else")
        }
        Risk::NewAuthority => "replaces the authority that the servers trust".to_owned(),
        Risk::Unfenced { lost } => format!(
            "nothing makes sure that {lost} takes no more writes: end it for good first (power, hypervisor), or name the \
             command that does with --fence"
        ),
        Risk::SkipsUnread { replicas } => {
            let replicas: Vec<&str> = replicas.iter().map(HostName::as_str).collect();
            format!(
                "{} could not be read, and may have received more than the others",
                replicas.join(" and ")
            )
        }
        Risk::DropsAccount => "drops an account".to_owned(),
        Risk::EndsChannel => {
            "ends a channel: what its source writes from then on does not come any more".to_owned()
        }
        Risk::ReplicationPause => "replication pauses for a moment".to_owned(),
        Risk::Lockout => {
            "packet filter: taken back by the host itself unless a fresh connection confirms it".to_owned()
        }
        Risk::CopyLoad { bytes: size } => format!("load: about {} are read and sent", bytes(*size)),
        Risk::Note { note } => self::note(note),
    }
}

fn locks_accounts(on: &HostName, accounts: &[String], revoke: &[String]) -> String {
    let revoke: Vec<String> = revoke.iter().map(|sql| visible(sql)).collect();
    format!(
        "{} may write on {on} although it is read-only, and can't log in there any more; or take the privilege \
         from them first: {}",
        all(accounts),
        revoke.join("; ")
    )
}

fn kept_in(on: &HostName, kept: Kept) -> String {
    match kept {
        Kept::Directory => "kept in a directory beside the data directory".to_owned(),
        Kept::File => format!("kept in a file below /var/lib/tandem/replaced on {on}"),
    }
}

fn cut_client(client: &CutClient) -> String {
    match client {
        CutClient::Session { user, from } => format!("{user}@{from}"),
        CutClient::Replica { from } => format!("a replica at {}", visible(from)),
        CutClient::UnreadClients { why } => format!("clients that could not be read ({why})"),
        CutClient::UnreadReplicas { why } => format!("replicas that could not be read ({why})"),
    }
}

fn lock_reason(why: &LockReason) -> String {
    match why {
        LockReason::EndOfBackup => "the end of the backup is one place in the binary log".to_owned(),
        LockReason::Tables { tables } => format!(
            "{} without transactions {} copied under a read lock: {}",
            if tables.len() == 1 { "1 table".to_owned() } else { format!("{} tables", tables.len()) },
            if tables.len() == 1 { "is" } else { "are" },
            first(tables)
        ),
    }
}

fn lost_logs(lost: &LostLogs) -> String {
    match lost {
        LostLogs::UndeclaredReplicas { replicas } => {
            let replicas: Vec<String> = replicas.iter().map(replica).collect();
            format!("undeclared replicas need them and can't continue: {}", replicas.join(", "))
        }
        LostLogs::UnreadReplicas { why } => format!("its replicas could not be read ({why})"),
        LostLogs::ChangesOfGoneDatabases => "they hold changes of databases that are gone".to_owned(),
        LostLogs::Unread { why } => format!("what they hold could not be read ({why})"),
        LostLogs::OtherBaseName { running } => {
            let running = if running.is_empty() { "another name".to_owned() } else { visible(running) };
            format!(
                "the server forgets those at {running}, and what its replicas have not received by then; to keep them, \
                 set mysql_log_bin: {running}"
            )
        }
    }
}

fn replica(replica: &UndeclaredReplica) -> String {
    match replica.from.is_empty() {
        true => format!("server_id {}", replica.server_id),
        false => format!("server_id {} at {}", replica.server_id, visible(&replica.from)),
    }
}

fn received(has: &HasReceived) -> String {
    match has.lacks.is_empty() {
        true => format!("{} has received {}", has.replica, visible(&has.at)),
        false => format!("{} {}, without {}", has.replica, visible(&has.at), has.lacks.join(", ")),
    }
}

fn wrote_itself(on: &HostName, events: &[String]) -> String {
    let events = visible(&events.join(", "));
    format!(
        "{on} wrote {events} itself, and no other replica has it: it becomes the data of all; `tandem doctor` shows what it \
         holds"
    )
}

fn note(note: &Note) -> String {
    match note {
        Note::GtidConsistency => {
            "statements that GTIDs don't allow are refused from now on (enforce_gtid_consistency)".to_owned()
        }
        Note::ReplicasWithoutGtidStop => {
            "a replica that is not declared here and has gtid_mode = OFF would stop".to_owned()
        }
        Note::ReplicasByGtidStop => {
            "a replica that is not declared here and begins by GTID would stop".to_owned()
        }
        Note::FilteredStaysAway => "what the filter kept back until now does not come afterwards".to_owned(),
        Note::OldFileComesBack => {
            "the old option file is put back by the host itself if the server does not come up".to_owned()
        }
        Note::MayFailAgain => "the server may fail again for the same cause".to_owned(),
        Note::BinlogsStartOver { on, holds_nothing: true } => {
            format!("the binary logs of {on} start over; it holds no data of its own")
        }
        Note::BinlogsStartOver { on, holds_nothing: false } => {
            format!("the binary logs of {on} start over; nobody needs them")
        }
        Note::FormerSourceLeft { former, replica } => format!(
            "what clients write on {former} from then on reaches {replica} only as far as other channels carry it"
        ),
        Note::EventSkipped { statement } => format!("one event is skipped: {statement}"),
        Note::WritesWait { on, seconds, sessions } => writes_wait(on, *seconds, *sessions),
        Note::Received { replicas } => replicas.iter().map(received).collect::<Vec<_>>().join("; "),
        Note::LetsIn { accounts } => {
            format!("locked here when it took no more writes, and let in again: {}", all(accounts))
        }
        Note::StayLocked { accounts } => format!("locked here, and stays so: {}", all(accounts)),
        Note::WroteItself { on, events } => wrote_itself(on, events),
        Note::Fence { command } => format!("first this must end with 0: {}", visible(command)),
        Note::UnreceivedIsGone { lost, semi_sync } => unreceived(lost, *semi_sync),
        Note::EventsRun { events, disabled, unknown, scheduler } => {
            events_run(events, disabled, *unknown, *scheduler)
        }
        Note::WritesEnd { on, sessions } => writes_end(on, *sessions),
        Note::NobodyCanWrite { until } => format!("nobody can write until {until} has the last event"),
        Note::SessionsKeepIncrement { sessions } => format!(
            "sessions that are open now keep their old auto_increment values until they reconnect: {}",
            all(sessions)
        ),
        Note::GoesOnWithCopy { .. }
        | Note::DropsUnfinishedCopy { .. }
        | Note::CopyUnforeseen { .. }
        | Note::OwnChannelEnds { .. }
        | Note::ChannelBackEnds { .. }
        | Note::FollowerNeedsCopy { .. }
        | Note::ServerReplacedByClone { .. }
        | Note::ServerReplacedByFiles { .. } => note_of_copy(note),
    }
}

/// What a copy brings with it.
fn note_of_copy(note: &Note) -> String {
    match note {
        Note::GoesOnWithCopy { databases } => format!(
            "goes on with what an unfinished copy left, and copies what differs from the source: {}",
            first(databases)
        ),
        Note::DropsUnfinishedCopy { databases } => {
            format!("drops what an unfinished copy left: {}", first(databases))
        }
        Note::CopyUnforeseen { source, why } => format!(
            "whether everything of {source} can be copied row by row could not be found out ({}); the step looks before it \
             changes anything",
            visible(why)
        ),
        Note::OwnChannelEnds { source } => {
            format!("ends the channel from {source}, which can't go on; it is made anew")
        }
        Note::ChannelBackEnds { of, from } => {
            format!("ends the channel of {of} from {from} meanwhile, since {from}'s binary logs start anew")
        }
        Note::FollowerNeedsCopy { of, from } => format!(
            "ends the channel of {of} from {from}: {from}'s binary logs start anew, and {of} needs a copy then, too"
        ),
        Note::ServerReplacedByClone { on, source } => format!(
            "everything that {on}'s server has is replaced; accounts that only {on} has stay. The plugin clone is \
             installed on {source} and {on} where it is not, and stays; {source} has an account {CLONE_USER} meanwhile"
        ),
        Note::ServerReplacedByFiles { on } => format!(
            "everything that {on}'s server has is replaced; accounts that only {on} has stay. The old data directory \
             lies beside the new one until that is verified"
        ),
        other => self::note(other),
    }
}

fn events_run(events: &[String], disabled: &[String], unknown: bool, scheduler: bool) -> String {
    let names = |list: &[String]| first(&list.iter().map(|name| visible(name)).collect::<Vec<_>>());
    let mut parts = Vec::new();
    if !events.is_empty() {
        let run = if events.len() == 1 { "this event runs" } else { "these events run" };
        parts.push(format!("{run} here from then on: {}", names(events)));
    }
    if !disabled.is_empty() {
        parts.push(format!("disabled on the former writer, and here as well: {}", names(disabled)));
    }
    if unknown && !events.is_empty() {
        parts.push("which of them were disabled on the lost host is not known".to_owned());
    }
    if !scheduler && !events.is_empty() {
        parts.push("event_scheduler is off here, so none runs before it is turned on".to_owned());
    }
    parts.join("; ")
}

fn writes_end(on: &HostName, sessions: Option<usize>) -> String {
    let connected = match sessions {
        None => "how many clients are connected is not known".to_owned(),
        Some(1) => "1 client session is connected".to_owned(),
        Some(n) => format!("{n} client sessions are connected"),
    };
    format!("what clients write on {on} fails from then on; {connected}")
}

fn writes_wait(on: &HostName, seconds: u64, sessions: Option<usize>) -> String {
    let ends = match sessions {
        Some(0) => String::new(),
        Some(1) => "; then its client session ends".to_owned(),
        Some(many) => format!("; then its {many} client sessions end"),
        None => "; then its client sessions end, which could not be counted".to_owned(),
    };
    format!("writes on {on} wait until the last one is here, {seconds} s at most, else {on} goes on{ends}")
}

fn unreceived(lost: &HostName, semi_sync: bool) -> String {
    let semi_sync = match semi_sync {
        true => format!(
            "semi-synchronous replication is on, so that is nothing as long as {lost} waited for a replica; whether it had \
             stopped waiting is not known"
        ),
        false => "semi-synchronous replication is off (replication_semi_sync)".to_owned(),
    };
    format!("what {lost} has acknowledged and no replica received is not here; {semi_sync}")
}
