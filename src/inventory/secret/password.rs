//! Passwords that no server, or no login, can take.

use std::collections::{BTreeMap, BTreeSet};

use super::SecretBook;
use crate::{
    model::{Secret, SecretId},
    source::{Problem, Problems},
};

/// Bytes of a channel's password that some server keeps: MariaDB's 96 (error 1470). MySQL's limit is lower, and is
/// looked at when the version is known.
const LONGEST: usize = 96;

/// The last character of the plane beyond which a server's account and a replica's login no longer have the same bytes: both go
/// through `utf8mb3`.
const BMP: u32 = 0xFFFF;

/// What passwords are for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// Those of channels.
    pub channels: BTreeSet<SecretId>,
    /// Those of ssh and sudo.
    pub logins: BTreeSet<SecretId>,
}

impl SecretBook {
    /// Refuses passwords that would never work: a replica keeps its password on one line of a file, and ssh and sudo
    /// read one line.
    pub fn check_passwords(&self, uses: &Uses, values: &BTreeMap<SecretId, Secret>, problems: &mut Problems) {
        for id in uses.channels.union(&uses.logins) {
            let (Some((_, place)), Some(secret)) = (self.entries.get(id), values.get(id)) else { continue };
            let text = secret.expose();
            let channel = uses.channels.contains(id);
            let why = if channel && text.is_empty() {
                "the password is empty: anybody could log in with the account of a replica".to_owned()
            } else if channel && text.chars().any(|c| u32::from(c) > BMP) {
                "the password has a character that servers keep in another form than a replica sends it (beyond the Basic \
                 Multilingual Plane, as an emoji is)"
                    .to_owned()
            } else if text.contains(['\n', '\r', '\0']) {
                let who = if channel { "a replica" } else { "ssh or sudo" };
                format!("the password has a line break or a NUL character, which {who} can't take")
            } else if channel && text.len() > LONGEST {
                format!("the password is longer than the {LONGEST} bytes that a channel can keep")
            } else {
                continue;
            };
            problems.push(
                Problem::error("secret::password", place, why, "this secret")
                    .help("Choose another password; of a file, only the last line break is no part of it."),
            );
        }
    }

    /// Where a secret is written, for reasons.
    pub fn place(&self, id: &SecretId) -> Option<&crate::model::Place> {
        self.entries.get(id).map(|(_, place)| place)
    }
}
