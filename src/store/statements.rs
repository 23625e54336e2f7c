//! Every statement of the store, so that a test can prepare each against the migrated schema: what the compiler
//! cannot check about SQL.

use sqlx::{Executor, SqlSafeStr};

use super::db::{Pools, Sql};
use super::{
    Store, access, audit, feeds, handoffs, lease, locks, nudges, open, output, pages, people, run_log, runs, setting,
    shares,
};

fn all() -> impl Iterator<Item = &'static Sql> {
    let single = [
        feeds::STATEMENTS,
        lease::STATEMENTS,
        locks::STATEMENTS,
        nudges::STATEMENTS,
        open::STATEMENTS,
        output::STATEMENTS,
        pages::STATEMENTS,
        run_log::STATEMENTS,
        setting::STATEMENTS,
        shares::STATEMENTS,
    ];
    let lists = [runs::STATEMENTS, access::STATEMENTS, people::STATEMENTS, audit::STATEMENTS, handoffs::STATEMENTS];
    single.into_iter().chain(lists.into_iter().flatten().copied()).flatten()
}

/// A statement that the migrated database does not take.
#[derive(Debug, thiserror::Error)]
#[error("not accepted by {place}: {sql}")]
pub struct StatementFailed {
    pub place: String,
    pub sql: &'static str,
    pub source: sqlx::Error,
}

impl Store {
    /// Has the database prepare every statement; gives their number.
    ///
    /// # Errors
    /// The first statement that does not fit the schema.
    pub async fn describe_statements(&self) -> Result<usize, StatementFailed> {
        let mut count = 0;
        for statement in all() {
            let (sql, described) = match &self.db.pools {
                Pools::Pg(pool) => (statement.pg, pool.describe(statement.pg.into_sql_str()).await.map(drop)),
                Pools::Sqlite { read, .. } => {
                    (statement.lite, read.describe(statement.lite.into_sql_str()).await.map(drop))
                }
            };
            described.map_err(|source| StatementFailed { place: self.db.place.to_string(), sql, source })?;
            count += 1;
        }
        Ok(count)
    }
}
