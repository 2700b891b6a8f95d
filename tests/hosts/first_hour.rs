//! The first hour on hosts: second thoughts at the prompt, what a run leaves on this machine, and servers whose names
//! would be something else to a template, a table or a collector of metrics.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::lab::{Lab, PASSWORD, Run, patience};

fn rights(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).permissions().mode() & 0o777
}

/// An `apply` that waits at its prompt.
fn at_the_prompt(lab: &Lab) -> Child {
    let stderr = fs::File::create(lab.path("stderr")).unwrap();
    let mut command = lab.tandem_command(&["apply", "hot-standby"]);
    command.env("XDG_RUNTIME_DIR", lab.path("runtime")).stdin(Stdio::piped()).stdout(Stdio::null());
    let child = command.stderr(stderr).spawn().unwrap();
    let said = || fs::read_to_string(lab.path("stderr")).unwrap();
    assert!(patience().any(|()| said().contains("Only `yes`")), "{}", said());
    child
}

fn end(child: &mut Child, how: &str) -> Option<i32> {
    // What was spawned enters the lab and waits; its child is tandem.
    let found = Command::new("pgrep").args(["-P", &child.id().to_string()]).output().unwrap();
    let pid = String::from_utf8(found.stdout).unwrap().trim().to_owned();
    let pid = if pid.is_empty() { child.id().to_string() } else { pid };
    assert!(Command::new("kill").args([how, &pid]).status().unwrap().success());
    child.wait().unwrap().code()
}

#[test]
fn second_thoughts_change_nothing_and_runs_leave_only_what_is_their_owners() {
    let lab = Lab::pair();
    let runtime = lab.path("runtime");
    fs::create_dir(&runtime).unwrap();
    let sockets = || fs::read_dir(&runtime).unwrap().count();
    let mut child = at_the_prompt(&lab);
    assert_eq!(sockets(), 1);
    assert_eq!(end(&mut child, "-INT"), Some(130));
    let said = fs::read_to_string(lab.path("stderr")).unwrap();
    assert!(said.contains("Nothing was changed"), "{said}");
    assert_eq!((sockets(), lab.path("state").exists()), (0, false));
    // One that is killed leaves its directory, and the next run takes it away.
    end(&mut at_the_prompt(&lab), "-KILL");
    assert_eq!(sockets(), 1);
    let mut status = lab.tandem_command(&["status"]);
    assert_eq!(Run::of(&status.env("XDG_RUNTIME_DIR", &runtime).output().unwrap()).expect(0).code, 0);
    assert_eq!(sockets(), 0);

    lab.tandem(&["plan", "hot-standby", "-o", "saved.plan"]).expect(2);
    lab.apply("hot-standby");
    lab.tandem(&["report", "hot-standby", "-o", "report.html"]).expect(0);
    for (path, expected) in
        [("state/tandem", 0o700), ("state/tandem/runs", 0o700), ("report.html", 0o600), ("saved.plan", 0o600)]
    {
        assert_eq!(rights(&lab.path(path)), expected, "{path}");
    }
    for journal in fs::read_dir(lab.path("state/tandem/runs")).unwrap() {
        assert_eq!(rights(&journal.unwrap().path()), 0o600);
    }
    no_name_makes_a_line(&lab);
}

/// A source whose name holds line breaks and escapes.
fn no_name_makes_a_line(lab: &Lab) {
    lab.sql(
        "db-a",
        "change master 'evil' to master_host='192.0.2.9\\ntandem_in_sync 1\\ndb-z  up\u{1b}[2J', master_user='x', \
         master_password='y'",
    );
    let metrics = lab.path("tandem.prom");
    let mut said = Vec::new();
    for args in [
        &["status", "hot-standby", "-v"][..],
        &["status"],
        &["doctor"],
        &["plan", "hot-standby"],
        &["drift", "hot-standby", "--metrics-file", "tandem.prom"],
        &["graph"],
        &["graph", "--as", "dot"],
        &["report", "-o", "report.html"],
    ] {
        let run = lab.tandem(args);
        said.extend([run.out, run.err]);
    }
    said.extend([&metrics, &lab.path("report.html")].map(|path| fs::read_to_string(path).unwrap()));
    assert!(said.iter().any(|text| text.contains("192.0.2.9")), "the channel is shown");
    for text in said {
        let faked = text.lines().find(|l| l.starts_with("tandem_in_sync 1") || l.starts_with("db-z"));
        assert_eq!(faked, None, "{text}");
        assert!(!text.contains("\u{1b}[2J"), "{text:?}");
    }
}

/// What servers have as names and values is a text to Ansible and to tandem, and no template.
#[test]
fn what_a_server_says_is_no_template() {
    let lab = Lab::pair();
    let made = lab.here("tests() { command -v ansible; }; tests");
    assert_eq!(made.code, 0, "Ansible is needed: tests/lab/lab ansible");
    let user = r#"{{lookup("pipe","touch owned")}}"#;
    let database = r#"{{lookup("pipe","touch owned2")}}"#;
    let secret = format!("'{}'", PASSWORD.replace('\\', "\\\\").replace('\'', "''"));
    for (n, host) in [(1, "db-a"), (2, "db-b")] {
        let file = format!(
            "[mysqld]\nbind-address=0.0.0.0\nserver-id={n}\nlog_bin=mysql-bin\nlog-slave-updates\nreplicate-ignore-db={database}\n"
        );
        lab.at(
            host,
            &format!(
                "cat > /etc/mysql/mariadb.conf.d/60-mine.cnf <<'END'\n{file}END\nsystemctl restart mariadb"
            ),
        );
    }
    lab.sql(
        "db-a",
        &format!("create user '{user}'@'10.77.0.12' identified by {secret}; grant replication slave on *.* to '{user}'@'10.77.0.12'; reset master"),
    );
    lab.sql(
        "db-b",
        &format!("change master to master_host='10.77.0.11', master_user='{user}', master_password={secret}, master_use_gtid=slave_pos; start slave"),
    );
    lab.channels_run(&["db-b"]);
    let (key, known) = (lab.path("id_ed25519"), lab.path("known_hosts"));
    let config =
        format!("Host *\n  IdentityFile {}\n  UserKnownHostsFile {}\n", key.display(), known.display());
    lab.write("ssh_config", &config);
    let ssh = ["--ssh-config", "ssh_config"];
    let init = ["init", "adopted", "--from", "root@10.77.0.11", "root@10.77.0.12"];
    lab.tandem_alone(&[&init[..], &ssh].concat()).expect(0);
    let plan = ["-i", "adopted/inventory.yml", "plan", "adopted/playbook.yml", "--format", "json"];
    let plan = lab.tandem_alone(&[&plan[..], &ssh].concat()).expect(0);
    assert!(plan.step_names().is_empty(), "{plan:?}");

    let ansible = "HOME=$PWD ansible -i adopted/inventory.yml all -c local -m debug -a 'var=hostvars[inventory_hostname]'";
    let run = lab.here(ansible).expect(0);
    run.prints_for_people(&["touch owned", "touch owned2"]);
    let owned = || ["owned", "owned2"].map(|name| lab.path(name).exists());
    assert_eq!(owned(), [false, false]);
    // The proof that this would be seen: without the tags they are templates.
    lab.here("sed -i 's/!unsafe //g' adopted/group_vars/*.yml adopted/host_vars/*.yml");
    lab.here(ansible);
    assert_ne!(owned(), [false, false]);
}
