//! Passwords for ssh, without putting them into an argument or an environment.
//!
//! ssh asks a program named in `SSH_ASKPASS`. That program is this one: it finds the path of a socket in [`VARIABLE`],
//! connects, says what it was asked, and prints what it is given there. The socket stands in a directory that only its
//! owner may enter.
//!
//! The ssh of a jump host inherits all of this. So the answer goes only to a question of the one ssh process that logs in
//! to the target, and only to one for a password: neither a passphrase of a key nor a host's key is confirmed by it.

use std::{
    fs,
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixListener,
};

use crate::model::Secret;

/// Environment variable that tells the child where to ask.
pub(super) const VARIABLE: &str = "TANDEM_ASKPASS_SOCKET";

/// The socket to ask, if this process was started by ssh for a password.
pub(crate) fn askpass_socket() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).map(PathBuf::from)
}

/// The child's side: asks at the socket and prints the answer for ssh.
///
/// # Errors
/// When the socket does not answer, or this is no question that it answers.
pub(crate) fn serve_askpass_request(socket: &Path) -> io::Result<()> {
    let prompt = std::env::args().nth(1).unwrap_or_default();
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(prompt.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let Some(password) = answer.strip_suffix('\n') else {
        return Err(io::Error::other("not answered"));
    };
    // ssh reads the password from here; it is the one thing this process is for.
    let mut out = io::stdout().lock();
    out.write_all(password.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Our side: answers with a password until it is dropped.
#[derive(Debug)]
pub(super) struct Answering {
    task: tokio::task::JoinHandle<()>,
    path: PathBuf,
    refused: Arc<Mutex<Option<String>>>,
}

impl Answering {
    /// Begins to listen at a path. `control` is the path that the one ssh process has among its arguments that may ask.
    ///
    /// # Errors
    /// When the socket can't be made.
    pub(super) fn begin(path: PathBuf, password: Secret, control: PathBuf) -> io::Result<Self> {
        let listener = UnixListener::bind(&path)?;
        let refused = Arc::new(Mutex::new(None));
        let note = refused.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut peer, _)) = listener.accept().await {
                let asking = peer.peer_cred().ok().and_then(|c| c.pid()).and_then(parent);
                let mut prompt = String::new();
                if (&mut peer).take(4096).read_to_string(&mut prompt).await.is_err() {
                    continue;
                }
                if asking.is_some_and(|pid| has_argument(pid, &control)) && wants_password(&prompt) {
                    let _ = peer.write_all(password.expose().as_bytes()).await;
                    let _ = peer.write_all(b"\n").await;
                } else {
                    *note.lock().unwrap_or_else(PoisonError::into_inner) = Some(prompt.trim().to_owned());
                }
            }
        });
        Ok(Self { task, path, refused })
    }

    /// Where it listens.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The last question that was not answered.
    pub(super) fn refused(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The process that has started another one.
fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Whether a process was started with this path as one of its arguments.
fn has_argument(pid: i32, path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    arguments.split(|byte| *byte == 0).any(|argument| argument == path.as_os_str().as_bytes())
}

/// How Linux-PAM asks for the password of a login, in its languages.
const ASKED: [&str; 25] = [
    "password",
    "unix password",
    "ldap password",
    "passwort",
    "kennwort",
    "mot de passe",
    "contraseña",
    "senha",
    "palavra-passe",
    "wachtwoord",
    "lösenord",
    "passord",
    "adgangskode",
    "salasana",
    "hasło",
    "heslo",
    "jelszó",
    "parola",
    "пароль",
    "κωδικός πρόσβασης",
    "密码",
    "密碼",
    "口令",
    "パスワード",
    "암호",
];

/// Whether a question of ssh is for the password of a login: its own, which is always in English, or one that the host
/// asks, which ssh shows behind `(USER@HOST)`. A code, a new password or a passphrase is something else, and a password
/// given in its place would go to whoever takes the code.
fn wants_password(prompt: &str) -> bool {
    let lower = prompt.trim().to_lowercase();
    let Some(asked) = lower.strip_suffix(':').or_else(|| lower.strip_suffix('：')) else { return false };
    let asked = match asked.strip_prefix('(').and_then(|rest| rest.split_once(") ")) {
        Some((login, asked)) if login.contains('@') => asked,
        _ => asked,
    };
    let asked = asked.trim();
    let of_login = |login: &str| login.contains('@') && !login.contains(char::is_whitespace);
    ASKED.contains(&asked)
        || asked.strip_suffix("'s password").is_some_and(of_login)
        || asked.strip_prefix("password for ").is_some_and(of_login)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_questions_for_the_password_are_answered() {
        for prompt in [
            "ops@10.0.0.1's password: ",
            "(ops@db-a) Password: ",
            "(ops@db-a) Passwort: ",
            "(ops@db-a) Mot de passe : ",
            "(ops@db-a) 密码：",
            "(ops@db-a) Password for ops@db-a:",
            "Password: ",
        ] {
            assert!(wants_password(prompt), "{prompt}");
        }
        for prompt in [
            "Enter passphrase for key '/root/.ssh/id_ed25519': ",
            "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
            "Enter PIN for ED25519-SK key /root/.ssh/id: ",
            "Allow use of key /root/.ssh/id?",
            "(ops@db-a) New password: ",
            "(ops@db-a) Current password: ",
            "(ops@db-a) Verification code: ",
            "(ops@db-a) One-time password (OATH) for `ops': ",
            "(ops@db-a) Passcode or option (1-3): ",
            "(ops@db-a) Say the password: ",
            "(ops@db-a) ",
            "Enter passphrase for key 'ops@db-a's password': ",
            "",
        ] {
            assert!(!wants_password(prompt), "{prompt}");
        }
    }

    #[test]
    fn the_process_that_asks_is_told_from_others() {
        let own = i32::try_from(std::process::id()).expect("a pid");
        assert!(parent(own).is_some_and(|pid| pid > 0));
        let program = std::env::args().next().expect("a name");
        assert!(has_argument(own, Path::new(&program)));
        assert!(!has_argument(own, Path::new("/run/user/0/tandem-x/0c")));
    }
}
