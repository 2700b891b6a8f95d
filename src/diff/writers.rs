//! Who accepts writes now, by what was observed.

use crate::{
    desired::Desired,
    model::{Fact, HostName},
    observe::{Observed, ServerFacts},
    option_file::same_value,
};

/// The members whose servers take writes of clients now. One that was not read is none of them.
pub fn writers(desired: &Desired, observed: &Observed) -> Vec<HostName> {
    let server = |host: &&HostName| observed.get(*host).and_then(Fact::known)?.server.known();
    desired.members.iter().filter(|host| server(host).is_some_and(accepts_writes)).cloned().collect()
}

/// Whether clients can write. MariaDB 12 has stages of `read_only` beside ON and OFF; each of them stops some.
fn accepts_writes(server: &ServerFacts) -> bool {
    let off = |name: &str| server.variable(name).is_none_or(|value| same_value(name, value, "OFF"));
    server.variable("read_only").is_some()
        && ["read_only", "super_read_only", "offline_mode"].into_iter().all(off)
}
