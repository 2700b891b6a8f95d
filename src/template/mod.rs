//! Strict templates and expressions over a host's variables.
