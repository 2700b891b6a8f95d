//! The sentences about a row that stops an applier, and about the ways out.

use super::*;
use crate::doctor::{ByHand, Column, ColumnKind, RowEvent};

#[test]
fn a_row_is_shown_as_the_event_and_both_sides_have_it() {
    let [id, new] = [Value::Number("2".into()), Value::Number("-2".into())].map(Some);
    let text = || Some(Value::Text("it's".into()));
    let mut found = RowEvidence {
        table: ("hello".into(), "t".into()),
        columns: ["id", "v"].map(|name| Column { name: name.into(), kind: ColumnKind::Other }).into(),
        key: vec![0],
        event: RowEvent {
            change: Change::Update,
            before: vec![id, text()],
            after: vec![new.clone(), Some(Value::Null)],
        },
        source: RowThere {
            host: "db-a".into(),
            row: Some(vec![("id".into(), Some("2".into())), ("v".into(), None)]),
        },
        replica: RowThere { host: "db-b".into(), row: None },
        by_hand: ByHand::default(),
    };
    assert_eq!(
        evidence(&found),
        [
            "the event changes in hello.t: id=2, v='it''s' to id=-2, v=NULL",
            "db-a has now: id='2', v=NULL",
            "db-b has now: no such row",
        ]
    );
    found.event = RowEvent { change: Change::Insert, before: Vec::new(), after: vec![new.clone(), None] };
    assert_eq!(evidence(&found)[0], "the event inserts into hello.t: id=-2, v=?");
    found.event = RowEvent { change: Change::Delete, before: vec![new, text()], after: Vec::new() };
    assert_eq!(evidence(&found)[0], "the event deletes from hello.t: id=-2, v='it''s'");
}

#[test]
fn each_way_out_says_what_it_does_what_it_loses_and_its_command() {
    let start = || "START SLAVE".to_owned();
    for (repair, what, loses, command) in [
        (
            Repair::CopyAgain { replica: "db-b".into() },
            "copy db-b again from its source",
            "what only db-b has; it is kept in a file there",
            "tandem apply PLAYBOOK --allow reseed",
        ),
        (
            Repair::PutBack {
                replica: "db-b".into(),
                statements: vec!["INSERT INTO `t` VALUES (1)".into(), start()],
            },
            "put the row back on db-b, as the event expects it; then the event goes through",
            "nothing of this row; `tandem verify` shows whether others are missing",
            "on db-b: INSERT INTO `t` VALUES (1); START SLAVE;",
        ),
        (
            Repair::TakeOff {
                replica: "db-b".into(),
                statements: vec!["DELETE FROM `t` WHERE `id` = 1".into(), start()],
            },
            "delete the row on db-b; then the event goes through",
            "what db-b has in this row",
            "on db-b: DELETE FROM `t` WHERE `id` = 1; START SLAVE;",
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
