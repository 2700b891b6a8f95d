//! Routines, views, triggers and events: each is made on the target under the session that made it on the source.

use std::collections::BTreeMap;

use super::{
    CopyError, STATEMENT,
    inventory::{Inventory, Piece},
    session::{Sessions, run_all},
};
use crate::{
    dialect::{CodeKind, CopyEnd, CreatedUnder, Dialect, identifier, literal, with_collation},
    transport::{SqlError, SqlWriter},
};

/// What makes a piece of code, and under which session.
#[derive(Debug)]
struct Creation {
    piece: Piece,
    statement: Vec<u8>,
    under: CreatedUnder,
    /// The collation that the database had when it was made.
    database: Option<String>,
}

/// All code of a copy.
#[derive(Debug)]
pub(super) struct Code {
    routines: Vec<Creation>,
    views: Vec<Creation>,
    /// Triggers and events.
    later: Vec<Creation>,
    /// The collation of each database.
    collations: BTreeMap<String, String>,
}

impl Code {
    /// Reads everything.
    pub(super) async fn read(catalog: &mut SqlWriter, inventory: &Inventory) -> Result<Self, CopyError> {
        let collations = inventory.databases.iter().map(|(name, d)| (name.clone(), d.defaults.1.clone()));
        let (routines, views, later) = (Vec::new(), Vec::new(), Vec::new());
        let mut code = Self { routines, views, later, collations: collations.collect() };
        for piece in &inventory.code {
            let read = show(catalog, piece).await;
            let tried = format!("read the definition of the {}", piece.title());
            let creation = read.map_err(CopyError::sql(CopyEnd::Source, tried))?;
            match piece.kind {
                CodeKind::View => code.views.push(creation),
                CodeKind::Trigger | CodeKind::Event => code.later.push(creation),
                _ => code.routines.push(creation),
            }
        }
        Ok(code)
    }

    /// Makes the routines.
    pub(super) async fn routines(&self, sessions: &mut Sessions) -> Result<(), CopyError> {
        self.create(&self.routines, sessions).await
    }

    /// Makes the views, then triggers and events.
    pub(super) async fn rest(&self, sessions: &mut Sessions) -> Result<(), CopyError> {
        self.create_views(sessions).await?;
        self.create(&self.later, sessions).await
    }

    async fn create(&self, creations: &[Creation], sessions: &mut Sessions) -> Result<(), CopyError> {
        for creation in creations {
            self.create_one(creation, sessions).await.map_err(|e| creation.failed(e))?;
        }
        Ok(())
    }

    async fn create_one(&self, creation: &Creation, sessions: &mut Sessions) -> Result<(), SqlError> {
        let (sql, dialect) = (&mut sessions.catalog_there, sessions.there);
        let (before, after) = self.around(creation, dialect);
        run_all(sql, &before).await?;
        let made = sql.execute(&creation.statement, STATEMENT).await;
        let back = run_all(sql, &after).await;
        made?;
        back
    }

    /// What makes a session like the one in which a piece was made, and what undoes it.
    fn around(&self, creation: &Creation, dialect: Dialect) -> (Vec<String>, Vec<String>) {
        let name = &creation.piece.database;
        let now = self.collations.get(name).map_or("", String::as_str);
        let other = creation.database.as_ref().filter(|then| *then != now && !then.is_empty());
        let mut before = vec![dialect.spell_names().to_owned(), format!("USE {}", identifier(name))];
        before.extend(other.map(|then| with_collation(name, then)));
        before.push("SET @before = @@SESSION.sql_mode, @zone = @@SESSION.time_zone".to_owned());
        before.push(creation.under.session(dialect));
        let mut after = vec![
            dialect.spell_names().to_owned(),
            "SET SESSION sql_mode = @before, SESSION time_zone = @zone".to_owned(),
        ];
        after.extend(other.map(|_| with_collation(name, now)));
        (before, after)
    }

    /// The same as text for a client, in an order in which it can be made: views behind those that they name.
    pub(super) fn script(&self, dialect: Dialect) -> Vec<Vec<u8>> {
        let mut views: Vec<&Creation> = self.views.iter().collect();
        let mut ordered = Vec::new();
        while !views.is_empty() {
            let names_one = |view: &&Creation| views.iter().any(|other| view.names(other));
            let (later, mut now): (Vec<_>, Vec<_>) = views.iter().copied().partition(names_one);
            // Those that name each other can't be made in any order.
            let later = if now.is_empty() { std::mem::replace(&mut now, later) } else { later };
            ordered.append(&mut now);
            views = if views.len() == later.len() { Vec::new() } else { later };
        }
        let all = self.routines.iter().chain(ordered).chain(&self.later);
        all.map(|creation| {
            let (before, after) = self.around(creation, dialect);
            let end = delimiter(&creation.statement);
            let mut text = format!("{};\nDELIMITER {end}\n", before.join(";\n")).into_bytes();
            text.extend_from_slice(&creation.statement);
            text.extend_from_slice(format!("\n{end}\nDELIMITER ;\n{};\n", after.join(";\n")).as_bytes());
            text
        })
        .collect()
    }

    /// Makes views, those first that others rest on.
    async fn create_views(&self, sessions: &mut Sessions) -> Result<(), CopyError> {
        let mut views: Vec<&Creation> = self.views.iter().collect();
        while !views.is_empty() {
            let (number, mut left, mut last) = (views.len(), Vec::new(), None);
            for creation in views {
                match self.create_one(creation, sessions).await {
                    Ok(()) => {}
                    Err(error) if rests_on_nothing(&error) => {
                        left.push(creation);
                        last.get_or_insert(creation.failed(error));
                    }
                    Err(error) => return Err(creation.failed(error)),
                }
            }
            match last {
                Some(error) if left.len() == number => return Err(error),
                _ => views = left,
            }
        }
        Ok(())
    }
}

impl Piece {
    /// As a person writes it.
    fn title(&self) -> String {
        format!("{} {}.{}", self.kind.word().to_ascii_lowercase(), self.database, self.name)
    }
}

impl Creation {
    /// Whether a view names another one.
    fn names(&self, other: &Self) -> bool {
        let path = format!("{}.{}", identifier(&other.piece.database), identifier(&other.piece.name));
        self.piece != other.piece && memchr::memmem::find(&self.statement, path.as_bytes()).is_some()
    }

    fn failed(&self, error: SqlError) -> CopyError {
        CopyError::sql(CopyEnd::Target, format!("make the {}", self.piece.title()))(error)
    }
}

/// What does not stand in a text, to be put behind it.
fn delimiter(text: &[u8]) -> String {
    let marks = (0_u32..).map(|n| if n == 0 { "//".to_owned() } else { format!("//{n}//") });
    marks.into_iter().find(|mark| memchr::memmem::find(text, mark.as_bytes()).is_none()).unwrap_or_default()
}

/// Reads the statement that makes a piece of code. The text of a program comes as it was written, in the character set of
/// its session; that of a view is converted to it.
async fn show(sql: &mut SqlWriter, piece: &Piece) -> Result<Creation, SqlError> {
    let results = match piece.client.as_str() {
        "" => "NULL".to_owned(),
        client => literal(client),
    };
    sql.query(&format!("SET SESSION character_set_results={results}")).await?;
    let rows = sql.raw(&piece.kind.show(&piece.database, &piece.name), STATEMENT).await?;
    let row = rows.into_iter().next().unwrap_or_default();
    let optional = |name: &str| row.get(name).map(|_| row.text(name));
    Ok(Creation {
        statement: row.get(piece.kind.statement_column()).unwrap_or_default().to_vec(),
        under: CreatedUnder {
            sql_mode: optional("sql_mode"),
            time_zone: optional("time_zone"),
            client: row.text("character_set_client"),
            connection: row.text("collation_connection"),
        },
        database: optional("Database Collation"),
        piece: piece.clone(),
    })
}

/// Whether a view can't be made since what it rests on is not there, or can't be used.
fn rests_on_nothing(error: &SqlError) -> bool {
    /// No such table, column, routine, database; a view that is invalid; a definer that is none; no privilege.
    const MISSING: [u16; 9] = [1049, 1054, 1146, 1305, 1356, 1449, 1143, 1142, 1370];
    error.code().is_some_and(|code| MISSING.contains(&code))
}
