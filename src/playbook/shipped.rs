//! The roles and playbooks that are part of the binary.

use include_dir::{Dir, include_dir};

static ROLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/roles");
static PLAYBOOKS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/playbooks");

/// Names of the shipped roles.
pub fn role_names() -> Vec<&'static str> {
    ROLES.dirs().filter_map(|d| d.path().to_str()).collect()
}

/// Names of the shipped playbooks, without their ending.
pub(crate) fn playbook_names() -> Vec<&'static str> {
    PLAYBOOKS.files().filter_map(|f| f.path().file_stem()?.to_str()).collect()
}

/// A file of a shipped role, such as `config` and `role.yml`.
pub(super) fn role_file(role: &str, file: &str) -> Option<&'static str> {
    ROLES.get_file(format!("{role}/{file}"))?.contents_utf8()
}

/// A shipped playbook by name, with or without its ending.
pub(super) fn playbook(name: &str) -> Option<(&'static str, &'static str)> {
    let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")).unwrap_or(name);
    let file = PLAYBOOKS.files().find(|f| f.path().file_stem().is_some_and(|s| s == stem))?;
    Some((file.path().to_str()?, file.contents_utf8()?))
}
