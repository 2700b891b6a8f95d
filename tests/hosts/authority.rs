//! The authority of a fleet is never replaced unasked, and replacing it breaks no channel.

use std::fs;

use crate::lab::Lab;

const VARS: &str = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: verify_identity\n";
const KEY: &str = "/etc/mysql/tandem/server-key.pem";

fn authorities(lab: &Lab, host: &str) -> String {
    lab.at(host, "grep -c BEGIN /etc/mysql/tandem/ca.pem")
}

#[test]
fn an_authority_is_replaced_only_when_asked_and_channels_go_on() {
    let lab = Lab::pair();
    lab.vars(VARS);
    lab.apply("hot-standby");
    // With the certificate alone, everything that looks works.
    fs::rename(lab.path("tls/ca.key"), lab.path("kept.key")).expect("moved");
    lab.plan("hot-standby").expect(0);
    lab.tandem(&["drift", "hot-standby"]).expect(0);
    lab.tandem(&["status", "hot-standby"]).expect(0);
    // A key that does not belong to its certificate is seen; issuing needs the authority's key.
    let made = lab.here("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | base64 -w0");
    assert_eq!(made.code, 0, "{made:?}");
    lab.at("db-a", &format!("echo {} | base64 -d > {KEY}", made.out.trim()));
    let plan = lab.plan("hot-standby").expect(8);
    assert_eq!(plan.refusals(), ["authority-key-missing"], "{plan:?}");
    fs::rename(lab.path("kept.key"), lab.path("tls/ca.key")).expect("moved back");
    let names = lab.plan("hot-standby").expect(2).step_names();
    assert_eq!(names, ["db-a/certificate"]);
    // Also when the server is down because of it.
    lab.at(
        "db-a",
        "systemctl restart mariadb || true; systemctl is-active mariadb || systemctl stop mariadb",
    );
    lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "restart"]).expect(0);
    lab.plan("hot-standby").expect(0);
    lab.channels_run(&["db-a", "db-b"]);

    // A checkout without tls/, and one with another authority.
    fs::rename(lab.path("tls"), lab.path("kept")).expect("moved");
    let run = lab.plan("hot-standby").expect(8);
    assert_eq!(run.refusals(), ["another-authority"]);
    lab.tandem(&["apply", "hot-standby", "--yes"]).expect(8);
    assert!(!lab.path("tls").exists(), "nothing was made");
    // An empty file never counts as an authority.
    lab.write("tls/ca.crt", "");
    assert_eq!(lab.plan("hot-standby").expect(8).refusals(), ["another-authority"]);

    // Replaced when asked: trusted by all, then used by all, then alone. Channels go on meanwhile.
    lab.sql(
        "db-a",
        "create database if not exists shop; create table shop.t (id int auto_increment primary key)",
    );
    lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "new-authority"]).expect(0);
    lab.plan("hot-standby").expect(0);
    for host in ["db-a", "db-b"] {
        assert_eq!(authorities(&lab, host), "1");
        lab.sql(host, "stop slave; start slave");
    }
    lab.channels_run(&["db-a", "db-b"]);
    lab.sql("db-a", "insert into shop.t values ()");
    lab.same(["db-a", "db-b"], "select count(*) from shop.t");
    // The colleague who still has the old one is told, and takes nothing back.
    fs::rename(lab.path("tls"), lab.path("new")).expect("moved");
    fs::rename(lab.path("kept"), lab.path("tls")).expect("moved");
    assert_eq!(lab.plan("hot-standby").expect(8).refusals(), ["another-authority"]);
    lab.tandem(&["apply", "hot-standby", "--yes"]).expect(8);
    fs::remove_dir_all(lab.path("tls")).expect("removed");
    fs::rename(lab.path("new"), lab.path("tls")).expect("moved back");
    the_end_of_an_authority_is_told(&lab);
}

/// An authority that ends in 20 days: told, a difference for `drift`, and renewed when asked.
fn the_end_of_an_authority_is_told(lab: &Lab) {
    let made = lab.here(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 20 -subj /CN=short \
         -addext basicConstraints=critical,CA:TRUE -keyout tls/ca.key -out tls/ca.crt",
    );
    assert_eq!(made.code, 0, "{made:?}");
    lab.tandem(&["apply", "hot-standby", "--yes"]).expect(8);
    // Own authorities take the same way; what is by them ends with them, and is not issued again and again.
    fs::rename(lab.path("tls/ca.crt"), lab.path("short.crt")).expect("moved");
    fs::rename(lab.path("tls/ca.key"), lab.path("short.key")).expect("moved");
    lab.at("db-a", "rm -rf /etc/mysql/tandem/*.pem");
    lab.at("db-b", "rm -rf /etc/mysql/tandem/*.pem");
    fs::rename(lab.path("short.crt"), lab.path("tls/ca.crt")).expect("moved");
    fs::rename(lab.path("short.key"), lab.path("tls/ca.key")).expect("moved");
    lab.apply("hot-standby");
    let plan = lab.plan("hot-standby").expect(0).json();
    let codes: Vec<&str> =
        plan["warnings"].as_array().expect("a list").iter().filter_map(|w| w["code"].as_str()).collect();
    assert!(codes.contains(&"authority-ends-soon"), "{codes:?}");
    lab.tandem(&["drift", "hot-standby"]).expect(2);
    lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "new-authority"]).expect(0);
    lab.tandem(&["drift", "hot-standby"]).expect(0);
    for host in ["db-a", "db-b"] {
        assert_eq!(authorities(lab, host), "1");
        lab.sql(host, "stop slave; start slave");
    }
    lab.channels_run(&["db-a", "db-b"]);
    // What was replaced is kept.
    let kept = fs::read_dir(lab.path("tls"))
        .expect("files")
        .flatten()
        .filter(|f| f.file_name().to_string_lossy().starts_with("until-"));
    assert_eq!(kept.count(), 2);
}

#[test]
#[ignore = "make more"]
fn mysql_changes_its_authority_only_when_asked_and_channels_go_on() {
    let lab = Lab::boot(&["db-a=sid", "db-b=sid"]);
    lab.vars(VARS);
    lab.apply("hot-standby");
    let run = |host: &str| {
        lab.sql(host, "stop replica; start replica");
        for table in ["replication_connection_status", "replication_applier_status"] {
            lab.wait_sql(host, &format!("select service_state from performance_schema.{table}"), "ON");
        }
    };
    // The certificate alone is enough for everything that looks.
    fs::rename(lab.path("tls/ca.key"), lab.path("kept.key")).expect("moved");
    lab.plan("hot-standby").expect(0);
    lab.tandem(&["drift", "hot-standby"]).expect(0);
    lab.tandem(&["status", "hot-standby"]).expect(0);
    // A key of another certificate is seen, and replaced while the server runs.
    let made = lab.here("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | base64 -w0");
    lab.at("db-a", &format!("echo {} | base64 -d > {KEY}", made.expect(0).out.trim()));
    assert_eq!(lab.plan("hot-standby").expect(8).refusals(), ["authority-key-missing"]);
    fs::rename(lab.path("kept.key"), lab.path("tls/ca.key")).expect("moved back");
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
    // A checkout without the authority changes nothing; another one takes its place when that is allowed.
    fs::rename(lab.path("tls"), lab.path("kept")).expect("moved");
    assert_eq!(lab.plan("hot-standby").expect(8).refusals(), ["another-authority"]);
    lab.tandem(&["apply", "hot-standby", "--yes"]).expect(8);
    assert!(!lab.path("tls").exists(), "nothing was made");
    lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "new-authority"]).expect(0);
    lab.plan("hot-standby").expect(0);
    for host in ["db-a", "db-b"] {
        assert_eq!(authorities(&lab, host), "1");
        run(host);
    }
}
