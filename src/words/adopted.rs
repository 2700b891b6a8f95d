//! What stands out in a fleet that somebody else has set up.

use crate::{
    adopt::{Remark, StandsOut},
    model::visible,
};

/// What it is, of the hosts or channels that are named beside it.
pub(crate) fn stands_out(what: &StandsOut) -> String {
    match what {
        StandsOut::AccountPattern { pattern } => format!(
            "replicas log in as an account for {pattern}, so whoever has its password may come from elsewhere too"
        ),
        StandsOut::Alone => "replicates from none of these hosts and none from it; no play names it".into(),
        StandsOut::Durability { variable, value } => {
            format!("{variable} is {value}: after a crash its replicas may have what it has lost")
        }
        StandsOut::FilePosition => "by file and position; `replication_positioning: gtid` moves it".into(),
        StandsOut::GtidNotStrict => {
            "gtid_strict_mode is OFF: a write on a replica gets into its GTIDs unnoticed".into()
        }
        StandsOut::LeftAlone { setting, remark } => format!("{setting} {}", self::remark(remark)),
        StandsOut::NoTls => "not encrypted (replication_tls: off)".into(),
        StandsOut::NotRunning { receiver, applier } => {
            format!("does not run (receiver {receiver}, applier {applier}); tandem doctor says why")
        }
        StandsOut::StatementFormat => "binlog_format is STATEMENT; ROW is safe".into(),
        StandsOut::TlsUnverified => "encrypted, and the source's certificate is not looked at".into(),
        StandsOut::UndeclaredFilter => {
            "filters single tables or renames databases; no variable of these files says so".into()
        }
        StandsOut::UnknownReplica { server_id, address } => {
            let at = if address.is_empty() { String::new() } else { format!(" at {}", visible(address)) };
            format!(
                "a server with server_id {server_id}{at} replicates from it and is none of these hosts; name it too"
            )
        }
        StandsOut::WritableReplica => "a replica to which clients may write (read_only is OFF)".into(),
    }
}

/// What the drafted files say of a variable, behind its name.
pub(crate) fn remark(remark: &Remark) -> String {
    let shown = |value: &str| if value.is_empty() { "no value".to_owned() } else { value.to_owned() };
    let now = |now: &Option<String>| now.as_deref().map_or_else(|| "set".to_owned(), shown);
    match remark {
        Remark::RolesWouldHave(wished) => format!("the roles would have {}", shown(wished)),
        Remark::UntilNextStart { now: value, next } => {
            format!("is {} now and will be {} after the next start", now(value), shown(next))
        }
        Remark::InNoFile { now: value } => format!("is {} now, and no option file says so", now(value)),
        Remark::NumbersCollide { now } => format!(
            "is {now}; these writers may give out one number twice; take both lines out, and plan sets them"
        ),
        Remark::SharedDomain { domain } => {
            format!("is {domain}, as on another writer; each writer should have a domain of its own")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_nothing_shows_is_set_and_an_empty_value_is_none() {
        let next = Remark::UntilNextStart { now: None, next: String::new() };
        assert_eq!(remark(&next), "is set now and will be no value after the next start");
        let in_no_file = Remark::InNoFile { now: Some("ON".into()) };
        assert_eq!(remark(&in_no_file), "is ON now, and no option file says so");
    }
}
