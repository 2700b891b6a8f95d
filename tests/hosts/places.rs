//! A full disk at each place where something is written on a host: the place is named, and nothing has changed. And why a
//! server is down: how its unit ended comes first.

use crate::lab::Lab;

const FILE: &str = "/etc/mysql/mariadb.conf.d/zz-tandem.cnf";

fn lab() -> Lab {
    let lab = Lab::boot(&["db-a"]);
    lab.vars(
        "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nrestart_wait: 60s\n",
    );
    lab.write("play.yml", "- name: one\n  hosts: db\n  roles: [config]\n");
    lab.host_vars("db-a", "server_id: 7\nmysql_settings: {max_connections: 77}\n");
    lab.apply("play.yml");
    lab
}

/// Puts a small file system in the place of a directory, with what is in it, and fills it.
fn fill(lab: &Lab, directory: &str, size: &str) {
    lab.at(
        "db-a",
        &format!(
            "mkdir -p {directory} && rm -rf /root/aside && cp -a {directory} /root/aside && \
             mount -t tmpfs -o mode=$(stat -c %a {directory}),size={size} tmpfs {directory} && cp -a /root/aside/. {directory}/ && \
             {{ cat /dev/zero >{directory}/fill 2>/dev/null || true; }}"
        ),
    );
}

#[test]
fn a_place_that_is_full_is_named_and_nothing_has_changed() {
    let lab = lab();
    let state =
        format!("sha256sum {FILE}; systemctl show -p MainPID --value mariadb; ls /etc/mysql/mariadb.conf.d");
    let before = lab.at("db-a", &state);
    // One that takes a restart, and one that does not.
    for settings in ["{innodb_open_files: 500}", "{max_connections: 78}"] {
        lab.host_vars("db-a", &format!("server_id: 7\nmysql_settings: {settings}\n"));
        for (directory, size) in [
            ("/run/tandem", "16k"),
            ("/var/lib/tandem", "64k"),
            ("/etc/mysql/mariadb.conf.d", "64k"),
            ("/etc/systemd/system", "256k"),
        ] {
            fill(&lab, directory, size);
            let run = lab.tandem(&["apply", "play.yml", "--yes", "--format", "json"]);
            lab.at("db-a", &format!("rm {directory}/fill"));
            let after = lab.at("db-a", &state);
            lab.at("db-a", &format!("umount {directory}"));
            assert_eq!(run.code, 1, "{directory}: {}{}", run.out, run.err);
            let said = format!("{}{}", run.out, run.err);
            assert!(
                // The run's own lock lies in the first, and says only that it could not be written.
                said.contains(directory)
                    && (said.contains("No space left on device") || directory == "/run/tandem"),
                "{directory}: {said}"
            );
            assert_eq!(after, before, "{directory}");
        }
    }
    lab.apply("play.yml");
    assert_eq!(lab.sql("db-a", "select @@max_connections"), "78");
    lab.plan("play.yml").expect(0);
}

/// Why the plan starts the server.
#[track_caller]
fn reason(lab: &Lab) -> String {
    let plan = lab.plan("play.yml").expect(2).json();
    let steps = plan["steps"].as_array().expect("steps").clone();
    let start = steps.iter().find(|s| s["id"] == "db-a/start").expect("it is started");
    start["reason"].to_string()
}

#[test]
fn a_server_that_is_down_is_explained_by_how_its_unit_ended() {
    let lab = lab();
    // A log of its own, which only the option files name, with what a channel has said.
    lab.at(
        "db-a",
        "mkdir /srv/log && chown mysql: /srv/log && mkdir -p /etc/systemd/system/mariadb.service.d && \
         printf '[Service]\\nRestart=no\\n' >/etc/systemd/system/mariadb.service.d/no.conf && systemctl daemon-reload && \
         printf '[mysqld]\\nlog-error=/srv/log/own\\n' >/etc/mysql/mariadb.conf.d/60-log.cnf && systemctl restart mariadb && \
         echo '2026-11-28  1:00:00 5 [ERROR] Slave I/O: error connecting to master' >>$(ls /srv/log/own*)",
    );
    lab.at("db-a", "systemctl stop mariadb");
    let said = reason(&lab);
    assert!(said.contains("it was stopped at") && !said.contains("Slave"), "{said}");
    lab.apply("play.yml");

    lab.at(
        "db-a",
        "systemctl kill -s KILL mariadb; while systemctl is-active -q mariadb; do sleep 0.1; done",
    );
    let said = reason(&lab);
    assert!(said.contains("SIGKILL") && !said.contains("Slave"), "{said}");
    lab.apply("play.yml");

    // Its own words, out of its own log: the line that names the setting, and where that stands.
    lab.at("db-a", "printf '[mysqld]\\ninnodb_page_size=8192\\n' >/etc/mysql/mariadb.conf.d/70-page.cnf");
    assert_ne!(lab.try_at("db-a", "systemctl restart mariadb").code, 0);
    let said = reason(&lab);
    for part in ["exit status 1", "uses page size 16384", "/etc/mysql/mariadb.conf.d/70-page.cnf:2"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    lab.at(
        "db-a",
        "rm /etc/mysql/mariadb.conf.d/70-page.cnf; systemctl stop mariadb; systemctl mask -q mariadb",
    );
    let plan = lab.plan("play.yml").expect(8).json();
    assert_eq!(plan["refused"][0]["code"], "unit-masked", "{plan}");
    lab.at("db-a", "systemctl unmask -q mariadb");
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
}
