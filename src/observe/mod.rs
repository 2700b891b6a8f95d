//! Reads hosts: one script over ssh, then SQL. Writes nothing.
