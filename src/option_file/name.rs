//! Names of options.

/// The canonical spelling: lower case, `_` for `-`, without the `loose` prefix.
pub(crate) fn canonical_name(name: &str) -> String {
    // What stands before a dot is the name of a channel or of a key cache.
    if let Some((of, option)) = name.trim().split_once('.') {
        return format!("{of}.{}", canonical_name(option));
    }
    let name = name.trim().to_ascii_lowercase().replace('-', "_");
    name.strip_prefix("loose_").map(str::to_owned).unwrap_or(name)
}
