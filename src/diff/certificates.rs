//! Certificates for servers, and the authority that issues them.
//!
//! An authority is never replaced unasked. Where that was allowed, it happens in three rounds of one `apply`, so that at
//! no moment a replica meets a certificate that it does not trust: every host trusts the new authority beside the old
//! one; every server gets a certificate by the new one; every host trusts the new one alone.

use std::{collections::BTreeSet, path::Path};

use super::{Context, Draft};
use crate::{
    certificate::{self, AUTHORITY_DAYS, RENEW_DAYS, certificates, ends, judge, verdict},
    desired::{DesiredCertificates, DesiredHost},
    model::{Fact, HostName},
    observe::HostFacts,
    plan::{
        Action, AuthorityFinding, AuthorityPlan, AuthorityRefused, Because, CertificatePlan, HostWaits, Kind,
        Reason, Risk, State, Step, StepId, StepName,
    },
    resource::KindName,
};

const DAY: i64 = 86_400;

/// One authority beside the inventory, and what the hosts make of it.
struct Authority<'a> {
    wish: &'a DesiredCertificates,
    /// Its certificate, unless there is none, or another one takes its place.
    pem: Option<&'a str>,
    /// What becomes of it.
    plan: AuthorityPlan,
    /// Hosts that can have a certificate.
    hosts: Vec<(&'a DesiredHost, &'a HostFacts)>,
    /// Hosts that could not be read.
    unread: Vec<&'a HostName>,
    /// Other authorities that hosts trust, as PEM.
    others: BTreeSet<String>,
}

/// The authorities of a play, one for each directory.
pub(super) struct Authorities<'a> {
    all: Vec<Authority<'a>>,
    may_replace: bool,
}

impl<'a> Authorities<'a> {
    /// What the hosts of a play make of its authorities.
    pub(super) fn of(context: &Context<'a>) -> Self {
        let desired = context.desired;
        let members = || desired.members.iter().filter_map(|m| desired.hosts.get(m));
        let mut all: Vec<Authority<'a>> = Vec::new();
        for wish in members().filter_map(|h| h.certificates.as_ref()) {
            if all.iter().any(|a| a.wish.directory == wish.directory) {
                continue;
            }
            let same =
                |h: &&DesiredHost| h.certificates.as_ref().is_some_and(|w| w.directory == wish.directory);
            let mut authority = Authority {
                wish,
                pem: wish.authority.known().map(String::as_str),
                plan: AuthorityPlan::Make,
                hosts: Vec::new(),
                unread: Vec::new(),
                others: BTreeSet::new(),
            };
            for host in members().filter(same) {
                match context.observed.get(&host.name).and_then(Fact::known) {
                    Some(facts) if can_have_one(host, facts) => authority.hosts.push((host, facts)),
                    Some(_) => {}
                    None => authority.unread.push(&host.name),
                }
            }
            authority.decide(context.may_replace_authority);
            all.push(authority);
        }
        Self { all, may_replace: context.may_replace_authority }
    }

    fn for_host(&self, host: &DesiredHost) -> Option<&Authority<'a>> {
        let directory = &host.certificates.as_ref()?.directory;
        self.all.iter().find(|a| a.wish.directory == *directory)
    }

    /// Refuses what would replace an authority unasked, and tells when one ends.
    pub(super) fn check(&self, draft: &mut Draft) {
        for authority in &self.all {
            let Some((first, _)) = authority.hosts.first() else { continue };
            if let Fact::Unread(why) = &authority.wish.authority {
                let file = authority.wish.directory.join("ca.crt").display().to_string();
                draft.refuse(&first.name, AuthorityRefused::Unreadable { file, why: why.clone() });
                continue;
            }
            authority.tell_end(&first.name, draft);
            let replaced = authority.replaced();
            if replaced.is_empty() || self.may_replace {
                continue;
            }
            let why = AuthorityRefused::Another {
                hosts: replaced.iter().map(|name| (*name).clone()).collect(),
                directory: authority.wish.directory.display().to_string(),
                there: authority.pem.is_some(),
            };
            draft.refuse(replaced[0], why);
            draft.blocked.extend(replaced.into_iter().cloned());
        }
    }
}

/// Without a server, and without anything that could bring one, nobody can read a key.
fn can_have_one(host: &DesiredHost, facts: &HostFacts) -> bool {
    let packages = host.resources.iter().any(|declared| declared.resource.kind() == KindName::Packages);
    !(facts.server.is_absent() && host.server.is_none() && !packages)
}

impl<'a> Authority<'a> {
    /// Which authority is to be trusted, and which others are.
    fn decide(&mut self, may_replace: bool) {
        if let Some(pem) = self.pem {
            let clock = self.clock();
            let near = ends(pem).is_some_and(|end| end - clock < AUTHORITY_DAYS * DAY);
            self.plan = match near && may_replace && clock > 0 {
                true => AuthorityPlan::Replace(pem.to_owned()),
                false => AuthorityPlan::Keep(pem.to_owned()),
            };
        }
        if !matches!(self.plan, AuthorityPlan::Keep(_)) {
            self.pem = None;
        }
        let ours = self.pem.map(certificates).unwrap_or_default();
        let trusted = self.hosts.iter().flat_map(|(_, facts)| certificates(&facts.certificate.authority));
        self.others = trusted.filter(|one| !ours.contains(one)).collect();
    }

    /// The latest time that a host tells.
    fn clock(&self) -> i64 {
        self.hosts.iter().map(|(_, facts)| facts.os.clock as i64).max().unwrap_or(0)
    }

    /// Whether a host has nothing yet, so that nothing of it is replaced.
    fn is_fresh(facts: &HostFacts) -> bool {
        certificates(&facts.certificate.authority).is_empty()
    }

    fn trusted_by(&self, facts: &HostFacts) -> bool {
        self.pem.is_some_and(|pem| verdict(&facts.certificate, pem).trusts)
    }

    fn issued(&self, facts: &HostFacts) -> bool {
        self.pem.is_some_and(|pem| verdict(&facts.certificate, pem).by)
    }

    /// Whether a host has moved to ours.
    fn is_ours(&self, facts: &HostFacts) -> bool {
        self.trusted_by(facts) && self.issued(facts)
    }

    /// Hosts that trust another authority than ours, or have a certificate by one.
    fn replaced(&self) -> Vec<&'a HostName> {
        let other = |facts: &HostFacts| !Self::is_fresh(facts) && !self.is_ours(facts);
        let hosts = self.hosts.iter().filter(|(_, facts)| other(facts));
        match self.others.is_empty() {
            true => Vec::new(),
            false => hosts.map(|(host, _)| &host.name).collect(),
        }
    }

    /// Whether each host that has a certificate can verify one by ours.
    fn all_trust(&self) -> bool {
        self.unread.is_empty()
            && self.hosts.iter().all(|(_, facts)| Self::is_fresh(facts) || self.trusted_by(facts))
    }

    /// Whether nobody needs the others any more.
    fn all_moved(&self) -> bool {
        self.unread.is_empty() && self.hosts.iter().all(|(_, facts)| self.issued(facts))
    }

    fn tell_end(&self, host: &HostName, draft: &mut Draft) {
        let Some(end) = self.pem.and_then(ends) else { return };
        let days = (end - self.clock()).div_euclid(DAY);
        if self.clock() == 0 || days >= AUTHORITY_DAYS {
            return;
        }
        let directory = self.wish.directory.display().to_string();
        let what = match days {
            ..RENEW_DAYS => AuthorityFinding::EndsSoon { directory, end, ended: days < 0 },
            _ => AuthorityFinding::Ends { directory, end },
        };
        draft.warn(host, what);
    }
}

/// What is to be done on one host.
enum Task {
    /// It trusts these, and keeps its certificate.
    Trust(Because),
    /// It gets a certificate.
    Issue(Because),
}

/// Adds the step that gives a host its certificate, or lets it trust the authority.
pub(super) fn steps(authorities: &Authorities<'_>, host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    let (Some(wish), Some(authority)) = (&host.certificates, authorities.for_host(host)) else { return };
    if !can_have_one(host, facts) || matches!(wish.authority, Fact::Unread(_)) {
        return;
    }
    if !authority.replaced().is_empty() && !authorities.may_replace {
        return;
    }
    let names = names(host);
    let Some(task) = task(authority, host, facts, &names, draft) else { return };
    let (why, issue) = match task {
        Task::Trust(why) => (why, false),
        Task::Issue(why) => (why, true),
    };
    let ended = authority.pem.and_then(ends).is_some_and(|end| end <= facts.os.clock as i64);
    if issue && ended {
        let directory = wish.directory.display().to_string();
        return draft.refuse(&host.name, AuthorityRefused::Ended { due: why, directory });
    }
    if issue && authority.pem.is_some() && !wish.can_issue {
        let key = wish.directory.join("ca.key").display().to_string();
        return draft.refuse(&host.name, AuthorityRefused::KeyMissing { due: why, key });
    }
    draft.steps.push(step(authority, host, facts, (why, issue), names));
}

/// What a host needs next. What waits for other hosts is noted.
fn task(
    authority: &Authority<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    names: &[String],
    draft: &mut Draft,
) -> Option<Task> {
    if Authority::is_fresh(facts) {
        return Some(Task::Issue(Because::NoCertificate));
    }
    if !authority.trusted_by(facts) {
        return Some(match authority.others.is_empty() {
            true => Task::Issue(Because::NoCertificate),
            false => Task::Trust(Because::AuthorityNotTrusted),
        });
    }
    if !authority.issued(facts) {
        if authority.others.is_empty() || authority.all_trust() {
            return Some(Task::Issue(Because::CertificateByAnother));
        }
        let unread = authority.unread.iter().map(|name| (*name).clone()).collect();
        draft.wait(&host.name, HostWaits::Trust { unread });
        return None;
    }
    if let Some(flaw) = judge(&facts.certificate, authority.pem?, names, facts.os.clock) {
        return Some(Task::Issue(Because::CertificateFlaw { flaw }));
    }
    let trusts_more =
        certificates(&facts.certificate.authority).iter().any(|one| authority.others.contains(one));
    (trusts_more && authority.all_moved()).then_some(Task::Trust(Because::OtherAuthoritiesNotNeeded))
}

fn step(
    authority: &Authority<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    (why, issue): (Because, bool),
    names: Vec<String>,
) -> Step {
    let others: Vec<String> = match authority.all_moved() {
        true => Vec::new(),
        false => authority.others.iter().cloned().collect(),
    };
    let after = match issue {
        true => State::Certificate { names: names.clone(), days: certificate::VALID_DAYS },
        false => {
            State::Trusts { directory: authority.wish.directory.display().to_string(), others: others.len() }
        }
    };
    let replaces = !Authority::is_fresh(facts) && !authority.is_ours(facts);
    Step {
        id: StepId::of(&host.name, StepName::Certificate),
        host: host.name.clone(),
        kind: Kind::File,
        reason: vec![Reason::declared(why.clone(), &authority.wish.place)],
        before: (!facts.certificate.is_nothing()).then(|| State::CertificateDue { why: Box::new(why) }),
        after: Some(after),
        risk: if replaces && !others.is_empty() { vec![Risk::NewAuthority] } else { Vec::new() },
        requires: Vec::new(),
        action: Action::Certificate(CertificatePlan {
            directory: Path::new(&authority.wish.directory).to_path_buf(),
            names,
            reload: facts
                .server
                .known()
                .is_some_and(|s| s.variable("ssl_cert") == Some(certificate::CERTIFICATE)),
            issue,
            authority: authority.plan.clone(),
            others,
        }),
    }
}

/// The names at which replicas may know a server.
fn names(host: &DesiredHost) -> Vec<String> {
    let mut names = vec![host.name.to_string()];
    if !names.contains(&host.endpoint.address) {
        names.push(host.endpoint.address.clone());
    }
    names
}
