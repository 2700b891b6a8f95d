//! What every command does first.

use super::args::Global;
use crate::{
    engine::{CommandError, Engine, Options},
    plan::Allow,
    render::{self, Terminal},
};

impl Global {
    /// What a run with these options is about. `playbook` may be left out where only hosts matter.
    pub fn options(&self, playbook: Option<&str>, allow: &[Allow]) -> Options {
        Options {
            inventory: self.inventory.clone(),
            playbook: playbook.map(str::to_owned),
            extra: self.extra.clone(),
            limit: self.limit.clone(),
            keyring: self.keyring(),
            allow: allow.to_vec(),
            forks: self.forks,
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
            ssh_config: self.ssh_config.clone(),
        }
    }
}

/// Reads the files, and shows what is doubtful in them.
pub fn open(
    global: &Global,
    playbook: Option<&str>,
    allow: &[Allow],
    terminal: &Terminal,
) -> Result<Engine, CommandError> {
    let engine = Engine::open(&global.options(playbook, allow))?;
    render::mistakes(engine.warnings.clone(), &engine.sources, terminal);
    Ok(engine)
}
