//! What a role declares about the host itself: parameters of the kernel and jobs of cron.

use crate::lab::{Lab, Run, patience};

const PLAY: &str = "- name: site\n  hosts: db\n  roles: [site]\n";

fn role(lab: &Lab, resources: &str) {
    lab.write("roles/site/role.yml", &format!("resources:\n{resources}"));
    lab.write("play.yml", PLAY);
}

/// A host that may change the parameters of its own network namespace, and none that it shares with this machine.
fn booted() -> Lab {
    let lab = Lab::boot(&["db-a"]);
    lab.at("db-a", "mount --bind /proc/sys/net /proc/sys/net && mount -o remount,bind,rw /proc/sys/net");
    lab
}

/// Codes of what is refused and of what waits.
fn codes(plan: &Run) -> Vec<String> {
    let json = plan.json();
    let of = |what: &str| json[what].as_array().cloned().unwrap_or_default();
    let all = of("refused").into_iter().chain(of("waiting"));
    all.map(|one| one["code"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_kernel_parameter_holds_now_and_after_a_boot() {
    let lab = booted();
    let value = || lab.at("db-a", "cat /proc/sys/net/ipv4/tcp_keepalive_time");
    let file = "/etc/sysctl.d/zz-tandem-net.ipv4.tcp_keepalive_time.conf";
    let declare = |value: &str| {
        role(&lab, &format!("  - sysctl: {{name: net.ipv4.tcp_keepalive_time, value: {value}}}\n"));
    };
    declare("600");
    let plan = lab.plan("play.yml").expect(2);
    assert_eq!(plan.step_names(), ["db-a/sysctl/net.ipv4.tcp_keepalive_time"]);
    assert_eq!(plan.json()["steps"][0]["before"]["text"], "now = 7200\nat-boot = ");
    assert_eq!(plan.json()["steps"][0]["after"]["text"], "now = 600\nat-boot = 600");
    lab.apply("play.yml");
    assert_eq!(value(), "600");
    assert_eq!(lab.at("db-a", &format!("stat -c '%U %G %a' {file}")), "root root 644");
    assert_eq!(
        lab.at(
            "db-a",
            &format!(
                "sysctl -q -w net.ipv4.tcp_keepalive_time=7; sysctl -q -p {file}; cat {file} | tail -n 1"
            )
        ),
        "net.ipv4.tcp_keepalive_time = 600"
    );
    assert_eq!(value(), "600");
    lab.plan("play.yml").expect(0);
    lab.at("db-a", "sysctl -q -w net.ipv4.tcp_keepalive_time=7");
    assert_eq!(lab.plan("play.yml").expect(2).json()["steps"][0]["before"]["text"], "now = 7\nat-boot = 600");
    lab.apply("play.yml");

    // What the kernel refuses, or reports in another way, leaves what was there.
    for bad in ["lots", "\"0x300\""] {
        declare(bad);
        let failed = lab.tandem(&["apply", "play.yml", "--yes"]).expect(1);
        failed.tells_people(&["What was there before is back."]);
        assert_eq!(value(), "600");
        assert!(lab.at("db-a", &format!("cat {file}")).ends_with("= 600"));
    }
}

#[test]
fn what_could_not_last_or_can_not_be_is_refused_before_anything_is_done() {
    let lab = booted();
    role(&lab, "  - sysctl: {name: net.ipv4.tcp_keepalive_time, value: 600}\n");
    for (path, line) in [
        ("/etc/sysctl.d/zzz.conf", "net.ipv4.tcp_keepalive_time=1"),
        ("/etc/sysctl.conf", "-net/ipv4/tcp_keepalive_time = 2"),
    ] {
        lab.at("db-a", &format!("cp -a {path} /root/saved 2>/dev/null; echo '{line}' >> {path}"));
        let plan = lab.plan("play.yml").expect(8);
        assert_eq!(codes(&plan), ["resource-blocked"]);
        assert!(
            plan.json()["refused"][0]["reason"].as_str().is_some_and(|text| text.contains(path)),
            "{}",
            plan.out
        );
        assert_eq!(plan.step_names(), Vec::<String>::new());
        lab.at("db-a", &format!("rm {path}; [ ! -e /root/saved ] || mv /root/saved {path}"));
    }
    // A file of an earlier name, or one that a folder above hides, does not count.
    lab.at(
        "db-a",
        "for d in /etc /run /usr/lib; do mkdir -p $d/sysctl.d; done; echo 'net.ipv4.tcp_keepalive_time=1' > /etc/sysctl.d/10-x.conf; \
         echo 'net.ipv4.tcp_keepalive_time=1' > /usr/lib/sysctl.d/zzz.conf; : > /etc/sysctl.d/zzz.conf",
    );
    assert_eq!(codes(&lab.plan("play.yml").expect(2)), Vec::<String>::new());
    // Somebody else's file in the place of ours.
    lab.at("db-a", "echo '# mine' > /etc/sysctl.d/zz-tandem-net.ipv4.tcp_keepalive_time.conf");
    assert_eq!(codes(&lab.plan("play.yml").expect(8)), ["resource-blocked"]);

    // A container must not change what it shares with its machine, and no kernel has the other one.
    for (name, exit, code, words) in [
        ("vm.swappiness", 8, "resource-blocked", "Read-only file system"),
        ("vm.swapiness", 2, "resource-waits", "no such parameter"),
    ] {
        role(&lab, &format!("  - sysctl: {{name: {name}, value: 13}}\n"));
        let plan = lab.plan("play.yml").expect(exit);
        assert_eq!(codes(&plan), [code]);
        assert!(plan.out.contains(words), "{}", plan.out);
    }
}

#[test]
fn a_job_of_cron_runs_as_it_is_declared() {
    let lab = Lab::boot(&["db-a"]);
    let resources = r#"  - cron:
      name: proof
      schedule: "* * * * *"
      user: mysql
      command: echo "$NOTE $(id -un) $(date +%Y)" > /var/lib/mysql/proof
      environment: {NOTE: " it's 5%"}
"#;
    role(&lab, resources);
    lab.at("db-a", "systemctl stop cron");
    let waits = lab.plan("play.yml").expect(2);
    assert_eq!(codes(&waits), ["resource-waits"]);
    waits.prints_for_people(&["systemctl enable --now cron.service"]);
    assert_eq!(waits.step_names(), Vec::<String>::new());

    // The same role may bring the daemon up first.
    role(&lab, &format!("  - service: {{name: cron}}\n{resources}"));
    lab.apply("play.yml");
    let stat = "stat -c '%U %G %a' /etc/cron.d/proof";
    assert_eq!(lab.at("db-a", stat), "root root 644");
    lab.plan("play.yml").expect(0);
    let year = lab.at("db-a", "date +%Y");
    let expected = format!(" it's 5% mysql {year}");
    let ran = || lab.try_at("db-a", "cat /var/lib/mysql/proof").out.contains(&expected);
    assert!(
        (0..3).flat_map(|_| patience()).any(|()| ran()),
        "{}",
        lab.try_at("db-a", "cat /var/lib/mysql/proof").out
    );

    // Cron passes over a file that others may write.
    lab.at("db-a", "chmod 666 /etc/cron.d/proof");
    assert_eq!(lab.plan("play.yml").expect(2).step_names(), ["db-a/cron/proof"]);
    lab.apply("play.yml");
    assert_eq!(lab.at("db-a", stat), "root root 644");

    // A user that is not there, and a file that somebody else wrote.
    role(&lab, "  - cron: {name: e2scrub_all, schedule: \"@daily\", user: nobody-here, command: \"true\"}\n");
    assert_eq!(codes(&lab.plan("play.yml").expect(2)), ["resource-waits"]);
    lab.at("db-a", "echo '@daily root true' > /etc/cron.d/theirs");
    role(&lab, "  - cron: {name: theirs, schedule: \"@daily\", command: \"true\"}\n");
    assert_eq!(codes(&lab.plan("play.yml").expect(8)), ["resource-blocked"]);
}
