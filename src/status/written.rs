//! What is held as values, as the document has it.

use serde::Serializer;

use crate::{
    doctor::{ErrantExplanation, Repair, RowEvidence},
    words,
};

pub fn errant_in_words<S: Serializer>(found: &[ErrantExplanation], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(found.iter().map(words::errant::document))
}

pub fn repairs_in_words<S: Serializer>(repairs: &[Repair], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(repairs.iter().map(words::repair::way_out))
}

pub fn evidence_in_words<S: Serializer>(found: &Option<RowEvidence>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(found.iter().flat_map(words::repair::evidence))
}
