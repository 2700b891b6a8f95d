//! A local socket whose connection a small program on the host passes on to the server's socket there. It runs as who
//! the scripts run as, so the server sees root, and it sees who the server is.

use std::path::Path;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{UnixListener, UnixStream},
};

use super::running::{Running, ScriptOut};

/// Connects its standard streams with the unix socket `$1`, whose other end must be root's or that of the user `$2`;
/// where that is not known, of `mysql`. It says `up` first, `other` where it is somebody else's, or `no` and why.
///
/// perl is part of every Debian, and MySQL's and MariaDB's own packages bring it elsewhere; python3, socat and the netcats
/// that know unix sockets serve as well. Those can't ask who is behind a socket, so its owner is looked at; where others
/// may exchange the socket in between (`$3` is `shared`), that proves nothing, and they don't serve.
pub(super) const SCRIPT: &str = r#"
socket=$1 uid=$2 shared=$3
[ -n "$uid" ] || uid=$(id -u mysql 2>/dev/null)
if [ ! -S "$socket" ]; then
  if [ -e "$socket" ]; then echo "no it is not a socket"; else echo "no No such file or directory"; fi
  exit 0
fi
python=
for program in python3 /usr/libexec/platform-python; do
  ! command -v "$program" >/dev/null 2>&1 || { python=$program; break; }
done
if command -v perl >/dev/null 2>&1; then exec perl -e '
  use Socket;
  $| = 1;
  sub refuse { print "no $_[0]\n"; exit }
  my ($path, $uid) = @ARGV;
  my $s;
  socket($s, PF_UNIX, SOCK_STREAM, 0) && connect($s, sockaddr_un($path)) or refuse("$!");
  my (undef, $peer) = unpack("lll", getsockopt($s, SOL_SOCKET, eval { Socket::SO_PEERCRED() } || 17) || "");
  if (!defined $peer || $peer != 0 && $peer ne $uid) { print "other\n"; exit }
  print "up\n";
  sub all { my ($to, $bytes) = @_; my $at = 0;
    while ($at < length $bytes) { my $n = syswrite($to, $bytes, length($bytes) - $at, $at); exit unless defined $n; $at += $n } }
  my $open = 1;
  while (1) {
    my $ready = ""; vec($ready, fileno($s), 1) = 1; vec($ready, 0, 1) = 1 if $open;
    select($ready, undef, undef, undef) > 0 or next;
    if (vec($ready, fileno($s), 1)) { sysread($s, my $bytes, 65536) or exit; all(\*STDOUT, $bytes) }
    if ($open && vec($ready, 0, 1)) {
      if (sysread(STDIN, my $bytes, 65536)) { all($s, $bytes) } else { shutdown($s, 1); $open = 0 } }
  }' "$socket" "$uid"
elif [ -n "$python" ]; then exec "$python" -c '
import os, select, socket, struct, sys
def say(text): os.write(1, (text + "\n").encode())
s = socket.socket(socket.AF_UNIX); uid = sys.argv[2]
try: s.connect(sys.argv[1])
except OSError as e: say("no " + e.strerror); sys.exit()
peer = struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
if peer != 0 and str(peer) != uid: say("other"); sys.exit()
say("up"); watched = [s, 0]
while True:
    for ready in select.select(watched, [], [])[0]:
        data = s.recv(65536) if ready is s else os.read(0, 65536)
        if ready is s:
            if not data: sys.exit()
            while data: data = data[os.write(1, data):]
        elif data: s.sendall(data)
        else: s.shutdown(socket.SHUT_WR); watched = [s]
' "$socket" "$uid"
fi
owner=$(stat -c %u -- "$socket" 2>/dev/null)
if [ "$owner" != 0 ] && [ "$owner" != "$uid" ]; then echo other; exit 0; fi
if [ "$shared" = shared ]; then echo tools; exit 0; fi
if command -v socat >/dev/null 2>&1; then echo up; exec socat - "UNIX-CONNECT:$socket"; fi
if command -v ncat >/dev/null 2>&1; then echo up; exec ncat -U "$socket"; fi
# Of the programs with this name one knows them.
if command -v nc.openbsd >/dev/null 2>&1; then echo up; exec nc.openbsd -U "$socket"; fi
echo tools
"#;

/// Why a bridge does not stand.
#[derive(Debug)]
pub(super) enum NoBridge {
    /// Nothing on the host can pass bytes to a socket.
    NoTool,
    /// Another user than root and the server's is behind the socket.
    Other,
    /// The socket is not what it should be.
    Refused(String),
}

/// Waits for a bridge's first line.
///
/// # Errors
/// With what stands in the way.
pub(super) async fn up(out: &mut ScriptOut) -> Result<(), NoBridge> {
    let mut line = Vec::new();
    loop {
        match out.read_u8().await {
            Ok(b'\n') => break,
            Ok(byte) if line.len() < 500 => line.push(byte),
            _ => break,
        }
    }
    let line = String::from_utf8_lossy(&line);
    match line.split_once(' ') {
        None if line == "up" => Ok(()),
        None if line == "tools" => Err(NoBridge::NoTool),
        None if line == "other" => Err(NoBridge::Other),
        Some(("no", why)) => Err(NoBridge::Refused(why.to_owned())),
        _ => Err(NoBridge::Refused("the connection closed".into())),
    }
}

/// Listens at `local` for one connection and passes its bytes over a bridge that stands.
///
/// # Errors
/// When the socket can't be made.
pub(super) fn serve(local: &Path, running: Running) -> std::io::Result<()> {
    let listener = UnixListener::bind(local)?;
    tokio::spawn(async move {
        if let Ok((peer, _)) = listener.accept().await {
            // A failure shows as a closed connection; the driver reports it with the socket's path.
            let _ = pass(peer, running).await;
        }
    });
    Ok(())
}

async fn pass(peer: UnixStream, running: Running) -> std::io::Result<()> {
    let Running { stdin: mut to, stdout: mut from, stderr: mut messages, child } = running;
    let (mut reader, mut writer) = peer.into_split();
    let up = async {
        copy(&mut reader, &mut to).await?;
        to.shutdown().await
    };
    let down = async {
        copy(&mut from, &mut writer).await?;
        writer.shutdown().await
    };
    let drain = async {
        let mut chunk = [0; 1024];
        while matches!(messages.read(&mut chunk).await, Ok(n) if n > 0) {}
    };
    // Either end may close first; then the other has nothing left to say.
    tokio::select! {
        () = async { let _ = up.await; std::future::pending::<()>().await } => {}
        () = async { drain.await; std::future::pending::<()>().await } => {}
        _ = down => {}
    }
    drop(child);
    Ok(())
}
