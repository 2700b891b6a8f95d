//! All writers give out numbers at the same time, and no number is given out twice.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use super::{
    IdsProof, Verdict,
    canary::{Canaries, InFlight, Open, Source},
    graph::server,
    ids,
    scratch::IDS,
};
use crate::{
    dialect::ReadStatement,
    exec::StepError,
    model::{HostName, in_parallel},
    proof::{Collision, Counting},
};

/// Rows that each writer inserts while the others do the same.
const TOGETHER: u64 = 20;

impl Canaries<'_> {
    /// Inserts on all writers at once, and looks at the numbers where the rows meet. Each writer has a table of
    /// its own, so a number that was given out twice stops no replication. Nothing where no two writers meet.
    pub(super) async fn count_together(
        &self,
        open: &mut [Open<'_>],
        flight: &mut InFlight,
    ) -> Option<IdsProof> {
        // Writers whose rows meet nowhere may give out what they like.
        let places: Vec<(HostName, Vec<&Source>)> = self
            .hosts()
            .into_iter()
            .map(|host| {
                let here = |s: &&Source| s.host == host || flight.came(&s.host, &host);
                let sources = self.sources.iter().filter(here).collect::<Vec<_>>();
                (host, sources)
            })
            .filter(|(_, sources)| sources.len() > 1)
            .collect();
        if places.is_empty() {
            return None;
        }
        let counting = |source: &Source| {
            let number = |name| server(self.fleet.observed, &source.host).and_then(|s| s.number(name));
            Counting {
                host: source.host.clone(),
                increment: number("auto_increment_increment").unwrap_or(1),
                offset: number("auto_increment_offset").unwrap_or(1),
            }
        };
        let mut problem = places.iter().find_map(|(_, sources)| {
            let writers: Vec<Counting> = sources.iter().map(|s| counting(s)).collect();
            ids::collision(&writers)
        });
        let inserts = open.iter_mut().map(|Open { source, sql }| async move {
            // In one message: how far the hosts are away is no measure of how writers meet.
            let insert = format!("INSERT INTO {} () VALUES ()", source.scratch.table(IDS));
            let answers = sql.query_all(&[insert.as_str(); TOGETHER as usize]).await;
            let failed = |e| StepError::new(&source.host, "insert a row while others do the same", e);
            answers.into_iter().try_for_each(|answer| answer.map(drop).map_err(failed))
        });
        flight.fail_where(in_parallel(self.fleet.limits.forks, inserts).await);
        let looks = places.iter().map(|(host, sources)| self.twice(host, sources));
        for look in in_parallel(self.fleet.limits.forks, looks).await {
            match look {
                Ok(None) => {}
                Ok(said) => problem = problem.or(said),
                Err(error) => flight.fail(&error),
            }
        }
        Some(IdsProof {
            verdict: if problem.is_some() { Verdict::Failed } else { Verdict::Proven },
            inserted: TOGETHER * open.len() as u64,
            writers: self.sources.iter().map(counting).collect(),
            problem,
        })
    }

    /// Waits until the rows of these writers have met on a host; a number that two of them gave out.
    async fn twice(&self, host: &HostName, sources: &[&Source]) -> Result<Option<Collision>, StepError> {
        let waits = sources.iter().map(|source| {
            let count = ReadStatement::count(source.scratch.name(), IDS);
            let delay = source.ways.get(host).map_or(0, |way| way.delay);
            self.until(host, count, |n| n == TOGETHER, delay)
        });
        for (source, came) in sources.iter().zip(try_join_all(waits).await?) {
            if came.is_none() {
                let (writer, host) = (source.host.clone(), host.clone());
                return Ok(Some(Collision::RowsMissing { writer, host }));
            }
        }
        let sql = self.fleet.on(host).reader().await?;
        let failed = |e| StepError::new(host, "look at the numbers that were given out", e);
        let queries: Vec<ReadStatement> =
            sources.iter().map(|source| ReadStatement::column(source.scratch.name(), IDS, "id")).collect();
        let answers = sql.query_each(&queries).await.map_err(failed)?;
        let mut given: BTreeMap<String, &HostName> = BTreeMap::new();
        let mut twice = None;
        for (source, rows) in sources.iter().zip(answers) {
            for row in rows.map_err(failed)? {
                let id = row.text("id").map_err(failed)?;
                if let Some(other) = given.insert(id.clone(), &source.host) {
                    twice = Some(Collision::GivenTwice { hosts: [other.clone(), source.host.clone()], id });
                }
            }
        }
        Ok(twice)
    }
}
