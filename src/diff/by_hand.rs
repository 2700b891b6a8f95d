//! Data that somebody has loaded by hand, with the place in the source's binary log at which it stands.
//!
//! Nothing is copied: the place is noted as that of a copy, the channel begins there, and then the two are compared as after
//! any copy. What the plan can know of the place it refuses: whether the source still has it, and whether this channel can
//! begin there.

use std::cmp::Ordering;

use super::{
    Draft, binlogs,
    pair::{DataBasis, SourceAndReplica},
};
use crate::{
    desired::{DesiredSeed, Positioning},
    dialect::{Dialect, HEARTBEAT},
    gtid::{GtidForm, GtidSet, GtidState, Position},
    model::{GivenPosition, HostName, compare_files},
    plan::{
        Action, Because, CopyMethod, DataRefused, GivenRefused, Kind, Note, Reason, Risk, SeedPlan, State,
        Step, StepId, StepName,
    },
};

impl SourceAndReplica<'_> {
    /// Adds the step that notes the place, unless the source does not have it.
    pub(super) fn by_hand(&self, seed: &DesiredSeed, at: &GivenPosition, draft: &mut Draft) -> DataBasis {
        if let Some(why) = self.against_place(at) {
            let (source, at) = (self.wish.source.clone(), at.clone());
            draft.refuse(&self.host.name, DataRefused::GivenPosition { source, at, why });
            return DataBasis::Refused;
        }
        let beside = self.beside_others();
        // Its binary logs start over, and whoever reads them would not find his place.
        let followed: Vec<HostName> = self.ends(beside).into_iter().map(|end| end.host).collect();
        if !followed.is_empty() {
            let (source, at) = (self.wish.source.clone(), at.clone());
            let why = GivenRefused::Followed { replicas: followed };
            draft.refuse(&self.host.name, DataRefused::GivenPosition { source, at, why });
            return DataBasis::Refused;
        }
        let given = match self.given(seed, beside) {
            Ok(given) => given,
            Err(why) => {
                draft.refuse(&self.host.name, why);
                return DataBasis::Refused;
            }
        };
        let others = self.of_others().into_iter().chain(self.expected_of_others());
        let plan = SeedPlan {
            from: seed.from.clone(),
            donor: seed.from.clone(),
            databases: given.databases.iter().map(|d| d.name.clone()).collect(),
            locked_tables: Vec::new(),
            accounts: seed.accounts,
            own_users: self.context.own_users(),
            bytes: 0,
            leftovers: Vec::new(),
            replaces: Vec::new(),
            ends: Vec::new(),
            others: others.chain([HEARTBEAT.to_owned()]).collect(),
            beside,
            method: CopyMethod::ByHand { at: at.clone() },
            path: seed.path,
            address: self.address_of(&seed.from),
        };
        draft.steps.push(self.noted(seed, plan));
        DataBasis::Seeded
    }

    fn noted(&self, seed: &DesiredSeed, plan: SeedPlan) -> Step {
        let host = &self.host.name;
        let mut risk: Vec<Risk> = Vec::new();
        // What was loaded stands in the own log, too, and nobody shall get it from here.
        if !plan.beside && self.server.binlog.known().is_some() {
            let note = Note::BinlogsStartOver { on: host.clone(), holds_nothing: false };
            risk.push(binlogs::followed(self.context, self.server).unwrap_or_else(|| note.into()));
        }
        Step {
            id: StepId::of(host, StepName::Seed { from: &seed.from }),
            host: host.clone(),
            kind: Kind::Seed,
            reason: vec![Reason::declared(Because::LoadedByHand, &seed.position_place)],
            before: None,
            after: Some(State::Names { names: plan.databases.clone() }),
            risk,
            requires: Vec::new(),
            action: Action::Seed(plan),
        }
    }

    /// Why the channel can't begin at a place.
    fn against_place(&self, at: &GivenPosition) -> Option<GivenRefused> {
        let form = Dialect::of(self.server.version).gtid_form();
        let by_gtid = self.wish.positioning == Positioning::Gtid;
        match (at, form, by_gtid) {
            // MariaDB works out the GTID position of a place in its log.
            (GivenPosition::File(at), GtidForm::Positions, _) | (GivenPosition::File(at), _, false) => {
                let binlog = self.source.binlog.known()?;
                let order = |one: &str, other: &str| compare_files(one, other);
                let ends = || (binlog.oldest.clone(), binlog.end.as_ref().map(ToString::to_string));
                let before = order(at.file(), &binlog.oldest).is_none_or(|order| order == Ordering::Less);
                let behind = binlog.end.as_ref().is_none_or(|end| !end.has_reached(at));
                (before || behind).then(|| {
                    let (oldest, end) = ends();
                    GivenRefused::NotInLogs { oldest, end: end.unwrap_or_default() }
                })
            }
            (GivenPosition::File(_), GtidForm::Sets, true) => Some(GivenRefused::NeedsSet),
            (GivenPosition::Positions(_) | GivenPosition::Set(_), _, false) => Some(GivenRefused::NeedsFile),
            (GivenPosition::Positions(text), GtidForm::Positions, true) => self.against_position(text),
            (GivenPosition::Set(text), GtidForm::Sets, true) => self.against_set(text),
            (GivenPosition::Positions(_), GtidForm::Sets, true) => Some(GivenRefused::NeedsSet),
            (GivenPosition::Set(_), GtidForm::Positions, true) => Some(GivenRefused::NeedsPosition),
        }
    }

    fn against_position(&self, text: &str) -> Option<GivenRefused> {
        let (GtidState::MariaDb(source), Ok(given)) = (self.source.gtid.known()?, text.parse::<Position>())
        else {
            return Some(GivenRefused::NeedsPosition);
        };
        // A place that the source has not reached, or in a domain that it does not know, is of another server.
        let ahead = given.iter().find(|id| source.has(id.domain).is_none_or(|last| last.seq < id.seq));
        if ahead.is_some() {
            return Some(GivenRefused::Ahead { reached: self.source.gtid.known()?.position() });
        }
        let start = source.binlog_start.known()?;
        let gone =
            start.position().iter().any(|first| given.get(first.domain).is_none_or(|id| id.seq < first.seq));
        gone.then(|| GivenRefused::Purged { what: start.position().to_string() })
    }

    fn against_set(&self, text: &str) -> Option<GivenRefused> {
        let (GtidState::MySql(source), Ok(given)) = (self.source.gtid.known()?, text.parse::<GtidSet>())
        else {
            return Some(GivenRefused::NeedsSet);
        };
        if !source.executed.contains_all(&given) {
            return Some(GivenRefused::Ahead { reached: source.executed.to_string() });
        }
        let gone = source.purged.subtract(&given);
        (!gone.is_empty()).then(|| GivenRefused::Purged { what: gone.to_string() })
    }
}
