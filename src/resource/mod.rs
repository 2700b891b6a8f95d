//! Kinds of resources that a role declares beside the database, each of them whole in one file: what a role may write,
//! what a host is asked, what differs, what is done about it, and the words for it. Pure; scripts are data here.
//!
//! A new kind is a file that implements [`Kind`], and a line in the table below.

mod kind;
mod spec;

pub(crate) use kind::{
    AnyChange, AnyResource, Comparison, Difference, Hindered, Kind, Outcome, Query, RoleFolder, Undo, Work,
};
pub(crate) use spec::{Shape, Wrong, scalar};

use std::{fmt, sync::LazyLock};

use serde_json::Value as Json;

/// The table: each kind with the file that it is in. Their order is that of a host's steps.
macro_rules! kinds {
    ($($kind:ident in $file:ident),* $(,)?) => {
        $(mod $file;)*

        /// The name of a kind.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum KindName {
            $(#[doc = concat!("See `resource/", stringify!($file), ".rs`.")] $kind),*
        }

        /// A declared resource of any kind.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Resource {
            $(#[doc = concat!("See `resource/", stringify!($file), ".rs`.")] $kind($file::$kind)),*
        }

        /// A difference of any kind, with all that its step has to know.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Change {
            $(#[doc = concat!("See `resource/", stringify!($file), ".rs`.")] $kind(Difference<$file::$kind>)),*
        }

        /// What stands in the way of a resource.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Obstacle {
            $(#[doc = concat!("See `resource/", stringify!($file), ".rs`.")] $kind(<$file::$kind as Kind>::Obstacle)),*
        }

        $(
            impl From<Difference<$file::$kind>> for Change {
                fn from(difference: Difference<$file::$kind>) -> Self {
                    Change::$kind(difference)
                }
            }

            impl From<Hindered<$file::$kind>> for Obstacle {
                fn from(hindered: Hindered<$file::$kind>) -> Self {
                    Obstacle::$kind(hindered.0)
                }
            }
        )*

        static SHAPES: LazyLock<Vec<Shape>> =
            LazyLock::new(|| vec![$(Shape::of::<<$file::$kind as Kind>::Spec>()),*]);

        impl KindName {
            /// Every kind, in the order of a host's steps.
            pub const ALL: &[KindName] = &[$(KindName::$kind),*];

            /// The key in a role.
            pub fn word(self) -> &'static str {
                match self { $(KindName::$kind => $file::$kind::WORD),* }
            }

            /// The key whose place stands for the resource; without one it is the whole body's.
            pub fn place(self) -> Option<&'static str> {
                match self { $(KindName::$kind => $file::$kind::PLACE),* }
            }

            /// The part of a step's name that says its kind.
            pub fn step(self) -> &'static str {
                match self { $(KindName::$kind => $file::$kind::STEP),* }
            }

            /// Kinds that come first where a host gets them, too.
            pub fn after(self) -> &'static [KindName] {
                match self { $(KindName::$kind => $file::$kind::AFTER),* }
            }

            /// Whether the database server is configured and started after it.
            pub fn before_server(self) -> bool {
                match self { $(KindName::$kind => $file::$kind::BEFORE_SERVER),* }
            }

            /// The part of the script that looks at such resources.
            pub fn look(self) -> &'static str {
                match self { $(KindName::$kind => $file::$kind::LOOK),* }
            }

            /// Reads the evaluated body of a resource.
            ///
            /// # Errors
            /// The first mistake in it.
            pub fn declare(self, body: &Json, role: &dyn RoleFolder) -> Result<Resource, Wrong> {
                match self {
                    $(KindName::$kind => $file::$kind::declare(spec::read(body)?, role).map(Resource::$kind)),*
                }
            }
        }

        impl Resource {
            /// The name of its kind.
            pub fn kind(&self) -> KindName {
                match self { $(Resource::$kind(_) => KindName::$kind),* }
            }

            /// What every resource can say.
            pub fn any(&self) -> &dyn AnyResource {
                match self { $(Resource::$kind(declared) => declared),* }
            }
        }

        impl Change {
            /// The name of its kind.
            pub fn kind(&self) -> KindName {
                match self { $(Change::$kind(_) => KindName::$kind),* }
            }

            /// What every difference can say.
            pub fn any(&self) -> &dyn AnyChange {
                match self { $(Change::$kind(difference) => difference),* }
            }
        }

        impl fmt::Display for Obstacle {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Obstacle::$kind(obstacle) => obstacle.fmt(f)),* }
            }
        }
    };
}

kinds! {
    Packages in packages,
    File in file,
    Service in service,
    Command in command,
    Sysctl in sysctl,
    Cron in cron,
}

pub(crate) use packages::{INSTALL, explain as explain_packages};

impl KindName {
    /// Whether such a step may bring up a server that could not be read before.
    pub fn may_bring_a_server(self) -> bool {
        matches!(self, KindName::Packages | KindName::Command)
    }

    /// What a role may write for it.
    pub fn shape(self) -> &'static Shape {
        &SHAPES[self as usize]
    }
}

/// Functions that scripts of kinds may call: `safe_place`, `put_file`. They run nothing.
pub(crate) const FUNCTIONS: &str = concat!(include_str!("../transport/safe.sh"), include_str!("put_file.sh"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_says_what_its_keys_are_for() {
        for kind in KindName::ALL {
            let shape = kind.shape();
            assert!(!shape.about.is_empty(), "{}", kind.word());
            for key in &shape.keys {
                let text = shape.schema["properties"][key]["description"].as_str().unwrap_or_default();
                assert!(!text.is_empty(), "{}.{key}", kind.word());
            }
            assert!(kind.place().is_none_or(|key| shape.keys.iter().any(|k| k == key)), "{}", kind.word());
        }
    }
}
