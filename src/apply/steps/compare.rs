//! Compares a copy with its source, at one position, before it counts.

use std::{collections::BTreeSet, time::Duration};

use super::{catch_up, undelayed::Undelayed};
use crate::{
    desired::DesiredChannel,
    dialect::HEARTBEAT,
    exec::{Fleet, On, StepError},
    model::{CopyDifference, Defined, HostName, in_parallel, limits, visible},
    observe::channels,
    plan::{ComparePlan, Hop, Step},
    proof::TableProblem,
    seed::{ComparedAccounts, account_differences, differs, forget, read_marks},
    status::ChannelStatus,
    verify::{
        ChannelGraph, DataProof, Definitions, Edge, Filters, Findings, Scope, TableDifference,
        compare_tables, read_definitions,
    },
    words::{self, verified},
};

/// How long a replica may take to a position while rows are compared.
const WAIT: Duration = limits::COPY_COMPARED.time;
/// Rows that are told of each table.
const SHOW: usize = 3;
/// Differences that are told.
const MOST: usize = 20;
/// Connections to each of the two servers that are opened ahead: it is asked for its definitions, its accounts and its
/// rows side by side.
const SIDE_BY_SIDE: usize = 3;
/// What a host has noted of a UUID that it shared goes.
const FORGET: &str = "rm -f /var/lib/tandem/shared-uuids";
/// How often definitions and accounts are looked at until what differs counts: a change may be on its way.
const LOOKS: usize = 3;

/// Definitions and accounts: how many were compared, and what differs.
#[derive(Default)]
struct Objects {
    objects: usize,
    accounts: usize,
    differing: Vec<CopyDifference>,
    /// Accounts that only the replica has.
    only_here: Vec<String>,
}

/// Tables: how many were compared, those that differ, and what could not be compared now.
#[derive(Default)]
struct Rows {
    tables: u64,
    differing: Vec<CopyDifference>,
    open: Vec<String>,
}

/// Compares; the record of the copy goes if everything is the same, else it keeps what differs.
pub(super) async fn run(
    step: &Step,
    plan: &ComparePlan,
    fleet: &Fleet<'_>,
) -> Result<Option<String>, StepError> {
    let undelayed = Undelayed::lift(fleet.on(&step.host), plan).await?;
    let compared = compare(step, plan, fleet).await;
    let delayed = undelayed.restore().await;
    let note = compared?;
    delayed.map(|()| note)
}

/// Forgets that a UUID was shared: the replica has what its source has by now, and the source has it if it was its clone.
async fn forget_shared_uuids(replica: On<'_>, source: On<'_>) -> Result<(), StepError> {
    let its = replica.server()?.variable("server_uuid").unwrap_or_default().to_lowercase();
    // The run itself may have made the replica's note.
    let of_source = source.facts()?.shared_uuids.contains(&its);
    for (on, over) in [(replica, !its.is_empty()), (source, of_source)] {
        if over {
            let tried = "forget that its server_uuid was shared";
            let gone = on.writer()?.run(tried, FORGET, &[], b"", limits::LOOK.time).await;
            gone.map_err(|error| on.failed(tried, error))?;
        }
    }
    Ok(())
}

async fn compare(step: &Step, plan: &ComparePlan, fleet: &Fleet<'_>) -> Result<Option<String>, StepError> {
    let host = &step.host;
    let on = fleet.on(host);
    let begun = std::time::Instant::now();
    let tried = format!("compare the copy with {}", plan.from);
    for host in [host, &plan.from] {
        on.at(host).open_ahead(SIDE_BY_SIDE);
    }
    let (_, mut graph) = tokio::try_join!(meet(step, plan, fleet), graph(fleet))?;
    // The channel has just been started and was looked at while it began; now that the two have met, it runs.
    if !graph.edges.iter().any(|edge| edge.source == plan.from && edge.replica == *host) {
        graph = self::graph(fleet).await?;
    }
    let (objects, rows, marks) = tokio::try_join!(
        objects(step, plan, fleet, &graph),
        rows(step, plan, fleet, &graph),
        read_marks(on)
    )?;
    let Rows { tables, differing, open } = rows;
    let found: Vec<CopyDifference> = objects.differing.iter().cloned().chain(differing).collect();
    let told = match (found.is_empty(), open.is_empty()) {
        (true, true) => "ok",
        (true, false) => "not all could be compared",
        (false, _) => "it differs",
    };
    on.ran(&tried, begun, told);
    if found.is_empty() && open.is_empty() {
        forget(on, &plan.from, marks).await?;
        forget_shared_uuids(on, on.at(&plan.from)).await?;
        return Ok(Some(equal(host, tables, &objects)));
    }
    if found.is_empty() {
        return Err(on.failed(format!("compare all its rows with {}", plan.from), some_of(open)).then(
            "Everything else is equal, and the channel runs. Apply again when fewer rows change there: only the \
             comparison is left.",
        ));
    }
    differs(on, &plan.from, marks, &found).await?;
    let told = found.iter().map(|one| words::copy_difference(one, &plan.from, host)).collect();
    Err(on.failed(tried, some_of(told)).then(
        "The channel runs and nothing was taken away. Make the two the same and run the same command again; or copy again \
         with --allow reseed, where a value was lost with another seed_method (physical, clone).",
    ))
}

/// As many as a person reads.
fn some_of(mut list: Vec<String>) -> String {
    let more = list.len().saturating_sub(MOST);
    list.truncate(MOST);
    if more > 0 {
        list.push(format!("and {more} more"));
    }
    list.join("; ")
}

/// What was found to be the same.
fn equal(host: &HostName, tables: u64, found: &Objects) -> String {
    let number = |n: u64, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    let mut text = format!(
        "equal: rows of {}, definitions of {}",
        number(tables, "table"),
        number(found.objects as u64, "object")
    );
    if found.accounts > 0 {
        text.push_str(&format!(", {}", number(found.accounts as u64, "account")));
    }
    if !found.only_here.is_empty() {
        let names: Vec<String> = found.only_here.iter().map(|name| visible(name)).collect();
        text.push_str(&format!("; {host} alone has {}", names.join(", ")));
    }
    text
}

/// Waits until the replica has what its source has now.
async fn meet(step: &Step, plan: &ComparePlan, fleet: &Fleet<'_>) -> Result<(), StepError> {
    let hop = Hop { from: Some(plan.from.clone()), to: step.host.clone(), channel: plan.channel.clone() };
    catch_up::run(step, &[hop], false, fleet).await.map(drop)
}

/// The declared channels that run by now, with what each leaves out at this moment.
async fn graph(fleet: &Fleet<'_>) -> Result<ChannelGraph, StepError> {
    let passing = |replica: &&HostName| {
        let server = fleet.on(replica).server();
        server.is_ok_and(|s| s.is_on("log_slave_updates") || s.is_on("log_replica_updates"))
    };
    let passing: BTreeSet<HostName> = fleet.desired.hosts.keys().filter(passing).cloned().collect();
    let with_channels = fleet
        .desired
        .hosts
        .iter()
        .filter(|(name, host)| !host.channels.is_empty() && fleet.on(name).server().is_ok());
    let edges = with_channels.map(|(replica, host)| edges(fleet, replica, &host.channels));
    let edges = in_parallel(fleet.limits.forks, edges).await;
    let edges = edges.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(ChannelGraph::of_edges(edges.into_iter().flatten().collect(), passing))
}

/// Those of one replica.
async fn edges(
    fleet: &Fleet<'_>,
    replica: &HostName,
    wishes: &[DesiredChannel],
) -> Result<Vec<Edge>, StepError> {
    let sql = fleet.on(replica).reader().await?;
    let channels = channels(&sql, fleet.on(replica).dialect()?).await;
    let channels = channels.map_err(|e| StepError::new(replica, "look at its channels", e))?;
    let edge = |wish: &DesiredChannel| {
        let channel = channels.iter().find(|c| c.name == wish.name && c.running())?;
        let logged =
            fleet.on(&wish.source).server().ok().and_then(|s| s.binlog.known()).cloned().unwrap_or_default();
        Some(Edge {
            source: wish.source.clone(),
            replica: replica.clone(),
            status: ChannelStatus::running(replica, &wish.source, &wish.endpoint, &wish.name),
            delay: channel.delay,
            filters: Filters {
                logged: logged.do_db,
                not_logged: logged.ignore_db,
                channel: channel.filters.clone(),
            },
        })
    };
    Ok(wishes.iter().filter_map(edge).collect())
}

/// Definitions and accounts that differ; each counts if it is seen in the same way more than once.
async fn objects(
    step: &Step,
    plan: &ComparePlan,
    fleet: &Fleet<'_>,
    graph: &ChannelGraph,
) -> Result<Objects, StepError> {
    let mut last: Option<Objects> = None;
    for _ in 0..LOOKS {
        fleet.progress(step, (0, 0), "comparing definitions and accounts");
        let accounts = async {
            match plan.accounts {
                false => Ok(ComparedAccounts::default()),
                true => account_differences(fleet.on(&step.host), &plan.from, &plan.own_users).await,
            }
        };
        let definitions = definitions(step, plan, fleet, graph);
        let ((objects, mut differing), accounts) = tokio::try_join!(definitions, accounts)?;
        let ComparedAccounts { accounts, differing: of_accounts, only_here } = accounts;
        differing.extend(of_accounts);
        let counts = differing.is_empty() || last.as_ref().is_some_and(|last| last.differing == differing);
        let found = Objects { objects, accounts, differing, only_here };
        if counts {
            return Ok(found);
        }
        last = Some(found);
        meet(step, plan, fleet).await?;
    }
    Ok(last.unwrap_or_default())
}

async fn definitions(
    step: &Step,
    plan: &ComparePlan,
    fleet: &Fleet<'_>,
    graph: &ChannelGraph,
) -> Result<(usize, Vec<CopyDifference>), StepError> {
    let (source, host) = (&plan.from, &step.host);
    let (there, here) =
        tokio::try_join!(definitions_of(fleet.on(source), plan), definitions_of(fleet.on(host), plan))?;
    let leaves_out = |of: &Defined| {
        let edge = graph.edges.iter().find(|e| e.source == *source && e.replica == *host);
        !of.name.is_empty() && edge.is_some_and(|e| e.filters.leaves_out(&of.database, &of.name).is_some())
    };
    Ok((there.objects(), there.differences(&here, |of| !leaves_out(of))))
}

async fn definitions_of(on: On<'_>, plan: &ComparePlan) -> Result<Definitions, StepError> {
    let sql = on.reader().await?;
    let databases = databases(plan);
    let read = read_definitions(&sql, on.dialect()?, &databases).await;
    read.map_err(|e| on.failed("read its definitions", e))
}

/// The databases of the copy but for the heartbeat's, whose rows change every second and are no content.
fn databases(plan: &ComparePlan) -> Vec<String> {
    plan.databases.iter().filter(|name| *name != HEARTBEAT).cloned().collect()
}

/// Compares the rows of all tables.
async fn rows(
    step: &Step,
    plan: &ComparePlan,
    fleet: &Fleet<'_>,
    graph: &ChannelGraph,
) -> Result<Rows, StepError> {
    let databases = databases(plan);
    if databases.is_empty() {
        return Ok(Rows::default());
    }
    let progress = |text: &str| fleet.progress(step, (0, 0), text);
    let scope = Scope {
        pair: Some((plan.from.clone(), step.host.clone())),
        databases,
        tables: Vec::new(),
        ids: false,
        checksums: true,
        restart: false,
        max_load: u64::MAX,
        max_lag: Duration::MAX,
        wait: WAIT,
        show: SHOW,
        note: &progress,
        progress: &progress,
    };
    // Databases without a table are fine here.
    let Findings { proofs, not_provable, errors, unmatched: _ } =
        compare_tables(fleet, graph, &scope, fleet.limits.forks).await;
    if let Some(error) = errors.first() {
        return Err(StepError::new(&step.host, "compare its rows", verified::remark(error)));
    }
    // Without a channel that runs nothing was compared, and that is no proof.
    if proofs.is_empty() {
        let why = not_provable.first().map_or("no channel between the two runs".to_owned(), verified::remark);
        return Err(StepError::new(&step.host, format!("compare its rows with {}", plan.from), why)
            .then("See `tandem doctor`, then apply again."));
    }
    let differing: BTreeSet<CopyDifference> = proofs.iter().flat_map(differing_tables).collect();
    let open: BTreeSet<String> = not_provable.iter().map(verified::remark).collect();
    Ok(Rows {
        tables: proofs.iter().map(|p| p.tables).sum(),
        differing: differing.into_iter().collect(),
        open: open.into_iter().collect(),
    })
}

fn differing_tables(proof: &DataProof) -> Vec<CopyDifference> {
    let told = |found: &TableDifference| {
        let table = found.table.clone();
        match &found.problem {
            Some(TableProblem::Missing { host }) => {
                CopyDifference::MissingTable { table, host: host.clone() }
            }
            Some(TableProblem::Columns { host, names }) => {
                CopyDifference::MissingColumns { table, host: host.clone(), names: names.clone() }
            }
            None => CopyDifference::Rows { table, count: found.count, at_least: found.at_least },
        }
    };
    proof.differing.iter().map(told).collect()
}
