//! How a login becomes who runs the scripts, and what is said where it can't.

use zeroize::Zeroizing;

use super::{RunError, Sudo, Target, script::BOOT, script::word};

/// Becomes a user by sudo. Arguments of the shell: USER BOOT.
const WITHOUT: &str = r#"LC_ALL=C; export LC_ALL; exec sudo -n -H -u "$0" -- sh -c "$1""#;

/// The same where sudo may ask for a password: it is the first line of the input. Both `read` and `sudo -S` take it byte
/// by byte, so the rest is the script's. Where sudo wants no password, none is given to it. `-k` keeps sudo from noting
/// anywhere that this login has given one.
const WITH: &str = r#"LC_ALL=C; export LC_ALL; if sudo -n -k true </dev/null >/dev/null 2>&1; then IFS= read -r p; exec sudo -n -H -u "$0" -- sh -c "$1"; fi; exec sudo -k -S -p "" -H -u "$0" -- sh -c "$1""#;

impl Target {
    /// The command for the login shell, and what comes first on its standard input.
    pub(super) fn command(&self) -> (String, Option<Zeroizing<String>>) {
        let boot = word(BOOT);
        let Some(Sudo { user, password }) = &self.sudo else { return (format!("sh -c {boot}"), None) };
        let user = word(user);
        match password {
            None => (format!("sh -c {} {user} {boot}", word(WITHOUT)), None),
            Some(password) => {
                let mut first = Zeroizing::new(String::with_capacity(password.expose().len() + 1));
                first.push_str(password.expose());
                first.push('\n');
                (format!("sh -c {} {user} {boot}", word(WITH)), Some(first))
            }
        }
    }

    /// Why a script has not even begun, from what came in its place. That it has not is known by then: the words only
    /// serve to find the next step.
    pub(super) fn not_begun(&self, stdout: &[u8], stderr: &[u8]) -> RunError {
        let text = String::from_utf8_lossy(stderr);
        let out = String::from_utf8_lossy(stdout);
        let said =
            last_line(&text).or_else(|| last_line(&out)).unwrap_or_else(|| "it ended without a word".into());
        let host = self.host.clone();
        let user = self.user.as_deref().unwrap_or("the login");
        match &self.sudo {
            Some(sudo) => {
                let next = sudo_step(sudo, user, &text);
                RunError::Sudo { host, said: said.trim_start_matches("sudo:").trim().to_owned(), next }
            }
            None => RunError::Shell { host, said, next: shell_step(user) },
        }
    }
}

/// The last line that is not empty, as far as it is fit to be shown.
pub(super) fn last_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(line.chars().take(300).collect())
}

/// What to do where the login shell runs no command of ours.
pub(super) fn shell_step(user: &str) -> String {
    format!("Let {user} run `sh`: look at its login shell, its PATH, and ForceCommand in sshd_config")
}

fn sudo_step(sudo: &Sudo, user: &str, text: &str) -> String {
    let has = |mark: &str| text.contains(mark);
    let no_sudo = has("sudo: not found") || has("sudo: command not found") || has("exec: sudo");
    if has("a password is required") || has("no password was provided") || has("is required to authenticate")
    {
        match sudo.password {
            Some(_) => format!("Check ansible_become_password of {user}"),
            None => "Set ansible_become_password, or allow sudo without one".to_owned(),
        }
    } else if has("incorrect password") || has("Sorry, try again") || has("uthentication fail") {
        format!("Check ansible_become_password of {user}")
    } else if has("not in the sudoers") || has("is not allowed to") || has("I'm sorry") {
        format!("Let {user} use sudo on this host")
    } else if has("you must have a tty") {
        "Take `requiretty` out of sudoers for this login".to_owned()
    } else if no_sudo {
        "Install sudo, or log in as root".to_owned()
    } else if has("sudo") {
        format!("Try there: sudo -u {} true", word(&sudo.user))
    } else {
        shell_step(user)
    }
}
