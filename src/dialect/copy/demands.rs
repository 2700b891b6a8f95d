//! What is asked of two servers before a copy row by row: what the one holds that the other may not take.

use crate::{
    dialect::{Dialect, ReadStatement, SYSTEM_DATABASES, identifier},
    model::Family,
};

const SYSTEM_OBJECTS: &str = "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql' \
    UNION SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'mysql'";

impl ReadStatement {
    /// Tables and views of users' databases: `db`, `name`, `kind`, `engine`.
    pub fn demanding_tables() -> Self {
        Self::new(format!(
            "SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, TABLE_TYPE AS kind, ENGINE AS engine \
             FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN ({SYSTEM_DATABASES}) \
             AND TABLE_TYPE <> 'TEMPORARY' ORDER BY 1, 2"
        ))
    }

    /// Those that have a primary key: `db`, `name`. A question of its own, since MariaDB joins two of these lists by going
    /// through the one for each row of the other.
    pub fn tables_with_key() -> Self {
        Self::new(format!(
            "SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name FROM information_schema.TABLE_CONSTRAINTS \
             WHERE TABLE_SCHEMA NOT IN ({SYSTEM_DATABASES}) AND CONSTRAINT_TYPE = 'PRIMARY KEY'"
        ))
    }

    /// Views that call a function which runs as its definer: `db`, `name`, `definer` as `user@host`, and
    /// the function's database, `func`. A function of the
    /// view's own database may stand there without it.
    pub fn calling_views() -> Self {
        Self::new(format!(
            "SELECT v.TABLE_SCHEMA AS db, v.TABLE_NAME AS name, r.DEFINER AS definer, r.ROUTINE_SCHEMA AS func \
             FROM information_schema.VIEWS v \
             JOIN information_schema.ROUTINES r ON LOCATE(CONCAT('`', r.ROUTINE_SCHEMA, '`.`', r.ROUTINE_NAME, '`('), \
             v.VIEW_DEFINITION) > 0 OR v.TABLE_SCHEMA = r.ROUTINE_SCHEMA AND LOCATE(CONCAT('`', r.ROUTINE_NAME, '`('), \
             REPLACE(v.VIEW_DEFINITION, CONCAT('.`', r.ROUTINE_NAME, '`('), '')) > 0 \
             WHERE r.ROUTINE_TYPE = 'FUNCTION' AND r.SECURITY_TYPE = 'DEFINER' \
             AND v.TABLE_SCHEMA NOT IN ({SYSTEM_DATABASES}) AND r.ROUTINE_SCHEMA NOT IN ({SYSTEM_DATABASES})"
        ))
    }

    /// Views that name a table or a routine of the database `mysql`, which no copy row by row brings: `db`, `name`, and `object`.
    pub fn views_on_system() -> Self {
        let named = |kind: &str, column: &str| {
            format!(
                "SELECT v.TABLE_SCHEMA AS db, v.TABLE_NAME AS name, o.{column}_NAME AS object FROM information_schema.VIEWS v \
                 JOIN information_schema.{kind} o ON o.{column}_SCHEMA = 'mysql' \
                 AND LOCATE(CONCAT('`mysql`.`', o.{column}_NAME, '`'), v.VIEW_DEFINITION) > 0 \
                 WHERE v.TABLE_SCHEMA NOT IN ({SYSTEM_DATABASES})"
            )
        };
        Self::new(format!("{} UNION {}", named("TABLES", "TABLE"), named("ROUTINES", "ROUTINE")))
    }

    /// Tables and routines of the database `mysql`: `name`.
    pub fn system_objects() -> Self {
        Self::new(SYSTEM_OBJECTS)
    }

    /// Storage engines: `engine`, `support`.
    pub fn engines() -> Self {
        Self::new("SHOW ENGINES")
    }

    /// The bytes of the largest row of a table in these columns, as `bytes`.
    pub fn largest_row(database: &str, table: &str, columns: &[String]) -> Self {
        let lengths: Vec<String> =
            columns.iter().map(|name| format!("COALESCE(LENGTH({}), 0)", identifier(name))).collect();
        Self::new(format!(
            "SELECT MAX({}) AS bytes FROM {}.{}",
            lengths.join(" + "),
            identifier(database),
            identifier(table)
        ))
    }
}

impl Dialect {
    /// Tables in general tablespaces, as `name`, which is written as their files are named. MySQL 5.7 has such tablespaces.
    pub fn in_tablespaces(self) -> Option<ReadStatement> {
        let view = match self.family() {
            Family::MySql if self.mysql(8, 0, 0) => "INNODB_TABLES",
            Family::MySql if self.mysql(5, 7, 6) => "INNODB_SYS_TABLES",
            Family::MariaDb | Family::MySql => return None,
        };
        Some(ReadStatement::new(format!(
            "SELECT NAME AS name FROM information_schema.{view} WHERE SPACE_TYPE = 'General' AND NAME NOT LIKE 'mysql/%'"
        )))
    }

    /// By which plugins accounts log in: `user`, `host`, `plugin`, and further ones as a list in JSON, `more`. MariaDB
    /// lets one of several do since 10.4, MySQL asks for several since 8.0.27. And `restricted`: what was taken back
    /// of what it may do everywhere, which MySQL 8.0.16 has (`partial_revokes`); else NULL.
    pub fn login_plugins_of_accounts(self) -> ReadStatement {
        let several = match self.family() {
            Family::MariaDb if self.version.at_least(10, 4, 3) => {
                return ReadStatement::new(
                    "SELECT User AS user, Host AS host, JSON_VALUE(Priv, '$.plugin') AS plugin, \
                     JSON_EXTRACT(Priv, '$.auth_or[*].plugin') AS more, NULL AS restricted FROM mysql.global_priv",
                );
            }
            Family::MySql if self.mysql(8, 0, 27) => {
                "JSON_EXTRACT(User_attributes, '$.multi_factor_authentication[*].plugin')"
            }
            Family::MariaDb | Family::MySql => "NULL",
        };
        let restricted = match self.mysql(8, 0, 16) {
            true => "JSON_EXTRACT(User_attributes, '$.Restrictions')",
            false => "NULL",
        };
        ReadStatement::new(format!(
            "SELECT User AS user, Host AS host, plugin AS plugin, {several} AS more, {restricted} AS restricted \
             FROM mysql.user"
        ))
    }

    /// Finds a value of a JSON document whose type its text does not show, such as a date: a row if there is one. None
    /// where no text loses a type. MySQL 8.0.4 has the function for it.
    ///
    /// A path that ends in `**` is no path; `[0]` of what is no array is the value itself (manual, "JSON Path Syntax").
    pub fn typed_json(self, database: &str, table: &str, column: &str) -> Option<ReadStatement> {
        let name = identifier(column);
        self.mysql(8, 0, 4).then(|| {
            ReadStatement::new(format!(
                "SELECT JSON_TYPE(j.v) AS kind FROM {}.{} t, JSON_TABLE(t.{name}, '$**[0]' COLUMNS (v JSON PATH '$')) j \
                 WHERE JSON_TYPE(j.v) NOT IN ('NULL', 'OBJECT', 'ARRAY', 'BOOLEAN', 'INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', \
                 'STRING') LIMIT 1",
                identifier(database),
                identifier(table)
            ))
        })
    }
}
