//! The command line.

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::{complete, exit::Exit, form::Wanted};
use crate::{
    model::{IgnoreRule, Limits, limits, rate, time},
    plan::Allow,
    vault::{Keyring, PasswordSource, absolute},
};

/// Brings MySQL and MariaDB servers to the replication topology that a YAML file declares.
#[derive(Debug, Parser)]
#[command(name = "tandem", version, after_help = Exit::table(), max_term_width = 100)]
pub(super) struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that may stand before or after the command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(super) struct Global {
    /// Inventory file or directory; several are read as one
    #[arg(short, long, global = true, env = "TANDEM_INVENTORY", value_name = "PATH")]
    pub inventory: Vec<PathBuf>,
    /// Set a variable over all files; the value is YAML
    #[arg(short, long = "extra-vars", global = true, value_name = "NAME=VALUE")]
    pub extra: Vec<String>,
    /// Only these hosts: names, groups, globs; `!` takes away
    #[arg(short, long, global = true, value_name = "PATTERN", add = complete::pattern())]
    pub limit: Option<String>,
    /// Handle up to this many hosts in parallel
    #[arg(short, long, global = true, value_name = "N", default_value_t = Limits::default().forks, value_parser = forks)]
    pub forks: usize,
    /// Form of what is printed to standard output; markdown and junit: plan, drift and verify;
    /// sarif: validate
    #[arg(long = "format", global = true, value_enum, value_name = "FORMAT", default_value_t = Wanted::Human)]
    pub wanted: Wanted,
    /// When to use colours; NO_COLOR is heeded
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Print less
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// How long a connection may take
    #[arg(long, global = true, value_name = "TIME", default_value = seconds(limits::CONNECT), value_parser = time)]
    pub connect_timeout: Duration,
    /// How long reading a host may take
    #[arg(long, global = true, value_name = "TIME", default_value = seconds(limits::READ_HOST), value_parser = time)]
    pub timeout: Duration,
    /// File with the password of Ansible's vaults; one that is executable is run
    #[arg(long, global = true, value_name = "FILE", env = "ANSIBLE_VAULT_PASSWORD_FILE", value_parser = path)]
    pub vault_password_file: Vec<PathBuf>,
    /// The same for the vaults of one label; all are tried where no label fits
    #[arg(long, global = true, value_name = "LABEL@FILE", env = "ANSIBLE_VAULT_IDENTITY_LIST", value_delimiter = ',', value_parser = PasswordSource::parse)]
    pub vault_id: Vec<PasswordSource>,
    /// File with age identities, or an ssh key [else: ~/.config/age/keys.txt and
    /// SOPS_AGE_KEY_FILE]
    #[arg(long, global = true, value_name = "FILE", env = "TANDEM_AGE_IDENTITY", value_parser = path)]
    pub age_identity: Vec<PathBuf>,
    /// Configuration file for ssh instead of ~/.ssh/config
    #[arg(long, global = true, value_name = "FILE")]
    pub ssh_config: Option<PathBuf>,
}

impl Command {
    /// Whether it prints in this form.
    pub(super) fn prints(&self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::Human | Wanted::Json | Wanted::Jsonl => true,
            Wanted::Markdown | Wanted::Junit => {
                matches!(self, Command::Plan(_) | Command::Drift(_) | Command::Verify(_))
            }
            Wanted::Sarif => matches!(self, Command::Validate(_)),
        }
    }
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write an inventory, a playbook and a .gitignore to start from; --from reads them off living servers
    Init(InitArgs),
    /// Check everything that can be known without a connection
    Validate(ValidateArgs),
    /// Show what would change and why; writes nothing anywhere
    Plan(PlanArgs),
    /// Plan, ask, execute, and observe again until nothing is left
    Apply(ApplyArgs),
    /// Let another host take the writes: nothing lost, or nothing done; then edit the playbook
    Switchover(SwitchoverArgs),
    /// The writer is silent: the replica that has received most takes its place; then edit the playbook
    Failover(FailoverArgs),
    /// A lost host is back: it takes no writes, and is a replica again; then edit the playbook
    Rejoin(RejoinArgs),
    /// `plan` for cron: silent when in sync
    Drift(DriftArgs),
    /// The topology as it is
    Status(StatusArgs),
    /// Proof by use: a row along every channel, checksums, ports; cleans up behind itself
    Verify(VerifyArgs),
    /// Why replication does not run, and the next step
    Doctor(PlaybookArg),
    /// The topology as a picture
    Graph(GraphArgs),
    /// One HTML file with topology, findings, differences and the last runs
    Report(ReportArgs),
    /// Show a saved plan as `plan` did
    Show {
        /// The file that `plan -o` wrote
        #[arg(add = complete::plans())]
        file: PathBuf,
    },
    /// Past runs, or one of them
    History {
        /// A run's name or a beginning of it
        #[arg(add = complete::runs())]
        run: Option<String>,
    },
    /// A host's variables, and where they come from
    Vars(VarsArgs),
    /// What a code in brackets means, and what to do; without one, all of them
    Explain {
        /// The code, such as data-on-both
        #[arg(value_name = "CODE", add = complete::codes())]
        codes: Vec<String>,
    },
    /// A JSON Schema of a file, for editors
    Schema {
        /// Which file
        #[arg(value_enum)]
        of: SchemaOf,
    },
    /// Completions for a shell: a script that asks this program for hosts, playbooks and runs
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// The manual page
    Man(ManArgs),
}

/// A file that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// An inventory.
    Inventory,
    /// A file in group_vars/ or host_vars/, or a role's defaults.
    Variables,
    /// A playbook.
    Playbook,
    /// A role's role.yml.
    Role,
    /// A plan as JSON.
    Plan,
}

/// A playbook.
#[derive(Debug, Clone, Args)]
pub(super) struct PlaybookArg {
    /// Playbook file, or the name of a shipped one (hot-standby, read-replicas)
    #[arg(add = complete::playbooks())]
    pub playbook: Option<String>,
}

/// Arguments of `validate`.
#[derive(Debug, Clone, Args)]
pub(super) struct ValidateArgs {
    /// Which playbook.
    #[command(flatten)]
    pub playbook: PlaybookArg,
    /// Count warnings as mistakes
    #[arg(long)]
    pub strict: bool,
}

/// Arguments of `status`.
#[derive(Debug, Clone, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    pub playbook: PlaybookArg,
    /// Look again and again, in place; Ctrl-C ends
    #[arg(long, short = 'w')]
    pub watch: bool,
    /// Time between two looks
    #[arg(long, value_name = "TIME", default_value = seconds(limits::WATCH), value_parser = time, requires = "watch")]
    pub interval: std::time::Duration,
}

/// Arguments of `init`.
#[derive(Debug, Clone, Args)]
pub(super) struct InitArgs {
    /// Where to write
    #[arg(default_value = ".", value_hint = clap::ValueHint::DirPath)]
    pub directory: PathBuf,
    /// Read the files off living servers: ssh destinations (`user@host:port`), or names of the inventory that -i
    /// names. Writes nothing on them
    #[arg(long, value_name = "HOST", num_args = 1..)]
    pub from: Vec<String>,
    /// Become root by sudo on these hosts
    #[arg(long, requires = "from", conflicts_with = "inventory")]
    pub r#become: bool,
    /// Write the files though a source is none of these hosts; its channel stays undeclared
    #[arg(long, requires = "from")]
    pub incomplete: bool,
}

/// Arguments of `plan`.
#[derive(Debug, Clone, Args)]
pub(super) struct PlanArgs {
    /// Which playbook.
    #[command(flatten)]
    pub playbook: PlaybookArg,
    /// Save the plan for `apply FILE`
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What a step may hurt; here only to see what would still be refused
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = Allow::from_str, add = complete::allowed())]
    pub allow: Vec<Allow>,
}

/// Arguments of `apply`.
#[derive(Debug, Clone, Args)]
pub struct ApplyArgs {
    /// Playbook file, the name of a shipped one, or a plan that `plan -o` wrote
    #[arg(add = complete::playbooks_and_plans())]
    pub playbook: Option<String>,
    /// Answer the prompt with yes; allows nothing
    #[arg(short, long)]
    pub yes: bool,
    /// What the steps may hurt: restart, cut-clients, reseed, reset-binlogs, drop-account, drop-channel,
    /// edit-option-file, new-authority
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = Allow::from_str, add = complete::allowed())]
    pub allow: Vec<Allow>,
    /// Run this before a replica takes the writes of a lost host, which it must end for good: a status other than 0
    /// stops it all. TANDEM_LOST has the host's name
    #[arg(long, value_name = "COMMAND")]
    pub fence: Option<String>,
    /// End a copy in which nothing moves for this long
    #[arg(long, value_name = "TIME", default_value = seconds(limits::STALL), value_parser = time)]
    pub stall_timeout: Duration,
    /// Hold the read lock of a source no longer than this; tables without transactions are copied under it
    #[arg(long, value_name = "TIME", default_value = seconds(limits::LOCK_HOLD), value_parser = time)]
    pub lock_limit: Duration,
    /// Copy no more than so many bytes per second, such as 20M; not under the read lock
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub rate_limit: Option<u64>,
    /// Let a copy row by row wait while its source works on more than so many statements of others; not under the read lock
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_running: Option<u64>,
}

/// Arguments of `switchover`.
#[derive(Debug, Clone, Args)]
pub(super) struct SwitchoverArgs {
    /// How it is applied.
    #[command(flatten)]
    pub apply: ApplyArgs,
    /// Name the host that clients write to from now on
    #[arg(long, value_name = "HOST", add = complete::hosts())]
    pub to: String,
    /// Leave the playbook as it is, and print the lines to change
    #[arg(long)]
    pub no_edit: bool,
}

/// Arguments of `failover`.
#[derive(Debug, Clone, Args)]
pub(super) struct FailoverArgs {
    /// How it is applied.
    #[command(flatten)]
    pub apply: ApplyArgs,
    /// Name the replica that takes the writes; without it, the one that has received most
    #[arg(long, value_name = "HOST", add = complete::hosts())]
    pub to: Option<String>,
    /// Leave the playbook as it is, and print the lines to change
    #[arg(long)]
    pub no_edit: bool,
}

/// Arguments of `rejoin`.
#[derive(Debug, Clone, Args)]
pub(super) struct RejoinArgs {
    /// How it is applied.
    #[command(flatten)]
    pub apply: ApplyArgs,
    /// The host that is back
    #[arg(value_name = "HOST", add = complete::hosts())]
    pub host: Option<String>,
    /// Leave the playbook as it is, and print the lines to change
    #[arg(long)]
    pub no_edit: bool,
}

/// Arguments of `drift`.
#[derive(Debug, Clone, Args)]
pub(super) struct DriftArgs {
    /// Which playbook.
    #[command(flatten)]
    pub playbook: PlaybookArg,
    /// Leave out findings whose name or host matches, such as `db-b/variable/max_*`; with a reason and a last
    /// day: `PATTERN; REASON; 2027-01-31`. Rules that stay are `drift_ignore` in the inventory
    #[arg(long, value_name = "PATTERN", value_parser = ignore_rule)]
    pub ignore: Vec<IgnoreRule>,
    /// Write figures for Prometheus' textfile collector; the file is replaced in one go
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
    /// Run a shell command where something differs, with the plan as JSON on its standard input
    #[arg(long, value_name = "COMMAND")]
    pub on_drift: Option<String>,
    /// Compare some rows of this many tables on both ends of each channel; other runs look at others
    #[arg(long, value_name = "TABLES", default_value_t = 0)]
    pub sample_data: usize,
    /// Write a line for each difference to the log of this machine, and one when all is in sync
    #[arg(long, value_enum)]
    pub log: Option<super::log::Log>,
}

/// Arguments of `verify`.
#[derive(Debug, Clone, Args)]
pub(super) struct VerifyArgs {
    /// Which playbook.
    #[command(flatten)]
    pub playbook: PlaybookArg,
    /// Only the canary, both threads and the ports
    #[arg(long)]
    pub quick: bool,
    /// Compare no tables
    #[arg(long)]
    pub no_checksums: bool,
    /// Compare only tables of these databases
    #[arg(long, value_name = "NAME", value_delimiter = ',', conflicts_with_all = ["quick", "no_checksums"])]
    pub databases: Vec<String>,
    /// Compare only tables that fit, such as `shop.order*`
    #[arg(long, value_name = "PATTERN", conflicts_with_all = ["quick", "no_checksums"])]
    pub tables: Vec<String>,
    /// Rest while more statements than this run on a source
    #[arg(long, value_name = "N", default_value_t = 25)]
    pub max_load: u64,
    /// Rest while a replica is further behind than this
    #[arg(long, value_name = "TIME", default_value = seconds(limits::MAX_LAG), value_parser = time)]
    pub max_lag: Duration,
    /// How long a row may take beyond the delay that was asked for
    #[arg(long, value_name = "TIME", default_value = seconds(limits::CANARY), value_parser = time)]
    pub wait: Duration,
    /// Restart every database server in turn, and see that replication returns
    #[arg(long)]
    pub reboot: bool,
    /// Answer the prompt of --reboot with yes
    #[arg(short, long)]
    pub yes: bool,
}

/// Arguments of `graph`.
#[derive(Debug, Clone, Args)]
pub(super) struct GraphArgs {
    /// Which playbook.
    #[command(flatten)]
    pub playbook: PlaybookArg,
    /// Language of the picture
    #[arg(long = "as", value_enum, default_value_t = Picture::Mermaid)]
    pub picture: Picture,
}

/// Arguments of `report`.
#[derive(Debug, Clone, Args)]
pub(super) struct ReportArgs {
    /// Which playbook.
    #[command(flatten)]
    pub playbook: PlaybookArg,
    /// Write it to a file, which is replaced in one go
    #[arg(long, short = 'o', value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Language of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Picture {
    /// Mermaid, for Markdown.
    Mermaid,
    /// DOT, for Graphviz.
    Dot,
    /// SVG, for a browser.
    Svg,
}

/// Arguments of `man`.
#[derive(Debug, Clone, Args)]
pub(super) struct ManArgs {
    /// Write the pages of the program and of every command into a directory
    #[arg(short, long, value_name = "DIRECTORY", value_hint = clap::ValueHint::DirPath)]
    pub out: Option<PathBuf>,
}

/// Arguments of `vars`.
#[derive(Debug, Clone, Args)]
pub(super) struct VarsArgs {
    /// Host
    #[arg(add = complete::hosts())]
    pub host: String,
    /// Playbook whose defaults and variables count too
    #[arg(add = complete::playbooks())]
    pub playbook: Option<String>,
    /// Show every place that gives this variable a value, and which one wins
    #[arg(long, value_name = "NAME", add = complete::variables())]
    pub explain: Option<String>,
    /// Show what templates make of the values
    #[arg(long, conflicts_with = "explain")]
    pub evaluate: bool,
}

impl Global {
    /// The keys that these options name.
    pub(super) fn keyring(&self) -> Keyring {
        self.keyring_with(Vec::new())
    }

    /// The same with further sources of passwords.
    pub(super) fn keyring_with(&self, further: Vec<PasswordSource>) -> Keyring {
        let unlabelled = |path: &PathBuf| PasswordSource { label: None, path: path.clone() };
        let passwords = self.vault_id.iter().cloned().chain(self.vault_password_file.iter().map(unlabelled));
        let mut identities = self.age_identity.clone();
        if identities.is_empty() {
            let usual = ["~/.config/age/keys.txt"].into_iter().filter_map(|p| absolute(p).ok());
            let of_sops = std::env::var_os("SOPS_AGE_KEY_FILE").map(PathBuf::from);
            identities = usual.chain(of_sops).filter(|path| path.is_file()).collect();
        }
        Keyring::new(passwords.chain(further).collect(), identities)
    }
}

fn forks(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("`{text}` is not a number of hosts; use 1 or more")),
        Ok(n) => Ok(n),
    }
}

/// A limit as it is written on the command line.
fn seconds(limit: limits::Limit) -> String {
    format!("{}s", limit.time.as_secs())
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("a file is needed".into());
    }
    absolute(text).map_err(|error| error.to_string())
}

/// `PATTERN`, or `PATTERN; REASON; LAST-DAY`.
fn ignore_rule(text: &str) -> Result<IgnoreRule, String> {
    let mut parts = text.split(';').map(str::trim);
    let what = parts.next().filter(|what| !what.is_empty()).ok_or("a pattern is needed")?;
    let reason = parts.next().filter(|reason| !reason.is_empty()).unwrap_or("--ignore");
    let until = match parts.next().filter(|day| !day.is_empty()) {
        None => None,
        Some(day) => Some(day.parse().map_err(|_| format!("`{day}` is no day; use 2027-01-31"))?),
    };
    match parts.next() {
        Some(more) => Err(format!("`{more}` is too much: PATTERN; REASON; LAST-DAY")),
        None => {
            Ok(IgnoreRule { what: what.into(), reason: reason.into(), until, hosts: Vec::new(), place: None })
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_defaults_are_those_of_the_table() {
        let Ok(Cli { global, command: Command::Apply(args) }) = Cli::try_parse_from(["tandem", "apply"])
        else {
            panic!("apply needs no argument");
        };
        let default = Limits::default();
        assert_eq!(
            (global.forks, args.stall_timeout, args.lock_limit, args.rate_limit, args.max_running),
            (default.forks, default.stall, default.lock, default.rate, default.max_running)
        );
        assert_eq!((global.connect_timeout, global.timeout), (limits::CONNECT.time, limits::READ_HOST.time));
        assert!(Cli::try_parse_from(["tandem", "plan", "--forks", "0"]).is_err());
    }

    #[test]
    fn global_options_stand_on_both_sides() {
        for line in [["tandem", "-i", "hosts.yml", "plan", "x"], ["tandem", "plan", "x", "-i", "hosts.yml"]] {
            let cli = Cli::try_parse_from(line).map(|c| c.global.inventory);
            assert_eq!(cli.ok(), Some(vec![PathBuf::from("hosts.yml")]));
        }
    }
}
