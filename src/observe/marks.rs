//! What tandem has noted on a host itself: copies that are not finished, and what was changed for them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};

use crate::model::{BinlogPosition, CopyDifference, HostName};

/// The records of unfinished copies, kept on the replica as `/var/lib/tandem/seed.json`: one for each source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMany", into = "OneOrMany")]
pub struct SeedMarks(pub Vec<SeedMark>);

/// One record stands alone in the file, several in a list.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(SeedMark),
    Many(Vec<SeedMark>),
}

impl From<OneOrMany> for SeedMarks {
    fn from(text: OneOrMany) -> Self {
        match text {
            OneOrMany::One(mark) => Self(vec![mark]),
            OneOrMany::Many(marks) => Self(marks),
        }
    }
}

impl From<SeedMarks> for OneOrMany {
    fn from(SeedMarks(mut marks): SeedMarks) -> Self {
        match (marks.pop(), marks.is_empty()) {
            (Some(mark), true) => Self::One(mark),
            (last, _) => Self::Many(marks.into_iter().chain(last).collect()),
        }
    }
}

impl SeedMarks {
    /// The record of the copy from this source.
    pub fn from(&self, source: &HostName) -> Option<&SeedMark> {
        self.0.iter().find(|mark| mark.from == source.as_str())
    }

    /// Puts a record in the place of the one of the same source.
    pub fn put(&mut self, mark: SeedMark) {
        self.take(&mark.from);
        self.0.push(mark);
    }

    /// Takes the record of a source out.
    pub fn take(&mut self, source: &str) {
        self.0.retain(|mark| mark.from != source);
    }
}

/// The record of an unfinished copy.
///
/// It is written before the first row and removed once the channel runs and the copy was compared with its source.
/// It proves that the replica was empty when the copy began, and holds the one thing that can't be observed later:
/// the coordinates of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedMark {
    /// The source's name in the inventory.
    pub from: String,
    /// Databases of the copy.
    pub databases: Vec<String>,
    /// Coordinates, once everything is loaded; until then the copy is worthless.
    pub loaded: Option<SeedCoordinates>,
    /// What was not the same as on the source when the copy was compared last.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "those_that_are_known")]
    pub differs: Vec<CopyDifference>,
}

/// What another version has noted in its own words is found again by the next comparison.
fn those_that_are_known<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<CopyDifference>, D::Error> {
    let noted = Vec::<serde_json::Value>::deserialize(from)?;
    Ok(noted.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect())
}

/// The record of a raised retention, kept on the source as `/var/lib/tandem/retention.json` while a copy runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionMark {
    /// Variables with the values that they had.
    pub variables: BTreeMap<String, String>,
}

/// The accounts that a run has locked on a server, when its writes went to another host. It is kept on its host as
/// [`LockedAdmins::PATH`] until they are let in again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LockedAdmins(pub BTreeSet<(String, String)>);

impl LockedAdmins {
    /// Where that is kept; `host.sh` reads it.
    pub const PATH: &'static str = "/var/lib/tandem/locked.json";
}

/// What a server has made of values that it was given and reports as others, by variable. It is kept on its host as
/// `/var/lib/tandem/values.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ValueMarks(pub BTreeMap<String, ValueMark>);

/// A value that a server was given, and the one that it has reported since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueMark {
    /// As it stands in the option file.
    pub given: String,
    /// As the server shows it.
    pub reported: String,
}

/// Why a server would not take a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    /// It says so itself, or its program.
    Said(String),
    /// The directory that it names is not there, or the one in which the server would make a file.
    NoDirectory(String),
    /// The server's user can't write in the directory that it names.
    Closed(String),
    /// The file that it names can't be read by the server's user.
    Unreadable(String),
    /// The file that it names holds no certificate or key.
    NotPem(String),
    /// The address that it names is none of the host's.
    NoAddress(String),
    /// It is more than the host's memory, of which there are so many bytes with swap.
    NoMemory(u64),
}

/// What a server does not take, and what only its start can give it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValuesAsked {
    /// What the program says of the other option files, where it does not take them as they are.
    pub broken: Vec<String>,
    /// Of each variable and value why it is not taken.
    pub refused: BTreeMap<(String, String), NotTaken>,
    /// Those variables and values that the program takes.
    pub taken: BTreeSet<(String, String)>,
    /// Variables that no statement can set.
    pub fixed: BTreeSet<String>,
}

/// Where the source's binary log stood at the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "NotedCoordinates", into = "NotedCoordinates")]
pub struct SeedCoordinates {
    /// In the source's binary log; nothing where the copy was taken from another host, to which that means nothing.
    pub at: Option<BinlogPosition>,
    /// The same as a GTID position; empty before the first event.
    pub gtid: String,
    /// Where the replica's own binary log stood when the copy was loaded, for the way back.
    pub own: Option<BinlogPosition>,
}

/// The same as the file has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NotedCoordinates {
    file: String,
    position: u64,
    gtid: String,
    own_file: String,
    own_position: u64,
}

impl From<NotedCoordinates> for SeedCoordinates {
    fn from(noted: NotedCoordinates) -> Self {
        Self {
            at: BinlogPosition::new(noted.file, noted.position),
            gtid: noted.gtid,
            own: BinlogPosition::new(noted.own_file, noted.own_position),
        }
    }
}

impl From<SeedCoordinates> for NotedCoordinates {
    fn from(coordinates: SeedCoordinates) -> Self {
        let parts = |at: Option<BinlogPosition>| {
            at.map_or((String::new(), 0), |at| (at.file().to_owned(), at.offset()))
        };
        let ((file, position), (own_file, own_position)) = (parts(coordinates.at), parts(coordinates.own));
        Self { file, position, gtid: coordinates.gtid, own_file, own_position }
    }
}
