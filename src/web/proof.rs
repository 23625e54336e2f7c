//! Checking what proves a person: password, one-time code, recovery code. One answer for all that is wrong.

use crate::access::password::Password;
use crate::access::totp::{self, Shared};
use crate::store::people::{Person, Source};
use crate::web::problem::Problem;
use crate::web::recording;
use crate::web::state::Web;

/// The local account that `name` and `password` open. None, after the same time, when there is no such account,
/// the password is another, the account is disabled, or it signs in elsewhere.
///
/// # Errors
/// Too many tries, or the store fails.
pub async fn by_password(web: &Web, name: &str, password: Password) -> Result<Option<Person>, Problem> {
    // Counted whether or not there is such an account: the limit does not tell.
    within(web, "account-rate", web.rates().password(name)).await?;
    let found = web.store().person_named(name).await?;
    let may = found.filter(|person| person.person.source == Source::Local && !person.is_disabled());
    let stored = may.as_ref().and_then(|person| person.person.password_hash.clone());
    let right = web.passwords().verify(password, stored).await?;
    Ok(may.filter(|_| right))
}

/// Whether `typed` is a code of the person's app or one of their recovery codes; either is taken by this.
///
/// # Errors
/// Too many tries, or the store fails.
pub async fn by_code(web: &Web, person: &Person, typed: &str) -> Result<bool, Problem> {
    let of = &person.person;
    let Some(shared) = person.confirmed_totp().and_then(|secret| Shared::stored(secret, &of.name)) else {
        return Ok(false);
    };
    within(web, "code-rate", web.rates().code(&of.name)).await?;
    let now_ms = web.now_ms();
    if let Some(step) = shared.step_of(typed, now_ms) {
        return Ok(web.store().take_totp_step(of.id, step).await?);
    }
    let Some(hash) = totp::recovery_hash(typed) else { return Ok(false) };
    let left = web.store().take_recovery_code(of.id, hash, now_ms).await?;
    if let Some(left) = left {
        tracing::warn!(actor = of.name, left, "a recovery code was used");
    }
    Ok(left.is_some())
}

/// Passes the answer of a limit on, and records where it refuses.
async fn within(web: &Web, by: &str, limit: Result<(), Problem>) -> Result<(), Problem> {
    if limit.is_err() {
        recording::sign_in_refused(web, by, None).await;
    }
    limit
}
