//! Everything that is printed, for people and for machines. The only module that writes to a terminal.
