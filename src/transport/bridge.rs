//! A local socket whose connections run a small program on the host, under sudo, that passes bytes to
//! the server's socket there.

use std::path::Path;

use tokio::{
    io::{AsyncWriteExt, copy},
    net::{UnixListener, UnixStream},
};

/// Connects its standard streams with the unix socket `$1`. perl is part of every Debian, and MySQL's
/// and MariaDB's own packages bring it elsewhere; python3 and socat serve as well.
pub const SCRIPT: &str = r#"
if command -v perl >/dev/null 2>&1; then exec perl -e '
  use Socket;
  my $s;
  socket($s, PF_UNIX, SOCK_STREAM, 0) && connect($s, sockaddr_un($ARGV[0])) or die "$!\n";
  sub all { my ($to, $bytes) = @_; my $at = 0;
    while ($at < length $bytes) { my $n = syswrite($to, $bytes, length($bytes) - $at, $at); exit unless defined $n; $at += $n } }
  my $open = 1;
  while (1) {
    my $ready = ""; vec($ready, fileno($s), 1) = 1; vec($ready, 0, 1) = 1 if $open;
    select($ready, undef, undef, undef) > 0 or next;
    if (vec($ready, fileno($s), 1)) { sysread($s, my $bytes, 65536) or exit; all(\*STDOUT, $bytes) }
    if ($open && vec($ready, 0, 1)) {
      if (sysread(STDIN, my $bytes, 65536)) { all($s, $bytes) } else { shutdown($s, 1); $open = 0 } }
  }' "$1"
elif command -v python3 >/dev/null 2>&1; then exec python3 -c '
import os, select, socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); watched = [s, 0]
while True:
    for ready in select.select(watched, [], [])[0]:
        data = s.recv(65536) if ready is s else os.read(0, 65536)
        if ready is s:
            if not data: sys.exit()
            while data: data = data[os.write(1, data):]
        elif data: s.sendall(data)
        else: s.shutdown(socket.SHUT_WR); watched = [s]
' "$1"
elif command -v socat >/dev/null 2>&1; then exec socat - "UNIX-CONNECT:$1"
fi
echo "neither perl nor python3 nor socat is there; install one, or set mysql_admin_user" >&2
exit 127
"#;

/// Begins to listen at `local`; each connection runs `command` over the master at `control`. The task
/// ends with the runtime.
///
/// # Errors
/// When the socket can't be made.
pub fn serve(
    local: &Path,
    control: &Path,
    command: String,
    password: Option<zeroize::Zeroizing<String>>,
) -> std::io::Result<()> {
    let listener = UnixListener::bind(local)?;
    let control: Box<Path> = control.into();
    tokio::spawn(async move {
        while let Ok((peer, _)) = listener.accept().await {
            let (control, command, password) = (control.clone(), command.clone(), password.clone());
            tokio::spawn(async move {
                // A failure shows as a closed connection; the driver reports it with the socket's path.
                let _ = pass(peer, control, command, password).await;
            });
        }
    });
    Ok(())
}

async fn pass(
    peer: UnixStream,
    control: Box<Path>,
    command: String,
    password: Option<zeroize::Zeroizing<String>>,
) -> Result<(), openssh::Error> {
    let mux = openssh::Session::resume_mux(control, None);
    let mut child = mux
        .raw_command(command)
        .stdin(openssh::Stdio::piped())
        .stdout(openssh::Stdio::piped())
        .stderr(openssh::Stdio::null())
        .spawn()
        .await?;
    let (Some(mut to), Some(mut from)) = (child.stdin().take(), child.stdout().take()) else { return Ok(()) };
    let (mut reader, mut writer) = peer.into_split();
    let up = async {
        if let Some(password) = password {
            to.write_all(password.as_bytes()).await?;
        }
        copy(&mut reader, &mut to).await?;
        to.shutdown().await
    };
    let down = async {
        copy(&mut from, &mut writer).await?;
        writer.shutdown().await
    };
    // Either end may close first; then the other has nothing left to say.
    tokio::select! {
        _ = async { let _ = up.await; std::future::pending::<()>().await } => {}
        _ = down => {}
    }
    let _ = child.disconnect().await;
    Ok(())
}
