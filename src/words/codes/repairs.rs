//! The ways out that `doctor` names.

use super::{Code, code};

pub(super) const OF_CHANNELS: &[Code] = &[
    code("next-step", "the cause is mended as its sentence says", ""),
    code("copy-again", "the replica gets a new copy of its source", "its own data is kept in a file there"),
    code(
        "put-row-back",
        "the row that an event expects is put back on the replica",
        "`tandem verify` shows whether others are missing",
    ),
    code(
        "take-row-off",
        "the row that stands in an event's way is deleted on the replica",
        "see first that nobody needs it",
    ),
];

pub(super) const OF_ERRANT: &[Code] = &[
    code(
        "save-and-copy",
        "they are saved as SQL on the replica, and its data is replaced by a copy",
        "`--allow discard-errant`",
    ),
    code("copy", "the replica's data is replaced by a copy", "`--allow reseed`; the old data is kept there"),
    code(
        "repeat",
        "the same statements run on the sources under the same ids",
        "see that they fit the data there",
    ),
    code(
        "empty",
        "they are undone on the replica, and the sources get empty transactions of their ids",
        "undo them by hand first",
    ),
    code(
        "return",
        "they are undone on the replica and run on the sources, from where they come back",
        "undo them by hand first",
    ),
    code("forget", "they are undone on the replica, which forgets their ids", "undo them by hand first"),
    code("exchange", "the one that has lost them becomes the replica", "exchange the two in the playbook"),
    code(
        "compare",
        "the tables are compared; where they are equal, the finding is ignored",
        "`tandem verify`, then `drift_ignore`",
    ),
];
