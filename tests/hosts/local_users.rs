//! What a user of a host without any rights can create there: processes that bear a server's name, links and pipes at
//! names of ours, sockets at which a password would arrive. Nothing of it is used, overwritten or waited for.

use std::{fs, process::Command, time::Instant};

use crate::lab::{Lab, Run};

/// Sent over a unix socket, caching_sha2_password hands this over in clear to whoever asks for it.
const ADMINISTRATOR: &str = "canary-for-the-server-alone";
const FILE: &str = "/etc/mysql/mariadb.conf.d/zz-tandem.cnf";

/// Listens at a socket like a server, notes each connection and what it gets, and asks for the password in clear.
/// Arguments: SOCKET RECORD.
const LISTENER: &str = r#"
use Socket;
my ($path, $record) = @ARGV;
unlink $path;
socket(my $l, PF_UNIX, SOCK_STREAM, 0); bind($l, sockaddr_un($path)) or die; chmod 0777, $path; listen($l, 9);
sub note { open(my $f, ">>", $record); syswrite($f, $_[0]) }
while (accept(my $c, $l)) {
  my $body = "\x0a8.4.0\0" . pack("V", 4) . "saltsalt\0" . pack("v", 0xf7ff) . "\x2d" . pack("v", 2) . pack("v", 0xdfff) .
    "\x15" . ("\0" x 10) . "saltsaltsalt\0" . "caching_sha2_password\0";
  syswrite($c, substr(pack("V", length $body), 0, 3) . "\0" . $body);
  sysread($c, my $hello, 4096) or next; note($hello);
  syswrite($c, "\x02\0\0\x02\x01\x04");
  sysread($c, my $word, 4096) or next; note($word);
}
"#;

/// A library that leaves a trace of who has loaded it.
const LIBRARY: &str = r#"
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
__attribute__((constructor)) static void loaded(void) {
  char at[64];
  snprintf(at, sizeof at, "/tmp/loaded-by-%d", (int)geteuid());
  mkdir(at, 0755);
}
"#;

/// Runs a shell command as the user without rights.
#[track_caller]
fn as_ops(lab: &Lab, command: &str) {
    let quoted = command.replace('\'', r"'\''");
    lab.at("db-a", &format!("cd /tmp && runuser -u ops -- sh -c '{quoted}'"));
}

/// Processes of another user that say they are a server with his option file: a program of his, one of root's under
/// another name, and the server's own program.
fn pretend(lab: &Lab) {
    as_ops(
        lab,
        "printf '[mysqld]\\nuser=root\\nplugin_dir=/tmp\\nplugin_load_add=evil.so\\ndatadir=/tmp/data\\nsocket=/tmp/mysql.sock\\n' \
           >/tmp/evil.cnf
         mkdir -p /tmp/bin /tmp/data && cp /usr/bin/perl /tmp/bin/mariadbd
         setsid /tmp/bin/mariadbd -e 'sleep' -- --defaults-file=/tmp/evil.cnf >/dev/null 2>&1 </dev/null &
         setsid bash -c 'exec -a /usr/sbin/mariadbd sleep infinity --defaults-file=/tmp/evil.cnf' >/dev/null 2>&1 </dev/null &
         while ! pidof mariadbd | grep -q ' '; do sleep 0.1; done",
    );
}

/// Links to a file of root's and pipes, wherever this or an earlier version has a fixed name in a directory of all users.
fn set_traps(lab: &Lab) {
    lab.at("db-a", "echo precious >/root/important; chmod 600 /root/important");
    as_ops(
        lab,
        "for at in /run/lock/tandem.lock /run/lock/tandem.json.new /tmp/tandem /var/tmp/tandem /tmp/zz-tandem.cnf.new; do
           ln -s /root/important $at
         done
         mkfifo /run/lock/tandem.json /run/lock/tandem-aside.lock /tmp/tandem.lock /tmp/seed.json
         exec 9>>/tmp/lock; ! mkdir /run/tandem /run/tandem-check.x 2>/dev/null",
    );
}

/// No library of a user was loaded as root, no file of root's was written.
#[track_caller]
fn untouched(lab: &Lab) {
    assert_eq!(lab.at("db-a", "cat /root/important 2>/dev/null || echo precious"), "precious");
    assert_eq!(lab.at("db-a", "ls -d /tmp/loaded-by-0 2>/dev/null || true"), "");
    assert_eq!(lab.at("db-a", "find /run/lock /tmp /var/tmp -name '*tandem*' -user root"), "");
}

fn config(lab: &Lab, connections: u32, more: &str) {
    lab.write("play.yml", "- name: one\n  hosts: db\n  roles: [config]\n");
    lab.host_vars(
        "db-a",
        &format!(
            "restart_wait: 20s\nserver_id: 7\nmysql_settings: {{max_connections: {connections}}}\n{more}"
        ),
    );
}

/// Everything that was said, without the breaks of lines.
fn said(run: &Run) -> String {
    format!("{}{}", run.out, run.err).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What was in the way is named, and nothing is planned for the host.
#[track_caller]
fn named(lab: &Lab, words: &[&str]) {
    let begun = Instant::now();
    let run = lab.tandem(&["plan", "play.yml", "--timeout", "10s", "--format", "json"]);
    assert!([2, 4, 6].contains(&run.code) && run.step_names().is_empty(), "{run:?}");
    assert!(words.iter().all(|word| said(&run).contains(word)), "{words:?}: {run:?}");
    assert!(begun.elapsed().as_secs() < 30);
    untouched(lab);
}

/// Puts a library that any server would load into a directory.
fn library(lab: &Lab, directory: &str) {
    let source = lab.write("evil.c", LIBRARY);
    let built = lab.path("evil.so");
    let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&built).arg(source).status();
    assert!(status.expect("a C compiler runs").success());
    let hex: String = fs::read(built).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    lab.at(
        "db-a",
        &format!(
            "mkdir -p {directory}; printf {hex} | perl -pe 's/(..)/chr(hex $1)/ge' >{directory}/evil.so"
        ),
    );
}

#[test]
fn what_a_user_creates_is_neither_trusted_nor_followed() {
    let lab = Lab::boot(&["db-a"]);
    library(&lab, "/tmp");
    set_traps(&lab);
    pretend(&lab);

    // Beside the server that runs.
    config(&lab, 77, "");
    lab.apply("play.yml");
    untouched(&lab);
    assert_eq!(lab.sql("db-a", "select @@max_connections"), "77");
    // Without it: the plan starts the unit's server, and believes no other.
    lab.at("db-a", "systemctl stop mariadb");
    assert_eq!(lab.plan("play.yml").expect(2).step_names(), ["db-a/start"]);
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
    untouched(&lab);

    // An option file that others may write to counts for the server where its unit lets it see a read-only /etc: it is named, and
    // so are one of another user, and a directory in which others may put some.
    let directory = FILE.rsplit_once('/').unwrap().0;
    lab.at(
        "db-a",
        &format!("printf '[mysqld]\\nuser=root\\n' >{directory}/70-x.cnf; chmod 666 {directory}/70-x.cnf"),
    );
    config(&lab, 78, "");
    named(&lab, &["70-x.cnf", "chmod o-w"]);
    lab.at("db-a", &format!("chmod 644 {directory}/70-x.cnf; chown ops {directory}/70-x.cnf"));
    config(&lab, 79, "");
    named(&lab, &["70-x.cnf", "chown root"]);
    lab.at("db-a", &format!("rm {directory}/70-x.cnf; chmod 777 {directory}"));
    as_ops(
        &lab,
        &format!(
            "ln -s /root/important {FILE}.new; ln -s /root/important {FILE}.x; mkfifo {directory}/80-pipe.cnf"
        ),
    );
    named(&lab, &[directory, "chmod o-w"]);
    lab.at("db-a", &format!("chmod 755 {directory}; rm {directory}/80-pipe.cnf"));

    // What the server's own user may write there is run by nobody else, whichever user it names.
    library(&lab, "/var/lib/mysql/own");
    lab.at(
        "db-a",
        &format!(
            "rm -f /tmp/loaded-by-*; chmod -R a+rX /var/lib/mysql/own
             printf '[mysqld]\\nuser=root\\nplugin_dir=/var/lib/mysql/own\\nplugin_load_add=evil.so\\n' >{directory}/70-own.cnf
             chown mysql {directory}/70-own.cnf"
        ),
    );
    lab.apply("play.yml");
    assert_eq!(lab.sql("db-a", "select @@max_connections"), "79");
    lab.at("db-a", &format!("test -d /tmp/loaded-by-$(id -u mysql) && rm {directory}/70-own.cnf"));
    untouched(&lab);

    // A file that a role declares in a directory of his.
    lab.write(
        "roles/site/role.yml",
        "description: A file.\nresources:\n  - file: {path: /home/ops/note, content: \"hello\\n\"}\n",
    );
    lab.write("play.yml", "- name: one\n  hosts: db\n  roles: [site]\n");
    as_ops(&lab, "ln -s /root/important /home/ops/note");
    let run = lab.tandem(&["plan", "play.yml"]);
    assert!(said(&run).contains("/home/ops") && !said(&run).contains("precious"), "{run:?}");
    assert_ne!(lab.tandem(&["apply", "play.yml", "--yes"]).code, 0);
    untouched(&lab);
    lab.at("db-a", "test -L /home/ops/note && ! ls -d /run/tandem-check.* 2>/dev/null");
}

#[test]
fn no_password_goes_to_a_socket_that_a_user_has_made() {
    let lab = Lab::boot(&["db-a"]);
    lab.sql("db-a", &format!("create user boss@localhost identified by '{ADMINISTRATOR}'; grant all on *.* to boss@localhost with grant option"));
    lab.write("admin.secret", ADMINISTRATOR);
    let login = "mysql_admin_user: boss\nmysql_admin_password: {file: ../admin.secret}\n";
    lab.at("db-a", &format!("cat >/tmp/listener <<'END'\n{LISTENER}\nEND"));
    as_ops(
        &lab,
        "setsid perl /tmp/listener /tmp/mysql.sock /tmp/record >/dev/null 2>&1 </dev/null & while ! test -S /tmp/mysql.sock; do sleep 0.1; done",
    );
    let silent = || {
        assert_eq!(lab.at("db-a", "cat /tmp/record 2>/dev/null || true"), "");
    };
    // The listener gets what it is after from a client that trusts the path.
    let naive = "mariadb --no-defaults -u boss -psecret-word -S /tmp/mysql.sock --connect-timeout=5; grep -c boss /tmp/record; rm -f /tmp/record";
    let caught: u32 = lab.try_at("db-a", naive).out.trim().parse().expect("a number");
    assert!(caught > 0, "the listener catches nothing, so this proves nothing");

    let own = "/etc/mysql/mariadb.conf.d/70-socket.cnf";
    let at = |socket: &str| {
        lab.at("db-a", &format!("printf '[mysqld]\\nsocket={socket}\\n' >{own}; systemctl restart mariadb"));
    };
    // It stands at another path than its server's, which is the one that is asked.
    config(&lab, 77, login);
    lab.at("db-a", "mkdir /srv/db && chown mysql: /srv/db");
    at("/srv/db/server.sock");
    lab.apply("play.yml");
    silent();
    // It was named by mistake.
    config(&lab, 77, &format!("{login}mysql_socket: /tmp/mysql.sock\n"));
    let refused = lab.tandem(&["plan", "play.yml"]);
    assert!([0, 4].contains(&refused.code), "{refused:?}");
    silent();
    // The server is down, with and without that name, and with a login that has no password.
    lab.at("db-a", "systemctl stop mariadb");
    for (login, socket) in
        [(login, "mysql_socket: /tmp/mysql.sock\n"), (login, ""), ("", "mysql_socket: /tmp/mysql.sock\n")]
    {
        config(&lab, 78, &format!("{login}{socket}"));
        let run = lab.tandem(&["plan", "play.yml", "--timeout", "10s"]);
        assert!([2, 4, 6].contains(&run.code), "{run:?}");
        silent();
    }
    config(&lab, 77, login);
    lab.apply("play.yml");

    // Its own socket in a directory of all users: who is behind it is asked, and where nothing can, that is said.
    at("/tmp/server.sock");
    for login in [login, ""] {
        config(&lab, 77, login);
        lab.plan("play.yml").expect(0);
    }
    lab.at("db-a", "chmod a-x $(readlink -f $(command -v perl))");
    for login in [login, ""] {
        config(&lab, 77, login);
        named(&lab, &["/tmp/server.sock", "install one of them"]);
    }
    silent();
}
