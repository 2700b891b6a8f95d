//! The picture as SVG: one file that needs no other, for light and dark screens and for paper.

use std::{collections::BTreeSet, fmt::Write};

use super::{
    Arrow, Look, Node, drawing,
    layout::{HEIGHT, Layout, Point, WIDTH, layout},
    state,
};
use crate::{
    model::without_hidden,
    status::{HostState, StatusDocument},
};

const STYLE: &str = "\
svg{background:#fbfaf8;font-family:'Helvetica Neue',Helvetica,Arial,'DejaVu Sans',sans-serif}\
.card{fill:#fff;stroke:#5c6673;stroke-width:1.5}.card.down{stroke:#b3261e;stroke-width:3;stroke-dasharray:9 4}\
.card.unread{stroke-dasharray:2 4}.card.foreign{stroke-dasharray:9 4;fill:#f1efea}\
.bar{fill:#1f6f5c}.bar.down{fill:#b3261e}.bar.unread,.bar.foreign{fill:#8a8f98}\
.name{font-size:17px;font-weight:600;fill:#1c2229}.line{font-size:12.5px;fill:#4a525c}.state{font-size:12.5px;font-weight:600;fill:#1f6f5c}\
.state.down{fill:#b3261e}.state.unread,.state.foreign{fill:#666c75}\
.arrow{fill:none;stroke-width:2.2}.runs{stroke:#1f6f5c}.broken{stroke:#b3261e;stroke-dasharray:10 5}\
.missing{stroke:#a15c00;stroke-dasharray:2 6;stroke-linecap:round}.unknown{stroke:#8a8f98;stroke-dasharray:2 6;stroke-linecap:round}\
.undeclared{stroke:#6a3fa0;stroke-dasharray:14 4 3 4}\
.head.runs{fill:#1f6f5c}.head.broken{fill:#b3261e}.head.missing{fill:#a15c00}.head.unknown{fill:#8a8f98}.head.undeclared{fill:#6a3fa0}.head{stroke:none}\
.pill{fill:#fbfaf8;stroke-width:1;stroke-dasharray:none}.words{font-size:12px;fill:#1c2229}\
@media(prefers-color-scheme:dark){svg{background:#15181c}.card{fill:#1f242a;stroke:#8b96a3}.card.foreign{fill:#1a1d21}.name,.words{fill:#eceff2}\
.line{fill:#b5bec8}.pill{fill:#15181c}.bar{fill:#4fb79b}.state{fill:#6fd3b8}.runs{stroke:#4fb79b}.head.runs{fill:#4fb79b}\
.card.down,.broken{stroke:#ff8a80}.bar.down,.head.broken,.state.down{fill:#ff8a80}.missing{stroke:#f0b15a}.head.missing{fill:#f0b15a}\
.undeclared{stroke:#c3a1f5}.head.undeclared{fill:#c3a1f5}}\
@media print{svg{background:#fff}}";

/// The text of the picture.
pub fn svg(document: &StatusDocument) -> String {
    let (nodes, arrows) = drawing(document);
    let edges: Vec<(usize, usize)> = arrows.iter().map(|a| (a.from, a.to)).collect();
    let laid = layout(nodes.len(), &edges);
    let (points, (width, height)) = (&laid.points, laid.size);
    let looks: BTreeSet<Look> = arrows.iter().map(|a| a.look).collect();
    let below = if looks.is_empty() { 0.0 } else { 34.0 };
    let mut text = String::new();
    let _ = write!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {width:.0} {:.0}\" width=\"{width:.0}\" \
         height=\"{:.0}\" style=\"max-width:100%;height:auto\"><title>Replication topology</title><desc>{}</desc><style>{STYLE}</style>",
        height + below,
        height + below,
        escaped(&description(&nodes, &arrows)),
    );
    let curves: Vec<Curve> = arrows.iter().map(|a| curve(a, &arrows, &laid)).collect();
    for (arrow, curve) in arrows.iter().zip(&curves) {
        line(arrow.look, curve, &mut text);
    }
    for (node, point) in nodes.iter().zip(points) {
        card(node, *point, &mut text);
    }
    // Words lie over everything else.
    for (arrow, curve) in arrows.iter().zip(&curves) {
        // Many arrows of one card part on their way; their words stand where they have parted.
        pill(arrow, curve.point(if laid.sideways { 0.6 } else { 0.5 }), &mut text);
    }
    legend(&looks, height + 8.0, &mut text);
    text.push_str("</svg>\n");
    text
}

/// A cubic curve.
struct Curve {
    from: Point,
    /// Where it heads for at first.
    leaves: Point,
    /// Where it comes from at last.
    comes: Point,
    to: Point,
}

impl Curve {
    /// A line with one bend.
    fn bent(from: Point, bend: Point, to: Point) -> Self {
        let near = |end: Point| (end.0 + (bend.0 - end.0) * 2.0 / 3.0, end.1 + (bend.1 - end.1) * 2.0 / 3.0);
        Self { from, leaves: near(from), comes: near(to), to }
    }

    /// The point after so much of the way, from 0 to 1.
    fn point(&self, t: f64) -> Point {
        let s = 1.0 - t;
        let along = |a: f64, b: f64, c: f64, d: f64| {
            s * s * s * a + 3.0 * s * s * t * b + 3.0 * s * t * t * c + t * t * t * d
        };
        (
            along(self.from.0, self.leaves.0, self.comes.0, self.to.0),
            along(self.from.1, self.leaves.1, self.comes.1, self.to.1),
        )
    }
}

/// From the edge of one card to the edge of the other. Two channels between the same hosts bend apart, and one
/// that passes other rows bends past their cards.
fn curve(arrow: &Arrow, all: &[Arrow], laid: &Layout) -> Curve {
    let (a, b) = (laid.points[arrow.from], laid.points[arrow.to]);
    if laid.sideways {
        let (from, to) = ((a.0 + WIDTH / 2.0 + 2.0, a.1), (b.0 - WIDTH / 2.0 - 9.0, b.1));
        let half = (from.0 + to.0) / 2.0;
        return Curve { from, leaves: (half, from.1), comes: (half, to.1), to };
    }
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = (dx * dx + dy * dy).sqrt().max(1.0);
    let way_back = all.iter().any(|o| (o.from, o.to) == (arrow.to, arrow.from));
    let far = dx.abs() > 2.0 * WIDTH + 200.0 && dy.abs() < HEIGHT
        || dy.abs() > 2.5 * HEIGHT + 110.0 && dx.abs() < WIDTH;
    let aside = if way_back { 42.0 } else { 0.0 } + if far { length * 0.32 } else { 0.0 };
    let (nx, ny) = (-dy / length, dx / length);
    let bend = ((a.0 + b.0) / 2.0 + nx * aside * 1.6, (a.1 + b.1) / 2.0 + ny * aside * 1.6);
    Curve::bent(border(a, bend, 2.0), bend, border(b, bend, 9.0))
}

/// Where the line from a card's centre to a point leaves the card, with some room.
fn border(centre: Point, towards: Point, room: f64) -> Point {
    let (dx, dy) = (towards.0 - centre.0, towards.1 - centre.1);
    let scale = (dx.abs() / (WIDTH / 2.0 + room)).max(dy.abs() / (HEIGHT / 2.0 + room)).max(0.001);
    (centre.0 + dx / scale, centre.1 + dy / scale)
}

fn class(look: Look) -> &'static str {
    match look {
        Look::Runs => "runs",
        Look::Broken => "broken",
        Look::Missing => "missing",
        Look::Unknown => "unknown",
        Look::Undeclared => "undeclared",
    }
}

fn line(look: Look, curve: &Curve, text: &mut String) {
    let Curve { from, leaves, comes, to } = curve;
    let class = class(look);
    let _ = write!(
        text,
        "<path class=\"arrow {class}\" d=\"M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}\"/>",
        from.0, from.1, leaves.0, leaves.1, comes.0, comes.1, to.0, to.1
    );
    let angle = (to.1 - comes.1).atan2(to.0 - comes.0).to_degrees();
    let _ = write!(
        text,
        "<path class=\"head {class}\" d=\"M8 0L-7 6L-4 0L-7 -6Z\" transform=\"translate({:.1} {:.1}) rotate({angle:.1})\"/>",
        to.0, to.1
    );
}

fn pill(arrow: &Arrow, (x, y): Point, text: &mut String) {
    let words = format!("{} {}", arrow.look.sign(), shortened(&arrow.words, 34));
    let width = 7.0 * words.chars().count() as f64 + 18.0;
    let _ = write!(
        text,
        "<rect class=\"pill arrow {}\" style=\"fill-opacity:1\" x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"22\" rx=\"11\"/>\
         <text class=\"words\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
        class(arrow.look),
        x - width / 2.0,
        y - 11.0,
        y + 4.2,
        escaped(&words)
    );
}

fn card(node: &Node, (x, y): Point, text: &mut String) {
    let (left, top) = (x - WIDTH / 2.0, y - HEIGHT / 2.0);
    let class = node.state.map_or("foreign", HostState::word);
    let (sign, word) = state(node.state);
    let _ = write!(
        text,
        "<g><rect class=\"card {class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"12\"/>\
         <rect class=\"bar {class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"4\" height=\"{:.1}\" rx=\"2\"/>\
         <text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\
         <text class=\"state {class}\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{sign} {word}</text>",
        left + 10.0,
        top + 14.0,
        HEIGHT - 28.0,
        left + 24.0,
        top + 30.0,
        escaped(&shortened(&node.name, 15)),
        left + WIDTH - 14.0,
        top + 30.0,
    );
    for (n, line) in node.lines.iter().enumerate() {
        let _ = write!(
            text,
            "<text class=\"line\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            left + 24.0,
            top + 52.0 + 18.0 * n as f64,
            escaped(&shortened(line, 30))
        );
    }
    text.push_str("</g>");
}

/// What the lines mean, of those that the picture has.
fn legend(looks: &BTreeSet<Look>, y: f64, text: &mut String) {
    let mut x = 30.0;
    for look in looks {
        let (class, words) = (class(*look), format!("{} {}", look.sign(), look.meaning()));
        let _ = write!(
            text,
            "<path class=\"arrow {class}\" d=\"M{x:.1} {y:.1}h40\"/><text class=\"words\" x=\"{:.1}\" y=\"{:.1}\">{words}</text>",
            x + 48.0,
            y + 4.2
        );
        x += 48.0 + 7.0 * words.chars().count() as f64 + 26.0;
    }
}

/// The picture in words, for who can't see it.
fn description(nodes: &[Node], arrows: &[Arrow]) -> String {
    let hosts = nodes.iter().map(|n| format!("{} is {}.", n.name, state(n.state).1));
    let name = |n: usize| nodes.get(n).map_or("", |n| n.name.as_str());
    let channels = arrows
        .iter()
        .map(|a| format!("{} to {}: {} ({}).", name(a.from), name(a.to), a.words, a.look.meaning()));
    hosts.chain(channels).collect::<Vec<_>>().join(" ")
}

fn shortened(text: &str, most: usize) -> String {
    let text = &*without_hidden(text);
    match text.chars().count() > most {
        true => text.chars().take(most - 1).chain(['\u{2026}']).collect(),
        false => text.to_owned(),
    }
}

/// A text in XML, without control characters.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in without_hidden(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML has no control characters.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        doctor::{Cause, ChannelFault, ChannelProblem, DataCause, Explanation, HostProblem, Layer},
        status::{ChannelState, ChannelStatus, HostStatus},
    };

    fn host(name: &str, state: HostState) -> HostStatus {
        HostStatus {
            host: name.into(),
            state,
            problem: (state != HostState::Up).then(|| HostProblem::NotRead { why: "no answer".into() }),
            server: (state == HostState::Up).then(|| "MariaDB 10.11.19".into()),
            os: None,
            endpoint: "10.0.0.1:3306".into(),
            server_id: Some(1),
            read_only: Some(false),
            gtid: None,
            binlog: None,
            clients: None,
            data_bytes: None,
        }
    }

    fn broken(from: &str, to: &str) -> ChannelFault {
        let found = Explanation {
            replica: to.into(),
            source: from.into(),
            layer: Layer::Data,
            cause: Cause::Data(DataCause::MissingRow),
            tried: None,
            more: None,
            said: String::new(),
            applier: None,
        };
        ChannelProblem::Stopped(Box::new(found)).into()
    }

    fn channel(from: &str, to: &str, state: ChannelState, declared: Option<bool>) -> ChannelStatus {
        let foreign = from.starts_with("10.");
        ChannelStatus {
            replica: to.into(),
            source: (!foreign).then(|| from.into()),
            endpoint: if foreign { from.into() } else { "10.0.0.1:3306".into() },
            name: String::new(),
            declared,
            state,
            io_thread: "Yes".into(),
            sql_thread: "Yes".into(),
            lag_seconds: (state == ChannelState::Running).then_some(3),
            lag_source: Some("estimate"),
            executed: String::new(),
            gtid: String::new(),
            tls: crate::status::Encryption::Off,
            fault: (state == ChannelState::Broken).then(|| broken(from, to)),
            evidence: None,
            repairs: Vec::new(),
        }
    }

    #[test]
    fn a_picture_is_whole_and_says_each_state_in_words() {
        let hosts = vec![
            host("a<&\">", HostState::Up),
            host("b", HostState::Up),
            host("c", HostState::Down),
            host("d", HostState::Unread),
        ];
        let channels = vec![
            channel("a<&\">", "b", ChannelState::Running, Some(true)),
            channel("a<&\">", "c", ChannelState::Broken, Some(true)),
            channel("b", "c", ChannelState::Missing, Some(true)),
            channel("b", "d", ChannelState::Unknown, Some(true)),
            channel("10.9.9.9:3306", "b", ChannelState::Running, Some(false)),
        ];
        let picture = svg(&StatusDocument {
            format_version: "1.0",
            healthy: false,
            writers: Vec::new(),
            writers_problem: None,
            hosts,
            lost: Vec::new(),
            channels,
            errant: Vec::new(),
        });
        let tree = roxmltree::Document::parse(&picture).expect("XML");
        let texts: Vec<&str> = tree.descendants().filter_map(|n| n.text()).collect();
        for wished in [
            "a<&\">",
            "\u{25bc} down",
            "\u{2713} running, 3 s behind",
            "\u{2717} broken: data",
            "\u{2205} missing",
            "? unknown",
            "+ running, 3 s behind, not declared",
            "10.9.9.9:3306",
            "\u{2205} declared, and not there",
        ] {
            assert!(texts.contains(&wished), "{wished}: {texts:?}");
        }
    }
}
