//! The one statement that a channel may leave out: what somebody gave an account that is not kept there.

use crate::{desired::DesiredHost, doctor::AccountStatement, observe::ChannelFacts};

/// The statement that stopped the applier, if it is about a replication account of another host.
///
/// Each server keeps accounts for its own peers only. A `GRANT` that somebody gives such an account by
/// hand goes through the binary log all the same and finds no account on the other side. To leave it out there is
/// right: the account does not belong there.
pub(in crate::diff) fn foreign_account_statement(
    channel: &ChannelFacts,
    host: &DesiredHost,
    own_users: &[String],
) -> Option<AccountStatement> {
    let statement = AccountStatement::that_stopped(channel)?;
    let ours = own_users.contains(&statement.user);
    let belongs_here = host.accounts.iter().any(|a| a.user == statement.user && a.host == statement.host);
    (ours && !belongs_here).then_some(statement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_statements_about_an_account_of_ours_are_left_out() {
        let channel = ChannelFacts {
            sql_errno: 1133,
            sql_error: "Error 'no row' on query. Query: 'grant process on *.* to repl_user@'10.0.0.1''"
                .into(),
            ..ChannelFacts::default()
        };
        let skipped = |own: &str| {
            foreign_account_statement(&channel, &DesiredHost::bare(&"db-a".into()), &[own.to_owned()])
        };
        assert!(skipped("repl_user").is_some());
        assert!(skipped("app").is_none());
    }
}
