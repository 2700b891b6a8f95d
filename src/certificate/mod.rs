//! Certificates of servers: the fleet's own authority, what a host has, and whether it will do.
//!
//! The authority's key and certificate lie in a directory beside the inventory (`tls/ca.key`,
//! `tls/ca.crt`). A user who has an authority of his own puts it there; a certificate that comes from
//! elsewhere lies there as `tls/HOST.crt` and `tls/HOST.key`. Keys of servers that are issued here are
//! made when they are needed, sent to the host, and kept nowhere else.

mod authority;
mod judge;

pub(crate) use authority::{Authority, AuthorityError, Issued};
pub(crate) use judge::{CertificateFacts, Flaw, PublicKey, belongs, certificates, ends, judge, verdict};

/// Directory of a host that holds what follows. Servers that are confined by AppArmor or SELinux may
/// read below /etc/mysql.
pub(crate) const DIRECTORY: &str = "/etc/mysql/tandem";
/// The authority's certificate on a host.
pub(crate) const CA: &str = "/etc/mysql/tandem/ca.pem";
/// The server's certificate on a host.
pub(crate) const CERTIFICATE: &str = "/etc/mysql/tandem/server-cert.pem";

/// Days before its end at which a certificate is issued anew.
pub(crate) const RENEW_DAYS: i64 = 30;
/// Days before its end from which on the authority itself is spoken of, and may be renewed.
pub(crate) const AUTHORITY_DAYS: i64 = 180;
/// Days that a server's certificate is good for; clients refuse more than 825.
pub(crate) const VALID_DAYS: i64 = 820;
