//! The file as Python's `configparser` reads it, with the comments that Ansible lets stand behind values.

use std::sync::Arc;

use crate::model::Place;

/// One setting: the last one of its name counts.
pub(super) struct Setting {
    pub(super) section: String,
    /// In lower case.
    pub(super) name: String,
    pub(super) value: String,
    pub(super) place: Place,
}

/// Indented lines belong to the value above them.
pub(super) fn settings(text: &str, file: &Arc<str>) -> Vec<Setting> {
    let mut found: Vec<Setting> = Vec::new();
    let mut section = String::new();
    let mut offset = 0;
    for (number, whole) in text.split_inclusive('\n').enumerate() {
        let begin = offset;
        offset += whole.len();
        let line = without_comment(whole.trim_end());
        if line.trim_start().starts_with(['#', ';']) || line.trim().is_empty() {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            section = name.0.to_owned();
        } else if line.starts_with(char::is_whitespace) {
            if let Some(last) = found.last_mut().filter(|last| last.section == section) {
                last.value.push('\n');
                last.value.push_str(line.trim());
            }
        } else if let Some(at) = line.find(['=', ':']) {
            let place = Place {
                line: number as u32 + 1,
                column: 1,
                offset: begin,
                length: line.len(),
                ..Place::file(file.clone())
            };
            let (name, value) = (line[..at].trim().to_ascii_lowercase(), line[at + 1..].trim().to_owned());
            found.retain(|known| (&known.section, &known.name) != (&section, &name));
            found.push(Setting { section: section.clone(), name, value, place });
        }
    }
    found
}

/// A comment behind a value begins with a blank and a semicolon; a `#` there is part of the value.
fn without_comment(line: &str) -> &str {
    let end = [" ;", "\t;"].into_iter().filter_map(|mark| line.find(mark)).min();
    line[..end.unwrap_or(line.len())].trim_end()
}
