//! Copies a source's data to an empty replica as one snapshot with its coordinates.
