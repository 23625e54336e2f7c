//! One-time codes of people: the authenticator app's secret and the codes against its loss. Each is taken once.

use uuid::Uuid;

use super::STORE;
use crate::audit::entry::SERVER;
use crate::id::Digest;
use crate::store::Store;
use crate::store::db::{Sql, StoreError, execute, fetch, sql};

impl Store {
    /// Keeps a fresh secret until its first code confirms it. False when a confirmed one is there: that one stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn propose_totp(&self, person: Uuid, secret: &[u8]) -> Result<bool, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        let changed = execute!(tx, PROPOSE, person, secret).map_err(self.db.failed(STORE))?;
        self.db.commit(tx, STORE).await?;
        Ok(changed == 1)
    }

    /// Confirms the proposed secret by a code of time step `step`, and stores the hashes of its recovery codes
    /// instead of all earlier ones. False when there is nothing to confirm.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn confirm_totp(
        &self,
        person: Uuid,
        step: i64,
        recovery: &[Digest],
        by: &str,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        let changed = execute!(tx, CONFIRM, person, step, now_ms).map_err(self.db.failed(STORE))?;
        if changed == 1 {
            execute!(tx, FORGET_RECOVERY, person).map_err(self.db.failed(STORE))?;
            for hash in recovery {
                execute!(tx, INSERT_RECOVERY, person, &hash.0[..]).map_err(self.db.failed(STORE))?;
            }
            self.record_change(&mut tx, person, "one-time codes set up", by, now_ms).await?;
        }
        self.db.commit(tx, STORE).await?;
        Ok(changed == 1)
    }

    /// Takes the code of a time step. False when one of this step or a later one was taken before: whoever looked
    /// over a shoulder, or two requests at once, come too late.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_totp_step(&self, person: Uuid, step: i64) -> Result<bool, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        let changed = execute!(tx, TAKE_STEP, person, step).map_err(self.db.failed(STORE))?;
        self.db.commit(tx, STORE).await?;
        Ok(changed == 1)
    }

    /// Takes a recovery code. Gives how many are left; none when there is no such code or it was taken before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_recovery_code(&self, person: Uuid, hash: Digest, now_ms: i64) -> Result<Option<u64>, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        let changed = execute!(tx, TAKE_RECOVERY, person, &hash.0[..], now_ms).map_err(self.db.failed(STORE))?;
        let left = fetch!(tx, fetch_one(i64,), COUNT_RECOVERY, person).map_err(self.db.failed(STORE))?;
        if changed == 1 {
            self.record_change(&mut tx, person, "recovery code used", SERVER, now_ms).await?;
        }
        self.db.commit(tx, STORE).await?;
        Ok((changed == 1).then_some(left.0.cast_unsigned()))
    }

    /// Forgets the secret and the recovery codes: from now on no code is asked for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_totp(&self, person: Uuid, by: &str, now_ms: i64) -> Result<(), StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        execute!(tx, FORGET, person).map_err(self.db.failed(STORE))?;
        execute!(tx, FORGET_RECOVERY, person).map_err(self.db.failed(STORE))?;
        self.record_change(&mut tx, person, "one-time codes forgotten", by, now_ms).await?;
        self.db.commit(tx, STORE).await
    }
}

const PROPOSE: Sql = sql!("update person set totp_secret = $2 where id = $1 and totp_confirmed_at_ms is null");
const CONFIRM: Sql = sql!(
    "update person set totp_confirmed_at_ms = $3, totp_last_step = $2 where id = $1 and totp_secret is not null \
     and totp_confirmed_at_ms is null"
);
const TAKE_STEP: Sql = sql!(
    "update person set totp_last_step = $2 where id = $1 and totp_confirmed_at_ms is not null \
     and (totp_last_step is null or totp_last_step < $2)"
);
const FORGET: Sql =
    sql!("update person set totp_secret = null, totp_confirmed_at_ms = null, totp_last_step = null where id = $1");
const FORGET_RECOVERY: Sql = sql!("delete from recovery_code where person = $1");
const INSERT_RECOVERY: Sql = sql!("insert into recovery_code (person, code_hash) values ($1, $2)");
const TAKE_RECOVERY: Sql =
    sql!("update recovery_code set used_at_ms = $3 where person = $1 and code_hash = $2 and used_at_ms is null");
const COUNT_RECOVERY: Sql = sql!("select count(*) from recovery_code where person = $1 and used_at_ms is null");

pub(super) const STATEMENTS: &[Sql] =
    &[PROPOSE, CONFIRM, TAKE_STEP, FORGET, FORGET_RECOVERY, INSERT_RECOVERY, TAKE_RECOVERY, COUNT_RECOVERY];
