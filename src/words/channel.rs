//! Channels, and the accounts that they log in as.

use super::{cause::explanation, few};
use crate::{
    model::{HostName, ServerVersion, visible},
    plan::{ChannelRefused, OldTls},
};

/// Why a channel of a host is not made or changed, and what to do.
pub(super) fn refused(host: &HostName, why: &ChannelRefused) -> String {
    match why {
        ChannelRefused::Broken { source, fault, or_copy, start } => {
            let when = if fault.heals() { "Start" } else { "Once that is mended, start" };
            let start = start.as_ref().map(|start| format!(" {when} it on {host}: {start}."));
            let or = if *or_copy { or_copy_again(host) } else { String::new() };
            format!("replication from {source}: {}{}{or}", explanation(fault), start.unwrap_or_default())
        }
        ChannelRefused::Filter => {
            "filters of a single channel came with MySQL 8.0.1; filter the whole server.".to_owned()
        }
        ChannelRefused::GtidModeOff { place } => format!(
            "gtid_mode shall be OFF ({place}), and the channels of {host} shall begin by GTID. Set it to ON, or say \
             `replication_positioning: file` too. Nothing was changed."
        ),
        ChannelRefused::PlaceLost { source, statement } => format!(
            "the channel of {host} does not know any more where it stands in the binary log of {source}, as after a CHANGE MASTER TO by \
             hand that names a host and no place. Its server's error log has the one before (`Previous state`). Give it back by SQL: \
             {statement}. Then apply again. Nothing was changed."
        ),
        ChannelRefused::OneChannel { version, channels, named } => {
            one_channel(*version, *channels, named.as_deref())
        }
        ChannelRefused::GtidModeOffline { version, place } => format!(
            "{version} changes gtid_mode ({place}) with a restart only, and servers of two modes do not replicate from each other: \
             every channel would break on the way. Keep the channels as they are: `replication_positioning: file`."
        ),
        ChannelRefused::OldTls { version, why } => old_tls(host, *version, *why),
        ChannelRefused::DelayedTakeover { .. }
        | ChannelRefused::WritersNotOne { .. }
        | ChannelRefused::ApplierStopped { .. }
        | ChannelRefused::TargetBroken { .. }
        | ChannelRefused::TargetBehind { .. } => cannot_take_writes(host, why),
        ChannelRefused::XaPrepared { on, names } => prepared(host, on, names),
        ChannelRefused::OtherParameters { from, values } => other_parameters(host, from, values),
        ChannelRefused::PasswordTooLong { source, longest, place } => format!(
            "the password of the channel from {source} is longer than the {longest} bytes that this server keeps \
             ({place}). Choose a shorter one."
        ),
        ChannelRefused::NoCertificate { issued } => no_certificate(host, *issued),
        ChannelRefused::NoAuthority { file } => no_authority(host, file),
        ChannelRefused::AccountForAName { user, at } => format!(
            "skip_name_resolve is on at {host}: its server knows clients by their addresses only, and the account \
             {user}@{at} is for a name. Set replication_address to an address. Nothing was changed."
        ),
        ChannelRefused::NoAccount { source, user } => format!(
            "{source} has no account {user} by which {host} could replicate from it, and no role makes one: add the \
             role accounts, or make it there. Nothing was changed."
        ),
        ChannelRefused::AccountUnfit { source, user, at, why } => format!(
            "the account {user}@{at} of {source}, by which {host} would replicate from it, {why}, and no role corrects \
             it: add the role accounts, or correct it there. Nothing was changed."
        ),
    }
}

fn or_copy_again(host: &HostName) -> String {
    format!(" Or copy {host} anew with --allow reseed; its own data is kept in a file there.")
}

/// Why a host does not take the writes of another one.
fn cannot_take_writes(host: &HostName, why: &ChannelRefused) -> String {
    match why {
        ChannelRefused::DelayedTakeover { slow, delay, ending } => format!(
            "clients shall write here, and the channel of {slow} is delayed by {delay} s: writes would wait for as \
             long. End the delay there by SQL first: {}. Then run the same command again. Nothing was changed.",
            ending.join("; ")
        ),
        ChannelRefused::WritersNotOne { writers, open_at } => {
            let writers: Vec<&str> = writers.iter().map(HostName::as_str).collect();
            let places: Vec<String> = open_at.iter().map(ToString::to_string).collect();
            let first = match places.len() {
                0 => String::new(),
                1 => format!(" {} declares that they stay open: take that line out.", places[0]),
                _ => format!(" {} declare that they stay open: take these lines out.", few(&places)),
            };
            format!(
                "{host} can't take the writes of one host: {} all accept writes now.{first} Find out which of them clients \
                 write to, and run `SET GLOBAL read_only = ON` on the others. Nothing was changed.",
                writers.join(" and ")
            )
        }
        ChannelRefused::ApplierStopped { slow, ending } => format!(
            "{host} can't take the writes yet: {slow} has received what it has not executed, and its applier is stopped. Let it \
             execute that first: {}. Then run the same command again. Nothing was changed.",
            ending.join("; ")
        ),
        ChannelRefused::TargetBroken { slow, source, fault } => format!(
            "{host} can't take the writes: {slow} does not replicate from {source}: {} Nothing was changed.",
            explanation(fault)
        ),
        ChannelRefused::TargetBehind { slow, source, behind } => format!(
            "{host} can't take the writes yet: {slow} is {behind} s behind {source}. Wait until it has caught up, as \
             `tandem status --watch` shows, then apply again. Nothing was changed."
        ),
        other => refused(host, other),
    }
}

fn old_tls(host: &HostName, version: ServerVersion, why: OldTls) -> String {
    match why {
        OldTls::Certificate => format!(
            "{version} can't load the certificates that the role tls issues (elliptic curves), and would go on without TLS. Leave \
             that role out and give the server a certificate with an RSA key of your own (mysql_settings: ssl_ca, ssl_cert, \
             ssl_key; the key as PKCS#1), or say `replication_tls: off`."
        ),
        OldTls::NoAuthority => format!(
            "{version} encrypts a channel only where an authority is named; without one it replicates in clear text, whatever was \
             asked. Say `replication_tls: verify_ca` and name the authority's file on {host} (`replication_tls_ca`), or say \
             `replication_tls: off`."
        ),
    }
}

fn no_certificate(host: &HostName, issued: bool) -> String {
    match issued {
        true => format!(
            "replication_tls asks {host} for encryption, its server has no certificate, and no role tells the server \
             of the one that it would get. Use the role config too, or say replication_tls: off."
        ),
        false => format!(
            "replication_tls asks {host} for encryption, and its server has no certificate. Use the role tls, give it \
             one (mysql_settings: ssl_cert, ssl_key), or say replication_tls: off."
        ),
    }
}

fn no_authority(host: &HostName, file: &str) -> String {
    format!(
        "replication_tls asks {host} to verify its source, and the authority's file {} is not there: the channel would \
         stop at its next connection. Use the role tls, or put the file there (replication_tls_ca names it). Nothing was \
         changed.",
        visible(file)
    )
}

fn one_channel(version: ServerVersion, channels: usize, named: Option<&str>) -> String {
    let what = match named {
        Some(name) if channels == 1 => format!("the channel is named `{}`", visible(name)),
        _ => format!("{channels} channels are declared"),
    };
    format!(
        "{version} has one channel, without a name, and {what}: the last one would take the place of all others. Declare one \
         source for this host, or use MySQL 5.7 or later there. Nothing was changed."
    )
}

fn prepared(host: &HostName, on: &HostName, names: &[String]) -> String {
    let all = match names.len() {
        1 => "1 transaction is".to_owned(),
        more => format!("each of {more} transactions is"),
    };
    let list: Vec<String> = names.iter().map(|name| visible(name)).collect();
    format!(
        "{host} can't take the writes yet: {all} prepared by XA on {on} and waits for its end there: {}. Commit it or roll it \
         back (XA RECOVER lists it), then apply again. Nothing was changed.",
        list.join(", ")
    )
}

fn other_parameters(host: &HostName, from: &HostName, values: &[(String, String, String)]) -> String {
    let one = |(name, old, new): &(String, String, String)| {
        format!("{name} is `{}` on {from} and `{}` on {host}", visible(old), visible(new))
    };
    let list: Vec<String> = values.iter().map(one).collect();
    format!(
        "{host} can't take the writes: clients would get other results there. {}. Declare the same value for both \
         (mysql_settings), or set it there by SQL. Nothing was changed.",
        list.join("; ")
    )
}
