//! Whether an account lets a replica in.

use std::{fmt, net::IpAddr};

use super::{AccountState, Expiry, PasswordCheck};

/// Why the account of a replica does not let it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It is locked.
    Locked,
    /// Its password has expired.
    Expired,
    /// It may not replicate.
    NoPrivilege,
    /// It has another password.
    OtherPassword,
    /// It asks for TLS, and the channel is not encrypted.
    NeedsTls,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unfit::Locked => "is locked",
            Unfit::Expired => "has a password that has expired",
            Unfit::NoPrivilege => "lacks the privilege REPLICATION SLAVE",
            Unfit::OtherPassword => "has another password than replication_password",
            Unfit::NeedsTls => "requires TLS, and the channel is not encrypted",
        })
    }
}

/// Whom a channel logs in as, and from where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Login<'a> {
    /// Its user.
    pub user: &'a str,
    /// Every address that its host has.
    pub from: &'a [IpAddr],
    /// Its password, where it is known.
    pub password: Option<&'a str>,
    /// Whether it is encrypted.
    pub tls: bool,
}

/// The account for one of these addresses that can't serve, and why; nothing where one serves, or where an account for
/// names or many addresses may: which one counts then only the server knows.
pub(crate) fn unfit<'a>(accounts: &'a [AccountState], login: Login<'_>) -> Option<(&'a AccountState, Unfit)> {
    let of_user = || accounts.iter().filter(|account| account.user == login.user);
    if of_user().any(|account| account.host.parse::<IpAddr>().is_err()) {
        return None;
    }
    let from_there = |account: &&AccountState| {
        account.host.parse().is_ok_and(|address: IpAddr| login.from.contains(&address))
    };
    let mut found = None;
    for account in of_user().filter(from_there) {
        found = Some((account, why(account, login)?));
    }
    found
}

fn why(account: &AccountState, login: Login<'_>) -> Option<Unfit> {
    let may = account.privileges_on("*.*");
    if account.locked {
        return Some(Unfit::Locked);
    }
    if account.expiry == Expiry::Now {
        return Some(Unfit::Expired);
    }
    if !may.contains("REPLICATION SLAVE") && !may.contains("ALL") {
        return Some(Unfit::NoPrivilege);
    }
    if account.requires_tls() && !login.tls {
        return Some(Unfit::NeedsTls);
    }
    let differs = login.password.map(|password| account.check_password(password));
    (differs == Some(PasswordCheck::Differs)).then_some(Unfit::OtherPassword)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::native_hash;

    fn account(host: &str, grant: &str, more: &str) -> AccountState {
        let create = format!("CREATE USER `r`@`{host}` IDENTIFIED BY PASSWORD '{}'{more}", native_hash("p"));
        let grant = format!("GRANT {grant} ON *.* TO `r`@`{host}`");
        AccountState::read(&create, &[grant]).expect("an account")
    }

    #[test]
    fn an_account_serves_or_it_is_said_why_not() {
        let from = ["10.0.0.2".parse().expect("an address"), "fd00::2".parse().expect("an address")];
        let login = Login { user: "r", from: &from, password: Some("p"), tls: false };
        let why = |list: &[AccountState], login| unfit(list, login).map(|(_, why)| why);
        let good = account("10.0.0.2", "REPLICATION SLAVE", "");
        assert_eq!(why(std::slice::from_ref(&good), login), None);
        assert_eq!(why(&[account("10.0.0.2", "ALL PRIVILEGES", "")], login), None);
        let no_right = account("10.0.0.2", "USAGE", "");
        assert_eq!(why(std::slice::from_ref(&no_right), login), Some(Unfit::NoPrivilege));
        let other = Login { password: Some("q"), ..login };
        assert_eq!(why(std::slice::from_ref(&good), other), Some(Unfit::OtherPassword));
        let tls = account("10.0.0.2", "REPLICATION SLAVE", " REQUIRE SSL");
        assert_eq!(why(std::slice::from_ref(&tls), login), Some(Unfit::NeedsTls));
        assert_eq!(why(&[tls], Login { tls: true, ..login }), None);
        let locked = AccountState { locked: true, ..good };
        assert_eq!(why(std::slice::from_ref(&locked), login), Some(Unfit::Locked));
        let expired = account("10.0.0.2", "REPLICATION SLAVE", " PASSWORD EXPIRE");
        assert_eq!(why(&[expired], login), Some(Unfit::Expired));
        // One that serves is enough, and of patterns only the server knows which one counts.
        assert_eq!(why(&[no_right.clone(), account("fd00::2", "REPLICATION SLAVE", "")], login), None);
        assert_eq!(why(&[no_right, account("10.0.0.%", "USAGE", "")], login), None);
        // That of another host says nothing.
        assert_eq!(why(&[account("10.0.0.3", "USAGE", "")], login), None);
    }
}
