//! The library without its commands: the example plans and applies, and hears what happens.

use std::{path::Path, process::Command};

use crate::lab::{Lab, Run};

#[test]
fn a_program_plans_and_applies_with_the_library() {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--example", "plan_and_apply"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.is_ok_and(|status| status.success()));
    let example = Path::new(env!("CARGO_BIN_EXE_tandem")).with_file_name("examples/plan_and_apply");

    let lab = Lab::pair();
    let run = |journals: &str| {
        let mut program = lab.command(&example);
        Run::of(&program.args(["hosts.yml", "hot-standby", journals]).output().expect("it runs"))
            .expect(0)
            .out
    };
    let first = run("journals");
    assert!(first.lines().any(|line| line.starts_with("db-a/")), "{first}");
    assert!(first.trim_end().ends_with("Done") && !first.contains("0 steps done"), "{first}");
    lab.channels_run(&["db-a", "db-b"]);
    lab.plan("hot-standby").expect(0);
    assert!(lab.path("journals").read_dir().is_ok_and(|mut files| files.next().is_some()));
}
