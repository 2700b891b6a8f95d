//! `drift_ignore`: what `drift` leaves out on a host, as its variables say.

use crate::{
    model::IgnoreRule,
    source::{Fields, Node, Problem, Problems, Yaml},
};

/// Reads the rules of one variable.
pub(super) fn read(node: &Node, problems: &mut Problems) -> Vec<IgnoreRule> {
    let Yaml::Seq(items) = &node.value else {
        let message =
            format!("`drift_ignore` must be a list of {{what, reason, until}}, this is {}", node.kind());
        problems.push(Problem::error("drift::rule", &node.place, message, "not a list"));
        return Vec::new();
    };
    items.iter().filter_map(|item| rule(item, problems)).collect()
}

fn rule(item: &Node, problems: &mut Problems) -> Option<IgnoreRule> {
    let fields = Fields::of(item, "a rule of drift_ignore", problems)?;
    let what = fields.need("what", problems).and_then(Node::scalar);
    let reason = fields.need("reason", problems).and_then(Node::scalar);
    let until = fields.text("until", problems).map(|(text, node)| {
        text.parse().map_err(|_| {
            let message = format!("`until` is a day such as 2027-01-31, this is `{text}`");
            problems.push(Problem::error("drift::until", &node.place, message, "not a day"));
        })
    });
    fields.finish(problems);
    Some(IgnoreRule {
        what: what?,
        reason: reason?,
        until: until.transpose().ok()?,
        hosts: Vec::new(),
        place: Some(item.place.clone()),
    })
}
