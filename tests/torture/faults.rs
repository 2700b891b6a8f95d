//! What is done to a run, and how it is made right again.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::lab::{Lab, patience};

/// What is done to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The controller dies.
    Kill,
    /// The ssh connections of both hosts are dropped.
    Hangup,
    /// A host's network is away for some seconds.
    Network(&'static str),
    /// A database server crashes.
    Crash(&'static str),
    /// A host loses its power and comes back.
    Power(&'static str),
    /// A host's network is away until the run has ended.
    Cable(&'static str),
    /// The controller loses its power: nothing that it has to say arrives any more, and it is not there.
    Dark,
    /// A place on a host is full, until the run has ended.
    Full(&'static str, &'static str),
    /// The replica's kernel kills the server, for want of memory.
    Memory(&'static str),
    /// Users of the hosts without rights stand in the way, from before the run to its end; and the controller dies.
    Users,
}

impl Fault {
    /// As the report calls it.
    pub fn kind(self) -> &'static str {
        match self {
            Fault::Kill => "SIGKILL of the controller",
            Fault::Hangup => "all ssh connections dropped",
            Fault::Network(_) => "a host's network away for three seconds",
            Fault::Crash(_) => "SIGKILL of a database server",
            Fault::Power(_) => "a host powered off and on",
            Fault::Cable(_) => "a host's network away to the end",
            Fault::Dark => "the controller's power cut",
            Fault::Full(..) => "a full disk on a host",
            Fault::Memory(_) => "a database server killed for want of memory",
            Fault::Users => "users of the hosts in the way, SIGKILL of the controller",
        }
    }
}

/// Names that somebody who knows this program could take first.
const TAKEN: &str = "/run/lock/tandem /run/lock/tandem.lock /tmp/tandem /tmp/tandem-run /var/tmp/tandem";

/// What has to be there before the run begins.
pub fn prepare(lab: &Lab, fault: Fault) {
    match fault {
        Fault::Full(host, place) => {
            // A file system of its own, with some room above what is there.
            let stopped = place == "/var/lib/mysql";
            let [stop, start] = ["systemctl stop mariadb; ", "; systemctl start mariadb"]
                .map(|s| if stopped { s } else { "" });
            let room = if stopped { "204800" } else { "256" };
            let more =
                if place == "/run" { "mkdir -p -m 700 /run/tandem; at=/run/tandem" } else { "mkdir -p $at" };
            lab.at(
                host,
                &format!(
                    "at={place}; {more}; {stop}cp -a $at /root/aside; size=$(($(du -sk $at | cut -f 1) + {room})); \
                     mount -t tmpfs -o size=${{size}}k,mode=$(stat -c %a $at) tmpfs $at && chown --reference=/root/aside $at && \
                     cp -a /root/aside/. $at/{start}"
                ),
            );
        }
        Fault::Users => {
            for host in ["db-a", "db-b"] {
                lab.at(
                    host,
                    &format!(
                        "useradd -m eve; echo untouched >/root/prize; cp /bin/sleep /home/eve/mariadbd; \
                         printf '[mysqld]\\nuser=root\\nplugin_load_add=/home/eve/evil.so\\n' >/home/eve/evil.cnf; \
                         su eve -c '(exec -a \"mariadbd --defaults-file=/home/eve/evil.cnf\" /home/eve/mariadbd 600 >/dev/null 2>&1 &); \
                         for f in {TAKEN}; do ln -s /root/prize $f; done; mkfifo /tmp/mysql.sock.lock; \
                         mkfifo /tmp/tandem-fifo' 2>/dev/null; true"
                    ),
                );
            }
        }
        _ => {}
    }
}

/// What has to be right again before the next run.
pub fn heal(lab: &Lab, fault: Fault) {
    match fault {
        Fault::Cable(host) => lab.link(host, "up"),
        Fault::Dark => {
            lab.link("db-a", "up");
            lab.link("db-b", "up");
        }
        Fault::Full(host, place) => {
            let place = if place == "/run" { "/run/tandem" } else { place };
            lab.at(host, &format!("rm -f {place}/fill; mount -o remount,size=2G {place}"));
        }
        Fault::Users => {
            for host in ["db-a", "db-b"] {
                assert_eq!(lab.at(host, "cat /root/prize; stat -c %U:%a /root/prize"), "untouched\nroot:644");
            }
        }
        _ => {}
    }
    // For a moment after a link was down nobody knows the way.
    for address in ["10.77.0.11", "10.77.0.12"] {
        let tried = format!("timeout 1 bash -c ': </dev/tcp/{address}/22'");
        assert!(patience().any(|()| lab.here(&tried).code == 0), "{address} does not come back");
    }
}

fn kill(apply: &Child) {
    let found = Command::new("pgrep").args(["-P", &apply.id().to_string()]).output().unwrap();
    let pid = String::from_utf8(found.stdout).unwrap().trim().to_owned();
    let _ = Command::new("kill").args(["-KILL", &pid]).stderr(Stdio::null()).status();
}

/// Does it.
pub fn harm(lab: &Lab, fault: Fault, apply: &Child) {
    match fault {
        Fault::Kill | Fault::Users => kill(apply),
        Fault::Hangup => {
            for host in ["db-a", "db-b"] {
                lab.try_at(host, "pkill -KILL -f 'sshd: root'");
            }
        }
        Fault::Network(host) => {
            lab.link(host, "down");
            std::thread::sleep(Duration::from_secs(3));
            lab.link(host, "up");
        }
        Fault::Crash(host) => {
            lab.try_at(host, "pkill -KILL mariadbd");
        }
        Fault::Power(host) => lab.reboot(host),
        Fault::Cable(host) => lab.link(host, "down"),
        Fault::Dark => {
            lab.link("db-a", "down");
            lab.link("db-b", "down");
            kill(apply);
        }
        Fault::Full(host, place) => {
            let place = if place == "/run" { "/run/tandem" } else { place };
            lab.try_at(host, &format!("cat /dev/zero >{place}/fill"));
        }
        Fault::Memory(host) => starve(lab, host),
    }
}

/// Lets the kernel kill a host's server as soon as it wants more memory.
fn starve(lab: &Lab, host: &str) {
    let namespace = lab.at(host, "readlink /proc/1/ns/mnt");
    let name = format!("tandem-torture{}", lab.path(host).display()).replace('/', "-");
    let group = std::path::Path::new("/sys/fs/cgroup/memory").join(name);
    std::fs::create_dir_all(&group).unwrap();
    std::fs::write(group.join("memory.limit_in_bytes"), "4M").expect("a group of the memory controller");
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let of = |name: &str| std::fs::read_link(process.path().join(name)).unwrap_or_default();
        if of("ns/mnt").to_string_lossy() == namespace && of("exe").ends_with("mariadbd") {
            std::fs::write(group.join("cgroup.procs"), process.file_name().to_string_lossy().as_bytes())
                .unwrap();
        }
    }
}
