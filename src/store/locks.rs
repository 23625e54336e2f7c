//! Locks of runs on hosts: a name that one run at a time holds on a host, whatever its runbook and whatever server
//! carries it on.
//!
//! A lock is taken in the transaction that stores a run's start and given back in the one that stores its end, so a
//! crash neither loses nor leaks one. The epoch is that of the run's leader: it grows when the run changes hands.

use uuid::Uuid;

use super::Store;
use super::db::{Sql, StoreError, Tx, execute, fetch, sql};
use super::run_log::AppendError;
use crate::id::{HostName, RunId};

/// A lock that a run wants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lock {
    pub name: String,
    pub host: HostName,
}

const TAKE_LOCKS: &str = "take the locks of a run";

impl Store {
    /// Takes locks of a run that is stored already, or takes them again under a new epoch.
    ///
    /// # Errors
    /// `LockHeld` if another run that has not ended holds one; then none is taken.
    pub async fn hold_locks(&self, run: RunId, epoch: u64, locks: &[Lock], now_ms: i64) -> Result<(), AppendError> {
        if locks.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin(TAKE_LOCKS).await?;
        self.take_locks(&mut tx, run, epoch, locks, now_ms).await?;
        Ok(self.db.commit(tx, TAKE_LOCKS).await?)
    }

    pub(super) async fn take_locks(
        &self,
        tx: &mut Tx,
        run: RunId,
        epoch: u64,
        locks: &[Lock],
        now_ms: i64,
    ) -> Result<(), AppendError> {
        // In one order everywhere, so that two starts that want the same locks do not wait for each other.
        let mut locks: Vec<&Lock> = locks.iter().collect();
        locks.sort_unstable();
        locks.dedup();
        for lock in locks {
            let (name, host) = (lock.name.as_str(), lock.host.as_str());
            let taken = fetch!(*tx, fetch_optional(Uuid,), TAKE, name, host, run.0, epoch.cast_signed(), now_ms)
                .map_err(self.db.failed(TAKE_LOCKS))?;
            if taken.is_none() {
                let holder =
                    fetch!(*tx, fetch_optional(Uuid, i64), HOLDER, name, host).map_err(self.db.failed(TAKE_LOCKS))?;
                let (holder, since_ms) = holder.unwrap_or((Uuid::nil(), now_ms));
                return Err(AppendError::LockHeld { lock: lock.clone(), run, holder: RunId(holder), since_ms });
            }
        }
        Ok(())
    }

    pub(super) async fn give_back_locks(&self, tx: &mut Tx, run: RunId) -> Result<(), StoreError> {
        execute!(*tx, GIVE_BACK, run.0).map(drop).map_err(self.db.failed("give back the locks of a run"))
    }
}

/// The first writer wins. Its since stays when it takes the lock again.
const TAKE: Sql = sql!(
    "insert into run_lock (name, host, run, epoch, since_ms) values ($1, $2, $3, $4, $5) \
     on conflict (name, host) do update set run = excluded.run, epoch = excluded.epoch, \
     since_ms = case when run_lock.run = excluded.run then run_lock.since_ms else excluded.since_ms end \
     where run_lock.run = excluded.run \
     or exists (select 1 from run where run.id = run_lock.run and run.ended_at_ms is not null) returning run"
);
const HOLDER: Sql = sql!("select run, since_ms from run_lock where name = $1 and host = $2");
const GIVE_BACK: Sql = sql!("delete from run_lock where run = $1");

/// For the statement test.
pub(super) const STATEMENTS: &[Sql] = &[TAKE, HOLDER, GIVE_BACK];
