//! What a run notes on a host for the next one: a value as a file of JSON below `/var/lib/tandem`, which only root can enter.
//!
//! A record is there as a whole or not at all. One that can't be read, or makes no sense, is an error and never "nothing": the
//! next run would change what it does not know.

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use super::{On, StepError};
use crate::{model::limits, transport::ReadScript};

/// `$1` is the path. The directory belongs to root alone, so what lies in it is ours, and for anybody else it would look empty.
const READ: &str = r#"
[ ! -d "${1%/*}" ] || [ -x "${1%/*}" ] || { echo "only root can look into ${1%/*}" >&2; exit 1; }
[ ! -e "$1" ] || cat -- "$1"
"#;
const WRITE: &str = concat!(
    include_str!("../transport/safe.sh"),
    r#"
set -e
umask 077
LC_ALL=C; export LC_ALL
private_dir "${1%/*}"
# What the system says of a full disk does not name the place.
said=$({ cat >"$1.new"; } 2>&1) || { echo "${1%/*}: ${said##*: }" >&2; exit 1; }
sync -- "$1.new" 2>/dev/null || true
mv -- "$1.new" "$1"
"#
);

/// A place for one value on each host.
pub(crate) struct Record<T> {
    path: &'static str,
    read: ReadScript,
    value: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Record<T> {
    /// A record at this path; `what` says what its reader does.
    pub(crate) const fn new(path: &'static str, what: &'static str) -> Self {
        Self { path, read: ReadScript::new(what, READ), value: PhantomData }
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &'static str {
        self.path
    }

    /// What was noted, if anything was.
    ///
    /// # Errors
    /// Where it can't be read, or is not what was written.
    pub(crate) async fn read(&self, on: On<'_>) -> Result<Option<T>, StepError> {
        let text = self.text(on).await?;
        if text.is_empty() {
            return Ok(None);
        }
        let senseless = |e| on.failed(self.read.what, format!("{} makes no sense: {e}", self.path));
        serde_json::from_slice(&text).map(Some).map_err(senseless)
    }

    /// The same of a record that may be written anew where it makes no sense: it only spares work.
    ///
    /// # Errors
    /// Where it can't be read.
    pub(crate) async fn read_sensible(&self, on: On<'_>) -> Result<Option<T>, StepError> {
        Ok(serde_json::from_slice(&self.text(on).await?).ok())
    }

    async fn text(&self, on: On<'_>) -> Result<Vec<u8>, StepError> {
        Ok(on.read(&self.read, &[self.path], limits::LOOK.time).await?.stdout)
    }

    /// Notes a value in place of what was noted.
    ///
    /// # Errors
    /// Where the host can't keep it; what was noted before is there still.
    pub(crate) async fn write(&self, on: On<'_>, tried: &str, value: &T) -> Result<(), StepError> {
        let text = serde_json::to_vec(value).map_err(|e| on.failed(tried, e))?;
        let written = on.writer()?.run(tried, WRITE, &[self.path], &text, limits::LOOK.time).await;
        written.map(drop).map_err(|e| on.failed(tried, e))
    }

    /// Takes the record away.
    ///
    /// # Errors
    /// Where the host can't do that.
    pub(crate) async fn forget(&self, on: On<'_>, tried: &str) -> Result<(), StepError> {
        let removed = on.writer()?.run(tried, r#"rm -f -- "$1""#, &[self.path], b"", limits::LOOK.time).await;
        removed.map(drop).map_err(|e| on.failed(tried, e))
    }
}
