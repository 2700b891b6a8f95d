//! Databases as a script of SQL that makes them anew, value by value: what a replica's own data is kept as before a copy takes its
//! place.
//!
//! It reads as a copy does, so it loses what a copy loses and nothing else. Its bytes are printable, and the client of any
//! server loads it: what is not printable stands as hexadecimal digits.

use std::{collections::BTreeSet, io};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{
    Connect, CopyError, CopyFault,
    code::Code,
    inventory::{Inventory, Name, Table},
    rows::LENIENT,
    session::Opened,
    slices::{LIMIT, STATEMENT},
    tables,
};
use crate::{
    dialect::{CopyEnd, Dialect, Slice, identifier},
    model::digits,
    transport::SqlWriter,
};

/// A setting that a server without InnoDB does not have.
const STRICT: &str = "innodb_strict_mode";

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Written {
    /// Bytes of the script.
    pub bytes: u64,
    /// Rows in it.
    pub rows: u64,
    /// SHA-256 of the script, in hexadecimal digits.
    pub digest: String,
}

/// Writes databases of a server, as one snapshot of what has transactions.
///
/// # Errors
/// Where the server refuses, or nobody takes the bytes.
pub(crate) async fn write(
    server: &impl Connect,
    databases: &[String],
    to: &mut (impl AsyncWrite + Unpin),
    on_progress: &mut dyn FnMut(u64),
) -> Result<Written, CopyError> {
    let dialect = server.dialect();
    let Opened { first: mut catalog, mut others, names, .. } = Opened::at(server, CopyEnd::Source, 1).await?;
    let inventory = Inventory::read(&mut catalog, dialect, databases).await?;
    let mut out = Out { to, digest: Sha256::new(), bytes: 0, rows: 0, on_progress };
    out.line(&head(dialect, databases, &names)).await?;
    for database in inventory.databases.values() {
        out.line(&database.create).await?;
    }
    let reader = others.first_mut().ok_or_else(|| failed(&io::ErrorKind::NotConnected.into()))?;
    for statement in [dialect.spell_values(), dialect.begin_snapshot()] {
        reader.query(statement).await.map_err(CopyError::sql(CopyEnd::Source, "begin a snapshot"))?;
    }
    // A default may ask a sequence.
    for sequences in [true, false] {
        for (name, table) in inventory.tables.iter().filter(|(_, table)| table.is_sequence() == sequences) {
            out.table(reader, (name, table), dialect).await?;
        }
    }
    let code = Code::read(&mut catalog, &inventory).await?;
    for part in code.script(dialect) {
        out.bytes(&part).await?;
    }
    out.line("-- The end").await?;
    out.to.flush().await.map_err(|error| failed(&error))?;
    Ok(Written { bytes: out.bytes, rows: out.rows, digest: digits(&out.digest.finalize()) })
}

/// What a session that loads it sets. Whatever is in it was in a server before, so nothing of it is refused.
fn head(dialect: Dialect, databases: &[String], names: &BTreeSet<String>) -> String {
    let title = databases.iter().map(|name| name.escape_default().to_string()).collect::<Vec<_>>().join(", ");
    let mut settings = dialect.copy_session(CopyEnd::Target, names);
    settings.push(LENIENT.to_owned());
    settings.extend(names.contains(STRICT).then(|| tables::LENIENT.to_owned()));
    format!("-- Written by tandem: {title}\n{};\n{}", dialect.spell_names(), settings.join(";\n"))
}

fn failed(error: &io::Error) -> CopyError {
    CopyError::new(CopyEnd::Source, "write its data into a file", CopyFault::Ended(error.to_string()))
}

struct Out<'o, W> {
    to: &'o mut W,
    digest: Sha256,
    bytes: u64,
    rows: u64,
    on_progress: &'o mut dyn FnMut(u64),
}

impl<W: AsyncWrite + Unpin> Out<'_, W> {
    async fn bytes(&mut self, bytes: &[u8]) -> Result<(), CopyError> {
        self.digest.update(bytes);
        self.to.write_all(bytes).await.map_err(|error| failed(&error))?;
        self.bytes += bytes.len() as u64;
        (self.on_progress)(self.bytes);
        Ok(())
    }

    /// A statement without its end.
    async fn line(&mut self, statement: &str) -> Result<(), CopyError> {
        self.bytes(statement.as_bytes()).await?;
        self.bytes(b";\n").await
    }

    /// A table and its rows.
    async fn table(
        &mut self,
        reader: &mut SqlWriter,
        ((database, name), table): (&Name, &Table),
        dialect: Dialect,
    ) -> Result<(), CopyError> {
        self.line(&format!("USE {}", identifier(database))).await?;
        self.line(&table.create).await?;
        if !table.has_rows() {
            return Ok(());
        }
        self.line(dialect.spell_values()).await?;
        let failed = || CopyError::sql(CopyEnd::Source, format!("read rows of {database}.{name}"));
        let head = table.copied.insert().into_bytes();
        let mut statement = Vec::new();
        let mut stream =
            reader.stream(&table.copied.select(&Slice::default()), LIMIT).await.map_err(failed())?;
        while let Some(row) = stream.next().await.map_err(failed())? {
            match statement.is_empty() {
                true => statement.extend_from_slice(&head),
                false => statement.push(b','),
            }
            table.copied.push_printable_row(&mut statement, &row);
            self.rows += 1;
            if statement.len() as u64 >= STATEMENT {
                statement.extend_from_slice(b";\n");
                self.bytes(&statement).await?;
                statement.clear();
            }
        }
        if !statement.is_empty() {
            statement.extend_from_slice(b";\n");
            self.bytes(&statement).await?;
        }
        self.line(dialect.spell_names()).await
    }
}
