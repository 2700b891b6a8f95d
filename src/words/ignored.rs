//! Rules of what `drift` leaves out.

use crate::plan::NeverFits;

/// Why a rule can never fit.
pub(crate) fn never_fits(why: &NeverFits) -> String {
    match why {
        NeverFits::NoHost { rule, host, near } => {
            let hint = near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            format!("`{rule}` fits nothing: `{host}` is no host of this playbook{hint}")
        }
        NeverFits::NoFinding { rule, finding, near } => {
            format!("`{rule}` fits nothing: there is no finding `{finding}`; did you mean `{near}`?")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_fits_nothing_comes_with_what_may_have_been_meant() {
        let no_host = |near: Option<&str>| NeverFits::NoHost {
            rule: "db-c/variable".into(),
            host: "db-c".into(),
            near: near.map(Into::into),
        };
        let text = "`db-c/variable` fits nothing: `db-c` is no host of this playbook";
        assert_eq!(never_fits(&no_host(None)), text);
        assert_eq!(never_fits(&no_host(Some("db-a"))), format!("{text}; did you mean `db-a`?"));
    }
}
