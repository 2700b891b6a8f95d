//! `sops -d`, which knows its own keys.

use std::{fmt::Write, path::Path};

/// The way to a value as `--extract` takes it: `a.b.0` is `["a"]["b"][0]`. `None` where a part is empty or has
/// characters that would end it.
pub(super) fn extract(key: &str) -> Option<String> {
    let mut way = String::new();
    for part in key.split('.') {
        if part.is_empty() || part.contains(['"', '[', ']', '\\']) {
            return None;
        }
        let _ = match part.parse::<u32>() {
            Ok(number) => write!(way, "[{number}]"),
            Err(_) => write!(way, "[\"{part}\"]"),
        };
    }
    Some(way)
}

/// The command.
pub(super) fn argv(path: &Path, extract: Option<&str>) -> Vec<String> {
    let mut argv = vec!["sops".to_owned(), "-d".to_owned()];
    if let Some(extract) = extract {
        argv.extend(["--extract".to_owned(), extract.to_owned()]);
    }
    // A name that begins with a dash is no option.
    let name = path.to_string_lossy();
    argv.push(if name.starts_with('-') { format!("./{name}") } else { name.into_owned() });
    argv
}

/// What to say when it gave nothing, and what to do.
pub(super) fn failure(path: &Path, why: &str, installed: bool) -> (String, String) {
    let message = match installed {
        true => format!("sops gave no secret out of {}: {why}", path.display()),
        false => format!("sops is not installed here, and {} is sealed with it", path.display()),
    };
    let help = match installed {
        true => format!("Its own words stand above. Run it by hand: sops -d {}", path.display()),
        false => "Install it (github.com/getsops/sops), or put its directory into PATH.".to_owned(),
    };
    (message, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_way_and_never_more() {
        assert_eq!(extract("a.b.0").as_deref(), Some("[\"a\"][\"b\"][0]"));
        for key in ["", "a..b", "a\"]", "a[0]", "a\\b"] {
            assert_eq!(extract(key), None, "{key}");
        }
        assert_eq!(argv(Path::new("-x"), None), ["sops", "-d", "./-x"]);
    }
}
