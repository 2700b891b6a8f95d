//! The framed output of the host script: sections of bytes behind marker lines.

use std::collections::BTreeMap;

/// The sections of one script run, by name.
#[derive(Debug, Default)]
pub(crate) struct Sections<'a> {
    by_name: BTreeMap<String, &'a [u8]>,
}

impl<'a> Sections<'a> {
    /// Cuts the output at the lines `@@NONCE name`. The nonce is fresh for each run, so no content
    /// of a host can pretend to be a marker.
    pub(crate) fn cut(output: &'a [u8], nonce: &str) -> Self {
        let marker = format!("@@{nonce} ").into_bytes();
        let mut by_name = BTreeMap::new();
        let mut open: Option<(String, usize)> = None;
        let mut at = 0;
        while at < output.len() {
            let end = output[at..].iter().position(|&b| b == b'\n').map_or(output.len(), |n| at + n);
            if output[at..end].starts_with(&marker) {
                if let Some((name, from)) = open.take() {
                    // The script prints an empty line before each marker; it belongs to the frame.
                    let to = at.saturating_sub(1).max(from);
                    by_name.insert(name, &output[from..to]);
                }
                let name = String::from_utf8_lossy(&output[at + marker.len()..end]).into_owned();
                open = Some((name, (end + 1).min(output.len())));
            }
            at = end + 1;
        }
        // What follows the last marker is cut short unless that marker is `end`.
        if let Some((name, from)) = open {
            by_name.insert(name, &output[from..]);
        }
        Self { by_name }
    }

    /// Whether the script came to its end.
    pub(crate) fn complete(&self) -> bool {
        self.by_name.contains_key("end")
    }

    /// A section's bytes.
    pub(crate) fn bytes(&self, name: &str) -> Option<&'a [u8]> {
        self.by_name.get(name).copied()
    }

    /// A section as text; bytes that are no UTF-8 are replaced.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.bytes(name).map(|b| String::from_utf8_lossy(b).into_owned())
    }

    /// `key=value` lines of a section.
    pub(crate) fn pairs(&self, name: &str) -> BTreeMap<String, String> {
        self.text(name)
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.trim_matches('"').to_owned()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_keep_their_bytes() {
        let output = b"login noise\n\n@@n1 os\nID=debian\n\n@@n1 raw\na\0b\n\n\n@@n1 end\n";
        let sections = Sections::cut(output, "n1");
        assert!(sections.complete());
        assert_eq!(sections.bytes("raw"), Some(&b"a\0b\n\n"[..]));
        assert_eq!(sections.pairs("os").get("ID").map(String::as_str), Some("debian"));
        assert_eq!(sections.bytes("none"), None);
    }

    #[test]
    fn a_cut_script_is_not_complete() {
        assert!(!Sections::cut(b"\n@@n1 os\nID=deb", "n1").complete());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>) {
            let _ = Sections::cut(&bytes, "n");
        }
    }
}
