//! A copy whose bytes go straight from one host to the other.
//!
//! The controller brings this program to both hosts for the time of one copy. The one where the data comes from listens
//! ([`give`]), the one that gets it connects ([`take`]), and each knows nobody but the other: by a certificate that was
//! made for this copy alone. What they shall do, and what comes of it, are lines on their standard input and output.
//! Both end with their standard input. One that keeps a host's own data ([`keep`]) is alone.

mod alive;
mod door;
mod give;
mod keep;
mod said;
mod take;
mod tls;
mod voice;

use std::path::{Path, PathBuf};

pub(crate) use said::{CopyOrder, Door, Failed, Order, Part, Report, Socket};
pub(crate) use tls::{Certificate, Keys};

/// The word by which the controller starts this program on a host. The directory of the copy follows.
pub(crate) const AT_HOST: &str = "at-host";
/// The pipe in that directory by which a host's own programs hand bytes over, or take them.
pub(crate) const PIPE: &str = "bytes";
/// This program in that directory.
pub(crate) const PROGRAM: &str = "tandem";

/// The directory, where a controller has started this program on a host.
pub(crate) fn asked() -> Option<PathBuf> {
    let mut args = std::env::args_os().skip(1);
    (args.next()? == AT_HOST).then(|| args.next()).flatten().map(PathBuf::from)
}

/// Whether this very program lies there.
fn is_this(place: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |path: &Path| std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    id(place).is_some_and(|file| id(Path::new("/proc/self/exe")) == Some(file))
}

/// Does what the controller says, until it says no more. Whether all of it was done.
pub(crate) fn serve(directory: &Path) -> bool {
    // Nothing is left of it whatever comes: what runs needs no name.
    let place = directory.join(PROGRAM);
    if is_this(&place) {
        let _ = std::fs::remove_file(place);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let Ok(runtime) = runtime else { return false };
    let done = runtime.block_on(async {
        let Some((mut voice, part, heard)) = voice::open().await else { return false };
        voice.keep_talking();
        let work = async {
            match &part {
                Part::Give { keys, socket } => {
                    give::run(directory, (keys, socket), heard.orders, &voice).await
                }
                Part::Take { keys, addresses, port } => {
                    take::run(directory, (keys, addresses, *port), heard.orders, &voice).await
                }
                Part::Keep { server, databases } => keep::run(directory, (server, databases), &voice).await,
            }
        };
        // With the controller everything ends that was done for it, also what waits for a server.
        let done = tokio::select! {
            done = work => done,
            _ = heard.over => Ok(()),
        };
        let said = match done {
            Ok(()) => true,
            Err(failed) => {
                voice.say(Report::Failed(failed));
                false
            }
        };
        voice.close().await;
        said
    });
    // A read of standard input may still be waiting.
    runtime.shutdown_background();
    done
}
