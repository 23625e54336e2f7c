//! When runbooks last succeeded and last failed: one look into an index for each, however many runs there are.

use super::READ;
use crate::id::RunbookPath;
use crate::store::Store;
use crate::store::db::{Sql, StoreError, read, sql};

/// What the runs of a runbook have shown of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub runbook: RunbookPath,
    /// The end of the last run that succeeded, in milliseconds since 1970.
    pub last_success_ms: Option<i64>,
    /// The end of the last run that failed.
    pub last_failure_ms: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct FoundProof {
    runbook: String,
    last_success_ms: Option<i64>,
    last_failure_ms: Option<i64>,
}

impl Store {
    /// What the runs of these runbooks have shown, whoever may see the runs: a runbook is as proven as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn proofs(&self, runbooks: &[RunbookPath]) -> Result<Vec<Proof>, StoreError> {
        let paths = serde_json::to_string(runbooks).expect("paths are texts");
        let found = read!(self.db, fetch_all FoundProof, PROOFS, &paths).map_err(self.db.failed(READ))?;
        let proofs = found.into_iter().map(|found| {
            Ok(Proof {
                runbook: found.runbook.try_into()?,
                last_success_ms: found.last_success_ms,
                last_failure_ms: found.last_failure_ms,
            })
        });
        let proofs: Result<_, crate::id::InvalidId> = proofs.collect();
        proofs.map_err(|what| self.db.corrupt(READ, what))
    }
}

macro_rules! last {
    ($state:literal) => {
        concat!(
            "(select run.ended_at_ms from run where run.runbook = book.path and run.state = '",
            $state,
            "' order by run.started_at_ms desc, run.id desc limit 1)"
        )
    };
}
macro_rules! proofs {
    ($books:literal) => {
        concat!(
            "select book.path as runbook, ",
            last!("succeeded"),
            " as last_success_ms, ",
            last!("failed"),
            " as last_failure_ms from (",
            $books,
            ") as book"
        )
    };
}

const PROOFS: Sql = sql!(
    pg: proofs!("select json_array_elements_text(cast($1 as json)) as path"),
    // The cast keeps SQLite's preparation from looking for a table of that name.
    lite: proofs!("select cast(value as text) as path from json_each($1)"),
);

pub(super) const STATEMENTS: &[Sql] = &[PROOFS];
