//! A parameter of the kernel, now and from every boot on.

use std::{borrow::Cow, fmt};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Comparison, Kind, RoleFolder, Undo, Work,
    file::FileState,
    kind::unclear,
    spec::{Text, Wrong},
};
use crate::model::{Fact, visible};

/// a parameter of the kernel, now and at each boot
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SysctlSpec {
    /// its name, such as vm.swappiness
    name: Text,
    /// its value, as the kernel reports it
    value: Text,
}

/// A parameter with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sysctl {
    name: String,
    value: String,
}

/// A parameter as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SysctlState {
    /// What the kernel reports.
    value: String,
    /// Why it can't be changed on this host, in the host's words.
    read_only: Option<String>,
    /// The file that is ours, if it is there.
    file: Option<FileState>,
    /// Files that count after ours and set the same parameter, with the value.
    later: Vec<(String, String)>,
}

/// Why a parameter can't be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SysctlObstacle {
    /// The kernel does not know it.
    Unknown,
    /// The kernel lets nobody change it on this host.
    ReadOnly {
        /// In the host's words.
        said: String,
    },
    /// A file that counts after ours sets another value.
    Overridden {
        /// The file.
        path: String,
        /// Its value.
        value: String,
    },
    /// Somebody else's file has the name of ours.
    ForeignFile {
        /// The file.
        path: String,
    },
}

impl fmt::Display for SysctlObstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SysctlObstacle::Unknown => f.write_str(
                "the kernel has no such parameter; correct its name, or load the module that brings it first",
            ),
            SysctlObstacle::ReadOnly { said } => write!(
                f,
                "the kernel does not let it be changed on this host ({}); in a container, set it on the machine below",
                visible(said)
            ),
            SysctlObstacle::Overridden { path, value } => write!(
                f,
                "{} counts after tandem's file and sets it to {}; remove it there, or declare that value",
                visible(path),
                visible(value)
            ),
            SysctlObstacle::ForeignFile { path } => {
                write!(f, "{path} was not written by tandem; move it away, then run `tandem apply` again")
            }
        }
    }
}

/// First line of the files that are ours.
const HEADER: &str = "# Written by tandem. A change made here is undone by the next apply.\n";

/// Arguments: NAME PATH. `value` and `writable` come from the kernel, `sets` from each file that counts, in any order.
const LOOK: &str = r#"
key=/proc/sys/$(printf %s "$1" | tr . /)
[ -e "$key" ] || { echo absent; exit; }
if value=$(cat -- "$key" 2>&1); then printf '%s\n' "$value" | sed 's/^/value /'; else printf 'unreadable %s\n' "$value"; fi
# Opening it is what fails; nothing is written.
if [ -w "$key" ]; then echo writable; else why=$( (: >>"$key") 2>&1); printf 'read-only %s\n' "${why##*: }"; fi
pattern=$(printf %s "$1" | sed 's/\./[.\/]/g')
folders='/etc/sysctl.d /run/sysctl.d /usr/local/lib/sysctl.d /usr/lib/sysctl.d /lib/sysctl.d'
for folder in $folders; do
  for file in "$folder"/*.conf; do
    [ -f "$file" ] && [ "$file" != "$2" ] || continue
    # A file hides those of its name in later folders.
    for above in $folders; do
      [ "$above" != "$folder" ] || break
      [ ! -e "$above/${file##*/}" ] || continue 2
    done
    sed -n "s|^[[:space:]]*-\{0,1\}[[:space:]]*$pattern[[:space:]]*=[[:space:]]*|sets $file |p" "$file"
  done
done
# `sysctl --system` reads this one last, whatever its name.
[ ! -f /etc/sysctl.conf ] ||
  sed -n "s|^[[:space:]]*-\{0,1\}[[:space:]]*$pattern[[:space:]]*=[[:space:]]*|sets /etc/sysctl.conf |p" /etc/sysctl.conf
echo file
show_file "$2"
"#;

/// Arguments: NAME PATH VALUE. Standard input: the file.
const APPLY: &str = r#"
sysctl -q -w -- "$1=$3" || exit 1
folder=${2%/*}
[ -d "$folder" ] || mkdir -m 755 -- "$folder" || exit 1
put_file "$2" root root 0644
"#;

/// Arguments: NAME PATH VALUE. Standard input: the file from before; where there was none it is empty.
const UNDO: &str = r#"
sysctl -q -w -- "$1=$3"
said=$?
old=$(cat; echo .)
if [ "$old" = . ]; then rm -f -- "$2"; else printf %s "${old%.}" | put_file "$2" root root 0644; fi && exit $said
"#;

impl Sysctl {
    /// The file for it. Its name sorts behind those that people and packages write.
    fn path(&self) -> String {
        format!("/etc/sysctl.d/zz-tandem-{}.conf", self.name)
    }

    fn file(&self) -> String {
        format!("{HEADER}{} = {}\n", self.name, self.value)
    }

    fn is_persistent(&self, now: &SysctlState) -> bool {
        now.file.as_ref().is_some_and(|file| file.owner == "root root 644" && file.content == self.file())
    }

    /// Whether a file's assignments count after ours: files go by their names, whatever folder they are in.
    fn counts_later(&self, path: &str) -> bool {
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        path == "/etc/sysctl.conf" || name(path) > name(&self.path())
    }
}

/// Values are lists of words to the kernel, whatever stands between them.
fn normal(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Kind for Sysctl {
    const WORD: &'static str = "sysctl";
    const PLACE: Option<&'static str> = Some("value");
    const LOOK: &'static str = LOOK;
    const APPLY: &'static str = APPLY;
    const BEFORE_SERVER: bool = true;

    type Spec = SysctlSpec;
    type State = SysctlState;
    type Obstacle = SysctlObstacle;

    fn declare(spec: SysctlSpec, _: &dyn RoleFolder) -> Result<Self, Wrong> {
        let (name, value) = (spec.name.0, spec.value.0);
        let part = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        };
        if !name.contains('.') || !name.split('.').all(part) {
            return Err(Wrong::must_be("name", "the name of a kernel parameter, such as vm.swappiness"));
        }
        if value.contains(|c: char| c.is_control() && c != '\t') || normal(&value).is_empty() {
            return Err(Wrong::must_be("value", "one line of text"));
        }
        Ok(Sysctl { name, value: normal(&value) })
    }

    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn ask(&self) -> Vec<String> {
        vec![self.name.clone(), self.path()]
    }

    fn read(&self, answer: &str) -> Fact<SysctlState> {
        if answer.trim() == "absent" {
            return Fact::Absent;
        }
        let Some((kernel, file)) = answer.split_once("\nfile\n") else { return unclear(answer) };
        let lines = |word: &'static str| kernel.lines().filter_map(move |line| line.strip_prefix(word));
        if let Some(why) = lines("unreadable ").next() {
            return Fact::Unread(why.to_owned());
        }
        let file = match FileState::read(file) {
            Fact::Known(file) => Some(file),
            Fact::Absent => None,
            Fact::Unread(why) => return Fact::Unread(format!("{}: {why}", self.path())),
        };
        let sets = lines("sets ").filter_map(|line| line.split_once(' '));
        let later = sets
            .filter(|(path, _)| self.counts_later(path))
            .map(|(path, value)| (path.to_owned(), normal(value)))
            .collect();
        let value = normal(&lines("value ").collect::<Vec<_>>().join(" "));
        let read_only = lines("read-only ").next().map(str::to_owned);
        Fact::Known(SysctlState { value, read_only, file, later })
    }

    fn compare(&self, now: Option<&SysctlState>) -> Comparison<Self> {
        // A module that a command of the same plan loads may bring it.
        let Some(now) = now else { return Comparison::Waits(SysctlObstacle::Unknown) };
        if let Some(said) = &now.read_only {
            // Who has set it there keeps it there.
            let same = now.value == self.value;
            return if same {
                Comparison::Same
            } else {
                Comparison::Refused(SysctlObstacle::ReadOnly { said: said.clone() })
            };
        }
        if let Some((path, value)) = now.later.iter().find(|(_, value)| *value != self.value) {
            let (path, value) = (path.clone(), value.clone());
            return Comparison::Refused(SysctlObstacle::Overridden { path, value });
        }
        if now.file.as_ref().is_some_and(|file| !file.content.starts_with(HEADER)) {
            return Comparison::Refused(SysctlObstacle::ForeignFile { path: self.path() });
        }
        match now.value == self.value && self.is_persistent(now) {
            true => Comparison::Same,
            false => Comparison::Differs(self.clone()),
        }
    }

    fn work(&self, _now: Option<&SysctlState>) -> Work<'_> {
        Work { args: vec![self.name.clone(), self.path(), self.value.clone()], input: Cow::Owned(self.file()) }
    }

    fn undo(&self, now: Option<&SysctlState>) -> Option<Undo> {
        let now = now?;
        let input = now.file.as_ref().map_or_else(String::new, |file| file.content.clone());
        let args = vec![self.name.clone(), self.path(), now.value.clone()];
        Some(Undo { script: UNDO, work: Work { args, input: Cow::Owned(input) } })
    }

    fn what(&self) -> String {
        format!("sysctl {}", self.name)
    }

    fn summary(&self, _now: Option<&SysctlState>) -> String {
        format!("set {}", self.name)
    }

    fn before(&self, now: Option<&SysctlState>) -> Option<String> {
        now.map(|now| {
            let at_boot = now.file.as_ref().and_then(|file| file.content.strip_prefix(HEADER));
            let at_boot = at_boot.and_then(|line| line.split_once('=')).map_or("", |(_, value)| value.trim());
            let at_boot = if self.is_persistent(now) { self.value.as_str() } else { at_boot };
            format!("now = {}\nat-boot = {at_boot}", now.value)
        })
    }

    fn after(&self) -> Option<String> {
        Some(format!("now = {0}\nat-boot = {0}", self.value))
    }

    fn without_effect(&self, now: Option<&SysctlState>) -> (String, Option<String>) {
        let has = now.map_or("nothing", |now| now.value.as_str());
        let why = format!("the kernel took {} and reports {has}", self.value);
        (why, Some("Declare a value that the kernel keeps as it is.".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swappiness() -> Sysctl {
        Sysctl { name: "vm.swappiness".into(), value: "10".into() }
    }

    fn outcome(answer: &str) -> Comparison<Sysctl> {
        let state = swappiness().read(answer);
        swappiness().compare(state.known())
    }

    #[test]
    fn value_and_file_are_compared() {
        let own = format!("root root 644\n{HEADER}vm.swappiness = 10\n");
        let same = format!("value 10\nwritable\nfile\n{own}");
        assert_eq!(outcome(&same), Comparison::Same);
        assert!(matches!(outcome("value 10\nwritable\nfile\nabsent\n"), Comparison::Differs(_)));
        assert!(matches!(outcome(&same.replace("value 10", "value 60")), Comparison::Differs(_)));
        assert!(matches!(outcome(&same.replace("root root", "mysql root")), Comparison::Differs(_)));
        assert_eq!(outcome("absent\n"), Comparison::Waits(SysctlObstacle::Unknown));
        assert!(matches!(swappiness().read("unreadable Permission denied\nwritable\nfile\nabsent"), Fact::Unread(_)));
    }

    #[test]
    fn only_what_counts_later_with_another_value_is_in_the_way() {
        let with = |line: &str| outcome(&format!("value 60\nwritable\n{line}\nfile\nabsent\n"));
        for line in [
            "sets /etc/sysctl.d/99-sysctl.conf 60",
            "sets /usr/lib/sysctl.d/zz-a.conf 60",
            "sets /etc/sysctl.d/zzz.conf 10",
            "sets /etc/sysctl.conf 10 ",
        ] {
            assert!(matches!(with(line), Comparison::Differs(_)), "{line}");
        }
        for (line, path) in [
            ("sets /etc/sysctl.d/zzz.conf 60", "/etc/sysctl.d/zzz.conf"),
            ("sets /run/sysctl.d/zz-tandem-x.conf 1", "/run/sysctl.d/zz-tandem-x.conf"),
            ("sets /etc/sysctl.conf 60", "/etc/sysctl.conf"),
        ] {
            let Comparison::Refused(SysctlObstacle::Overridden { path: named, .. }) = with(line) else {
                panic!("{line} is not in the way")
            };
            assert_eq!(named, path);
        }
    }

    #[test]
    fn a_read_only_parameter_is_refused_unless_it_is_as_declared() {
        let with = |value: &str| outcome(&format!("value {value}\nread-only Read-only file system\nfile\nabsent\n"));
        assert_eq!(with("10"), Comparison::Same);
        let said = "Read-only file system".to_owned();
        assert_eq!(with("60"), Comparison::Refused(SysctlObstacle::ReadOnly { said }));
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_taken(answer in "(value |sets |read-only |\nfile\n|.|\n){0,12}") {
            let _ = outcome(&answer);
        }
    }
}
