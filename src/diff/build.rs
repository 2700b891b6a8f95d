//! From a play's wishes and a fleet's facts to a plan. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Context, compare,
    keep::keep_what_is_needed,
    lost,
    second_writer::close_others,
    writers::{check_other, writers},
};
use crate::{
    certificate,
    desired::{Built, DeclaredResource, Desired, DesiredChannel, DesiredHost, Tls},
    dialect::Dialect,
    model::{Endpoint, Fact, HostName, Secret, SecretId},
    observe::Observed,
    plan::{
        Action, Allow, ChannelRefused, DataRefused, HostWaits, Plan, Policy, Refusal, Refused, Step, Waiting,
        in_order, link,
    },
    resource::Resource,
};

/// Makes the plan for one play.
///
/// What the policy does not allow is planned all the same and refused later, but for one thing: a copy
/// over data that exists on one host only is not even planned.
pub fn build(
    built: &Built,
    observed: &Observed,
    secrets: &BTreeMap<SecretId, Secret>,
    policy: &Policy,
) -> Plan {
    let may = |what: Allow| policy.allow.contains(&what);
    let context = Context {
        desired: &built.desired,
        observed,
        secrets,
        may_reseed: may(Allow::Reseed),
        may_discard: may(Allow::DiscardErrant),
        may_drop_accounts: may(Allow::DropAccount),
        may_drop_channels: may(Allow::DropChannel),
        may_replace_authority: may(Allow::NewAuthority),
        turned: built.turned.as_ref(),
        returned: &built.returned,
        fence: policy.fence.as_deref(),
        takes_over: policy.takes_over.as_ref(),
    };
    let mut plan = Plan { writers: writers(&built.desired, observed), ..Plan::default() };
    plan.writers.extend(lost::open(&context));
    let mut blocked = blocked(&context, &mut plan);
    let draft = compare(&context);
    blocked.extend(draft.blocked);
    plan.waiting.extend(draft.waiting);
    plan.refused.extend(draft.refused);
    plan.warnings = draft.warnings;
    for host in &built.without_id {
        if observed.get(host).is_some_and(|f| f.known().is_some()) {
            plan.waiting.push(Waiting { host: host.clone(), why: HostWaits::ServerId.into() });
        }
    }
    let kept_still = after_takeover(&draft.steps, &mut plan);
    blocked.extend(kept_still);
    // A host whose wish was refused keeps still altogether: half a change is worse than none.
    blocked.extend(plan.refused.iter().map(|r| r.host.clone()));
    with_partners(&draft.steps, &mut blocked, &mut plan);
    let mut steps: Vec<_> = draft.steps.into_iter().filter(|s| !held(s, &blocked, built)).collect();
    keep_what_is_needed(&context, &mut steps, &mut plan);
    link(&mut steps, &built.edges.restart_order());
    match in_order(steps) {
        Ok(steps) => plan.steps = steps,
        Err(circle) => {
            plan.refused.extend(circle.first().map(|first| Refusal {
                host: first.host.clone(),
                why: Refused::Circle { steps: circle.len() },
            }));
        }
    }
    close_others(&context, &mut plan);
    check_other(&context, &mut plan);
    let order = |host: &HostName| built.desired.members.iter().position(|m| m == host);
    plan.waiting.sort_by_key(|waiting| (order(&waiting.host), waiting.why.code()));
    once_each(&mut plan.waiting);
    plan.refused.sort_by_key(|refusal| (order(&refusal.host), refusal.why.code()));
    once_each(&mut plan.refused);
    plan
}

/// Nobody takes over from one that keeps still, nor does anybody stop for one that does.
fn with_partners(steps: &[Step], blocked: &mut Vec<HostName>, plan: &mut Plan) {
    for step in steps {
        let closing = match &step.action {
            Action::CatchUp { closing, .. } => closing.as_slice(),
            Action::Switchover(plan) => std::slice::from_ref(&plan.from),
            _ => continue,
        };
        let together: Vec<&HostName> = closing.iter().chain([&step.host]).collect();
        let Some(keeps) = together.iter().find(|host| blocked.contains(**host)).map(|host| (*host).clone())
        else {
            continue;
        };
        for host in together.into_iter().filter(|host| !blocked.contains(*host)) {
            let why = HostWaits::Partner { keeps: keeps.clone() }.into();
            plan.waiting.push(Waiting { host: host.clone(), why });
        }
        blocked.extend(closing.iter().chain([&step.host]).cloned());
    }
}

/// Whether a step is left out. A server without an id can still be installed and started: that is how its id gets known.
/// What keeps it down may be its certificate.
fn held(step: &Step, blocked: &[HostName], built: &Built) -> bool {
    let starts = matches!(
        step.action,
        Action::StartService { .. } | Action::InstallServer { .. } | Action::Certificate(_)
    );
    blocked.contains(&step.host) || (built.without_id.contains(&step.host) && !starts)
}

/// Where a replica takes the writes of a lost host, what is refused on the others does not keep the writes waiting: it waits
/// itself. Says who keeps still for that.
fn after_takeover(steps: &[Step], plan: &mut Plan) -> Vec<HostName> {
    let mut takeovers = steps.iter().filter(|step| matches!(step.action, Action::Failover(_)));
    let Some(writer) = takeovers.next().map(|step| step.host.clone()) else { return Vec::new() };
    if plan.refused.iter().any(|refusal| refusal.host == writer) {
        return Vec::new();
    }
    let mut still = Vec::new();
    for Refusal { host, why } in plan.refused.drain(..) {
        still.push(host.clone());
        let why = HostWaits::AfterTakeover { writer: writer.clone(), refused: Box::new(why) };
        plan.waiting.push(Waiting { host, why: why.into() });
    }
    still
}

/// Leaves the first of what is the same: both ends of an edge may find it.
pub(super) fn once_each<T: PartialEq + Clone>(list: &mut Vec<T>) {
    let mut seen: Vec<T> = Vec::new();
    list.retain(|one| {
        let new = !seen.contains(one);
        seen.extend(new.then(|| one.clone()));
        new
    });
}

/// Replicas whose own data a step of this plan would replace, or for whose data's sake something is
/// refused, each with its source: what they hold is worth a closer look, and then another plan.
pub(crate) fn copies_to_inspect(plan: &Plan, desired: &Desired) -> Vec<(HostName, HostName)> {
    let by_data = |refusal: &&Refusal| {
        matches!(&refusal.why, Refused::Data(DataRefused::OnBoth { .. } | DataRefused::OnReplicaOnly { .. }))
    };
    let refused = plan.refused.iter().filter(by_data).map(|r| &r.host);
    let replaced = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Seed(seed) if !seed.replaces.is_empty() => Some(&step.host),
        _ => None,
    });
    let hosts: std::collections::BTreeSet<&HostName> = refused.chain(replaced).collect();
    let sources = |host: &HostName| -> Vec<HostName> {
        let Some(wish) = desired.hosts.get(host) else { return Vec::new() };
        match wish.seeds.is_empty() {
            false => wish.seeds.iter().map(|s| s.from.clone()).collect(),
            true => wish.channels.first().map(|c| c.source.clone()).into_iter().collect(),
        }
    };
    hosts.into_iter().flat_map(|host| sources(host).into_iter().map(|s| (host.clone(), s))).collect()
}

/// The hosts between which this plan switches writes: who may write on them past `read_only` is worth a look, and then
/// another plan.
pub(crate) fn switching(plan: &Plan) -> BTreeSet<HostName> {
    let sides = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Switchover(switch) => Some(vec![switch.from.clone(), step.host.clone()]),
        Action::Failover(_) => Some(vec![step.host.clone()]),
        _ => None,
    });
    sides.flatten().collect()
}

/// Channels whose far end this plan would change: the replica, the declared source, and where that shall be. Who is
/// there is worth a look, and then another plan.
pub(crate) fn changing_ends(plan: &Plan, observed: &Observed) -> Vec<(HostName, HostName, Endpoint)> {
    let changing = plan.steps.iter().filter_map(|step| {
        let Action::Channel(change) = &step.action else { return None };
        let facts = observed.get(&step.host).and_then(Fact::known)?;
        let channels = facts.server.known()?.channels.known()?;
        let now = channels.iter().find(|channel| channel.name == change.wish.name)?;
        let end = &change.wish.endpoint;
        let same = now.source_host == end.address && now.source_port == end.port;
        (!same).then(|| (step.host.clone(), change.wish.source.clone(), end.clone()))
    });
    changing.collect()
}

/// Edges that can't have the password that is wished, and edges that can't be encrypted as wished.
fn blocked(context: &Context<'_>, plan: &mut Plan) -> Vec<HostName> {
    let mut blocked = Vec::new();
    for name in &context.desired.members {
        let Some(host) = context.desired.hosts.get(name) else { continue };
        let server = context.observed.get(name).and_then(Fact::known).and_then(|f| f.server.known());
        for channel in &host.channels {
            let longest = server.map(|s| Dialect::of(s.version).longest_channel_password());
            let password = context.secrets.get(&channel.password);
            if let (Some(longest), Some(password)) = (longest, password)
                && password.expose().len() > longest
            {
                let (source, place) = (channel.source.clone(), channel.password_place.clone());
                let why = ChannelRefused::PasswordTooLong { source, longest, place };
                plan.refused.push(Refusal { host: name.clone(), why: why.into() });
                blocked.extend([name.clone(), channel.source.clone()]);
            }
            if let Some(why) = unverifiable(context, host, channel) {
                plan.refused.push(Refusal { host: name.clone(), why: why.into() });
            }
        }
    }
    let uncertified =
        encrypting(context).into_iter().filter_map(|host| Some((host, uncertified(context, host)?)));
    let refusal = |(host, why): (&HostName, ChannelRefused)| Refusal { host: host.clone(), why: why.into() };
    plan.refused.extend(uncertified.map(refusal));
    blocked
}

/// The servers to which somebody logs in over TLS: replicas to their sources, and the recorded writer to the others.
fn encrypting<'a>(context: &Context<'a>) -> BTreeSet<&'a HostName> {
    let mut found = BTreeSet::new();
    let members = || context.desired.members.iter().filter_map(|name| context.desired.hosts.get(name));
    for host in members() {
        let encrypted = host.channels.iter().filter(|channel| channel.tls != Tls::Off);
        found.extend(encrypted.map(|channel| &channel.source));
        if host.role_unit.as_ref().is_some_and(|unit| unit.tls != Tls::Off) {
            let asked = members().filter(|other| other.name != host.name);
            let asked = asked.filter(|other| other.declared_closed() == Some(true));
            found.extend(asked.map(|other| &other.name));
        }
    }
    found
}

/// Why a server could not encrypt what comes in.
fn uncertified(context: &Context<'_>, host: &HostName) -> Option<ChannelRefused> {
    let server = context.server(host)?;
    let wish = context.desired.hosts.get(host);
    let issued = wish.is_some_and(|host| host.certificates.is_some());
    let settings = wish.and_then(|host| host.settings.as_ref());
    let names = |name: &str| {
        let mut wishes = settings.into_iter().flatten();
        wishes.any(|wish| wish.name == name && wish.values.last().is_some_and(|file| !file.is_empty()))
    };
    let gets_one = settings.is_some() && (issued || names("ssl_cert") && names("ssl_key"));
    let has_one = Dialect::of(server.version).offers_tls(&server.variables);
    (!has_one && !gets_one).then_some(ChannelRefused::NoCertificate { issued })
}

/// Why a replica could not verify its source: the authority's file is not there, and nothing that is declared brings it.
fn unverifiable(
    context: &Context<'_>,
    host: &DesiredHost,
    channel: &DesiredChannel,
) -> Option<ChannelRefused> {
    let file = channel.tls_authority();
    let facts = context.observed.get(&host.name).and_then(Fact::known)?;
    let issued = host.certificates.is_some() && file == certificate::CA;
    let brings = |declared: &DeclaredResource| match &declared.resource {
        Resource::File(wish) => wish.path == file,
        Resource::Packages(_) | Resource::Command(_) => true,
        _ => false,
    };
    let missing = facts.os.root && facts.resources.has_file(file) == Fact::Known(false);
    (missing && !file.is_empty() && !issued && !host.resources.iter().any(brings))
        .then(|| ChannelRefused::NoAuthority { file: file.to_owned() })
}
