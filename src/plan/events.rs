//! Events run where writes go.

/// Events that came to a host as those of its source, and are its own now that clients write there: database and name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Events {
    /// Those that run from then on. Replicas get to know of it, and let theirs rest.
    pub run: Vec<(String, String)>,
    /// Those that were disabled where they came from, and stay so.
    pub stay: Vec<(String, String)>,
}

impl Events {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.run.is_empty() && self.stay.is_empty()
    }

    /// Whether an event stays disabled.
    pub fn stays(&self, database: &str, name: &str) -> bool {
        self.stay.iter().any(|(of, event)| of == database && event == name)
    }
}
