//! The sentences of all causes, so that a change of one is seen.

use std::collections::BTreeSet;

use super::*;
use crate::{
    doctor::Layer,
    model::{Endpoint, ThreadState},
};

/// Every cause once.
fn all() -> Vec<Cause> {
    let end = || Endpoint { address: "10.77.0.11".into(), port: 3306 };
    let user = || "repl_user".to_owned();
    let connection = [
        ConnectionCause::UnknownName { address: "nowhere".into() },
        ConnectionCause::SourceDown { because: None },
        ConnectionCause::AnswersAgain { end: end() },
        ConnectionCause::Refused { end: end() },
        ConnectionCause::NoRoute { end: end() },
        ConnectionCause::NoAnswer { end: end() },
    ];
    let login = [
        LoginCause::NoAccount,
        LoginCause::Refused { user: user() },
        LoginCause::Locked { user: user() },
        LoginCause::Expired { user: user() },
        LoginCause::Limited { user: user() },
        LoginCause::NoPrivilege { user: user() },
        LoginCause::OldPlugin { user: user() },
        LoginCause::NeedsTls { user: user() },
        LoginCause::NoTls,
        LoginCause::TlsFails,
    ];
    let channel = [
        ChannelCause::Stopped { receiver: ThreadState::No, applier: ThreadState::Yes },
        ChannelCause::SameUuid,
        ChannelCause::SameId,
        ChannelCause::TwoReplicas,
        ChannelCause::GtidModes,
        ChannelCause::RecordUnreadable,
        ChannelCause::NotKnown,
    ];
    let binlog = [
        BinlogCause::Purged,
        BinlogCause::EndsBefore,
        BinlogCause::NotWritten,
        BinlogCause::Damaged,
        BinlogCause::WithoutGtid,
        BinlogCause::TooLarge { variable: "replica_max_allowed_packet" },
        BinlogCause::ReplicaAhead,
        BinlogCause::SourceLost,
    ];
    let applier = [
        ApplierCause::RelayLogLost,
        ApplierCause::RelayLogNotWritten,
        ApplierCause::WorkersStopped,
        ApplierCause::NotParallel,
        ApplierCause::Gaps,
        ApplierCause::NotConsistent,
        ApplierCause::OneGtidForMany,
    ];
    let data = [
        DataCause::DuplicateRow,
        DataCause::MissingRow,
        DataCause::Account,
        DataCause::Grant,
        DataCause::Value,
        DataCause::ForeignKey,
        DataCause::Schema,
        DataCause::Domain,
        DataCause::NotKnown,
    ];
    let all = connection.map(Cause::from).into_iter().chain(login.map(Cause::from));
    let all = all.chain(channel.map(Cause::from)).chain(binlog.map(Cause::from));
    all.chain(applier.map(Cause::from)).chain(data.map(Cause::from)).collect()
}

fn of(cause: impl Into<Cause>) -> Explanation {
    let cause = cause.into();
    Explanation {
        replica: "db-b".into(),
        source: "db-a".into(),
        layer: cause.layer(),
        cause,
        tried: None,
        more: None,
        said: String::new(),
        applier: None,
    }
}

/// `TANDEM_WRITE=1 cargo test --lib words::cause` writes them again.
#[test]
fn each_cause_has_its_sentences() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/words/cause/sentences.txt");
    let said = |cause: Cause| {
        let found = of(cause);
        format!("{} ({})\n    {}\n    {}\n", found.cause.code(), found.layer, cause_of(&found), next(&found))
    };
    let fresh: String = all().into_iter().map(said).collect();
    if std::env::var_os("TANDEM_WRITE").is_some() {
        std::fs::write(path, &fresh).expect("it can be written");
    }
    let kept = std::fs::read_to_string(path).expect("the sentences");
    for (kept, fresh) in kept.lines().zip(fresh.lines()) {
        assert_eq!(kept, fresh);
    }
    assert_eq!(kept, fresh);
}

fn cause_of(found: &Explanation) -> String {
    super::cause(found)
}

#[test]
fn each_cause_is_among_them() {
    let listed: Vec<&str> = all().iter().map(Cause::code).collect();
    let codes = Cause::codes();
    assert_eq!(listed, codes);
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len(), "one stands twice");
}

#[test]
fn what_a_cause_asks_for_is_what_its_next_step_says() {
    let reseed = "--allow reseed";
    for cause in all() {
        let (found, copies) = (of(cause.clone()), cause.needs_copy());
        assert_eq!(next(&found).contains(reseed), copies, "{}", cause.code());
        assert!(!copies || found.layer == Layer::Binlog, "{}", cause.code());
    }
}

#[test]
fn a_receiver_that_does_not_try_any_more_is_started_again() {
    let end = || Endpoint { address: "10.77.0.11".into(), port: 3306 };
    let tried = Some(Tried::GaveUp { attempts: 10 });
    let again = Explanation { tried, ..of(ConnectionCause::AnswersAgain { end: end() }) };
    assert_eq!(next(&again), "The receiver gave up after 10 attempts; `tandem apply` starts it again.");
    let refused = of(ConnectionCause::Refused { end: end() });
    let gave_up = next(&Explanation { tried, ..refused.clone() });
    let added = " The receiver gave up after 10 attempts: it must be started once that is mended.";
    assert_eq!(gave_up, next(&refused) + added);
    let stopped = next(&Explanation { tried: Some(Tried::Stopped), ..refused.clone() });
    let added = " The receiver was stopped while it tried: it must be started once that is mended.";
    assert_eq!(stopped, next(&refused) + added);
}

#[test]
fn an_applier_that_has_stopped_as_well_is_told_behind_the_receiver() {
    let user = "repl_user".to_owned();
    let more = Some(More { transaction: Some("u:3".into()) });
    let applier = Explanation { said: "Duplicate entry (1062)".into(), more, ..of(DataCause::DuplicateRow) };
    let both = Explanation {
        said: "Access denied (1045)".into(),
        applier: Some(Box::new(applier)),
        ..of(LoginCause::Refused { user })
    };
    assert_eq!(
        explanation(&both),
        "password: db-a refuses `repl_user` from db-b: the account is missing there or has another password. The applier \
         has stopped as well: a row that comes from db-a is already there on db-b with the same key. `tandem apply` sets \
         both sides from replication_password. Compare the two rows; then repair the one that is wrong. Skipping would \
         hide the difference. The full error of transaction u:3 stands in \
         performance_schema.replication_applier_status_by_worker on db-b. The server says: Access denied (1045); Duplicate \
         entry (1062)"
    );
}
