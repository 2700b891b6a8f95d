//! What answers at an address, as facts: whether a port does, and whose server it is.

/// Whether a port answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// A TCP connection was made.
    Open,
    /// It was not, for this reason.
    Failed(String),
}

/// What comes back where a filter stands in the way, or no way leads there.
const SILENT: [&str; 6] =
    ["no answer", "timed out", "no route", "unreachable", "prohibited", "not permitted"];

impl Reach {
    /// Whether nothing, or a filter's own answer, came back. That a connection is refused says less: so does a server
    /// that does not listen.
    pub fn is_silent(why: &str) -> bool {
        let why = why.to_ascii_lowercase();
        !Self::is_refused(&why) && SILENT.iter().any(|word| why.contains(word))
    }

    /// Whether somebody said that no one listens there; some filters say so, too.
    pub fn is_refused(why: &str) -> bool {
        why.to_ascii_lowercase().contains("refused")
    }
}

/// Who is at the far end of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FarEnd {
    /// The declared server: it had the very connection that the replica's host made.
    Same,
    /// Another server, of this version.
    Another(String),
    /// A server that takes no connection from the replica's host, in its words.
    Refused(u32, String),
    /// Nobody whom the replica's host can reach, for this reason.
    Unreachable(String),
    /// It could not be found out.
    Unknown(String),
}

impl FarEnd {
    /// As the answer to whether a port can be reached, where that is settled.
    pub fn reach(&self) -> Option<Reach> {
        match self {
            FarEnd::Unreachable(why) => Some(Reach::Failed(why.clone())),
            FarEnd::Unknown(_) => None,
            FarEnd::Same | FarEnd::Another(_) | FarEnd::Refused(..) => Some(Reach::Open),
        }
    }
}
