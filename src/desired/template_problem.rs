//! What is said where a template has no value.

use crate::{
    model::Place,
    source::Problem,
    template::{Scope, TemplateError},
};

/// A template's mistake at the place of the text that holds it.
pub(super) fn template_problem(error: &TemplateError, place: &Place, scope: &Scope) -> Problem {
    let mut place = place.clone();
    if error.line > 1 && place.line > 0 {
        place.line += error.line as u32 - 1;
    }
    let label = if error.undefined.is_some() { "used here" } else { "in this template" };
    let code = if error.undefined.is_some() { "template::undefined" } else { "template::failed" };
    let problem = Problem::error(code, &place, error.message.clone(), label);
    if error.unknown_lookup {
        return problem.help(
            "Lookups are Ansible's and are not made here. Write the value, or give it with -e NAME=VALUE; a secret is \
             {env: NAME}, {file: path} or {command: [..]}.",
        );
    }
    let Some(name) = &error.undefined else { return problem };
    if matches!(name.as_str(), "ansible_facts" | "vars" | "ansible_default_ipv4" | "ansible_hostname") {
        return problem.help(format!("`{name}` is Ansible's, gathered while it runs. Write the value out."));
    }
    if name == "replication_password" {
        return problem.help("Set replication_password, for example: {env: REPLICATION_PASSWORD}");
    }
    match crate::source::closest(name, scope.names()) {
        Some(near) => problem.help(format!("Did you mean `{near}`?")),
        None => {
            problem.help(format!("Give `{name}` a value in the inventory, the play or the role's defaults."))
        }
    }
}
