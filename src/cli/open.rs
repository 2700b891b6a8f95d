//! What every command does first.

use super::args::{ApplyArgs, Global};
use crate::{
    engine::{CommandError, Engine, Options},
    inventory::Config,
    plan::Allow,
    render::{self, Terminal},
    source::{Problems, Sources},
    vault::PasswordSource,
};

impl Global {
    /// What a run of `apply`, or of a verb like it, is about.
    pub(super) fn options_of(&self, playbook: &str, args: &ApplyArgs) -> Options {
        Options { fence: args.fence.clone(), ..self.options(Some(playbook), &args.allow) }
    }

    /// What a run with these options is about. `playbook` may be left out where only hosts matter.
    pub(super) fn options(&self, playbook: Option<&str>, allow: &[Allow]) -> Options {
        let ansible_config = Config::find();
        let (mut inventory, mut keyring) = (self.inventory.clone(), None);
        // What is doubtful in the file is told when all files are read.
        let config =
            Config::read(ansible_config.as_deref(), &mut Sources::default(), &mut Problems::default());
        if inventory.is_empty() {
            inventory = config.inventory;
        }
        if self.vault_id.is_empty() && self.vault_password_file.is_empty() {
            let named = config.vaults.iter().filter_map(|text| PasswordSource::parse(text).ok());
            keyring = Some(self.keyring_with(named.collect()));
        }
        Options {
            inventory,
            playbook: playbook.map(str::to_owned),
            extra: self.extra.clone(),
            limit: self.limit.clone(),
            fence: None,
            keyring: keyring.unwrap_or_else(|| self.keyring()),
            allow: allow.to_vec(),
            forks: self.forks,
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
            ssh_config: self.ssh_config.clone(),
            ansible_config,
        }
    }
}

/// Reads the files, and shows what is doubtful in them.
pub(super) fn open(
    global: &Global,
    playbook: Option<&str>,
    allow: &[Allow],
    terminal: &Terminal,
) -> Result<Engine, CommandError> {
    let engine = Engine::open(&global.options(playbook, allow))?;
    render::mistakes(engine.warnings.clone(), &engine.sources, terminal);
    Ok(engine)
}
