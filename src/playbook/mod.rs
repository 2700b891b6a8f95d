//! Plays, topologies and roles as a user writes them, and the shipped ones.
