//! Each rule about two servers that are not alike, in the world of two hosts that are.

use tandem::inside::{
    model::{Fact, ServerVersion},
    observe::HostFacts,
    plan::{Plan, SourceFinding},
};

use crate::world::{Files, Host, World};

const DUAL: Files = Files { dual: true, count: 2, deny: false, file: false, reversed: false, topology: None };

/// The plan for a pair whose hosts were changed.
fn plan(change: impl Fn(usize, &mut HostFacts)) -> Plan {
    let mut world = World::new(&[Host { data: true, ..Host::default() }, Host::default()]);
    for n in 0..2 {
        change(n, world.host(n));
    }
    world.plan(&DUAL)
}

fn variables(n: usize, facts: &mut HostFacts, name: &str, values: [&str; 2]) {
    let Fact::Known(server) = &mut facts.server else { panic!("a server") };
    server.variables.insert(name.to_owned(), values[n].to_owned());
}

#[test]
fn each_difference_has_its_warning() {
    let codes = |plan: &Plan| plan.warnings.iter().map(|w| w.what.code()).collect::<Vec<_>>();
    assert_eq!(codes(&plan(|_, _| {})), [""; 0]);
    for (name, values, code) in [
        ("sql_mode", ["ANSI", "STRICT_TRANS_TABLES"], "sql-mode"),
        ("sql_mode", ["A, b", "B,a"], ""),
        ("collation_server", ["utf8mb4_bin", "latin1_bin"], "server-collation"),
        ("time_zone", ["SYSTEM", "+01:00"], "time-zone"),
        ("binlog_row_image", ["MINIMAL", "MINIMAL"], "row-image row-image"),
        ("innodb_page_size", ["16384", "8192"], "page-size"),
        ("innodb_page_size", ["8192", "8192"], ""),
        ("replicate_ignore_db", ["scratch", ""], "database-filter"),
    ] {
        let found = codes(&plan(|n, facts| variables(n, facts, name, values)));
        assert_eq!(found.join(" "), code, "{name} {values:?}");
    }
    let both = |list: [(&str, [&str; 2]); 2]| {
        codes(&plan(|n, facts| list.iter().for_each(|(name, values)| variables(n, facts, name, *values))))
    };
    let zones = [("time_zone", ["SYSTEM", "SYSTEM"]), ("system_time_zone", ["CET", "UTC"])];
    assert_eq!(both(zones), ["time-zone"]);
    let packets = [("max_allowed_packet", ["64M", "16777216"]), ("slave_max_allowed_packet", ["1G", "16M"])];
    assert_eq!(both(packets), ["packet-size"]);
    assert_eq!(codes(&plan(|n, facts| facts.os.ahead = Some(if n == 0 { 0.2 } else { -7.0 }))), ["clocks"]);
    assert_eq!(codes(&plan(|n, facts| facts.os.ahead = Some(if n == 0 { 0.2 } else { -2.0 }))), [""; 0]);
    let schema = plan(|n, facts| {
        let Fact::Known(server) = &mut facts.server else { panic!("a server") };
        let Fact::Known(schema) = &mut server.schema else { panic!("a schema") };
        schema.time_zones = if n == 0 { 3 } else { 0 };
        schema.keyless = (0..7).map(|table| format!("d.t{table}")).collect();
    });
    assert_eq!(codes(&schema), ["no-primary-key", "time-zone-names", "no-primary-key"]);
    let tables = (0..7).map(|table| format!("d.t{table}")).collect();
    assert_eq!(schema.warnings[0].what, SourceFinding::NoPrimaryKey { tables }.into());
}

#[test]
fn what_would_break_replication_bars_both_hosts() {
    let collation = plan(|n, facts| {
        let Fact::Known(server) = &mut facts.server else { panic!("a server") };
        let Fact::Known(schema) = &mut server.schema else { panic!("a schema") };
        schema.collations = ["utf8mb4_bin".to_owned()].into();
        schema.used = [if n == 0 { "utf8mb4_uca1400_ai_ci" } else { "utf8mb4_bin" }.to_owned()].into();
    });
    let case = plan(|n, facts| variables(n, facts, "lower_case_table_names", ["0", "1"]));
    let version = plan(|n, facts| {
        let Fact::Known(server) = &mut facts.server else { panic!("a server") };
        server.version = ServerVersion::parse(["10.11.6-MariaDB", "10.5.29-MariaDB"][n]).expect("a version");
    });
    for (plan, code) in [
        (collation, "unknown-collation"),
        (case, "lower-case-table-names"),
        (version, "versions-cannot-replicate"),
    ] {
        assert!(
            plan.refused.iter().all(|r| r.why.code() == code) && !plan.refused.is_empty(),
            "{:?}",
            plan.refused
        );
        assert!(plan.steps.is_empty(), "{code}: {:?}", plan.steps);
    }
}

/// Tables of a server before MariaDB 10.6 and MySQL 8.0.30 name the three-byte set by its old name.
#[test]
fn a_collation_that_was_renamed_is_not_lacking() {
    let plan = plan(|n, facts| {
        let Fact::Known(server) = &mut facts.server else { panic!("a server") };
        let Fact::Known(schema) = &mut server.schema else { panic!("a schema") };
        schema.collations = [["utf8_general_ci", "utf8mb3_general_ci"][n].to_owned()].into();
        schema.used = if n == 0 { ["utf8_general_ci".to_owned()].into() } else { [].into() };
    });
    assert_eq!(plan.refused, []);
}
