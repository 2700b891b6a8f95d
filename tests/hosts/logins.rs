//! Every way to a host: root, sudo with and without a password, another port, an administrator's account,
//! an ssh configuration with a jump host; and what is said where the way is shut.

use std::process::{Command, Stdio};

use crate::lab::{Lab, Run, patience};

#[test]
fn sudo_without_a_password() {
    let lab = Lab::pair();
    lab.vars("replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nansible_user: admin\nansible_become: true\n");
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
}

#[test]
fn sudo_with_a_password_and_a_copy() {
    let lab = Lab::pair();
    lab.sql(
        "db-a",
        "create database hello; create table hello.t (id int primary key); insert into hello.t values (1)",
    );
    lab.write("sudo.secret", "ops pass $word\n");
    lab.vars(
        "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nansible_user: ops\nansible_become: true\n\
         ansible_become_password: {file: ../sudo.secret}\n",
    );
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
    assert_eq!(lab.sql("db-b", "select id from hello.t"), "1");

    lab.write("sudo.secret", "another word\n");
    let run = lab.plan("hot-standby").expect(4);
    run.tells_people(&["sudo", "ansible_become_password"]);
}

#[test]
fn a_key_that_only_the_agent_has() {
    let lab = Lab::pair();
    let hosts = std::fs::read_to_string(lab.path("hosts.yml")).unwrap();
    let hosts: String =
        hosts.lines().filter(|l| !l.contains("private_key")).map(|l| format!("{l}\n")).collect();
    lab.write("hosts.yml", &hosts);
    let socket = lab.path("agent");
    let plan = || {
        let mut command = lab.tandem_command(&["plan", "hot-standby"]);
        Run::of(&command.env("SSH_AUTH_SOCK", &socket).output().expect("tandem runs"))
    };
    let refused = plan().expect(4);
    refused.tells_people(&["db-a", "key"]);

    let mut agent =
        Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().unwrap();
    for _ in patience() {
        if socket.exists() {
            break;
        }
    }
    let added =
        Command::new("ssh-add").arg("-q").arg(lab.path("id_ed25519")).env("SSH_AUTH_SOCK", &socket).status();
    assert!(added.unwrap().success());
    plan().expect(2);
    agent.kill().unwrap();
    agent.wait().unwrap();
}

#[test]
fn an_ssh_password_instead_of_a_key() {
    let lab = Lab::pair();
    lab.write("ssh.secret", "ops pass $word\n");
    let hosts = std::fs::read_to_string(lab.path("hosts.yml")).unwrap();
    let hosts: String =
        hosts.lines().filter(|l| !l.contains("private_key")).map(|l| format!("{l}\n")).collect();
    lab.write("hosts.yml", &hosts);
    lab.vars(
        "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nansible_user: ops\nansible_become: true\n\
         ansible_become_password: {file: ../ssh.secret}\nansible_password: {file: ../ssh.secret}\n",
    );
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
    lab.write("ssh.secret", "wrong\n");
    let run = lab.plan("hot-standby").expect(4);
    run.tells_people(&["ansible_password"]);
}

#[test]
fn another_ssh_port_and_an_unknown_host_key_with_the_command_that_mends_it() {
    let lab = Lab::boot(&["db-a:2222", "db-b:2222"]);
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);

    let known = std::fs::read_to_string(lab.path("known_hosts")).unwrap();
    lab.write("known_hosts", "");
    let run = lab.plan("hot-standby").expect(4);
    run.tells_people(&["ssh-keyscan -p 2222 10.77.0.11"]);
    lab.write("known_hosts", &known);
    lab.plan("hot-standby").expect(0);
}

#[test]
fn an_administrators_account_with_a_password() {
    let lab = Lab::pair();
    for host in ["db-a", "db-b"] {
        lab.sql(host, "create user boss@localhost identified by 'b''o\"ss \\\\ $x'; grant all on *.* to boss@localhost with grant option");
    }
    // Nothing of this is in a binary log, since there is none yet; root's own login is shut.
    for host in ["db-a", "db-b"] {
        lab.at(host, "mariadb -e \"alter user root@localhost identified by 'shut'\"");
    }
    lab.write("admin.secret", "b'o\"ss \\ $x\n");
    lab.vars(
        "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nmysql_admin_user: boss\n\
         mysql_admin_password: {file: ../admin.secret}\n",
    );
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
    lab.write("admin.secret", "wrong\n");
    let run = lab.plan("hot-standby").expect(4);
    run.tells_people(&["mysql_admin_password"]);
}

#[test]
fn an_ssh_configuration_with_a_jump_host() {
    let lab = Lab::pair();
    let dir = lab.path("");
    let dir = dir.display();
    lab.write(
        "ssh_config",
        &format!(
            "Host *\n  User root\n  IdentityFile {dir}/id_ed25519\n  UserKnownHostsFile {dir}/known_hosts\n  StrictHostKeyChecking yes\n\
             Host first\n  HostName 10.77.0.11\n  HostKeyAlias 10.77.0.11\n\
             Host second\n  HostName 10.77.0.12\n  HostKeyAlias 10.77.0.12\n  ProxyJump first\n"
        ),
    );
    lab.write(
        "aliases.yml",
        "all:\n  children:\n    db:\n      hosts:\n        first:\n          replication_address: 10.77.0.11\n        second:\n          replication_address: 10.77.0.12\n",
    );
    let args = ["-i", "aliases.yml", "--ssh-config", "ssh_config"];
    let tandem = |rest: &[&str]| lab.tandem_alone(&[&args, rest].concat());
    tandem(&["apply", "hot-standby", "--yes"]).expect(0);
    tandem(&["plan", "hot-standby"]).expect(0);
}

/// Notes every password that sshd gets on a host.
const NOTE_PASSWORDS: &str = "printf '#!/bin/sh\\ncat >>/root/passwords\\n' >/usr/local/bin/note; chmod 755 /usr/local/bin/note; \
     sed -i '1i auth optional pam_exec.so quiet expose_authtok /usr/local/bin/note' /etc/pam.d/sshd; \
     printf 'KbdInteractiveAuthentication yes\\n' >/etc/ssh/sshd_config.d/00-asks.conf; systemctl restart ssh";

#[test]
fn a_jump_host_that_asks_gets_no_password_of_the_host_behind_it() {
    let lab = Lab::pair();
    for host in ["db-a", "db-b"] {
        lab.at(host, NOTE_PASSWORDS);
    }
    let noted = |host: &str| lab.at(host, "tr -d '\\0' </root/passwords 2>/dev/null || true");
    lab.write("ssh.secret", "ops pass $word\n");
    lab.write("play.yml", "- name: one\n  hosts: db\n  roles: [config]\n");
    lab.write("aliases.yml", "all:\n  children:\n    db:\n      hosts:\n        second:\n          replication_address: 10.77.0.12\n");
    let dir = lab.path("").display().to_string();
    let config = |jump: &str| {
        lab.write(
            "ssh_config",
            &format!(
                "Host *\n  UserKnownHostsFile {dir}/known_hosts\n  StrictHostKeyChecking yes\n\
                 Host second\n  HostName 10.77.0.12\n  HostKeyAlias 10.77.0.12\n{jump}"
            ),
        );
    };
    let login = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nserver_id: 7\nansible_user: ops\n\
                 ansible_password: {file: ../ssh.secret}\nansible_become: true\nansible_become_password: {file: ../ssh.secret}\n";
    let plan = || lab.tandem_alone(&["-i", "aliases.yml", "--ssh-config", "ssh_config", "plan", "play.yml"]);
    let first = "Host first\n  HostName 10.77.0.11\n  HostKeyAlias 10.77.0.11\n";
    let by_command = format!(
        "ansible_ssh_common_args: '-o \"ProxyCommand=ssh -F {dir}ssh_config -o NumberOfPasswordPrompts=3 -W %h:%p ops@first\"'\n"
    );
    // The same user with the same password on both, asked for by sshd's own question and by that of the login.
    for how in ["password", "keyboard-interactive"] {
        let asks = format!("{first}  User ops\n  PreferredAuthentications {how}\n");
        for (jump, more) in [(format!("  ProxyJump first\n{asks}"), ""), (asks, by_command.as_str())] {
            config(&jump);
            lab.vars(&format!("{login}{more}"));
            let run = plan().expect(4);
            assert!(run.err.contains("ansible_password"), "{run:?}");
            assert_eq!((noted("db-a"), noted("db-b")), (String::new(), String::new()), "{how} {more}");
        }
    }
    // A key for the jump host, the password for the one behind it, by either question.
    lab.vars(login);
    for how in ["password", "keyboard-interactive"] {
        config(&format!(
            "  ProxyJump first\n  PreferredAuthentications {how}\n{first}  User admin\n  IdentityFile {dir}/id_ed25519\n"
        ));
        plan().expect(2);
        assert_eq!((noted("db-a"), noted("db-b")), (String::new(), "ops pass $word".to_owned()), "{how}");
        lab.at("db-b", "rm /root/passwords");
    }
}

#[test]
fn a_host_that_is_not_there_is_said_to_be_unread_and_the_other_is_left_alone() {
    let lab = Lab::pair();
    lab.link("db-b", "down");
    let run = lab.tandem(&["plan", "hot-standby", "--connect-timeout", "2s"]);
    assert!(run.code == 4 || run.code == 6, "{run:?}");
    run.tells_people(&["db-b"]);
    assert!(!run.out.contains("replicate from"), "{}", run.out);
    lab.link("db-b", "up");
    lab.apply("hot-standby");
}
