//! Hosts on which a login prints much, and in other tongues; whose shells are none of POSIX; whose sshd allows little. It
//! works the same, or one line says why not before anything is touched.

use crate::lab::{Lab, Run};

/// Everything that a login, a shell, sudo and sshd may print, and what a profile may set, for every user of a host.
const NOISE: &str = r#"
sed -i "/ $(hostname)$/d" /etc/hosts
for home in /root /home/admin /home/ops; do
  rc='echo "@@ begin"; echo "welcome, $USER"; printf "no line feed"; echo "mail waiting" >&2; cd /
export LC_ALL=de_DE.UTF-8 LANGUAGE=de CDPATH=/ GREP_OPTIONS=-v POSIXLY_CORRECT=1; umask 002; trap "echo bye; exit 0" EXIT'
  printf '%s\n' "$rc" | cat - $home/.bashrc >$home/.bashrc.new 2>/dev/null; mv $home/.bashrc.new $home/.bashrc
  printf 'echo welcome\nsetenv LC_ALL de_DE.UTF-8\numask 077\n' >$home/.cshrc
  printf 'echo welcome; echo oh >&2; export LC_ALL=de_DE.UTF-8\n' >$home/.zshenv
  mkdir -p $home/.config/fish; printf 'echo welcome; echo oh >&2\n' >$home/.config/fish/config.fish
done
printf '#!/bin/sh\necho "sshrc was here"; echo "and here" >&2\n' >/etc/ssh/sshrc
printf 'Property of nobody\n' | tee /etc/banner >/etc/lecture
printf 'Defaults lecture=always, lecture_file=/etc/lecture, use_pty, log_input, log_output\n' >/etc/sudoers.d/noise
printf 'Banner /etc/banner\nPrintMotd yes\nAllowStreamLocalForwarding no\nAllowTcpForwarding no\nMaxSessions 2\n' \
  >/etc/ssh/sshd_config.d/00-noise.conf
systemctl restart ssh
"#;

fn vars(lab: &Lab, more: &str) {
    lab.vars(&format!(
        "replication_password: {{env: REPLICATION_PASSWORD}}\nreplication_tls: \"off\"\n{more}"
    ));
}

const OPS: &str = "ansible_user: ops\nansible_become: true\nansible_become_password: {file: ../ops.secret}\n";
const ADMIN: &str = "ansible_user: admin\nansible_become: true\n";

/// Not read, with one line that names the cause, and nothing changed on the host.
#[track_caller]
fn named(run: &Run, words: &[&str]) {
    // 6 where the other host differs, too.
    assert!([4, 6].contains(&run.code), "{run:?}");
    let line = run.err.lines().chain(run.out.lines()).find(|l| l.contains("db-a")).unwrap_or_default();
    let all = format!("{}{}", run.err, run.out).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(!line.is_empty() && words.iter().all(|word| all.contains(word)), "{run:?}");
}

#[test]
fn what_a_login_prints_changes_nothing() {
    let lab = Lab::boot(&["db-a=bookworm-shells", "db-b=bookworm-shells"]);
    lab.write("ops.secret", "ops pass $word\n");
    for host in ["db-a", "db-b"] {
        lab.at(host, NOISE);
    }
    lab.sql("db-a", "create database hello; use hello; create table t (id int primary key, b blob); insert into hello.t select seq, repeat(char(seq), 3000) from seq_1_to_255");
    vars(&lab, OPS);
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
    lab.tandem(&["verify", "hot-standby"]).expect(0);
    lab.same(["db-a", "db-b"], "checksum table hello.t");
    lab.at("db-a", "rm /etc/sudoers.d/noise");

    // Every login shell, as root without sudo, with a sudo that asks for nothing, and with one that asks.
    let plan = || lab.plan("hot-standby");
    for shell in ["/bin/tcsh", "/usr/bin/fish", "/bin/zsh", "/bin/rbash", "/bin/dash", "/bin/bash"] {
        lab.at("db-a", &format!("for user in root admin ops; do usermod -s {shell} $user; done"));
        for login in [OPS, ADMIN, ""] {
            vars(&lab, login);
            let run = plan();
            assert_eq!(run.code, 0, "{shell} {login}: {run:?}");
        }
    }

    // What can't work is named.
    lab.at("db-a", "rm /etc/ssh/sshrc");
    vars(&lab, ADMIN);
    lab.at("db-a", "usermod -s /usr/sbin/nologin admin");
    named(&plan(), &["the login runs no commands", "not available"]);
    lab.at("db-a", "usermod -s /bin/rbash admin; echo 'PATH=$HOME/bin' >/home/admin/.bashrc");
    named(&plan(), &["the login runs no commands", "PATH"]);
    lab.at("db-a", "usermod -s /bin/bash admin; rm /home/admin/.bashrc");
    let sshd = |text: &str| {
        lab.at(
            "db-a",
            &format!("printf '{text}\\n' >/etc/ssh/sshd_config.d/00-noise.conf; systemctl restart ssh"),
        );
    };
    sshd("Match User admin\\nForceCommand echo only backups here");
    named(&plan(), &["only backups here", "ForceCommand"]);
    sshd("MaxSessions 1");
    named(&plan(), &["MaxSessions"]);
    sshd("");
    lab.at("db-a", "echo 'Defaults requiretty' >/etc/sudoers.d/noise");
    named(&plan(), &["requiretty"]);
    lab.at("db-a", "rm /etc/sudoers.d/noise");
    plan().expect(0);

    // Neither a program that passes bytes on nor a sshd that does.
    let tools = "perl python3 /usr/libexec/platform-python socat ncat nc.openbsd";
    lab.at(
        "db-a",
        &format!("for tool in {tools}; do file=$(command -v $tool) || continue; chmod a-x $(readlink -f $file); done"),
    );
    named(&plan(), &["install one of them"]);
    vars(&lab, "");
    plan().expect(0);
    sshd("AllowStreamLocalForwarding no");
    named(&plan(), &["AllowStreamLocalForwarding"]);
}

#[test]
fn what_a_host_prints_without_end_is_bounded() {
    let lab = Lab::pair();
    lab.at("db-a", "truncate -s 2G /etc/mysql/mariadb.conf.d/60-huge.cnf");
    // The host is read but for its option files, and nothing is planned for them.
    let run = lab.plan("hot-standby").expect(2);
    let waiting = run.json()["waiting"].to_string();
    assert!(waiting.contains("60-huge.cnf") && waiting.contains("db-a"), "{run:?}");
    lab.at("db-a", "rm /etc/mysql/mariadb.conf.d/60-huge.cnf");
    lab.at("db-a", "mkdir -p -m 700 /var/lib/tandem; truncate -s 2G /var/lib/tandem/seed.json");
    named(&lab.plan("hot-standby"), &["printed more than"]);
    lab.at("db-a", "rm /var/lib/tandem/seed.json; echo 'cat /dev/zero >&2 & cat /dev/zero' >/root/.bashrc");
    let begun = std::time::Instant::now();
    let run = lab.tandem(&["plan", "hot-standby", "--connect-timeout", "2s", "--timeout", "5s"]);
    assert!([4, 6].contains(&run.code), "{run:?}");
    assert!(begun.elapsed().as_secs() < 60);
}
