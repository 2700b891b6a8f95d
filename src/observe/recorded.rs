//! Channels for tests, as servers showed them: read by the statements that read a server, out of `tests/recordings`.

use super::{ChannelFacts, channels};
use crate::{
    dialect::Dialect,
    model::ServerVersion,
    transport::{Recording, SqlReader},
};

/// The channel of a recording such as `mariadb-10.11/running`, with some of its columns changed.
pub(crate) fn channel(name: &str, values: &[(&str, &str)]) -> ChannelFacts {
    let server = name.split('/').next().and_then(|server| server.split_once('-'));
    let version = match server {
        Some(("mariadb", version)) => format!("{version}-MariaDB"),
        Some((_, version)) => version.to_owned(),
        None => panic!("{name} names no server"),
    };
    let dialect = Dialect::of(ServerVersion::parse(&version).expect("a version"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let recording = Recording::of_file(&format!("{name}.jsonl")).with(values);
    let list = runtime.block_on(async { channels(&SqlReader::replay(recording), dialect).await });
    let mut list = list.unwrap_or_else(|error| panic!("{name}: {error}"));
    list.pop().unwrap_or_else(|| panic!("{name} has no channel"))
}
