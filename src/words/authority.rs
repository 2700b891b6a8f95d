//! Certificates, and the authority that issues them.

use super::{because, hosts};
use crate::{certificate, plan::AuthorityRefused};

/// Why no certificate is issued, or no authority replaced, and what to do.
pub(super) fn refused(why: &AuthorityRefused) -> String {
    match why {
        AuthorityRefused::Unreadable { why, .. } => {
            format!("the authority can't be read: {why}. Nothing was changed. Restore the file.")
        }
        AuthorityRefused::Another { hosts: names, directory, there } => {
            let state = match there {
                true => format!("trust another authority than the one in {directory}"),
                false => format!("trust an authority, and there is none in {directory}"),
            };
            format!(
                "{} {state}. Copy ca.crt (and ca.key, where certificates are to be issued) there from where this fleet was \
                 set up; the certificate alone is on the hosts, too: {}. To replace the authority on all hosts, pass \
                 --allow new-authority.",
                hosts(names),
                certificate::CA
            )
        }
        AuthorityRefused::Ended { due, directory } => format!(
            "a certificate is due ({}), and the authority in {directory} has ended. Renew it with --allow new-authority.",
            because(due)
        ),
        AuthorityRefused::KeyMissing { due, key } => format!(
            "a certificate is due ({}), and it can't be issued without {key}. Run this where the key is kept, or put it \
             there for this run.",
            because(due)
        ),
    }
}
