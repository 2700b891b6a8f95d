//! What the server's own program makes of its option files, against what is read here.

use super::{Asked, Files, Occurrence, canonical_name};
use crate::model::ServerVersion;

/// An option that the server takes for something else than is read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// Canonical name, as it stands in the files.
    pub name: String,
    /// Values that the server takes out of the files, in their order; a bare flag has none.
    pub server: Vec<Option<String>>,
    /// Those that were read here.
    pub ours: Vec<Option<String>>,
    /// File and line of the last that was read here.
    pub at: Option<(String, u32)>,
}

impl Files {
    /// The options about which the server's own program says something else than is read here.
    pub fn disputes(&self, version: Option<ServerVersion>) -> Vec<Dispute> {
        let Asked::Said(text) = &self.asked else { return Vec::new() };
        let ours = self.occurrences(version);
        let said = split(text, &ours);
        let mut names: Vec<&str> =
            said.iter().map(|(n, _)| n.as_str()).chain(ours.iter().map(|o| o.name.as_str())).collect();
        names.sort_unstable();
        names.dedup();
        let of = |name: &str| Dispute {
            name: name.to_owned(),
            server: said.iter().filter(|(n, _)| n == name).map(|(_, value)| value.clone()).collect(),
            ours: ours.iter().filter(|o| o.name == name).map(|o| o.value.clone()).collect(),
            at: ours.iter().rfind(|o| o.name == name).map(|o| (o.file.clone(), o.line)),
        };
        // MySQL shows no passwords.
        let hidden = |d: &Dispute| {
            d.server.len() == d.ours.len() && d.server.iter().all(|v| v.as_deref() == Some("*****"))
        };
        let same = |d: &Dispute| d.server == d.ours || hidden(d);
        names.into_iter().map(of).filter(|dispute| !same(dispute)).collect()
    }
}

/// The options that stand one behind the other. A value may hold blanks, so what was read here tells where one ends.
fn split(text: &str, ours: &[Occurrence]) -> Vec<(String, Option<String>)> {
    let mut all = Vec::new();
    let mut rest = text.trim_end_matches('\n');
    while let Some(option) = rest.trim_start_matches(' ').strip_prefix("--") {
        let ends = |at: &str| at.is_empty() || at == " " || at.starts_with(" --");
        let word = option.find(['=', ' ']).unwrap_or(option.len());
        let name = canonical_name(&option[..word]);
        let behind = &option[word..];
        let value = behind.strip_prefix('=');
        let known = ours.iter().filter(|o| o.name == name && o.value.is_some() == value.is_some());
        let fits = known.filter_map(|o| {
            let after = value.unwrap_or(behind).strip_prefix(o.value.as_deref().unwrap_or_default())?;
            ends(after).then_some(after)
        });
        let text = value.unwrap_or(behind);
        let next = || text.find(" --").unwrap_or_else(|| text.strip_suffix(' ').unwrap_or(text).len());
        // The longest value that was read: a shorter one may be its beginning.
        let end = fits.min_by_key(|after| after.len()).map_or_else(next, |after| text.len() - after.len());
        let taken = &text[..end];
        match value {
            Some(_) => all.push((name, Some(taken.to_owned()))),
            // A name that holds a blank is one that no server has.
            None => match taken.split_once('=') {
                Some((more, value)) => all.push((format!("{name}{more}"), Some(value.to_owned()))),
                None => all.push((format!("{name}{taken}"), None)),
            },
        }
        rest = &text[end..];
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(own: &str, said: &str) -> Files {
        Files {
            files: vec![("/f".into(), own.as_bytes().to_vec())],
            asked: Asked::read(&format!(
                "asked\nmariadbd would have been started with the following arguments:\n{said}"
            )),
            ..Files::default()
        }
    }

    #[test]
    fn what_both_read_is_no_dispute() {
        let own = "[mysqld]\nserver-id=5\ninit_connect='set names x --a=b'\nskip-name-resolve\nx=\nserver_id=6\nloose-y=1\nz=\"a\\nb\"\n";
        let said = "--server-id=5 --init_connect=set names x --a=b --skip-name-resolve --x= --server_id=6 --loose-y=1 --z=a\nb ";
        assert_eq!(files(own, said).disputes(None), []);
        assert_eq!(files("", "\n").disputes(None), []);
        assert_eq!(files("[mysqld]\npassword=x\n", "--password=***** ").disputes(None), []);
    }

    #[test]
    fn what_the_server_reads_otherwise_is_named() {
        let all =
            files("[mysqld]\nserver-id=5\nport=1\n", "--server-id=5 --server-id=9 --log-bin ").disputes(None);
        let told: Vec<String> =
            all.iter().map(|d| format!("{} {:?} {:?}", d.name, d.server, d.ours)).collect();
        assert_eq!(
            told,
            [
                "log_bin [None] []",
                "port [] [Some(\"1\")]",
                "server_id [Some(\"5\"), Some(\"9\")] [Some(\"5\")]",
            ]
        );
    }
}
