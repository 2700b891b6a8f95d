//! Who is at the far end of a channel: is it the declared server?
//!
//! An address that answers may be another server's. The replica's host connects to it and holds the connection for a
//! moment; the server's first words hold the connection's number, and the declared server, asked on its own host,
//! either has this very connection or has not. That proves the address, the port and the way in between, through
//! translated addresses too, and sends no password. It says nothing about the account and the certificate.

use std::time::{Duration, Instant};

use super::FarEnd;
use crate::{
    dialect::ReadStatement,
    model::{Endpoint, limits},
    transport::{Login, ReadScript, Session, SqlError, SqlReader},
};

const GREET: ReadScript = ReadScript::new("look who answers at an address", include_str!("greet.sh"));
/// For how long the connection is held, in seconds: until the declared server was asked. A server itself closes one that
/// does not log in after its connect_timeout of 10 seconds.
const HOLD: &str = "3";
/// A slow way to the declared server may have been the cause that it did not have the connection any more.
const ATTEMPTS: usize = 2;
/// For how long the declared server is asked. It knows of a connection before it says its first word.
const ASKED: Duration = limits::FAR_END_ASKED.time;
const LIMIT: Duration = limits::FAR_END.time;
const POLL: Duration = limits::GLIMPSE;

/// What a server says first.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Greeting {
    Hello { version: String, connection: u32 },
    Error(u16, String),
    Nobody(String),
}

/// Looks who answers a replica's host at an address, and whether the declared source is the one.
pub(crate) async fn far_end(replica: &Session, endpoint: &Endpoint, source: (&Session, &Login)) -> FarEnd {
    let mut found = FarEnd::Unknown("it was not looked at".into());
    for _ in 0..ATTEMPTS {
        let looked = tokio::time::timeout(LIMIT, look(replica, endpoint, source)).await;
        found = looked.unwrap_or_else(|_| FarEnd::Unknown(format!("no answer within {} s", LIMIT.as_secs())));
        if !matches!(found, FarEnd::Another(_)) {
            break;
        }
    }
    found
}

async fn look(replica: &Session, endpoint: &Endpoint, source: (&Session, &Login)) -> FarEnd {
    let unknown = |why: &dyn std::fmt::Display| FarEnd::Unknown(why.to_string());
    let port = endpoint.port.to_string();
    let args = [endpoint.address.as_str(), &port, HOLD];
    let (sql, held) = tokio::join!(source.0.sql(source.1, LIMIT), replica.hold(&GREET, &args));
    let (sql, mut held) = match (sql, held) {
        (Err(error), _) => return unknown(&error),
        (_, Err(error)) => return unknown(&error),
        (Ok(sql), Ok(held)) => (sql, held),
    };
    match held.line().await.map(|line| read(&line)) {
        None => unknown(&"the look ended without a word"),
        Some(Greeting::Hello { version, connection }) => match has(&sql, connection).await {
            Ok(true) => FarEnd::Same,
            Ok(false) => FarEnd::Another(version),
            Err(error) => unknown(&error),
        },
        Some(Greeting::Error(code, said)) => FarEnd::Refused(code.into(), said),
        Some(Greeting::Nobody(why)) => FarEnd::Unreachable(why),
    }
}

/// Whether a server has this connection, which has not logged in yet.
async fn has(sql: &SqlReader, connection: u32) -> Result<bool, SqlError> {
    let begun = Instant::now();
    loop {
        if waiting_for_a_login(sql).await?.contains(&connection) {
            return Ok(true);
        }
        if begun.elapsed() > ASKED {
            return Ok(false);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Connections of a server that have not logged in yet. A server tells the lower 32 bits of their numbers.
async fn waiting_for_a_login(sql: &SqlReader) -> Result<Vec<u32>, SqlError> {
    let rows = sql.query(&ReadStatement::sessions()).await?;
    let new = rows.iter().filter(|row| row.get("user") == Some("unauthenticated user"));
    new.map(|row| row.number("id").map(lower)).collect()
}

fn lower(id: u64) -> u32 {
    u32::try_from(id & u64::from(u32::MAX)).unwrap_or_default()
}

fn read(text: &str) -> Greeting {
    let line = text.lines().next().unwrap_or_default();
    if let Some(why) = line.strip_prefix("failed ") {
        return Greeting::Nobody(why.trim().to_owned());
    }
    let bytes = line.strip_prefix("greeting ").and_then(|hex| bytes(hex.trim())).unwrap_or_default();
    match bytes.split_first() {
        Some((0xff, rest)) => {
            let said = String::from_utf8_lossy(rest.get(2..).unwrap_or_default()).into_owned();
            let code = rest.first_chunk().map_or(0, |code| u16::from_le_bytes(*code));
            Greeting::Error(code, crate::model::visible(&said))
        }
        Some((10, rest)) => {
            let end = rest.iter().position(|b| *b == 0).unwrap_or(rest.len());
            let version = String::from_utf8_lossy(&rest[..end]).into_owned();
            // MariaDB puts this in front of its version.
            let version = crate::model::visible(version.strip_prefix("5.5.5-").unwrap_or(&version));
            match rest.get(end + 1..end + 5).and_then(|id| <[u8; 4]>::try_from(id).ok()) {
                Some(id) => Greeting::Hello { version, connection: u32::from_le_bytes(id) },
                None => Greeting::Nobody("what answers is no MySQL or MariaDB server".into()),
            }
        }
        _ => Greeting::Nobody("what answers is no MySQL or MariaDB server".into()),
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    Some(digits?.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_first_is_read() {
        let mariadb = "greeting 0a352e352e352d31302e31312e31392d4d61726961444200 1c000001".replace(' ', "");
        let mariadb = mariadb.replacen("greeting", "greeting ", 1);
        let hello = Greeting::Hello { version: "10.11.19-MariaDB".into(), connection: 0x0100_001c };
        assert_eq!(read(&mariadb), hello);
        assert_eq!(read("greeting ff6a04486f7374"), Greeting::Error(1130, "Host".into()));
        assert_eq!(read("failed Connection refused\n"), Greeting::Nobody("Connection refused".into()));
        for nonsense in ["", "greeting", "greeting zz", "greeting 0a31", "greeting 5353482d322e30"] {
            assert!(matches!(read(nonsense), Greeting::Nobody(_)), "{nonsense}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nonsense_is_taken(text in "(greeting |failed )?[0-9a-f]{0,40}\\PC{0,8}") {
            let _ = read(&text);
        }
    }
}
