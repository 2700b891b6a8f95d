//! What a copy needs of its target. It is asked before anything is changed.

use super::{
    Connect, CopyError, Scope, inventory,
    session::{self, Sessions},
};
use crate::dialect::CopyEnd;

/// What a look before a copy has shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fitness {
    /// Whether there are functions or triggers, which a server with a binary log takes only where it trusts them.
    pub has_code_to_trust: bool,
}

/// Looks at both ends. Nothing is changed; the sessions have shown that they can be set up.
///
/// # Errors
/// When an end can't be asked, or is another server than the declared one.
pub(crate) async fn fitness(
    source: &impl Connect,
    target: &impl Connect,
    scope: &Scope,
) -> Result<Fitness, CopyError> {
    let mut sessions = Sessions::open(source, target, 1).await?;
    let code = async {
        let code = inventory::code(&mut sessions.catalog, source.dialect(), &scope.databases).await;
        code.map_err(CopyError::sql(CopyEnd::Source, "read the names of its code"))
    };
    let (_, code) = tokio::try_join!(session::prove(&mut sessions.catalog_there, &scope.target), code)?;
    let has_code_to_trust = code.iter().any(|code| {
        use crate::dialect::CodeKind::{Function, Package, PackageBody, Trigger};
        matches!(code.kind, Function | Trigger | Package | PackageBody)
    });
    Ok(Fitness { has_code_to_trust })
}
