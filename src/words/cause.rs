//! Why a channel does not run, and what to do.

use super::down::down;
use crate::doctor::{
    ApplierCause, BinlogCause, Cause, ChannelCause, ConnectionCause, DataCause, Explanation, LoginCause,
    More, Tried,
};

#[cfg(test)]
mod tests;

/// All of it: the layer, the cause, the next step, and the server's own words.
pub(crate) fn explanation(of: &Explanation) -> String {
    let said = match said(of) {
        said if said.is_empty() => said,
        said => format!(" The server says: {said}"),
    };
    format!("{}: {} {}{said}", of.layer, cause(of), next(of))
}

/// What it means, in one sentence; in two where the applier has stopped as well.
pub(crate) fn cause(of: &Explanation) -> String {
    let (own, _) = both(of);
    match &of.applier {
        Some(applier) => format!("{own} The applier has stopped as well: {}", cause(applier)),
        None => own,
    }
}

/// The same as a part of a longer sentence.
pub(crate) fn clause(of: &Explanation) -> String {
    cause(of).trim_end_matches('.').to_owned()
}

/// What to do.
pub(crate) fn next(of: &Explanation) -> String {
    let (_, own) = both(of);
    let more = of.more.as_ref().map(|more| self::more(of, more)).unwrap_or_default();
    let own = match (of.tried.map(tried), &of.cause) {
        (None, _) => format!("{own}{more}"),
        (Some(tried), Cause::Connection(ConnectionCause::AnswersAgain { .. })) => {
            format!("{tried}; `tandem apply` starts it again.")
        }
        (Some(tried), _) => format!("{own}{more} {tried}: it must be started once that is mended."),
    };
    match &of.applier {
        Some(applier) => format!("{own} {}", next(applier)),
        None => own,
    }
}

/// The server's own words, with their number; empty where it has none.
pub(crate) fn said(of: &Explanation) -> String {
    match &of.applier {
        Some(applier) => format!("{}; {}", of.said, said(applier)),
        None => of.said.clone(),
    }
}

fn tried(tried: Tried) -> String {
    match tried {
        Tried::Stopped => "The receiver was stopped while it tried".to_owned(),
        Tried::GaveUp { attempts } => format!("The receiver gave up after {attempts} attempts"),
    }
}

fn more(of: &Explanation, more: &More) -> String {
    let which = more.transaction.as_ref().map(|id| format!(" of transaction {id}")).unwrap_or_default();
    let replica = &of.replica;
    format!(
        " The full error{which} stands in performance_schema.replication_applier_status_by_worker on {replica}."
    )
}

/// The cause and the next step.
fn both(of: &Explanation) -> (String, String) {
    match &of.cause {
        Cause::Connection(why) => connection(of, why),
        Cause::Login(why) => login(of, why),
        Cause::Channel(why) => channel(of, why),
        Cause::Binlog(why) => binlog(of, why),
        Cause::Applier(why) => applier(of, why),
        Cause::Data(why) => data(of, why),
    }
}

fn connection(of: &Explanation, why: &ConnectionCause) -> (String, String) {
    let Explanation { replica, source, .. } = of;
    match why {
        ConnectionCause::UnknownName { address } => (
            format!("{replica} can't resolve `{address}`, the address of {source}."),
            format!("Set replication_address of {source} to an address that {replica} can reach."),
        ),
        ConnectionCause::SourceDown { because } => {
            let why = because.as_deref().map(down);
            let why = why.as_deref().unwrap_or("its error log does not say why");
            (
                format!("the server on {source} is down: {why}."),
                format!(
                    "Mend the cause and start it on {source}; `tandem apply` starts a stopped server too."
                ),
            )
        }
        ConnectionCause::AnswersAgain { end } => (
            format!("{end} did not answer {replica} the last time, and does now."),
            "It tries again by itself within a minute; `tandem apply` makes it try at once.".to_owned(),
        ),
        ConnectionCause::Refused { end } => (
            format!("nothing listens at {end} for {replica}: the connection is refused."),
            format!(
                "Check bind_address, skip_networking and the port of {source}; a firewall that rejects looks the same."
            ),
        ),
        ConnectionCause::NoRoute { end } => (
            format!("no way leads from {replica} to {end}."),
            format!("Check replication_address of {source} and the network between the sites."),
        ),
        ConnectionCause::NoAnswer { end } => (
            format!(
                "{end} does not answer {replica}: a firewall drops the packets, or the address belongs to no machine."
            ),
            format!(
                "Open the port for {replica} on {source} (role firewall) and in between, and check replication_address."
            ),
        ),
    }
}

fn login(of: &Explanation, why: &LoginCause) -> (String, String) {
    let Explanation { replica, source, .. } = of;
    match why {
        LoginCause::NoAccount => (
            format!("{source} has no account for the address from which {replica} comes."),
            format!(
                "Check replication_address of {replica}: the account is bound to it. `tandem apply` makes the account."
            ),
        ),
        LoginCause::Refused { user } => (
            format!(
                "{source} refuses `{user}` from {replica}: the account is missing there or has another password."
            ),
            "`tandem apply` sets both sides from replication_password.".to_owned(),
        ),
        LoginCause::Locked { user } => (
            format!("the account `{user}` for {replica} is locked on {source}."),
            "`tandem apply` unlocks it, unless the replica is declared lost.".to_owned(),
        ),
        LoginCause::Expired { user } => (
            format!("the password of `{user}` for {replica} has expired on {source}, and a replica can't change it."),
            "`tandem apply` sets it again, and lets it expire no more.".to_owned(),
        ),
        LoginCause::Limited { user } => (
            format!("the account `{user}` for {replica} has reached one of its limits on {source}."),
            "`tandem apply` takes the limits off the account; where it has none, see max_user_connections of the server."
                .to_owned(),
        ),
        LoginCause::NoPrivilege { user } => (
            format!("`{user}` may log in on {source} but lacks REPLICATION SLAVE."),
            "`tandem apply` grants it.".to_owned(),
        ),
        LoginCause::OldPlugin { user } => (
            format!(
                "`{user}` on {source} is made for mysql_native_password, which one of {source} and {replica} no longer has."
            ),
            "Make the account with caching_sha2_password: MySQL 8.4 has the old plugin switched off, 9.0 has none."
                .to_owned(),
        ),
        LoginCause::NeedsTls { user } => (
            format!(
                "{source} takes the password of `{user}` over TLS only, or with its public key, and the channel has neither."
            ),
            format!(
                "Set replication_tls to required. It had worked for as long as {source} remembered the password, which ends with a restart or FLUSH PRIVILEGES."
            ),
        ),
        LoginCause::NoTls => (
            format!("{replica} asks for TLS, and {source} offers none."),
            format!("Give {source} a certificate (role tls), or set replication_tls to off."),
        ),
        LoginCause::TlsFails => (
            format!("the encrypted connection from {replica} to {source} fails."),
            "Check replication_tls and the role tls: certificates, their names and their dates.".to_owned(),
        ),
    }
}

fn channel(of: &Explanation, why: &ChannelCause) -> (String, String) {
    let Explanation { replica, source, .. } = of;
    match why {
        ChannelCause::Stopped { receiver, applier } => (
            format!(
                "The channel on {replica} was stopped without an error (receiver {receiver}, applier {applier})."
            ),
            "`tandem apply` starts it again.".to_owned(),
        ),
        ChannelCause::SameUuid => (
            format!(
                "{replica} and {source} have the same server_uuid, as after a copy of a whole data directory."
            ),
            "`tandem apply` gives one of them another, with a restart.".to_owned(),
        ),
        ChannelCause::SameId => (
            format!("{replica} and {source} have the same server_id or server_uuid."),
            "Take server_id out of the files, or make it differ; `tandem apply` assigns a free one.".to_owned(),
        ),
        ChannelCause::TwoReplicas => (
            format!(
                "another replica of {source} has the same server_id or server_uuid as {replica}; each throws the other out."
            ),
            "Make the ids differ; `tandem apply` assigns free ones.".to_owned(),
        ),
        ChannelCause::GtidModes => (
            format!("gtid_mode of {source} and of {replica} do not fit together."),
            "Make gtid_mode and enforce_gtid_consistency equal on both (mysql_settings); `tandem apply` then starts it again."
                .to_owned(),
        ),
        ChannelCause::RecordUnreadable => (
            format!("{replica} can't read its own record of the channel, mysql.slave_master_info."),
            format!("Read the error log of {replica}; repair that table, or make the channel anew."),
        ),
        ChannelCause::NotKnown => (
            format!("the receiver on {replica} reports an error that tandem has no words for."),
            "Mend what the server's message and the error logs of both servers name; `tandem apply` then starts it again."
                .to_owned(),
        ),
    }
}

fn binlog(of: &Explanation, why: &BinlogCause) -> (String, String) {
    let Explanation { replica, source, .. } = of;
    match why {
        BinlogCause::Purged => (
            format!("{source} no longer has the binary log from which {replica} would have to go on."),
            format!("{replica} must be copied anew: `tandem apply --allow reseed`."),
        ),
        BinlogCause::EndsBefore => (
            format!(
                "the binary log of {source} ends before the place from which {replica} would have to go on."
            ),
            format!(
                "{source} may have lost its end in a crash (sync_binlog), and {replica} may have what {source} lost. Compare them; then {replica} must be copied anew: `tandem apply --allow reseed`."
            ),
        ),
        BinlogCause::NotWritten => (
            format!("{source} writes no binary log."),
            format!(
                "Set log_bin on {source} (mysql_settings); what it wrote until then reaches {replica} with a new copy only: `tandem apply --allow reseed`."
            ),
        ),
        BinlogCause::Damaged => (
            format!("the binary log of {source} is damaged where {replica} would have to go on."),
            format!(
                "Check the disk of {source} and read the file with mysqlbinlog; then {replica} must be copied anew: `tandem apply --allow reseed`."
            ),
        ),
        BinlogCause::WithoutGtid => (
            format!("the binary log of {source} has transactions without a GTID that {replica} still needs."),
            format!(
                "Set gtid_mode to ON on {source} (mysql_settings); then {replica} must be copied anew: `tandem apply --allow reseed`."
            ),
        ),
        BinlogCause::TooLarge { variable } => (
            format!("an event of {source} is larger than the max_allowed_packet in between."),
            format!(
                "Raise max_allowed_packet (mysql_settings) on {source} and {variable} on {replica}; `tandem apply` then starts \
                 it again."
            ),
        ),
        BinlogCause::ReplicaAhead => (
            format!("{replica} has transactions that {source} never had."),
            format!(
                "Look at them before anything else; then {replica} must be copied anew, or they must be brought to {source}."
            ),
        ),
        BinlogCause::SourceLost => (
            format!("{replica} has transactions of {source} that {source} itself does not have any more."),
            format!(
                "Look at them before anything else: {source} may have lost them in a crash (sync_binlog) or got older data. Then bring them back to {source}, or {replica} must be copied anew."
            ),
        ),
    }
}

fn applier(of: &Explanation, why: &ApplierCause) -> (String, String) {
    let Explanation { replica, source, .. } = of;
    match why {
        ApplierCause::RelayLogLost => (
            format!("{replica} can't find or read its relay log, as after relay_log or the host was renamed."),
            "`tandem apply` fetches everything after the last executed event again; nothing is lost or doubled."
                .to_owned(),
        ),
        ApplierCause::RelayLogNotWritten => (
            format!("{replica} could not take over an event into its relay log."),
            format!(
                "Look for the reason in the error log of {replica}, and whether its disk is full; then `tandem apply` fetches \
                 everything after the last executed event again."
            ),
        ),
        ApplierCause::WorkersStopped => (
            format!("the workers of {replica} stopped in the middle of their transactions."),
            format!(
                "Read performance_schema.replication_applier_status_by_worker on {replica} and mend what it names; \
                 `tandem apply` then starts it again."
            ),
        ),
        ApplierCause::NotParallel => (
            format!("{replica} can't share an event of {source} out among its workers."),
            "Set replica_parallel_workers to 1 (slave_parallel_workers before 8.0.26) until that event is applied; `tandem \
             apply` starts it again."
                .to_owned(),
        ),
        ApplierCause::Gaps => (
            format!(
                "the workers of {replica} stopped with gaps: a later transaction is there and an earlier one is not."
            ),
            format!(
                "Run START REPLICA UNTIL SQL_AFTER_MTS_GAPS on {replica} (START SLAVE before 8.0.22); change the channel \
                 only after that."
            ),
        ),
        ApplierCause::NotConsistent => (
            format!("a transaction of {source} can't be executed under one GTID on {replica}."),
            "Compare enforce_gtid_consistency and the engine of the tables on both; with equal ones the source could \
             not have written it. Once they are equal, `tandem apply` starts it again."
                .to_owned(),
        ),
        ApplierCause::OneGtidForMany => (
            format!("{source} wrote several statements under one GTID, and {replica} takes only the first."),
            "Look the transaction up in the source's binary log, as for a DROP DATABASE that was cut short; compare what \
             it changed, then repair or copy anew."
                .to_owned(),
        ),
    }
}

fn data(of: &Explanation, why: &DataCause) -> (String, String) {
    let Explanation { replica, source, .. } = of;
    let (cause, next) = match why {
        DataCause::DuplicateRow => (
            format!("a row that comes from {source} is already there on {replica} with the same key."),
            "Compare the two rows; then repair the one that is wrong. Skipping would hide the difference.",
        ),
        DataCause::MissingRow => (
            format!("a row that {source} changed does not exist on {replica}."),
            "The tables differ; compare them and repair or copy anew. Skipping would hide the difference.",
        ),
        DataCause::Account => (
            format!(
                "an account statement of {source} does not fit the accounts of {replica}: it was made or dropped on both."
            ),
            "Make the accounts equal, then start the channel.",
        ),
        DataCause::Grant => (
            format!("a grant of {source} is for an account that {replica} does not have."),
            "Make the accounts equal, then start the channel.",
        ),
        DataCause::Value => (
            format!("a column on {replica} does not take the value that {source} has."),
            "Compare the table's definition and sql_mode on both; make them equal, then start the channel.",
        ),
        DataCause::ForeignKey => (
            format!("a foreign key on {replica} forbids what {source} did: the rows it points at differ."),
            "Compare the two tables of the key and repair them or copy anew. Skipping would hide the difference.",
        ),
        DataCause::Schema => (
            format!("the schema of {replica} differs from that of {source}."),
            "Compare the two schemas; a filter may have kept a statement away.",
        ),
        DataCause::Domain => (
            format!("{replica} has written in a GTID domain that belongs to {source}."),
            "Find who wrote there; every writer needs a gtid_domain_id of its own.",
        ),
        DataCause::NotKnown => (
            format!("{replica} can't apply an event of {source}."),
            "Mend what the server's message names; `tandem apply` then starts it again. The event before it was applied, this one \
             was not.",
        ),
    };
    (cause, next.to_owned())
}
