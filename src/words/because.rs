//! Why a step is there.

use super::{cause::explanation, down::down};
use crate::{
    certificate::Flaw,
    plan::{Because, ReasonDocument, Worded},
};

/// A reason in words, without its place.
pub(crate) fn because(because: &Because) -> String {
    match because {
        Because::Declared => "declared".to_owned(),
        Because::Topology => "the topology".to_owned(),
        Because::Role { role } => format!("the role {role}"),
        Because::Variable { variable: name } | Because::Setting { setting: name } => name.clone(),
        Because::SettingNotDeclared { setting } => format!("{setting} is no longer wished"),
        Because::OptionsNotDeclared => "it has options that are no longer wished".to_owned(),
        Because::Writer => "clients shall write there".to_owned(),
        Because::EventsRest => "events run where clients write, and these rest as on a replica".to_owned(),
        Because::RecordedWriter => "it is the one host that is written to, and starts read-only".to_owned(),
        Because::WritesMeanwhile => "it takes the writes meanwhile, and starts read-only".to_owned(),
        Because::NotTheWriter => "it is not, or no longer, a writer that starts read-only".to_owned(),
        Because::Lost => "it is declared lost".to_owned(),
        Because::Returned => "a host that was lost counts once it was compared".to_owned(),
        Because::SecondWriter { writer } => format!("{writer} takes the writes, and is declared to alone"),
        Because::NoServer => "no database server is installed".to_owned(),
        Because::InstallationCutOff { package } => format!("the installation of {package} was cut off"),
        Because::ServerVersion => "its version".to_owned(),
        Because::ServerDown { cause: Some(Worded::Value(found)), .. } => {
            format!("the server is down: {}", down(found))
        }
        Because::ServerDown { cause: Some(Worded::Text(text)), .. } => format!("the server is down: {text}"),
        Because::ServerDown { cause: None, active, result, .. } => {
            format!("the server is down ({active}, {result})")
        }
        Because::NotAtBoot => "the server would not start at boot".to_owned(),
        Because::SameServerUuid { host, other } => {
            format!("{host} and {other} have the same server_uuid, as clones do")
        }
        Because::ChannelFault { explanation: Worded::Value(found), .. } => explanation(found),
        Because::ChannelFault { explanation: Worded::Text(text), .. } => text.clone(),
        Because::RelayLogChanges => {
            "relay_log changes, and with it the relay log's files: what was not executed is fetched again"
                .to_owned()
        }
        Because::Undeclared => "nobody declared it".to_owned(),
        Because::NoReplicaComesFromThere => "no replica that is declared comes from there".to_owned(),
        Because::OnlyHere { host } => format!("only {host} has them, and its binary logs start over"),
        Because::HoldsNothingOf { replica, source } => format!("{replica} holds nothing of {source}"),
        Because::HoldsNoData { replica, source } => format!("{replica} holds no data and {source} does"),
        Because::LoadedByHand => "its data was loaded by hand".to_owned(),
        Because::Reseed { replica, source } => {
            format!("{replica} shall hold what {source} does, and --allow reseed was given")
        }
        Because::CopyNotCompared => "a copy counts once it was compared".to_owned(),
        Because::CopyDiffers => {
            "the last comparison found differences; --allow reseed copies again".to_owned()
        }
        Because::CopyCutOff => "a copy was cut off, and they were kept for it".to_owned(),
        Because::CloneCutOff => "a clone was cut off, and the account was made for it".to_owned(),
        Because::NoDirectoryIncluded => {
            "the server's option files include no directory, and tandem keeps its settings in a file of its own".to_owned()
        }
        Because::NoCertificate => "it has no certificate".to_owned(),
        Because::AuthorityNotTrusted => "it does not trust the authority beside the inventory yet".to_owned(),
        Because::CertificateByAnother => {
            "its certificate is not by the authority beside the inventory".to_owned()
        }
        Because::OtherAuthoritiesNotNeeded => {
            "every certificate is by the authority beside the inventory now".to_owned()
        }
        Because::CertificateFlaw { flaw } => certificate(flaw),
    }
}

/// The reason as it is written: with the sentence of what is wrong.
pub(super) fn written(because: &Because) -> Because {
    match because {
        Because::ChannelFault { layer, cause, explanation: Worded::Value(found) } => Because::ChannelFault {
            layer: *layer,
            cause: cause.clone(),
            explanation: Worded::Text(explanation(found)),
        },
        Because::ServerDown { why, cause: Some(Worded::Value(found)), active, result } => {
            Because::ServerDown {
                why: why.clone(),
                cause: Some(Worded::Text(down(found))),
                active: active.clone(),
                result: result.clone(),
            }
        }
        other => other.clone(),
    }
}

/// Why a certificate will not do.
fn certificate(flaw: &Flaw) -> String {
    match flaw {
        Flaw::Missing => "it has no certificate".to_owned(),
        Flaw::OpenKey { key } => format!("its key can be read by others ({key})"),
        Flaw::Invalid => "its certificate is invalid".to_owned(),
        Flaw::OtherKey => "its key does not belong to its certificate".to_owned(),
        Flaw::WithoutName { name } => format!("its certificate does not have the name {name}"),
        Flaw::Ended => "its certificate has ended".to_owned(),
        Flaw::EndsSoon { days } => format!("its certificate ends within {days} days"),
    }
}

/// A reason with its place, where it has one.
pub(crate) fn reason(reason: &ReasonDocument) -> String {
    match &reason.place {
        Some(place) if reason.because == Because::Declared => place.to_string(),
        Some(place) => format!("{} ({place})", reason.text),
        None => reason.text.clone(),
    }
}
