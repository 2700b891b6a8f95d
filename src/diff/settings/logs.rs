//! The names of logs, which nobody changes unasked.

use crate::{
    desired::DesiredSetting,
    observe::ServerFacts,
    option_file::{Files, Occurrence, same_value},
};

/// `log_bin: true` asks for a log and names none, and so do our own defaults: the log that runs keeps its name, since under
/// another one the replicas would lose what they have not read. A bare mention in our file stays as it is. A relay log that
/// somebody has named keeps its name, too: under another one everything is fetched again.
pub(super) fn kept(
    mut wishes: Vec<DesiredSetting>,
    files: &Files,
    server: &ServerFacts,
    path: &str,
) -> Vec<DesiredSetting> {
    let occurrences = files.meant(server.known());
    let bare = occurrences.iter().any(|o| o.file == path && o.name == "log_bin" && o.value.is_none());
    let running = server.variable("log_bin_basename").filter(|base| !base.is_empty());
    let base = running.filter(|_| !bare && server.is_on("log_bin"));
    let named = |o: &&Occurrence| o.file != path && o.name == "relay_log" && o.value.is_some();
    let relay = server.variable("relay_log").filter(|_| occurrences.iter().any(|o| named(&o)));
    for wish in &mut wishes {
        let by_default = wish.place.is_built_in();
        match wish.name.as_str() {
            "log_bin" => {
                for value in &mut wish.values {
                    match base {
                        Some(base) if same_value("log_bin", value, "ON") => base.clone_into(value),
                        Some(base) if by_default && !same_value("log_bin", value, "OFF") => {
                            in_datadir(server, base).clone_into(value);
                        }
                        _ => {}
                    }
                }
            }
            "relay_log" if by_default => {
                let kept = relay.filter(|relay| !relay.is_empty());
                wish.values.iter_mut().zip(kept).for_each(|(value, relay)| relay.clone_into(value));
            }
            _ => {}
        }
    }
    wishes
}

/// The name of a log without its directory, where that is the data directory.
fn in_datadir<'a>(server: &ServerFacts, log: &'a str) -> &'a str {
    let datadir = server.variable("datadir").map(|directory| directory.trim_end_matches('/'));
    let name = datadir.and_then(|directory| log.strip_prefix(directory)?.strip_prefix('/'));
    name.filter(|name| !name.contains('/')).unwrap_or(log)
}
