//! What each code means, and what to do: the tables of docs/codes.md. The lists of codes are the enums' own.

mod causes;
mod known;
mod refused;
mod repairs;
mod waiting;

/// A code with what it means and what to do.
#[derive(Debug, Clone, Copy)]
pub struct Code {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{
        Code,
        causes::{CAUSES, DOWN},
        known::KNOWN,
        refused::REFUSED,
        repairs::{OF_CHANNELS, OF_ERRANT},
        waiting::WAITING,
    };
    use crate::{
        doctor::{Cause, ErrantRepair, Repair, WhyDown},
        plan::{Finding, Refused, WaitsFor},
    };

    fn table(codes: &[Code]) -> String {
        let mut text = String::from("| code | what it means | what to do |\n|---|---|---|\n");
        for Code { code, means, next } in codes {
            text.push_str(&format!("| `{code}` | {means} | {next} |\n"));
        }
        text
    }

    #[test]
    fn each_code_is_explained_and_each_explained_code_exists() {
        for (have, explained) in [
            (Refused::codes(), REFUSED),
            (WaitsFor::codes(), WAITING),
            (Finding::codes(), KNOWN),
            (Cause::codes(), CAUSES),
            (WhyDown::codes(), DOWN),
            (Repair::CODES.to_vec(), OF_CHANNELS),
            (ErrantRepair::CODES.to_vec(), OF_ERRANT),
        ] {
            let have: BTreeSet<&str> = have.into_iter().collect();
            let listed: Vec<&str> = explained.iter().map(|entry| entry.code).collect();
            assert_eq!(have, listed.iter().copied().collect());
            assert_eq!(have.len(), listed.len(), "one stands twice");
        }
    }

    /// `TANDEM_WRITE=1 cargo test --lib codes` writes the document again.
    #[test]
    fn the_document_has_these_tables() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/codes.md");
        let document = std::fs::read_to_string(path).expect("docs/codes.md");
        let mut fresh = document.clone();
        for (heading, codes) in [
            ("## Refused", REFUSED),
            ("## Waiting", WAITING),
            ("## Worth knowing", KNOWN),
            ("## Why a channel does not run", CAUSES),
            ("## Why a server is down", DOWN),
            ("## Ways out for a channel", OF_CHANNELS),
            ("## Ways out of errant transactions", OF_ERRANT),
        ] {
            let section = fresh.find(heading).expect("the section");
            let begin = section + fresh[section..].find("| code ").expect("the table");
            let end = begin + fresh[begin..].find("\n\n").expect("its end") + 1;
            fresh.replace_range(begin..end, &table(codes));
        }
        if std::env::var_os("TANDEM_WRITE").is_some() {
            std::fs::write(path, &fresh).expect("docs/codes.md can be written");
        } else {
            assert!(document == fresh, "docs/codes.md is old: TANDEM_WRITE=1 cargo test --lib codes");
        }
    }
}
