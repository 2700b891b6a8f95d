//! Why a step is there. Values; `render` has the words.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    certificate::Flaw,
    doctor::{Explanation, Layer, WhyDown},
    model::{HostName, Place},
};

/// Why a step is there, and where that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Why.
    pub because: Because,
    /// Where it is declared, if it is declared somewhere.
    pub place: Option<Place>,
}

impl Reason {
    /// A reason that follows from other steps or from what was observed.
    pub fn because(because: Because) -> Self {
        Self { because, place: None }
    }

    /// A reason that stands in a file.
    pub fn declared(because: Because, place: &Place) -> Self {
        Self { because, place: Some(place.clone()) }
    }
}

/// What is wrong with something: the value in a plan, and its sentence in a plan that is written or was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Worded<T> {
    /// What it is.
    Value(Box<T>),
    /// Its sentence.
    Text(String),
}

/// A plan is put in words before it is written, and the sentence is all that is kept of the value there.
impl<T> Serialize for Worded<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Worded::Value(_) => serializer.serialize_str(""),
            Worded::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de, T> Deserialize<'de> for Worded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Worded::Text)
    }
}

/// Why a step is there. The tag is its code, stable from version to version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Because {
    /// It is declared as it stands there.
    Declared,
    /// The topology asks for it.
    Topology,
    /// A role asks for it.
    Role {
        /// The role.
        role: String,
    },
    /// It is the one host that is written to, and comes up read-only.
    RecordedWriter,
    /// It takes the writes while the one that is declared to is restarted.
    WritesMeanwhile,
    /// Another host is the one that is written to, or the host comes up as it was.
    NotTheWriter,
    /// A variable of the inventory asks for it.
    Variable {
        /// The variable.
        variable: String,
    },
    /// A variable of the server is declared.
    Setting {
        /// The variable.
        setting: String,
    },
    /// A variable of the server was declared, and is no longer.
    SettingNotDeclared {
        /// The variable.
        setting: String,
    },
    /// The option file has options that nobody declares any more.
    OptionsNotDeclared,
    /// Clients are to write to the host.
    Writer,
    /// Events run where clients write.
    EventsRest,
    /// The host is declared lost.
    Lost,
    /// The host was lost, and comes back.
    Returned,
    /// Another one is declared to take the writes, alone, and does.
    SecondWriter {
        /// That one.
        writer: HostName,
    },
    /// No database server is installed.
    NoServer,
    /// The installation of the server was cut off.
    InstallationCutOff {
        /// The package.
        package: String,
    },
    /// The server's version is declared.
    ServerVersion,
    /// The server is down.
    ServerDown {
        /// The code of the cause, where one is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// The cause by its logs, where they tell one.
        #[schemars(with = "Option<String>")]
        cause: Option<Worded<WhyDown>>,
        /// `ActiveState` of the unit.
        active: String,
        /// `Result` of the unit.
        result: String,
    },
    /// The server does not start at boot.
    NotAtBoot,
    /// Another server has the same `server_uuid`.
    SameServerUuid {
        /// The host that gets one of its own.
        host: HostName,
        /// The host that keeps it.
        other: HostName,
    },
    /// Something is wrong with a channel.
    #[serde(rename = "channel-trouble")]
    ChannelFault {
        /// The layer that fails.
        layer: Layer,
        /// The code of its cause.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
        /// What it means, what to do, and what the server says.
        #[schemars(with = "String")]
        explanation: Worded<Explanation>,
    },
    /// `relay_log` changes, and with it the files of the relay log.
    RelayLogChanges,
    /// Nobody declared it.
    Undeclared,
    /// No declared replica comes from there.
    NoReplicaComesFromThere,
    /// The replica holds nothing of the source, beside what it has of others.
    HoldsNothingOf {
        /// The replica.
        replica: HostName,
        /// The source.
        source: HostName,
    },
    /// The replica holds no data, and the source does.
    HoldsNoData {
        /// The replica.
        replica: HostName,
        /// The source.
        source: HostName,
    },
    /// The replica is to hold the source's data, and that its own is replaced was allowed.
    Reseed {
        /// The replica.
        replica: HostName,
        /// The source.
        source: HostName,
    },
    /// The data was loaded by hand, and it is declared where it stands.
    LoadedByHand,
    /// Only this host has them.
    OnlyHere {
        /// The host.
        host: HostName,
    },
    /// A copy counts once it was compared.
    CopyNotCompared,
    /// The last comparison of the copy found differences.
    CopyDiffers,
    /// A copy was cut off, for which the source keeps its binary logs.
    CopyCutOff,
    /// A clone was cut off, for which the account was made.
    CloneCutOff,
    /// It has no certificate.
    NoCertificate,
    /// The server's option files include no directory in which a file of tandem's would count.
    NoDirectoryIncluded,
    /// It does not trust the authority beside the inventory yet.
    AuthorityNotTrusted,
    /// Its certificate is by another authority than the one beside the inventory.
    CertificateByAnother,
    /// Every certificate is by the authority beside the inventory now.
    OtherAuthoritiesNotNeeded,
    /// Its certificate will not do.
    CertificateFlaw {
        /// Why.
        flaw: Flaw,
    },
}

impl Because {
    /// Something is wrong with a channel.
    pub(crate) fn fault(found: &Explanation) -> Self {
        Because::ChannelFault {
            layer: found.layer,
            cause: Some(found.cause.code().to_owned()),
            explanation: Worded::Value(Box::new(found.clone())),
        }
    }

    /// The same without its sentence: how something is worded, and a server's own words in it, are no reason.
    pub(super) fn lasting(&self) -> Self {
        match self {
            Because::ChannelFault { layer, cause, .. } => Because::ChannelFault {
                layer: *layer,
                cause: cause.clone(),
                explanation: Worded::Text(String::new()),
            },
            Because::ServerDown { why, cause, active, result } => Because::ServerDown {
                why: why.clone(),
                cause: cause.as_ref().map(|_| Worded::Text(String::new())),
                active: active.clone(),
                result: result.clone(),
            },
            other => other.clone(),
        }
    }

    /// The server of a host is down.
    pub(crate) fn down(found: Option<WhyDown>, active: &str, result: &str) -> Self {
        Because::ServerDown {
            why: found.as_ref().and_then(WhyDown::code).map(str::to_owned),
            cause: found.map(|found| Worded::Value(Box::new(found))),
            active: active.to_owned(),
            result: result.to_owned(),
        }
    }

    /// Its code, stable from version to version.
    pub fn code(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value["code"].as_str().unwrap_or_default().to_owned()
    }
}
