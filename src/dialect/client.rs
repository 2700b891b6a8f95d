//! Options of the client program beside a server.

use super::Dialect;
use crate::model::{Family, Tls};

impl Dialect {
    /// Lines for an option file by which the client protects its connection as a channel would. Where certificates are
    /// verified, the authority's file is named beside them.
    ///
    /// MariaDB's client checks the server's certificate by default from 11.4 on (MDEV-28634), MySQL's only with
    /// `VERIFY_CA` and `VERIFY_IDENTITY` (MySQL manual, "--ssl-mode").
    pub fn client_tls(self, tls: Tls) -> &'static [&'static str] {
        match (self.version.family, tls) {
            (Family::MariaDb, Tls::Off) => &["skip-ssl"],
            (Family::MariaDb, Tls::Required | Tls::VerifyCa) => &["ssl", "loose-skip-ssl-verify-server-cert"],
            (Family::MariaDb, Tls::VerifyIdentity) => &["ssl", "ssl-verify-server-cert"],
            // The word came with MySQL 5.7.11.
            (Family::MySql, Tls::Off) if !self.mysql(5, 7, 11) => &[],
            (Family::MySql, _) if !self.mysql(5, 7, 11) => &["ssl"],
            // A password crosses the wire under the server's public key where there is no TLS.
            (Family::MySql, Tls::Off) => &["ssl-mode = PREFERRED", "loose-get-server-public-key"],
            (Family::MySql, Tls::Required) => &["ssl-mode = REQUIRED"],
            (Family::MySql, Tls::VerifyCa) => &["ssl-mode = VERIFY_CA"],
            (Family::MySql, Tls::VerifyIdentity) => &["ssl-mode = VERIFY_IDENTITY"],
        }
    }
}
