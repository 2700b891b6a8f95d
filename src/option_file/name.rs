//! Names of options.

/// The canonical spelling: lower case, `_` for `-`, without the `loose` prefix.
pub fn canonical_name(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase().replace('-', "_");
    name.strip_prefix("loose_").map(str::to_owned).unwrap_or(name)
}
