//! What each code means, and what to do: the tables of docs/codes.md and the answers of `explain`. The lists of codes are
//! the enums' own.

mod adopted;
mod causes;
mod known;
mod mistakes;
mod proofs;
mod refused;
mod repairs;
mod waiting;

use serde::Serialize;

/// A code with what it means and what to do.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Code {
    /// The code.
    pub code: &'static str,
    /// What it means.
    pub means: &'static str,
    /// What to do; empty where nothing has to be done.
    pub next: &'static str,
}

const fn code(code: &'static str, means: &'static str, next: &'static str) -> Code {
    Code { code, means, next }
}

/// Codes of one kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// The heading in docs/codes.md.
    pub heading: &'static str,
    /// Where such a code stands, and what it says of the run.
    pub about: &'static str,
    /// The codes.
    pub codes: &'static [Code],
}

const fn kind(heading: &'static str, about: &'static str, codes: &'static [Code]) -> Kind {
    Kind { heading, about, codes }
}

/// All codes.
pub(crate) const KINDS: &[Kind] = &[
    kind(
        "Refused",
        "a refusal of plan, apply and drift: nothing is planned for the host, and apply changes nothing on any host",
        refused::REFUSED,
    ),
    kind("Waiting", "plan, apply and drift: the host, or a step, waits for something", waiting::WAITING),
    kind("Worth knowing", "a warning or a finding of plan, apply and drift", known::KNOWN),
    kind("Why a channel does not run", "status, doctor and report", causes::CAUSES),
    kind("Why a server is down", "status, doctor and report", causes::DOWN),
    kind("Ways out for a channel", "a way out in status --full and doctor", repairs::OF_CHANNELS),
    kind("Ways out of errant transactions", "a way out in status, doctor and refusals", repairs::OF_ERRANT),
    kind("What verify says", "verify", proofs::PROOFS),
    kind("Found by `init --from`", "a finding of init --from", adopted::ADOPTED),
    kind(
        "Mistakes in files",
        "a mistake or a warning of validate and every command that reads files",
        mistakes::MISTAKES,
    ),
];

/// What a code means; one that stands in several kinds has several meanings.
pub(crate) fn meanings(code: &str) -> Vec<(&'static Kind, &'static Code)> {
    let of = |kind: &'static Kind| {
        kind.codes.iter().filter(|known| known.code == code).map(move |code| (kind, code))
    };
    KINDS.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Code, KINDS, adopted, causes, known, mistakes, proofs, refused, repairs, waiting};
    use crate::{
        adopt::StandsOut,
        doctor::{Cause, ErrantRepair, Repair, WhyDown},
        plan::{Finding, Refused, WaitsFor},
        proof,
    };

    fn table(codes: &[Code]) -> String {
        if codes.iter().all(|code| code.next.is_empty()) {
            let mut text = String::from("| code | what it means |\n|---|---|\n");
            codes
                .iter()
                .for_each(|Code { code, means, .. }| text.push_str(&format!("| `{code}` | {means} |\n")));
            return text;
        }
        let mut text = String::from("| code | what it means | what to do |\n|---|---|---|\n");
        for Code { code, means, next } in codes {
            text.push_str(&format!("| `{code}` | {means} | {next} |\n"));
        }
        text
    }

    #[test]
    fn each_code_is_explained_and_each_explained_code_exists() {
        for (have, explained) in [
            (Refused::codes(), refused::REFUSED),
            (WaitsFor::codes(), waiting::WAITING),
            (Finding::codes(), known::KNOWN),
            (Cause::codes(), causes::CAUSES),
            (WhyDown::codes(), causes::DOWN),
            (Repair::CODES.to_vec(), repairs::OF_CHANNELS),
            (ErrantRepair::CODES.to_vec(), repairs::OF_ERRANT),
            (proof::codes(), proofs::PROOFS),
            (StandsOut::CODES.to_vec(), adopted::ADOPTED),
        ] {
            let have: BTreeSet<&str> = have.into_iter().collect();
            let listed: Vec<&str> = explained.iter().map(|entry| entry.code).collect();
            assert_eq!(have, listed.iter().copied().collect());
            assert_eq!(have.len(), listed.len(), "one stands twice");
        }
    }

    /// A mistake's code is a text where it is found, with a pair of colons in it.
    #[test]
    fn each_mistake_is_explained_and_each_explained_mistake_is_found_somewhere() {
        let letters =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        let is_code =
            |word: &&str| word.split_once("::").is_some_and(|(kind, what)| letters(kind) && letters(what));
        let (mut left, mut found) =
            (vec![concat!(env!("CARGO_MANIFEST_DIR"), "/src").into()], BTreeSet::new());
        while let Some(path) = left.pop() {
            let path: std::path::PathBuf = path;
            if path.is_dir() {
                left.extend(
                    std::fs::read_dir(path).expect("a folder").map(|entry| entry.expect("it").path()),
                );
            } else if !path.ends_with("words/codes/mistakes.rs") {
                let text = std::fs::read_to_string(&path).expect("a file");
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                found.extend(code.split('"').filter(is_code).map(str::to_owned));
            }
        }
        let listed: BTreeSet<String> = mistakes::MISTAKES.iter().map(|entry| entry.code.to_owned()).collect();
        assert_eq!(found, listed);
        assert_eq!(listed.len(), mistakes::MISTAKES.len(), "one stands twice");
    }

    /// `TANDEM_WRITE=1 cargo test --lib codes` writes the document again.
    #[test]
    fn the_document_has_these_tables() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/codes.md");
        let document = std::fs::read_to_string(path).expect("docs/codes.md");
        let mut fresh = document.clone();
        for kind in KINDS {
            let section = fresh.find(&format!("## {}\n", kind.heading)).expect("the section");
            let begin = section + fresh[section..].find("| code ").expect("the table");
            let end = fresh[begin..].find("\n\n").map_or(fresh.len(), |end| begin + end + 1);
            fresh.replace_range(begin..end, &table(kind.codes));
        }
        if std::env::var_os("TANDEM_WRITE").is_some() {
            std::fs::write(path, &fresh).expect("docs/codes.md can be written");
        } else {
            assert!(document == fresh, "docs/codes.md is old: TANDEM_WRITE=1 cargo test --lib codes");
        }
    }
}
