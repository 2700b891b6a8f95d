//! What a kind of resource has to say for itself, and the values that pass through the other rooms.

use std::{borrow::Cow, fmt, time::Duration};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::{Change, KindName, Obstacle, spec::Wrong};
use crate::{
    model::{Fact, limits},
    source::Problem,
};

/// One kind of resource, whole: what a role may write, what a host is asked, what differs, and what is done about it.
///
/// Its words stand here, too, and only `render` and error messages ask for them.
pub trait Kind: Clone + fmt::Debug + Eq + Sized + 'static {
    /// The key in a role, and the name of its part of the script.
    const WORD: &'static str;
    /// The key whose place stands for the resource; without one it is the whole body's.
    const PLACE: Option<&'static str> = None;
    /// Shell that looks and writes nothing. Its arguments are those of [`Kind::ask`].
    const LOOK: &'static str;
    /// Shell that makes the host as declared. Its arguments and its input are those of [`Kind::work`]; `put_file` writes
    /// files.
    const APPLY: &'static str;
    /// How long that may take.
    const LIMIT: Duration = limits::COMMAND.time;

    /// The part of a step's name that says its kind.
    const STEP: &'static str = Self::WORD;
    /// Kinds that come first where a host gets them, too.
    const AFTER: &'static [KindName] = &[KindName::Packages, KindName::File, KindName::Command];
    /// Whether the database server is configured and started after it.
    const BEFORE_SERVER: bool = false;

    /// What stands in a role.
    type Spec: DeserializeOwned + JsonSchema;
    /// What a host has.
    type State: Clone + fmt::Debug + Eq;
    /// What can stand in the way.
    type Obstacle: Clone + fmt::Debug + Eq + fmt::Display;

    /// From what is written to what is declared.
    ///
    /// # Errors
    /// With the key, where a value is invalid.
    fn declare(spec: Self::Spec, role: &dyn RoleFolder) -> Result<Self, Wrong>;

    /// Its name among its kind on one host, such as a path. Two of one name must be equal. Without one they are counted.
    fn name(&self) -> Option<String>;

    /// The arguments of [`Kind::LOOK`].
    fn ask(&self) -> Vec<String>;

    /// From the answer to a state.
    fn read(&self, answer: &str) -> Fact<Self::State>;

    /// What is to be done, if anything is. There is no state where the host has no such thing.
    fn compare(&self, now: Option<&Self::State>) -> Comparison<Self>;

    /// What [`Kind::APPLY`] gets.
    fn work(&self, now: Option<&Self::State>) -> Work<'_>;

    /// What puts back the state from before where the work failed or did not have its effect; by default nothing does.
    fn undo(&self, _now: Option<&Self::State>) -> Option<Undo> {
        None
    }

    /// What a failure means, by the messages of the host, where they are known: why, and what to do next.
    fn explain(_stderr: &str) -> Option<(String, Option<String>)> {
        None
    }

    /// Whether packages may come from it, so that they wait for it.
    fn brings_packages(&self) -> bool {
        false
    }

    /// What it is, such as `service chrony`.
    fn what(&self) -> String;

    /// What is done, in one line.
    fn summary(&self, now: Option<&Self::State>) -> String;

    /// What is there now.
    fn before(&self, now: Option<&Self::State>) -> Option<String>;

    /// What will be there.
    fn after(&self) -> Option<String>;

    /// Why the work that ended well was not enough: why, and what to do next.
    fn without_effect(&self, now: Option<&Self::State>) -> (String, Option<String>) {
        let has = self.before(now).map_or_else(|| "nothing".to_owned(), |text| text.replace('\n', ", "));
        (format!("it was done, but the host has {has}"), None)
    }
}

/// What a role's folder holds beside `role.yml`.
pub trait RoleFolder {
    /// A file of a folder of the role's, such as `templates`.
    fn file(&self, folder: &str, name: &str) -> Option<String>;

    /// A template of the role's with the host's variables filled in.
    ///
    /// # Errors
    /// With the line of the template.
    fn render(&self, template: &str, text: &str) -> Result<String, Problem>;
}

/// How what is declared compares with what a host has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison<K: Kind> {
    /// Nothing is to be done.
    Same,
    /// This is to be done: what is declared, or the part of it that is missing.
    Differs(K),
    /// Another step, or somebody on the host, has to do something first.
    Waits(K::Obstacle),
    /// It can't be done on this host.
    Refused(K::Obstacle),
}

/// A difference, and all that a step has to know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference<K: Kind> {
    /// What is to be there.
    pub declared: K,
    /// What is there now, if anything.
    pub now: Option<K::State>,
}

/// What a script gets to do its work.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Work<'a> {
    /// Arguments. No secrets.
    pub args: Vec<String>,
    /// Standard input.
    pub input: Cow<'a, str>,
}

/// A script that puts back what was there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// Shell.
    pub script: &'static str,
    /// What it gets.
    pub work: Work<'static>,
}

/// A question to a host: the name of the part of the script that answers it, and the arguments of that.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Query {
    /// The part.
    pub part: &'static str,
    /// Its arguments.
    pub args: Vec<String>,
}

/// What is to be done about a resource of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing.
    Same,
    /// It could not be read.
    Unread(String),
    /// This.
    Change(Box<Change>),
    /// Something else comes first.
    Waits(Obstacle),
    /// It can't be done on this host.
    Refused(Obstacle),
}

/// A resource of any kind, as rooms see it that know no kind.
pub trait AnyResource {
    /// See [`Kind::name`].
    fn name(&self) -> Option<String>;
    /// See [`Kind::what`].
    fn what(&self) -> String;
    /// What a host has to be asked.
    fn query(&self) -> Query;
    /// Compares it with a host's answer.
    fn compare(&self, answer: &Fact<String>) -> Outcome;
}

impl<K: Kind> AnyResource for K
where
    Change: From<Difference<K>>,
    Obstacle: From<Hindered<K>>,
{
    fn name(&self) -> Option<String> {
        Kind::name(self)
    }

    fn what(&self) -> String {
        Kind::what(self)
    }

    fn query(&self) -> Query {
        Query { part: K::WORD, args: self.ask() }
    }

    fn compare(&self, answer: &Fact<String>) -> Outcome {
        let now = match read(self, answer) {
            Ok(now) => now,
            Err(why) => return Outcome::Unread(why),
        };
        match Kind::compare(self, now.as_ref()) {
            Comparison::Same => Outcome::Same,
            Comparison::Differs(declared) => Outcome::Change(Box::new(Difference { declared, now }.into())),
            Comparison::Waits(obstacle) => Outcome::Waits(Hindered::<K>(obstacle).into()),
            Comparison::Refused(obstacle) => Outcome::Refused(Hindered::<K>(obstacle).into()),
        }
    }
}

/// What stands in the way of a resource of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hindered<K: Kind>(pub K::Obstacle);

fn read<K: Kind>(declared: &K, answer: &Fact<String>) -> Result<Option<K::State>, String> {
    let state = match answer {
        Fact::Known(text) => declared.read(text),
        Fact::Absent => Fact::Absent,
        Fact::Unread(why) => Fact::Unread(why.clone()),
    };
    match state {
        Fact::Known(state) => Ok(Some(state)),
        Fact::Absent => Ok(None),
        Fact::Unread(why) => Err(why),
    }
}

/// A difference of any kind, as rooms see it that know no kind.
pub trait AnyChange {
    /// See [`Kind::summary`].
    fn summary(&self) -> String;
    /// See [`Kind::before`].
    fn before(&self) -> Option<String>;
    /// See [`Kind::after`].
    fn after(&self) -> Option<String>;
    /// See [`Kind::APPLY`], [`Kind::LOOK`].
    fn scripts(&self) -> (&'static str, &'static str);
    /// See [`Kind::LIMIT`].
    fn limit(&self) -> Duration;
    /// See [`Kind::work`].
    fn work(&self) -> Work<'_>;
    /// See [`Kind::undo`].
    fn undo(&self) -> Option<Undo>;
    /// See [`Kind::ask`].
    fn ask(&self) -> Vec<String>;
    /// See [`Kind::brings_packages`].
    fn brings_packages(&self) -> bool;
    /// See [`Kind::explain`].
    fn explain(&self, stderr: &str) -> Option<(String, Option<String>)>;
    /// Whether the host is as declared by what it answers after the work.
    ///
    /// # Errors
    /// Why it is not, and what to do next.
    fn prove(&self, answer: &str) -> Result<(), (String, Option<String>)>;
}

impl<K: Kind> AnyChange for Difference<K> {
    fn summary(&self) -> String {
        self.declared.summary(self.now.as_ref())
    }

    fn before(&self) -> Option<String> {
        self.declared.before(self.now.as_ref())
    }

    fn after(&self) -> Option<String> {
        self.declared.after()
    }

    fn scripts(&self) -> (&'static str, &'static str) {
        (K::APPLY, K::LOOK)
    }

    fn limit(&self) -> Duration {
        K::LIMIT
    }

    fn work(&self) -> Work<'_> {
        self.declared.work(self.now.as_ref())
    }

    fn undo(&self) -> Option<Undo> {
        self.declared.undo(self.now.as_ref())
    }

    fn ask(&self) -> Vec<String> {
        self.declared.ask()
    }

    fn brings_packages(&self) -> bool {
        self.declared.brings_packages()
    }

    fn explain(&self, stderr: &str) -> Option<(String, Option<String>)> {
        K::explain(stderr)
    }

    fn prove(&self, answer: &str) -> Result<(), (String, Option<String>)> {
        let now = read(&self.declared, &Fact::Known(answer.to_owned())).map_err(|why| (why, None))?;
        match self.declared.compare(now.as_ref()) {
            Comparison::Same => Ok(()),
            Comparison::Differs(_) => Err(self.declared.without_effect(now.as_ref())),
            Comparison::Waits(obstacle) | Comparison::Refused(obstacle) => Err((obstacle.to_string(), None)),
        }
    }
}

/// An answer that is none.
pub(super) fn unclear<T>(answer: &str) -> Fact<T> {
    Fact::Unread(format!("the host says: {}", answer.lines().next().unwrap_or("nothing")))
}
