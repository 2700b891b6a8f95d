//! Why an applier stands still.

use super::{
    code,
    explanation::{Explanation, Layer, Surroundings, one_line},
};
use crate::{observe::ChannelFacts, transport::without_data};

/// Layer, cause and next step.
pub type Finding = (Layer, String, String);

/// Explains the applier's error, or the receiver's where that one is about the relay log.
pub fn explain_applier(channel: &ChannelFacts, around: &Surroundings<'_>) -> Explanation {
    let (errno, text) = match channel.sql_errno {
        0 => (channel.io_errno, &channel.io_error),
        errno => (errno, &channel.sql_error),
    };
    let said = format!("{} ({errno})", one_line(&without_data(errno, text)));
    let replica = around.replica;
    let lower = text.to_ascii_lowercase();
    let number = code::common(errno, text);
    let (layer, cause, mut next) = match number {
        1594 | 1872 | 1371 | 1201 | 1380 | 1381 => relay_log_lost(replica),
        // MySQL's number for what it could not write; under 1595 MariaDB reports what it could not read, too.
        _ if errno == 13122 => relay_log_not_written(replica),
        _ if lower.contains("relay log") || lower.contains("could not find target log") => {
            relay_log_lost(replica)
        }
        _ => workers(number, around).or_else(|| gtid(number, around)).unwrap_or_else(|| data(number, around)),
    };
    if lower.contains("replication_applier_status_by_worker") {
        let of = code::failed_transaction(text).map(|t| format!(" of transaction {t}")).unwrap_or_default();
        next.push_str(&format!(
            " The full error{of} stands in performance_schema.replication_applier_status_by_worker on {replica}."
        ));
    }
    Explanation { layer, cause, next, said, heals: false }
}

/// What is about the workers themselves, not about an event.
fn workers(number: u32, around: &Surroundings<'_>) -> Option<Finding> {
    let (source, replica) = (around.source, around.replica);
    let (cause, next) = match number {
        code::WORKERS_STOPPED => (
            format!("the workers of {replica} stopped in the middle of their transactions."),
            format!(
                "Read performance_schema.replication_applier_status_by_worker on {replica} and mend what it names; where \
                 it names nothing, start the channel."
            ),
        ),
        1755 => (
            format!("{replica} can't share an event of {source} out among its workers."),
            "Set replica_parallel_workers to 1 (slave_parallel_workers before 8.0.26) until that event is applied."
                .to_owned(),
        ),
        1802 | 1803 => (
            format!("the workers of {replica} stopped with gaps: a later transaction is there and an earlier one is not."),
            format!(
                "Run START REPLICA UNTIL SQL_AFTER_MTS_GAPS on {replica} (START SLAVE before 8.0.22); change the channel \
                 only after that."
            ),
        ),
        _ => return None,
    };
    Some((Layer::Unknown, cause, next))
}

/// What MySQL's servers do not agree about in GTIDs.
fn gtid(number: u32, around: &Surroundings<'_>) -> Option<Finding> {
    let (source, replica) = (around.source, around.replica);
    Some(match number {
        1779 | 1781 | 1782 | 1784 => gtid_modes_differ(around),
        1778 | 1785..=1787 => (
            Layer::Data,
            format!("a transaction of {source} can't be executed under one GTID on {replica}."),
            "Compare enforce_gtid_consistency and the engine of the tables on both; with equal ones the source could \
             not have written it."
                .into(),
        ),
        1837 => (
            Layer::Data,
            format!("{source} wrote several statements under one GTID, and {replica} takes only the first."),
            "Look the transaction up in the source's binary log, as for a DROP DATABASE that was cut short; compare what \
             it changed, then repair or copy anew."
                .into(),
        ),
        _ => return None,
    })
}

/// Settings differ and no data are known to, so this must not look as if a new copy would mend it.
pub fn gtid_modes_differ(around: &Surroundings<'_>) -> Finding {
    let (source, replica) = (around.source, around.replica);
    (
        Layer::Unknown,
        format!("gtid_mode of {source} and of {replica} do not fit together."),
        "Make gtid_mode and enforce_gtid_consistency equal on both (mysql_settings), then start the channel."
            .into(),
    )
}

/// The statement or row itself.
fn data(number: u32, around: &Surroundings<'_>) -> Finding {
    let (source, replica) = (around.source, around.replica);
    match number {
        1062 => (
            Layer::Data,
            format!("a row that comes from {source} is already there on {replica} with the same key."),
            "Compare the two rows; then repair the one that is wrong. Skipping would hide the difference."
                .into(),
        ),
        1032 => (
            Layer::Data,
            format!("a row that {source} changed does not exist on {replica}."),
            "The tables differ; compare them and repair or copy anew. Skipping would hide the difference."
                .into(),
        ),
        1396 => (
            Layer::Data,
            format!(
                "an account statement of {source} does not fit the accounts of {replica}: it was made or dropped on both."
            ),
            "Make the accounts equal, then start the channel.".into(),
        ),
        1410 => (
            Layer::Data,
            format!("a grant of {source} is for an account that {replica} does not have."),
            "Make the accounts equal, then start the channel.".into(),
        ),
        1364 | 1366 | 1406 => (
            Layer::Data,
            format!("a column on {replica} does not take the value that {source} has."),
            "Compare the table's definition and sql_mode on both; make them equal, then start the channel."
                .into(),
        ),
        1451 | 1452 => (
            Layer::Data,
            format!("a foreign key on {replica} forbids what {source} did: the rows it points at differ."),
            "Compare the two tables of the key and repair them or copy anew. Skipping would hide the difference."
                .into(),
        ),
        1146 | 1049 | 1054 | 1677 | 1050 | 1007 | 1008 | 1051 => (
            Layer::Data,
            format!("the schema of {replica} differs from that of {source}."),
            "Compare the two schemas; a filter may have kept a statement away.".into(),
        ),
        1950 => (
            Layer::Data,
            format!("{replica} has written in a GTID domain that belongs to {source}."),
            "Find who wrote there; every writer needs a gtid_domain_id of its own.".into(),
        ),
        _ => (
            Layer::Data,
            format!("{replica} can't apply an event of {source}."),
            "Read the server's message; the event before it was applied, this one was not.".into(),
        ),
    }
}

fn relay_log_lost(replica: &str) -> Finding {
    (
        Layer::RelayLog,
        format!("{replica} can't find or read its relay log, as after relay_log or the host was renamed."),
        "`tandem apply` fetches everything after the last executed event again; nothing is lost or doubled."
            .into(),
    )
}

fn relay_log_not_written(replica: &str) -> Finding {
    (
        Layer::RelayLog,
        format!("{replica} could not take over an event into its relay log."),
        format!(
            "Look for the reason in the error log of {replica}, and whether its disk is full; then `tandem apply` fetches \
             everything after the last executed event again."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::recorded::{self, applier_stopped};

    fn explain(errno: u32, error: &str) -> Explanation {
        recorded::explain(&applier_stopped(errno, error), Surroundings::default())
    }

    /// What the coordinator of a parallel applier says, whatever the error is.
    const COORDINATOR: &str = "Coordinator stopped because there were error(s) in the worker(s). The most recent failure being: Worker 1 \
         failed executing transaction '6dbaa9fa-5260-11f0-a223-fa163e768236:3' at source log mysql-bin.000002, \
         end_log_pos 986. See error log and/or performance_schema.replication_applier_status_by_worker table for more \
         details about this failure or others, if any.";

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table")]
    fn each_error_of_mysql_has_its_layer_and_its_words() {
        for (errno, text, layer, words) in [
            (
                1062,
                "Worker 1 failed executing transaction '6e84d643-a0be-4e66-826e-96465d3d6397:1000011' at source log \
                 binlog.000002, end_log_pos 320; Could not execute Write_rows event on table kk.tt; Duplicate entry '9' \
                 for key 'tt.PRIMARY', Error_code: 1062; handler error HA_ERR_FOUND_DUPP_KEY; the event's source log \
                 FIRST, end_log_pos 320",
                Layer::Data,
                "already there",
            ),
            (
                1032,
                "Could not execute Delete_rows event on table rep.test; Can't find record in 'test', Error_code: 1032; \
                 handler error HA_ERR_KEY_NOT_FOUND",
                Layer::Data,
                "does not exist",
            ),
            (1396, "Error 'Operation DROP USER failed for 'app'@'%'' on query.", Layer::Data, "on both"),
            (
                1410,
                "Error 'You are not allowed to create a user with GRANT' on query.",
                Layer::Data,
                "does not have",
            ),
            (1050, "Error 'Table 't' already exists' on query.", Layer::Data, "schema"),
            (1051, "Error 'Unknown table 'a.t'' on query.", Layer::Data, "schema"),
            (1007, "Error 'Can't create database 'a'; database exists' on query.", Layer::Data, "schema"),
            (
                1008,
                "Error 'Can't drop database 'demo'; database doesn't exist' on query.",
                Layer::Data,
                "schema",
            ),
            (1146, "Error executing row event: 'Table 'a.t' doesn't exist'", Layer::Data, "schema"),
            (1049, "Error 'Unknown database 'a'' on query.", Layer::Data, "schema"),
            (1054, "Error 'Unknown column 'x' in 'field list'' on query.", Layer::Data, "schema"),
            (1364, "Error 'Field 'x' doesn't have a default value' on query.", Layer::Data, "sql_mode"),
            (
                1366,
                "Error 'Incorrect integer value: '' for column 'x' at row 1' on query.",
                Layer::Data,
                "sql_mode",
            ),
            (1406, "Error 'Data too long for column 'x' at row 1' on query.", Layer::Data, "sql_mode"),
            (
                1451,
                "Could not execute Delete_rows event on table a.p; Cannot delete or update a parent row: a foreign key \
                 constraint fails",
                Layer::Data,
                "foreign key",
            ),
            (
                1452,
                "Could not execute Write_rows event on table a.c; Cannot add or update a child row: a foreign key \
                 constraint fails",
                Layer::Data,
                "foreign key",
            ),
            (
                13146,
                "Worker 1 failed executing transaction 'ANONYMOUS' at source log mysql-bin.000003, end_log_pos 7123; \
                 Column 1 of table 'db.users' cannot be converted from type 'varchar(1020(bytes))' to type 'date'",
                Layer::Data,
                "schema",
            ),
            (
                13121,
                "Relay log read failure: Could not parse relay log event entry. The possible reasons are: the source's \
                 binary log is corrupted",
                Layer::RelayLog,
                "fetches everything",
            ),
            (
                13124,
                "Replica failed to initialize applier metadata structure from the repository",
                Layer::RelayLog,
                "fetches everything",
            ),
            (
                1872,
                "Slave failed to initialize relay log info structure from the repository",
                Layer::RelayLog,
                "fetches everything",
            ),
            (
                1782,
                "Worker 1 failed executing transaction 'NOT_YET_DETERMINED' at source log binlog.000002, end_log_pos \
                 350; Error '@@SESSION.GTID_NEXT cannot be set to ANONYMOUS when @@GLOBAL.GTID_MODE = ON.' on query. \
                 Default database: 'rep'. Query: 'BEGIN'",
                Layer::Unknown,
                "gtid_mode of db-a and of db-b",
            ),
            (
                1779,
                "Error 'GTID_MODE = ON requires ENFORCE_GTID_CONSISTENCY = ON.' on query.",
                Layer::Unknown,
                "enforce_gtid_consistency",
            ),
            (
                1778,
                "Error 'Cannot execute statements with implicit commit inside a transaction when @@SESSION.GTID_NEXT == \
                 'UUID:NUMBER'.' on query.",
                Layer::Data,
                "under one GTID",
            ),
            (
                1785,
                "Error 'Statement violates GTID consistency: Updates to non-transactional tables can only be done in \
                 either autocommitted statements or single-statement transactions' on query.",
                Layer::Data,
                "engine of the tables",
            ),
            (
                1837,
                "Error 'When @@SESSION.GTID_NEXT is set to a GTID, you must explicitly set it to a different value \
                 after a COMMIT or ROLLBACK.' on query.",
                Layer::Data,
                "only the first",
            ),
            (
                1755,
                "Cannot execute the current event group in the parallel mode. Encountered event Gtid, relay-log name \
                 ./relay.000002, position 4 which prevents execution of this event group in parallel mode.",
                Layer::Unknown,
                "replica_parallel_workers",
            ),
            (
                1803,
                "Cannot recover after SLAVE errored out in parallel execution mode. Additional error messages can be \
                 found in the MySQL error log.",
                Layer::Unknown,
                "SQL_AFTER_MTS_GAPS",
            ),
            (
                1756,
                "... The replica coordinator and worker threads are stopped, possibly leaving data in inconsistent \
                 state. A restart should restore consistency automatically, although using non-transactional storage \
                 for data or info tables or DDL queries could lead to problems. In such cases you have to examine your \
                 data (see documentation for details). Error_code: MY-001756",
                Layer::Unknown,
                "in the middle",
            ),
        ] {
            let found = explain(errno, text);
            assert_eq!((found.layer, found.heals), (layer, false), "{errno} {text}");
            let told = format!("{} {}", found.cause, found.next);
            assert!(told.contains(words), "{errno}: {told}");
            assert!(found.said.ends_with(&format!("({errno})")), "{}", found.said);
        }
    }

    #[test]
    fn a_coordinator_sends_to_the_workers_own_words() {
        let found = explain(1062, COORDINATOR);
        assert_eq!(found.layer, Layer::Data);
        assert!(found.cause.contains("already there"), "{found}");
        assert!(
            found.next.ends_with(
                "The full error of transaction 6dbaa9fa-5260-11f0-a223-fa163e768236:3 stands in \
                 performance_schema.replication_applier_status_by_worker on db-b."
            ),
            "{found}"
        );
        let anonymous = COORDINATOR.replace("6dbaa9fa-5260-11f0-a223-fa163e768236:3", "ANONYMOUS");
        assert!(explain(13146, &anonymous).next.contains("The full error stands in"));
    }

    #[test]
    fn a_number_that_sums_up_gives_way_to_the_one_in_the_text() {
        let worker = "Worker 2 failed executing transaction '6e84d643-a0be-4e66-826e-96465d3d6397:7' at source log \
                      binlog.000002, end_log_pos 320; Could not execute Update_rows event on table a.t; Can't find \
                      record in 't', Error_code: MY-001032";
        for errno in [1756, 13999] {
            let found = explain(errno, worker);
            assert!(found.cause.contains("does not exist"), "{found}");
            assert!(found.said.ends_with(&format!("({errno})")), "{found}");
        }
    }
}
