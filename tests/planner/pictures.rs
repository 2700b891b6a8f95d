//! Pictures and reports, laid out by a real browser: nothing overlaps, nothing sticks out.

use std::{path::Path, process::Command};
use tandem::inside::model::ThreadState;

use tandem::inside::{
    model::{Fact, HostName},
    render,
};

use crate::{
    settle,
    world::{Files, Host, World},
};

fn files(count: usize, topology: &str) -> Files {
    Files { dual: false, count, deny: false, file: false, reversed: false, topology: Some(topology.into()) }
}

fn ring(count: usize) -> String {
    let members: Vec<String> = (1..=count).map(|n| format!("db-{n}")).collect();
    format!("{{kind: ring, members: [{}]}}", members.join(", "))
}

/// Each replica has the host with half its number as its source.
fn tree(count: usize) -> String {
    let replicas: Vec<String> =
        (2..=count).map(|n| format!("{{host: db-{n}, source: db-{}}}", n / 2)).collect();
    format!("{{kind: primary-replica, primary: db-1, replicas: [{}]}}", replicas.join(", "))
}

fn fan(count: usize) -> String {
    let replicas: Vec<String> = (2..=count).map(|n| format!("db-{n}")).collect();
    format!("{{kind: primary-replica, primary: db-1, replicas: [{}]}}", replicas.join(", "))
}

/// A fleet as it was wished, with some of it broken where that is asked for.
fn world(count: usize, topology: &str, broken: bool) -> (World, Files) {
    let hosts: Vec<Host> =
        (0..count).map(|n| Host { own_id: true, data: n == 0, ..Host::default() }).collect();
    let mut world = World::new(&hosts);
    let files = files(count, topology);
    settle(&mut world, &files);
    if broken {
        let name = |n: usize| HostName::new(format!("db-{n}"));
        world.observed.insert(name(count), Fact::Unread("ssh: connect to host: No route to host".into()));
        if let Some(Fact::Known(facts)) = world.observed.get_mut(&name(2))
            && let Fact::Known(server) = &mut facts.server
            && let Fact::Known(channels) = &mut server.channels
        {
            for channel in channels {
                channel.sql_running = ThreadState::No;
                channel.sql_errno = 1062;
                channel.sql_error =
                    "Error 'Duplicate entry '7' for key 'PRIMARY'' on query. Default database: \
                                     'hello'. Query: 'insert into t values (7)'"
                        .into();
            }
        }
    }
    (world, files)
}

/// Looks in the page for boxes of text that lie over each other, that leave their picture, and for a page that is wider
/// than its window. What it finds becomes the title.
const LOOK: &str = r#"
const wrong = [];
for (const svg of document.querySelectorAll('svg')) {
  const all = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].filter(t => t.textContent.trim())
    .map(t => ({ what: t.textContent, box: t.getBoundingClientRect() }));
  if (!texts.length) wrong.push('a picture without a word');
  for (const { what, box } of texts) {
    if (box.left < all.left - 1 || box.right > all.right + 1 || box.top < all.top - 1 || box.bottom > all.bottom + 1)
      wrong.push(`"${what}" leaves the picture`);
  }
  const boxes = which => [...svg.querySelectorAll(which)].map(r => r.getBoundingClientRect());
  for (const p of boxes('.pill')) for (const q of boxes('.card')) {
    if (Math.min(p.right, q.right) - Math.max(p.left, q.left) > 4 && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 2)
      wrong.push('the words of an arrow lie over a card');
  }
  for (let a = 0; a < texts.length; a++) for (let b = a + 1; b < texts.length; b++) {
    const [p, q] = [texts[a].box, texts[b].box];
    const across = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const down = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    // Lines of text may touch.
    if (across > 2 && down > 4) wrong.push(`"${texts[a].what}" lies over "${texts[b].what}"`);
  }
}
if (document.documentElement.scrollWidth > innerWidth + 1)
  wrong.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${innerWidth}`);
document.title = 'looked: ' + [...new Set(wrong)].slice(0, 8).join('; ');
"#;

/// Opens a page in a browser that has no network, and returns what is wrong with it.
fn look(page: &Path, width: u32) -> String {
    let home = tempfile::tempdir().expect("a directory");
    let output = Command::new("unshare")
        .args(["--net", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", home.path().display()))
        .arg(format!("--window-size={width},900"))
        .arg("--dump-dom")
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("a browser; `tests/lab/lab browser` installs one");
    let dom = String::from_utf8_lossy(&output.stdout);
    let title =
        dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap_or_default();
    let found = title.strip_prefix("looked: ");
    let Some(found) = found else {
        panic!("the browser has not looked:\n{dom}\n{}", String::from_utf8_lossy(&output.stderr))
    };
    found.to_owned()
}

#[test]
fn pictures_can_be_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut page = String::from("<!doctype html><meta charset=utf-8><title>none</title>");
    let channels = "{kind: channels, channels: [{from: db-1, to: db-4, name: east}, {from: db-2, to: db-4, name: west}, \
                    {from: db-3, to: db-4}, {from: db-4, to: db-5, delay: 3600}]}";
    for (count, topology) in [
        (2, "{kind: dual-primary, members: [db-1, db-2]}".to_owned()),
        (3, ring(3)),
        (5, ring(5)),
        (12, ring(12)),
        (4, fan(4)),
        (16, fan(16)),
        (15, tree(15)),
        (5, channels.to_owned()),
    ] {
        for broken in [false, true] {
            let (world, files) = world(count, &topology, broken);
            page.push_str(&render::svg(&world.status(&files)));
        }
    }
    page.push_str(&format!("<script>{LOOK}</script>"));
    let path = directory.path().join("pictures.html");
    std::fs::write(&path, page).expect("a file");
    assert_eq!(look(&path, 1600), "");
}

#[test]
fn reports_can_be_read() {
    let directory = tempfile::tempdir().expect("a directory");
    for broken in [false, true] {
        let (world, files) = world(4, &fan(4), broken);
        let report = render::ReportDocument {
            format_version: "1.0",
            time: "2026-01-31 10:00".into(),
            playbook: Some("read-replicas".into()),
            status: world.status(&files),
            plan: Some(tandem::inside::render::document(&world.plan(&files))),
            runs: Vec::new(),
        };
        let page = render::report(&report).expect("a page");
        assert!(!page.contains("<script"), "a report needs no script");
        let path = directory.path().join("report.html");
        std::fs::write(&path, format!("{page}<script>{LOOK}</script>")).expect("a file");
        for width in [1280, 500] {
            assert_eq!(look(&path, width), "", "{width} wide, broken: {broken}");
        }
    }
}
