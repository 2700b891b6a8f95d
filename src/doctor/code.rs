//! What a server's message says besides its words: the error's number, the attempt, the transaction.
//!
//! From 8.0 on MySQL numbers some errors of a channel as it numbers lines of its error log (13114 for
//! 1236), and an error that only sums up what happened has the true one in its text.

/// MySQL's number since 8.0, and the number under which MariaDB and MySQL 5.7 report the same.
const RENUMBERED: &[(u32, u32)] = &[
    (13114, 1236),
    (13117, 1593),
    (13120, 1597),
    (13121, 1594),
    (13122, 1595),
    (13124, 1872),
    (13146, 1677),
];

/// The workers stopped; why stands elsewhere.
pub(super) const WORKERS_STOPPED: u32 = 1756;

/// The error log's numbers begin here; no client ever gets one of them.
const ERROR_LOG: u32 = 10_000;

/// The number by which a cause can be looked up, out of an error's own number and its text.
pub(super) fn common(errno: u32, text: &str) -> u32 {
    let own = renumbered(errno);
    if !sums_up(own) {
        return own;
    }
    embedded(text).unwrap_or(own)
}

fn renumbered(errno: u32) -> u32 {
    RENUMBERED.iter().find(|(new, _)| *new == errno).map_or(errno, |(_, old)| *old)
}

fn sums_up(errno: u32) -> bool {
    errno == WORKERS_STOPPED || errno >= ERROR_LOG
}

/// The first number in a text that names a cause: `Error_code: 1062` or `Error_code: MY-001062`.
fn embedded(text: &str) -> Option<u32> {
    text.split("Error_code: ").skip(1).find_map(|rest| {
        let rest = rest.strip_prefix("MY-").unwrap_or(rest);
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok().map(renumbered).filter(|errno| *errno != 0 && !sums_up(*errno))
    })
}

/// Which attempt to connect failed, and how many there are: `This was attempt 3/10`. Only MySQL says it.
pub(super) fn attempt(text: &str) -> Option<(u64, u64)> {
    let (_, rest) = text.split_once("This was attempt ")?;
    let (this, rest) = rest.split_once('/')?;
    let all = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((this.parse().ok()?, all.parse().ok()?))
}

/// The transaction that a worker could not execute. It may be `ANONYMOUS` or `NOT_YET_DETERMINED`.
pub(crate) fn failed_transaction(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("failed executing transaction '")?;
    let (transaction, _) = rest.split_once('\'')?;
    transaction.contains(':').then_some(transaction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_the_cause_is_found() {
        let worker = "Worker 1 failed executing transaction '6e84d643-a0be-4e66-826e-96465d3d6397:1000011'; Could \
                      not execute Write_rows event on table kk.tt; Duplicate entry '9' for key 'PRIMARY', \
                      Error_code: 1062; handler error HA_ERR_FOUND_DUPP_KEY, Error_code: MY-001062";
        let stopped = "... The replica coordinator and worker threads are stopped, possibly leaving data in \
                       inconsistent state. Error_code: MY-001756";
        for (errno, text, expected) in [
            (1062, worker, 1062),
            (1756, worker, 1062),
            (13999, worker, 1062),
            (10584, "Error in diagnostics area, Error_code: MY-013146", 1677),
            (1756, stopped, 1756),
            (1756, "Error_code: ", 1756),
            (1756, "Error_code: MY-99999999999999999999", 1756),
            (13999, "", 13999),
            (13114, "Got fatal error 1236 from source", 1236),
            (13121, "Relay log read failure", 1594),
            (1045, "Access denied, Error_code: 1062", 1045),
        ] {
            assert_eq!(common(errno, text), expected, "{errno} {text}");
        }
        assert_eq!(failed_transaction(worker), Some("6e84d643-a0be-4e66-826e-96465d3d6397:1000011"));
        assert_eq!(failed_transaction("Worker 1 failed executing transaction 'ANONYMOUS' at"), None);
        assert_eq!(failed_transaction("failed executing transaction 'a:1"), None);
    }

    #[test]
    fn attempts_are_counted_where_the_server_counts_them() {
        let tenth =
            "Error connecting to source 'repl@db-a:3306'. This was attempt 10/10, with a delay of 60 seconds";
        assert_eq!(attempt(tenth), Some((10, 10)));
        assert_eq!(attempt("This was attempt 10/"), None);
        assert_eq!(attempt("error connecting to master 'x@y:3306' - retry-time: 60 retries: 6"), None);
    }
}
