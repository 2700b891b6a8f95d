//! The sentences about errant transactions.

use super::*;
use crate::{
    gtid::{Errant, Transactions},
    observe::ErrantFacts,
};

fn explained(kind: ErrantKind, sources: &[&str], repairs: Vec<ErrantRepair>) -> ErrantExplanation {
    let one = Errant { domain: 0, server: 2, after: 4, up_to: 5 };
    let found = ErrantFacts {
        kind,
        sources: sources.iter().map(|&name| name.into()).collect(),
        transactions: Transactions::MariaDb(vec![one]),
        events: vec![
            ("0-2-5".into(), "insert into hello.t values (7)".into()),
            ("0-2-6".into(), String::new()),
        ],
        undecoded: Some("its log is gone".into()),
    };
    ErrantExplanation { replica: "db-b".into(), found, repairs }
}

#[test]
fn each_finding_says_what_it_is() {
    for (kind, sources, words) in [
        (ErrantKind::OnlyHere, &["db-a"][..], "db-b has transactions that db-a does not have: 0-2-5."),
        (
            ErrantKind::OnlyHere,
            &["db-a", "db-c"],
            "db-b has transactions that db-a and db-c do not have: 0-2-5.",
        ),
        (
            ErrantKind::LostBySource("db-a".into()),
            &["db-a"],
            "db-b has transactions of db-a that db-a itself no longer has: 0-2-5. The binary logs of db-a were reset, or \
             it got an older state of its data.",
        ),
        (
            ErrantKind::WithoutGtid,
            &["db-a"],
            "db-b has written to its own binary log, and without GTIDs nothing shows whether db-a has the same.",
        ),
    ] {
        assert_eq!(cause(&explained(kind, sources, Vec::new())), words);
    }
}

#[test]
fn what_they_did_stands_below_with_the_ways_out() {
    let save = ErrantRepair::SaveAndCopy { replica: "db-b".into() };
    assert_eq!(
        details(&explained(ErrantKind::OnlyHere, &["db-a"], vec![save])),
        [
            "0-2-5: insert into hello.t values (7)",
            "0-2-6: an empty transaction",
            "what they did can't be shown: its log is gone",
            "way out 1: save them as SQL on db-b, then replace its data with a copy of its source; loses what they did; it \
             is saved, and the old data is kept on db-b: tandem apply PLAYBOOK --allow discard-errant",
        ]
    );
}

#[test]
fn each_way_out_says_what_it_does_what_it_loses_and_its_command() {
    let (replica, sources) = (|| HostName::from("db-b"), || vec![HostName::from("db-a")]);
    let forget = |has_replicas| Forget {
        replica: replica(),
        statements: ["STOP SLAVE", "RESET MASTER", "START SLAVE"].map(str::to_owned),
        has_replicas,
    };
    let ids = Transactions::MariaDb(vec![Errant { domain: 0, server: 2, after: 4, up_to: 5 }]);
    let copy = |add_role, loses| ErrantRepair::Copy { replica: replica(), add_role, loses };
    let undone =
        "on db-b: SET SESSION sql_log_bin=0; UNDO THE CHANGES; STOP SLAVE; RESET MASTER; START SLAVE";
    let reseed = "tandem apply PLAYBOOK --allow reseed";
    for (repair, what, loses, command) in [
        (
            copy(true, CopyLoses::OwnData),
            "add the role seed to the playbook, then replace the data of db-b with a copy of its source",
            "what only it has; the old data is kept on db-b",
            reseed,
        ),
        (
            copy(false, CopyLoses::LostBy("db-a".into())),
            "replace the data of db-b with a copy of its source",
            "what db-a no longer has; the old data is kept on db-b",
            reseed,
        ),
        (
            ErrantRepair::Repeat { replica: replica(), sources: sources() },
            "run the same statements on db-a under the same ids; db-b skips them",
            "nothing",
            "on db-a, for each id: SET GTID_NEXT='ID'; BEGIN; THE STATEMENTS; COMMIT; SET GTID_NEXT='AUTOMATIC'",
        ),
        (
            ErrantRepair::Empty { replica: replica(), sources: sources() },
            "undo them on db-b, and run empty transactions with their ids on db-a",
            "what they did",
            "on db-b: SET GLOBAL super_read_only=OFF; SET SESSION sql_log_bin=0; UNDO THE CHANGES; SET GLOBAL \
             super_read_only=ON; then on db-a, for each id: SET GTID_NEXT='ID'; BEGIN; COMMIT; SET GTID_NEXT='AUTOMATIC'",
        ),
        (
            ErrantRepair::Return { forget: forget(true), sources: sources() },
            "undo them on db-b and run them on db-a, from where they come back",
            "the binary logs of db-b, so that its replicas need a copy, too",
            &format!("{undone}; then run the statements on db-a"),
        ),
        (
            ErrantRepair::Forget { forget: forget(false), ids },
            "undo them on db-b, and let it forget 0-2-5",
            "what they did, and the binary logs of db-b",
            undone,
        ),
        (
            ErrantRepair::Exchange { lost: "db-a".into(), replica: replica() },
            "let db-a get its data back from db-b: exchange the two in the playbook",
            "what only db-a has; it is kept there",
            reseed,
        ),
        (
            ErrantRepair::Compare { replica: replica(), sources: sources() },
            "compare the tables of db-b and db-a; where they are equal, ignore the finding",
            "nothing",
            "tandem verify PLAYBOOK; then drift_ignore: db-b/own-writes",
        ),
    ] {
        let expected = WayOut {
            code: repair.code().into(),
            what: what.into(),
            loses: loses.into(),
            command: command.into(),
        };
        assert_eq!(way_out(&repair), expected);
    }
}
