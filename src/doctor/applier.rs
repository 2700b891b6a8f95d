//! Why an applier stands still.

use super::{
    cause::{ApplierCause, Cause, ChannelCause, DataCause},
    code,
    explanation::{ChannelContext, Explanation, More, one_line},
};
use crate::{observe::ChannelFacts, transport::without_data};

/// Explains the applier's error, or the receiver's where that one is about the relay log.
pub(super) fn explain_applier(channel: &ChannelFacts, channel_context: &ChannelContext<'_>) -> Explanation {
    let (errno, text) = match channel.sql_errno {
        0 => (channel.io_errno, &channel.io_error),
        errno => (errno, &channel.sql_error),
    };
    let said = format!("{} ({errno})", one_line(&without_data(errno, text)));
    let lower = text.to_ascii_lowercase();
    let more = lower
        .contains("replication_applier_status_by_worker")
        .then(|| More { transaction: code::failed_transaction(text).map(str::to_owned) });
    Explanation { more, ..Explanation::new(cause(errno, text, &lower), channel_context, &said) }
}

fn cause(errno: u32, text: &str, lower: &str) -> Cause {
    let number = code::common(errno, text);
    match number {
        1594 | 1872 | 1371 | 1201 | 1380 | 1381 => ApplierCause::RelayLogLost.into(),
        // MySQL's number for what it could not write; under 1595 MariaDB reports what it could not read, too.
        _ if errno == 13122 => ApplierCause::RelayLogNotWritten.into(),
        _ if lower.contains("relay log") || lower.contains("could not find target log") => {
            ApplierCause::RelayLogLost.into()
        }
        code::WORKERS_STOPPED => ApplierCause::WorkersStopped.into(),
        1755 => ApplierCause::NotParallel.into(),
        1802 | 1803 => ApplierCause::Gaps.into(),
        1779 | 1781 | 1782 | 1784 => ChannelCause::GtidModes.into(),
        1778 | 1785..=1787 => ApplierCause::NotConsistent.into(),
        1837 => ApplierCause::OneGtidForMany.into(),
        _ => data(number).into(),
    }
}

/// The statement or row itself.
fn data(number: u32) -> DataCause {
    match number {
        1062 => DataCause::DuplicateRow,
        1032 => DataCause::MissingRow,
        1396 => DataCause::Account,
        // MySQL's number, and MariaDB's.
        1410 | 1133 => DataCause::Grant,
        1364 | 1366 | 1406 => DataCause::Value,
        1451 | 1452 => DataCause::ForeignKey,
        1146 | 1049 | 1054 | 1677 | 1050 | 1007 | 1008 | 1051 => DataCause::Schema,
        1950 => DataCause::Domain,
        _ => DataCause::NotKnown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        Layer,
        recorded::{self, applier_stopped},
    };

    fn explain(errno: u32, error: &str) -> Explanation {
        recorded::explain(&applier_stopped(errno, error), ChannelContext::default())
    }

    /// What the coordinator of a parallel applier says, whatever the error is.
    const COORDINATOR: &str = "Coordinator stopped because there were error(s) in the worker(s). The most recent failure being: Worker 1 \
         failed executing transaction '6dbaa9fa-5260-11f0-a223-fa163e768236:3' at source log mysql-bin.000002, \
         end_log_pos 986. See error log and/or performance_schema.replication_applier_status_by_worker table for more \
         details about this failure or others, if any.";

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table")]
    fn each_error_of_mysql_has_its_layer_and_its_code() {
        for (errno, text, layer, code) in [
            (
                1062,
                "Worker 1 failed executing transaction '6e84d643-a0be-4e66-826e-96465d3d6397:1000011' at source log \
                 binlog.000002, end_log_pos 320; Could not execute Write_rows event on table kk.tt; Duplicate entry '9' \
                 for key 'tt.PRIMARY', Error_code: 1062; handler error HA_ERR_FOUND_DUPP_KEY; the event's source log \
                 FIRST, end_log_pos 320",
                Layer::Data,
                "row-exists",
            ),
            (
                1032,
                "Could not execute Delete_rows event on table rep.test; Can't find record in 'test', Error_code: 1032; \
                 handler error HA_ERR_KEY_NOT_FOUND",
                Layer::Data,
                "row-missing",
            ),
            (
                1396,
                "Error 'Operation DROP USER failed for 'app'@'%'' on query.",
                Layer::Data,
                "accounts-differ",
            ),
            (
                1410,
                "Error 'You are not allowed to create a user with GRANT' on query.",
                Layer::Data,
                "grant-without-account",
            ),
            (1050, "Error 'Table 't' already exists' on query.", Layer::Data, "schema-differs"),
            (1051, "Error 'Unknown table 'a.t'' on query.", Layer::Data, "schema-differs"),
            (
                1007,
                "Error 'Can't create database 'a'; database exists' on query.",
                Layer::Data,
                "schema-differs",
            ),
            (
                1008,
                "Error 'Can't drop database 'demo'; database doesn't exist' on query.",
                Layer::Data,
                "schema-differs",
            ),
            (1146, "Error executing row event: 'Table 'a.t' doesn't exist'", Layer::Data, "schema-differs"),
            (1049, "Error 'Unknown database 'a'' on query.", Layer::Data, "schema-differs"),
            (1054, "Error 'Unknown column 'x' in 'field list'' on query.", Layer::Data, "schema-differs"),
            (
                1364,
                "Error 'Field 'x' doesn't have a default value' on query.",
                Layer::Data,
                "column-refuses-value",
            ),
            (
                1366,
                "Error 'Incorrect integer value: '' for column 'x' at row 1' on query.",
                Layer::Data,
                "column-refuses-value",
            ),
            (
                1406,
                "Error 'Data too long for column 'x' at row 1' on query.",
                Layer::Data,
                "column-refuses-value",
            ),
            (
                1451,
                "Could not execute Delete_rows event on table a.p; Cannot delete or update a parent row: a foreign key \
                 constraint fails",
                Layer::Data,
                "foreign-key",
            ),
            (
                1452,
                "Could not execute Write_rows event on table a.c; Cannot add or update a child row: a foreign key \
                 constraint fails",
                Layer::Data,
                "foreign-key",
            ),
            (
                13146,
                "Worker 1 failed executing transaction 'ANONYMOUS' at source log mysql-bin.000003, end_log_pos 7123; \
                 Column 1 of table 'db.users' cannot be converted from type 'varchar(1020(bytes))' to type 'date'",
                Layer::Data,
                "schema-differs",
            ),
            (
                13121,
                "Relay log read failure: Could not parse relay log event entry. The possible reasons are: the source's \
                 binary log is corrupted",
                Layer::RelayLog,
                "relay-log-lost",
            ),
            (
                13124,
                "Replica failed to initialize applier metadata structure from the repository",
                Layer::RelayLog,
                "relay-log-lost",
            ),
            (
                1872,
                "Slave failed to initialize relay log info structure from the repository",
                Layer::RelayLog,
                "relay-log-lost",
            ),
            (
                1782,
                "Worker 1 failed executing transaction 'NOT_YET_DETERMINED' at source log binlog.000002, end_log_pos \
                 350; Error '@@SESSION.GTID_NEXT cannot be set to ANONYMOUS when @@GLOBAL.GTID_MODE = ON.' on query. \
                 Default database: 'rep'. Query: 'BEGIN'",
                Layer::Unknown,
                "gtid-modes-differ",
            ),
            (
                1779,
                "Error 'GTID_MODE = ON requires ENFORCE_GTID_CONSISTENCY = ON.' on query.",
                Layer::Unknown,
                "gtid-modes-differ",
            ),
            (
                1778,
                "Error 'Cannot execute statements with implicit commit inside a transaction when @@SESSION.GTID_NEXT == \
                 'UUID:NUMBER'.' on query.",
                Layer::Data,
                "gtid-inconsistent",
            ),
            (
                1785,
                "Error 'Statement violates GTID consistency: Updates to non-transactional tables can only be done in \
                 either autocommitted statements or single-statement transactions' on query.",
                Layer::Data,
                "gtid-inconsistent",
            ),
            (
                1837,
                "Error 'When @@SESSION.GTID_NEXT is set to a GTID, you must explicitly set it to a different value \
                 after a COMMIT or ROLLBACK.' on query.",
                Layer::Data,
                "gtid-used-twice",
            ),
            (
                1755,
                "Cannot execute the current event group in the parallel mode. Encountered event Gtid, relay-log name \
                 ./relay.000002, position 4 which prevents execution of this event group in parallel mode.",
                Layer::Unknown,
                "event-not-parallel",
            ),
            (
                1803,
                "Cannot recover after SLAVE errored out in parallel execution mode. Additional error messages can be \
                 found in the MySQL error log.",
                Layer::Unknown,
                "workers-left-gaps",
            ),
            (
                1756,
                "... The replica coordinator and worker threads are stopped, possibly leaving data in inconsistent \
                 state. A restart should restore consistency automatically, although using non-transactional storage \
                 for data or info tables or DDL queries could lead to problems. In such cases you have to examine your \
                 data (see documentation for details). Error_code: MY-001756",
                Layer::Unknown,
                "workers-stopped",
            ),
        ] {
            let found = explain(errno, text);
            assert_eq!(
                (found.layer, found.cause.code(), found.heals()),
                (layer, code, false),
                "{errno} {text}"
            );
            assert!(found.said.ends_with(&format!("({errno})")), "{}", found.said);
        }
    }

    #[test]
    fn a_coordinator_sends_to_the_workers_own_words() {
        let found = explain(1062, COORDINATOR);
        assert_eq!((found.layer, found.cause), (Layer::Data, DataCause::DuplicateRow.into()));
        let id = "6dbaa9fa-5260-11f0-a223-fa163e768236:3";
        assert_eq!(found.more, Some(More { transaction: Some(id.to_owned()) }));
        let anonymous = COORDINATOR.replace(id, "ANONYMOUS");
        assert_eq!(explain(13146, &anonymous).more, Some(More { transaction: None }));
        assert_eq!(explain(1062, "Duplicate entry").more, None);
    }

    #[test]
    fn a_number_that_sums_up_gives_way_to_the_one_in_the_text() {
        let worker = "Worker 2 failed executing transaction '6e84d643-a0be-4e66-826e-96465d3d6397:7' at source log \
                      binlog.000002, end_log_pos 320; Could not execute Update_rows event on table a.t; Can't find \
                      record in 't', Error_code: MY-001032";
        for errno in [1756, 13999] {
            let found = explain(errno, worker);
            assert_eq!(found.cause, DataCause::MissingRow.into());
            assert!(found.said.ends_with(&format!("({errno})")), "{}", found.said);
        }
    }
}
