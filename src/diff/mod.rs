//! Compares what is wished with what was observed, one resource family per module. Pure.
