//! Words for comparing rows.

use std::time::Duration;

use super::Dialect;
use crate::model::Family;

impl Dialect {
    /// Statements that make the same value the same text on every server, let a connection see what others
    /// commit, and end a statement that takes longer than it may.
    pub fn comparing_session(self, limit: Duration) -> Vec<String> {
        let mut statements = vec!["SET SESSION autocommit=1, SESSION time_zone='+00:00'".to_owned()];
        match self.family() {
            Family::MariaDb => {
                statements.push(format!("SET SESSION max_statement_time={}", limit.as_secs()));
            }
            Family::MySql if self.mysql(5, 7, 8) => {
                statements.push(format!("SET SESSION max_execution_time={}", limit.as_millis()));
            }
            Family::MySql => {}
        }
        statements
    }

    /// The column of `information_schema.COLUMNS` that says how a generated column is made: MySQL 5.7.6.
    pub fn generation_expression(self) -> &'static str {
        match self.family() {
            Family::MySql if !self.mysql(5, 7, 6) => "''",
            Family::MariaDb | Family::MySql => "GENERATION_EXPRESSION",
        }
    }
}
