//! Servers and their units.

use crate::plan::ServerRefused;

/// Why a server is not installed or started, and what to do.
pub(super) fn refused(why: &ServerRefused) -> String {
    match why {
        ServerRefused::NoPackageManager => {
            "its database server can't be installed: neither apt nor dnf nor yum is there. \
                                            Install one by hand."
                .to_owned()
        }
        ServerRefused::DataWithout { data, package } => format!(
            "no database server is installed, but {data} holds the data of one, which {package} would take up and change. \
             Install the version that wrote it, or move the directory away."
        ),
        ServerRefused::OtherFamily { package, peer, family } => format!(
            "mysql_server_package is {package}, and {peer} has {family}: neither can replicate from the other. For MySQL it \
             is mysql-server, for MariaDB mariadb-server."
        ),
        ServerRefused::Masked { unit } => {
            format!("{unit} is masked, so nothing can start its server. Run there: systemctl unmask {unit}")
        }
    }
}
