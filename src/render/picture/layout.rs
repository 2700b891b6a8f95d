//! Where the cards of a picture lie. Pure: the same topology always has the same picture.

use std::f64::consts::PI;

/// Width of a card.
pub(super) const WIDTH: f64 = 220.0;
/// Height of a card.
pub(super) const HEIGHT: f64 = 104.0;
/// Room between cards beside each other; an arrow's words stand there.
const BESIDE: f64 = 210.0;
/// Room between one row and the next.
const BELOW: f64 = 110.0;
/// Cards in a row at most.
const ROW: usize = 6;
/// Room between one column and the next.
const BETWEEN: f64 = 280.0;
/// Room between a card and the next one below it in a column.
const CLOSE: f64 = 26.0;
/// A tree of so many cards stands upright; a larger one lies on its side.
const FEW: usize = 4;

/// A card's centre.
pub(super) type Point = (f64, f64);

/// Where everything lies.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// The centres of the cards.
    pub points: Vec<Point>,
    /// Width and height of the whole.
    pub size: Point,
    /// Whether arrows leave a card at its right side and reach the next one at its left.
    pub sideways: bool,
}

/// Places all cards. `edges` are pairs of source and replica.
pub(super) fn layout(count: usize, edges: &[(usize, usize)]) -> Layout {
    let (mut points, sideways) = match (ring(count, edges), tree(count, edges)) {
        (Some(order), _) => (circle(&order), false),
        (None, _) if count == 2 => (vec![(0.0, 0.0), (WIDTH + BESIDE, 0.0)], false),
        (None, Some(order)) if count > FEW => (columns(&order, edges, count), true),
        (None, _) => (rows(&levels(count, edges), edges, count), false),
    };
    let least = |axis: fn(&Point) -> f64| points.iter().map(axis).fold(f64::INFINITY, f64::min);
    let most = |axis: fn(&Point) -> f64| points.iter().map(axis).fold(f64::NEG_INFINITY, f64::max);
    if points.is_empty() {
        return Layout { points, size: (WIDTH, HEIGHT), sideways };
    }
    let margin = 60.0;
    let (left, top) = (least(|p| p.0) - WIDTH / 2.0 - margin, least(|p| p.1) - HEIGHT / 2.0 - margin);
    let size = (most(|p| p.0) + WIDTH / 2.0 + margin - left, most(|p| p.1) + HEIGHT / 2.0 + margin - top);
    for point in &mut points {
        *point = (point.0 - left, point.1 - top);
    }
    Layout { points, size, sideways }
}

/// The order round a ring of three and more, if the edges are exactly one.
fn ring(count: usize, edges: &[(usize, usize)]) -> Option<Vec<usize>> {
    if count < 3 || edges.len() != count {
        return None;
    }
    let mut order = vec![0];
    while order.len() < count {
        let mut next = edges.iter().filter(|(from, _)| Some(from) == order.last()).map(|(_, to)| *to);
        let (Some(to), None) = (next.next(), next.next()) else { return None };
        if order.contains(&to) {
            return None;
        }
        order.push(to);
    }
    edges.contains(&(*order.last()?, 0)).then_some(order)
}

fn circle(order: &[usize]) -> Vec<Point> {
    let n = order.len() as f64;
    // Neighbours are a card's diagonal and an arrow's words apart.
    let radius = (WIDTH + BESIDE) / 2.0 / (PI / n).sin();
    let mut points = vec![(0.0, 0.0); order.len()];
    for (place, host) in order.iter().enumerate() {
        let angle = 2.0 * PI * place as f64 / n - PI / 2.0;
        points[*host] = (radius * angle.cos(), radius * angle.sin() * 0.8);
    }
    points
}

/// The hosts of a tree, or of several, each before its replicas and these together; `None` where a host has
/// several sources, or one that follows it.
fn tree(count: usize, edges: &[(usize, usize)]) -> Option<Vec<usize>> {
    let sources = |host: usize| edges.iter().filter(|(_, to)| *to == host).count();
    if (0..count).any(|host| sources(host) > 1) {
        return None;
    }
    let mut open: Vec<usize> = (0..count).rev().filter(|host| sources(*host) == 0).collect();
    let mut order = Vec::new();
    while let Some(at) = open.pop() {
        order.push(at);
        open.extend(edges.iter().rev().filter(|(from, _)| *from == at).map(|(_, to)| *to));
    }
    (order.len() == count).then_some(order)
}

/// A column for each level, from the left; a source stands beside the middle of its replicas.
fn columns(order: &[usize], edges: &[(usize, usize)], count: usize) -> Vec<Point> {
    let level = levels(count, edges);
    let mut points = vec![(0.0, 0.0); count];
    let mut y = 0.0;
    for host in order.iter().rev() {
        let below: Vec<f64> =
            edges.iter().filter(|(from, _)| from == host).map(|(_, to)| points[*to].1).collect();
        let middle = match (below.first(), below.last()) {
            (Some(first), Some(last)) => (first + last) / 2.0,
            _ => {
                y -= HEIGHT + CLOSE;
                y
            }
        };
        points[*host] = (level[*host] as f64 * (WIDTH + BETWEEN), middle);
    }
    points
}

/// How many channels lie above each host. Circles begin at their first host.
fn levels(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut level: Vec<Option<usize>> = vec![None; count];
    let has_source = |host: usize| edges.iter().any(|(_, to)| *to == host);
    loop {
        let open = |host: &usize| level[*host].is_none();
        let Some(root) =
            (0..count).find(|h| open(h) && !has_source(*h)).or_else(|| (0..count).find(|h| open(h)))
        else {
            break;
        };
        level[root] = Some(0);
        let mut queue = std::collections::VecDeque::from([root]);
        while let Some(at) = queue.pop_front() {
            let below = level[at].unwrap_or_default() + 1;
            for (_, to) in edges.iter().filter(|(from, _)| *from == at) {
                if level[*to].is_none() {
                    level[*to] = Some(below);
                    queue.push_back(*to);
                }
            }
        }
    }
    level.into_iter().map(Option::unwrap_or_default).collect()
}

/// Rows from the top down; each host stands near its sources, and a long level takes several rows.
fn rows(levels: &[usize], edges: &[(usize, usize)], count: usize) -> Vec<Point> {
    let mut points = vec![(0.0, 0.0); count];
    let mut y = 0.0;
    for level in 0..=levels.iter().copied().max().unwrap_or_default() {
        let mut members: Vec<(f64, usize)> = (0..count)
            .filter(|host| levels[*host] == level)
            .map(|host| {
                let above: Vec<f64> = edges
                    .iter()
                    .filter(|(from, to)| *to == host && levels[*from] < level)
                    .map(|(from, _)| points[*from].0)
                    .collect();
                let near =
                    if above.is_empty() { 0.0 } else { above.iter().sum::<f64>() / above.len() as f64 };
                (near, host)
            })
            .collect();
        members.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for row in members.chunks(ROW) {
            let begin = -(row.len() as f64 - 1.0) / 2.0;
            for (place, (_, host)) in row.iter().enumerate() {
                points[*host] = ((begin + place as f64) * (WIDTH + BESIDE), y);
            }
            y += HEIGHT + BELOW;
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(points: &[Point]) -> bool {
        points.iter().enumerate().all(|(n, a)| {
            points[..n]
                .iter()
                .all(|b| (a.0 - b.0).abs() >= WIDTH + 20.0 || (a.1 - b.1).abs() >= HEIGHT + 20.0)
        })
    }

    #[test]
    fn cards_of_rings_lie_apart() {
        for count in 3..=16 {
            let edges: Vec<_> = (0..count).map(|n| (n, (n + 1) % count)).collect();
            let Layout { points, size, .. } = layout(count, &edges);
            assert!(apart(&points), "{count}: {points:?}");
            assert!(points.iter().all(|p| p.0 > 0.0 && p.0 < size.0 && p.1 > 0.0 && p.1 < size.1));
        }
    }

    #[test]
    fn a_large_tree_lies_on_its_side() {
        let edges: Vec<_> = (1..31).map(|n| ((n - 1) / 2, n)).collect();
        let laid = layout(31, &edges);
        assert!(laid.sideways && apart(&laid.points));
        assert!(edges.iter().all(|(from, to)| laid.points[*from].0 + WIDTH < laid.points[*to].0));
        assert!(!layout(4, &[(0, 1), (0, 2), (0, 3)]).sideways);
    }

    proptest::proptest! {
        #[test]
        fn cards_of_any_topology_lie_apart(
            count in 1..51usize,
            edges in proptest::collection::vec((0..50usize, 0..50usize), 0..80),
        ) {
            let edges: Vec<_> = edges.into_iter().filter(|(a, b)| a < &count && b < &count && a != b).collect();
            let Layout { points, size, .. } = layout(count, &edges);
            proptest::prop_assert!(apart(&points));
            proptest::prop_assert!(points.iter().all(|p| p.0 > 0.0 && p.0 < size.0 && p.1 > 0.0 && p.1 < size.1));
        }
    }
}
