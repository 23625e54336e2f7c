//! Who leads a run: a lease with an epoch that grows each time the run changes hands.
//!
//! Times are those of the database, because several servers share it. With SQLite the same statements run, so
//! epochs are real there too and a tether refuses an engine of before a restart.

use std::time::Duration;

use uuid::Uuid;

use super::db::{Sql, StoreError, fetch, sql};
use super::{EngineLock, Store};
use crate::id::RunId;

/// How long a lease lasts after it was renewed.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often to renew: two renewals may fail before the lease ends.
pub const RENEW_EVERY: Duration = Duration::from_secs(10);
/// An engine that could not renew for this long stops by itself, well before another may take over.
pub const STOP_AFTER: Duration = Duration::from_secs(20);

const LEASING: &str = "lease a run";

impl Store {
    /// Takes the run over if nobody leads it or the lease has ended. Gives the new epoch; none when another owner
    /// leads it. `owner` names one engine process, so a second call by the same owner also gets a new epoch.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn acquire_lease(&self, run: RunId, owner: &str, lease: Duration) -> Result<Option<u64>, StoreError> {
        self.lease(ACQUIRE, run, owner, lease).await
    }

    /// Takes the run over at once, whoever led it: the lock proves that no other engine is alive on this database.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seize_lease(
        &self,
        _only_engine: &EngineLock,
        run: RunId,
        owner: &str,
        lease: Duration,
    ) -> Result<u64, StoreError> {
        let epoch = self.lease(SEIZE, run, owner, lease).await?;
        epoch.ok_or_else(|| self.db.corrupt(LEASING, format_args!("run {run} has no lease after it was taken")))
    }

    /// Renews all leases of an owner that have not ended; gives the runs that it still leads. The owner stops
    /// effects on every run that is not among them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn renew_leases(&self, owner: &str, lease: Duration) -> Result<Vec<RunId>, StoreError> {
        let mut tx = self.db.begin(LEASING).await?;
        let kept = fetch!(tx, fetch_all(Uuid,), RENEW, owner, millis(lease)).map_err(self.db.failed(LEASING))?;
        self.db.commit(tx, LEASING).await?;
        Ok(kept.into_iter().map(|(run,)| RunId(run)).collect())
    }

    /// Lets go of a run, so that another engine need not wait. The epoch stays for the next to exceed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_lease(&self, run: RunId, owner: &str, epoch: u64) -> Result<(), StoreError> {
        let mut tx = self.db.begin(LEASING).await?;
        fetch!(tx, fetch_optional(Uuid,), RELEASE, run.0, owner, epoch.cast_signed())
            .map_err(self.db.failed(LEASING))?;
        self.db.commit(tx, LEASING).await
    }

    async fn lease(&self, sql: Sql, run: RunId, owner: &str, lease: Duration) -> Result<Option<u64>, StoreError> {
        let mut tx = self.db.begin(LEASING).await?;
        let epoch =
            fetch!(tx, fetch_optional(i64,), sql, run.0, owner, millis(lease)).map_err(self.db.failed(LEASING))?;
        self.db.commit(tx, LEASING).await?;
        Ok(epoch.map(|(epoch,)| epoch.cast_unsigned()))
    }
}

fn millis(lease: Duration) -> i64 {
    i64::try_from(lease.as_millis()).unwrap_or(i64::MAX / 2)
}

macro_rules! now_pg {
    () => {
        "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)"
    };
}
macro_rules! now_lite {
    () => {
        "cast(unixepoch('subsec') * 1000 as integer)"
    };
}
macro_rules! take {
    ($now:expr, $only_if:expr) => {
        concat!(
            "insert into run_lease (run, owner, epoch, lease_until_ms) values ($1, $2, 1, ",
            $now,
            " + $3) \
             on conflict (run) do update set owner = excluded.owner, epoch = run_lease.epoch + 1, \
             lease_until_ms = excluded.lease_until_ms ",
            $only_if,
            " returning epoch"
        )
    };
}
macro_rules! ended {
    ($now:expr) => {
        concat!("where run_lease.lease_until_ms <= ", $now, " or run_lease.owner = excluded.owner")
    };
}
macro_rules! renew {
    ($now:expr) => {
        concat!(
            "update run_lease set lease_until_ms = ",
            $now,
            " + $2 where owner = $1 and lease_until_ms > ",
            $now,
            " returning run"
        )
    };
}

const ACQUIRE: Sql = sql!(pg: take!(now_pg!(), ended!(now_pg!())), lite: take!(now_lite!(), ended!(now_lite!())));
const SEIZE: Sql = sql!(pg: take!(now_pg!(), ""), lite: take!(now_lite!(), ""));
const RENEW: Sql = sql!(pg: renew!(now_pg!()), lite: renew!(now_lite!()));
const RELEASE: Sql =
    sql!("update run_lease set lease_until_ms = 0 where run = $1 and owner = $2 and epoch = $3 returning run");

/// For the statement test.
pub(super) const STATEMENTS: &[Sql] = &[ACQUIRE, SEIZE, RENEW, RELEASE];
