//! The one statement that a channel may leave out: what somebody gave an account that is not kept there.

use crate::{desired::DesiredHost, observe::ChannelFacts};

/// The statement that stopped the applier, if it is about a replication account of another host.
///
/// Each server keeps accounts for its own peers only. A `GRANT` that somebody gives such an account by
/// hand goes through the binary log all the same and finds no account on the other side (errors 1133,
/// 1141, 1147, 1269, 1396, 1410). To leave it out there is right: the account does not belong there.
pub(in crate::diff) fn foreign_account_statement(
    channel: &ChannelFacts,
    host: &DesiredHost,
    own_users: &[String],
) -> Option<String> {
    if !matches!(channel.sql_errno, 1133 | 1141 | 1147 | 1269 | 1396 | 1410) {
        return None;
    }
    let (_, query) = channel.sql_error.split_once("Query: '")?;
    let query = query.trim_end_matches(['.', '\'', '"']);
    let upper = query.trim_start().to_ascii_uppercase();
    let about_accounts = ["GRANT ", "REVOKE ", "ALTER USER ", "SET PASSWORD ", "DROP USER "];
    if !about_accounts.iter().any(|verb| upper.starts_with(verb)) {
        return None;
    }
    // Exactly one account: a statement that gives something to somebody else too must not be lost.
    let (before, after) = query.split_once('@')?;
    if after.contains('@') || after.contains(',') {
        return None;
    }
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '%' | '/');
    let user: String = {
        let tail = before.trim_end_matches(['\'', '`', '"']);
        tail.chars().rev().take_while(|c| name(*c)).collect::<String>().chars().rev().collect()
    };
    let address: String =
        after.trim_start_matches(['\'', '`', '"']).chars().take_while(|c| name(*c)).collect();
    let ours = own_users.contains(&user);
    let belongs_here = host.accounts.iter().any(|a| a.user == user && a.host == address);
    (ours && !belongs_here)
        .then(|| format!("{} {user}@{address}", upper.split(' ').next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skipped(query: &str, own: &[&str]) -> Option<String> {
        let channel = ChannelFacts {
            sql_errno: 1133,
            sql_error: format!(
                "Error 'Can\'t find any matching row' on query. Default database: ''. Query: '{query}'"
            ),
            ..ChannelFacts::default()
        };
        let host = DesiredHost::bare(&"db-a".into());
        let own: Vec<String> = own.iter().map(|u| (*u).to_owned()).collect();
        foreign_account_statement(&channel, &host, &own)
    }

    #[test]
    fn only_statements_about_one_account_of_ours_are_left_out() {
        let ours = ["repl_user"];
        assert!(skipped("grant process on *.* to repl_user@'10.0.0.1'", &ours).is_some());
        assert!(skipped("ALTER USER `repl_user`@`10.0.0.1` ACCOUNT LOCK", &ours).is_some());
        assert!(skipped("grant process on *.* to app@'10.0.0.1'", &ours).is_none());
        assert!(skipped("grant process on *.* to repl_user@'10.0.0.1', app@'%'", &ours).is_none());
        assert!(skipped("update t set v = 'repl_user@x'", &ours).is_none());
    }
}
