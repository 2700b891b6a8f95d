//! A channel whose change failed goes on as it was before.

use super::Work;
use crate::{
    dialect::ChannelStatement,
    exec::{Look, Rule, Statements, StepError, wait_until},
    model::{ThreadState, limits},
    observe::ChannelFacts,
};

impl Work<'_> {
    /// Lets the channel go on from where it led before, where nothing has come from elsewhere meanwhile. The error says
    /// what was found afterwards.
    pub(super) async fn put_back(
        &self,
        old: Option<&ChannelFacts>,
        error: StepError,
        sql: &mut Statements<'_>,
    ) -> StepError {
        let Some(old) = old.filter(|channel| channel.running()) else { return error };
        let end = format!("{}:{}", old.source_host, old.source_port);
        let says = match self.go_back(old, sql).await {
            Ok(true) => format!("The channel from {end} runs as before."),
            Ok(false) => format!("The channel from {end} does not run: apply again once the cause is fixed."),
            Err(why) => format!("The channel from {end} could not be started again: {}", why.why),
        };
        let next = error.next.clone();
        error.then(next.into_iter().chain([says]).collect::<Vec<_>>().join(" "))
    }

    async fn go_back(&self, old: &ChannelFacts, sql: &mut Statements<'_>) -> Result<bool, StepError> {
        let mut reader = self.on.reader().await?;
        let now = self.look(&mut reader).await?;
        let by_gtid = now.using_gtid.by_gtid();
        let same_end = now.source_host == old.source_host && now.source_port == old.source_port;
        let untouched = now.executed == old.executed && now.executed.is_some();
        let came = now.io_running == ThreadState::Yes || now.sql_errno != 0;
        if came && !same_end {
            return Ok(false);
        }
        let same_login = (now.tls, &now.tls_ca, now.tls_verify, &now.user)
            == (old.tls, &old.tls_ca, old.tls_verify, &old.user);
        if !same_end || !same_login || !(by_gtid || untouched) {
            self.point_back(old, by_gtid, sql).await?;
        }
        sql.run(&self.dialect.start_channel(&self.wish.name))
            .await
            .map_err(|e| self.failed("start the channel", e))?;
        let waited = wait_until(Rule::within(limits::CHANNEL_RETURN.time), async || {
            let runs = self.look(&mut reader).await?.running();
            Ok::<_, StepError>(if runs { Look::Done(()) } else { Look::Moving(()) })
        });
        let runs = waited.await?.is_ok();
        Ok(runs)
    }

    /// Everything as it was, at the place up to which events were executed.
    async fn point_back(
        &self,
        old: &ChannelFacts,
        by_gtid: bool,
        sql: &mut Statements<'_>,
    ) -> Result<(), StepError> {
        let tried = "put the channel back";
        let failed = |e| self.failed(tried, e);
        sql.run(&self.dialect.stop_channel(&self.wish.name)).await.map_err(failed)?;
        // MySQL keeps nothing that was received from the new end; MariaDB neither, once the end changes.
        if self.dialect.keeps_relay_logs() {
            sql.run(&self.dialect.reset_channel(&self.wish.name)).await.map_err(failed)?;
        }
        let password = self.on.secret(&self.wish.password)?;
        let statement = ChannelStatement {
            name: &self.wish.name,
            host: &old.source_host,
            port: old.source_port,
            user: &old.user,
            password: password.expose(),
            tls: old.tls,
            tls_ca: &old.tls_ca,
            tls_verify: old.tls_verify,
            delay: old.delay,
            coordinates: old.executed.as_ref().filter(|_| !by_gtid),
        };
        let statement = self.dialect.change_channel(&statement);
        sql.run(self.dialect.statement_logs(false)).await.map_err(failed)?;
        let done = sql.run_secret(&statement).await;
        sql.run(self.dialect.statement_logs(true)).await.map_err(failed)?;
        done.map(|_| ()).map_err(failed)
    }
}
