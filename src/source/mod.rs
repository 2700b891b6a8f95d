//! YAML with places: every value knows its file and line.
