//! The Debian package, installed on a host that is its own controller.

use std::{fs, path::Path, process::Command};

use crate::{
    lab::{Lab, Run},
    watch::install,
};

#[test]
fn the_package_brings_a_host_everything_that_a_controller_needs() {
    let lab = Lab::boot(&["db-a"]);
    let packages = lab.path("dist");
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/dist"))
        .arg(env!("CARGO_BIN_EXE_tandem"))
        .arg(&packages)
        .output()
        .expect("the script runs");
    Run::of(&output).expect(0);
    let package = fs::read_dir(&packages).unwrap().next().expect("a package").unwrap().path();
    install(&lab, &package, "db-a", "/root/tandem.deb", "644");

    // The lab's hosts leave out what people read; this package is to have it.
    let with_documents = "--path-include='/usr/share/man/*' --path-include='/usr/share/doc/*'";
    lab.at("db-a", &format!("dpkg {with_documents} -i /root/tandem.deb"));
    assert_eq!(lab.at("db-a", "dpkg --verify tandem"), "");
    assert_eq!(lab.at("db-a", "tandem --version"), format!("tandem {}", env!("CARGO_PKG_VERSION")));
    lab.at(
        "db-a",
        "cd /usr/share && gzip -t man/man1/tandem.1.gz man/man1/tandem-apply.1.gz doc/tandem/changelog.gz \
         doc/tandem/third-party.txt.gz && test -s doc/tandem/docs/reference.md && \
         test -s doc/tandem/docs/how-to/secrets.md && test -s doc/tandem/copyright && \
         test -s zsh/vendor-completions/_tandem && test -s fish/vendor_completions.d/tandem.fish && test -s doc/tandem/examples/tandem-drift.cron && \
         REPLICATION_PASSWORD=x tandem -i doc/tandem/examples/inventory/hosts.yml validate \
         doc/tandem/examples/playbooks/hot-standby.yml",
    );

    // The units are good, and nothing runs that nobody has asked for.
    let units = lab.try_at("db-a", "systemd-analyze verify /usr/lib/systemd/system/tandem-drift.*").expect(0);
    assert_eq!(units.err, "");
    assert_eq!(lab.at("db-a", "systemctl is-enabled tandem-drift.timer || true"), "disabled");

    // The lab's inventory, as it reads from inside.
    let here = lab.path("").to_string_lossy().into_owned();
    let inventory = fs::read_to_string(lab.path("hosts.yml")).unwrap().replace(&here, "/etc/tandem/");
    lab.write("there/hosts.yml", &inventory);
    lab.write("there/site.yml", "- name: site\n  hosts: db\n  roles: [site]\n");
    lab.write(
        "there/role.yml",
        "description: ours\nresources:\n  - settings: {max_connections: 77}\n  - file: {path: /etc/motd, content: hello}\n",
    );
    for (from, to, mode) in [
        ("there/hosts.yml", "hosts.yml", "644"),
        ("there/site.yml", "site.yml", "644"),
        ("there/role.yml", "roles/site/role.yml", "644"),
        ("id_ed25519", "id_ed25519", "600"),
        ("known_hosts", "known_hosts", "644"),
    ] {
        install(&lab, &lab.path(from), "db-a", &format!("/etc/tandem/{to}"), mode);
    }
    let offered = lab.at(
        "db-a",
        "bash -c 'cd /etc/tandem; . /usr/share/bash-completion/completions/tandem; complete -p tandem >/dev/null
         COMP_WORDS=(tandem -i hosts.yml --limit db-) COMP_CWORD=4 COMP_TYPE=9
         _clap_complete_tandem tandem db- --limit; echo \"${COMPREPLY[@]}\"'",
    );
    assert_eq!(offered, "db-a");
    let tandem = |args: &str| lab.try_at("db-a", &format!("cd /etc/tandem; tandem -i hosts.yml {args}"));
    tandem("plan site.yml").expect(2);
    tandem("apply site.yml --yes").expect(0);
    assert_eq!(lab.sql("db-a", "select @@max_connections"), "77");
    tandem("plan site.yml").expect(0);

    lab.at("db-a", "dpkg --purge tandem");
    assert_eq!(lab.at("db-a", "find /usr -name '*tandem*'"), "");
}
