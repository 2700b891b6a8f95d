//! The codes of what waits for something else.

use super::{Code, code};

/// The codes of what waits.
pub(super) const WAITING: &[Code] = &[
    code(
        "host-not-read",
        "the host could not be read, so nothing is planned for it",
        "let it be read; the sentence has the error",
    ),
    code(
        "server-not-read",
        "the host was read and its server was not",
        "let it be read; the sentence has the error",
    ),
    code(
        "channels-not-read",
        "the server's channels could not be read",
        "let them be read; the sentence has the error",
    ),
    code(
        "option-files-not-read",
        "the server's option files could not be read",
        "let them be read; the sentence has the error",
    ),
    code(
        "packages-not-read",
        "the packages of the server could not be read",
        "let them be read; the sentence has the error",
    ),
    code(
        "packet-filter-not-read",
        "the packet filter could not be read",
        "let it be read; the sentence has the error",
    ),
    code(
        "copy-mark-not-read",
        "whether a copy has begun on the host could not be read",
        "let it be read; the sentence has the error",
    ),
    code(
        "resource-not-read",
        "a package, file, service or guard of a role could not be read",
        "let it be read; the sentence has the error",
    ),
    code("source-not-read", "a source of the host was not read", "let it be read"),
    code("copy-first", "the source gets a copy of the data first", "apply that; the next plan goes on"),
    code(
        "channel-does-not-run",
        "the channel does not run, and no step of this plan changes that",
        "the sentence has the cause",
    ),
    code(
        "channel-could-not-reconnect",
        "the channel is connected, and another connection would not get through",
        "the sentence has the cause",
    ),
    code(
        "resource-waits",
        "a resource of a role can't be on the host yet, such as a kernel parameter whose module is not loaded",
        "the sentence says what it waits for",
    ),
    code(
        "server-id-unknown",
        "a server id can't be chosen while another member is not read",
        "let it be read, or set `server_id`",
    ),
    code(
        "partner-waits",
        "the host to be written to changes together with one where nothing is done",
        "see why nothing is done there",
    ),
    code(
        "still-needed",
        "something is to be taken away that a replica still needs",
        "move that replica first",
    ),
    code(
        "left-out-by-limit",
        "a step needs one on a host that `--limit` leaves out",
        "plan without `--limit`",
    ),
    code(
        "gtid-mode-together",
        "`gtid_mode` changes on all members together, and one was not read",
        "let it be read",
    ),
    code(
        "gtid-mode-everywhere",
        "the option file has `gtid_mode` off once every server runs with it",
        "apply; the next plan goes on",
    ),
    code(
        "authority-not-everywhere",
        "a certificate by the new authority is issued once all hosts trust that one",
        "apply; the next plan goes on",
    ),
    code(
        "after-takeover",
        "a wish is refused on this host, and a lost host's writes are not kept waiting for it",
        "let the takeover be done first; what is refused is told again then, with the way out",
    ),
    code(
        "may-still-write",
        "a host that was not read may still take writes, so no other is opened",
        "let it be read; if it is gone, declare it `lost:`, as `tandem failover` does",
    ),
    code(
        "no-other-writer",
        "the host takes writes until one that is to take them in its stead can",
        "see why that one can't",
    ),
    code(
        "no-server",
        "no database server is installed, and no role installs one",
        "add the role `server`, or install one",
    ),
    code("not-root", "only root can install a server", "set `ansible_become`"),
    code("server-first", "planned once the server is installed and runs", "apply; the next plan goes on"),
];
