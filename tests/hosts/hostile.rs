//! Names that mean something to a shell, to SQL, to a client's options, or to a terminal.

use crate::lab::Lab;

/// Database, table and engine.
const NAMES: [(&str, &str, &str); 12] = [
    ("-x", "-t", "MyISAM"),
    ("--all-databases", "--help", "InnoDB"),
    ("a'b\"c", "x.y", "MyISAM"),
    ("d;drop database shop;", "t;drop", "InnoDB"),
    ("e\nf", "g\nh", "InnoDB"),
    ("e\nf", "x\nSYSTEM touch /tmp/owned\n-- y", "MyISAM"),
    ("$(touch /tmp/owned)", "$(id)", "Aria"),
    ("`tick`touch /tmp/owned`", "t", "InnoDB"),
    ("%s %n", "%d", "InnoDB"),
    ("\u{1b}[2Jred", "\u{1b}]0;title\u{7}", "InnoDB"),
    ("sp  ace", "*", "InnoDB"),
    ("*/;select 1;/*", "#t -- x", "InnoDB"),
];

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Makes the databases and a table in each, and returns the statement that compares them.
fn fill(lab: &Lab, host: &str, value: u32) -> String {
    let mut sql = String::new();
    for (database, table, engine) in NAMES {
        let (database, table) = (quoted(database), quoted(table));
        sql.push_str(&format!(
            "create database if not exists {database}; create table {database}.{table} (id int primary key) engine={engine}; \
             insert into {database}.{table} values ({value});\n"
        ));
    }
    lab.sql(host, &sql);
    let tables: Vec<String> = NAMES.iter().map(|(d, t, _)| format!("{}.{}", quoted(d), quoted(t))).collect();
    format!("checksum table {} extended", tables.join(", "))
}

#[track_caller]
fn harmless(lab: &Lab, text: &str) {
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    for host in ["db-a", "db-b"] {
        assert_ne!(lab.try_at(host, "test -e /tmp/owned").code, 0);
        assert_eq!(lab.sql(host, "select count(*) from shop.t"), "1");
    }
    assert!(!std::path::Path::new("/tmp/owned").exists());
}

#[test]
fn no_name_is_taken_for_a_command() {
    let lab = Lab::pair();
    for host in ["db-a", "db-b"] {
        lab.sql(
            host,
            "create database shop; create table shop.t (id int primary key); insert into shop.t values (1)",
        );
    }
    let sums = fill(&lab, "db-a", 1);
    fill(&lab, "db-b", 2);
    lab.sql(
        "db-a",
        "create user 'o''k\"`;--'@'%' identified by 'x'; grant select on `a'b\"c`.* to 'o''k\"`;--'@'%'; \
         create view shop.`v'w` as select * from `a'b\"c`.`x.y`; create procedure shop.`p;r` () select 1; \
         create trigger shop.`tr'g` before insert on shop.t for each row set new.id = 7; \
         create event shop.`-e'v` on schedule every 1 year do set @a = 1",
    );
    // What would be lost is told, and nothing that the names say is done.
    let run = lab.tandem(&["plan", "hot-standby"]).expect(8);
    harmless(&lab, &run.out);
    assert!(run.out.contains(r"\u{1b}[2Jred.\u{1b}]0;title\u{7} differs"), "{}", run.out);
    // The old data is kept, the new is copied.
    let run = lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "restart,reseed"]).expect(0);
    harmless(&lab, &run.out);
    harmless(&lab, &run.err);
    lab.same(["db-a", "db-b"], &sums);
    lab.same(["db-a", "db-b"], "show create user 'o''k\"`;--'@'%'");
    lab.same(
        ["db-a", "db-b"],
        "select trigger_name from information_schema.triggers where trigger_schema='shop'",
    );
    lab.plan("hot-standby").expect(0);
    for format in ["text", "json", "yaml"] {
        let run = lab.tandem(&["status", "hot-standby", "--format", format]);
        harmless(&lab, &run.out);
    }
    let kept = lab.at("db-b", "zstd -dc /var/lib/tandem/replaced/*.zst | grep -c 'INSERT INTO'");
    assert_eq!(kept, (NAMES.len() + 1).to_string());
    lab.at("db-b", "! grep -rq tandem /tmp/owned 2>/dev/null");
}
