//! Certificates for servers.

use super::Draft;
use crate::{
    certificate::{self, judge},
    desired::DesiredHost,
    model::Fact,
    observe::HostFacts,
    plan::{Action, CertificatePlan, Kind, Reason, Step, StepId},
};

/// Adds the step that gives a host its certificate.
pub fn steps(host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    let Some(wish) = &host.certificates else { return };
    // Without a server, and without anything that could bring one, nobody can read its key.
    if facts.server.is_absent() && host.server.is_none() && host.packages.is_empty() {
        return;
    }
    if let Fact::Unread(why) = &wish.authority {
        draft.refuse(
            &host.name,
            "authority-unreadable",
            format!("the fleet's own authority can't be read: {why}"),
        );
        return;
    }
    let names = names(host);
    let authority = wish.authority.known().map(String::as_str);
    let Some(why) = judge(&facts.certificate, authority, &names, facts.os.clock) else { return };
    let nothing = facts.certificate == certificate::CertificateFacts::default();
    draft.steps.push(Step {
        id: StepId(format!("{}/certificate", host.name)),
        host: host.name.clone(),
        kind: Kind::File,
        summary: format!("give it a certificate by the authority in {}", wish.directory.display()),
        reason: vec![Reason::declared(why.clone(), &wish.place)],
        before: (!nothing).then_some(why),
        after: Some(format!(
            "certificate for {}, good for {} days",
            names.join(", "),
            certificate::VALID_DAYS
        )),
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::Certificate(CertificatePlan {
            directory: wish.directory.clone(),
            names,
            reload: facts
                .server
                .known()
                .is_some_and(|s| s.variable("ssl_cert") == Some(certificate::CERTIFICATE)),
        }),
    });
}

/// The names at which replicas may know a server.
fn names(host: &DesiredHost) -> Vec<String> {
    let mut names = vec![host.name.to_string()];
    if !names.contains(&host.endpoint.address) {
        names.push(host.endpoint.address.clone());
    }
    names
}
