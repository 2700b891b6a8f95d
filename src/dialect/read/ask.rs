//! What a server says of a value before it is given one.

use super::ReadStatement;
use crate::dialect::identifier;

/// Ends of statements that every server refuses, and the errors with which it does. A server looks at all values of a
/// `SET` before it sets the first, and sets none where it refuses one (MySQL manual, 13.7.6.1; MariaDB's
/// `sql_set_variables` has the same two rounds). So what stands before such an end is looked at, and never set.
pub(super) const REFUSED_ENDS: [(&str, u16); 2] = [
    (", SESSION lc_time_names = 'nowhere (a question of tandem)'", 1649),
    (", SESSION sql_mode = 'NOTHING (A QUESTION OF TANDEM)'", 1231),
];

impl ReadStatement {
    /// Asks whether a server would take a value for a global variable, `operand` as `SET GLOBAL` has it. The error that
    /// comes with it is the answer of a server that would.
    pub fn would_take(name: &str, operand: &str) -> (Self, u16) {
        // The refusal of the value itself must be another one than that of the end.
        let (end, error) = REFUSED_ENDS[usize::from(name.starts_with("lc_"))];
        (Self::new(format!("SET GLOBAL {} = {operand}{end}", identifier(name))), error)
    }

    /// The same for several of which none is of a locale: another error tells that one of them would not be taken, and
    /// perhaps not which.
    pub fn would_take_all(all: &[(&str, String)]) -> (Self, u16) {
        let (end, error) = REFUSED_ENDS[0];
        let one = |(name, operand): &(&str, String)| format!("GLOBAL {} = {operand}", identifier(name));
        let all: Vec<String> = all.iter().map(one).collect();
        (Self::new(format!("SET {}{end}", all.join(", "))), error)
    }
}
