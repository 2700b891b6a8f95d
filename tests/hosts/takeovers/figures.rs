//! What was measured: for each name all values, and how often something came out.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};

use crate::client::show;

/// Of one family of servers.
pub struct Figures {
    family: &'static str,
    head: Value,
    values: BTreeMap<&'static str, Vec<f64>>,
    counts: BTreeMap<&'static str, u64>,
}

impl Figures {
    pub fn new(family: &'static str, head: Value) -> Self {
        Self { family, head, values: BTreeMap::new(), counts: BTreeMap::new() }
    }

    /// Another value, in milliseconds.
    pub fn value(&mut self, name: &'static str, milliseconds: f64) {
        self.values.entry(name).or_default().push((milliseconds * 10.0).round() / 10.0);
    }

    pub fn count(&mut self, name: &'static str, more: u64) {
        *self.counts.entry(name).or_default() += more;
    }

    pub fn median(&self, name: &str) -> f64 {
        let mut values = self.values.get(name).cloned().unwrap_or_default();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    }

    /// Keeps what there is so far for the document, and prints it.
    pub fn keep(&self, part: &str) {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("takeovers");
        fs::create_dir_all(&directory).unwrap();
        let mut all = self.head.clone();
        all["values"] = json!(self.values);
        all["counts"] = json!(self.counts);
        fs::write(directory.join(self.family), format!("{all:#}\n")).unwrap();
        let medians: Vec<String> = self
            .values
            .iter()
            .map(|(name, values)| {
                let most = values.iter().copied().fold(0.0, f64::max);
                format!("{name} {}/{most} ({})", self.median(name), values.len())
            })
            .collect();
        show(&format!("{} {part}: {} {:?}", self.family, medians.join(", "), self.counts));
    }
}
