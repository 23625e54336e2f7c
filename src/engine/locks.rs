//! Locks on hosts: a name that one run at a time holds on a host, whatever its runbook. The store keeps them; here they
//! are put into words.

use super::Engine;
use crate::id::{HostName, RunId};
use crate::run::plan::Plan;
use crate::run::words;
use crate::store::locks::Lock;

/// Who holds a lock that a new run would need.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the lock {lock:?} on {host} is held since {since} by run {run} ({title}, started by {by}, {at}); wait for it or \
     stop it"
)]
pub struct Held {
    pub lock: String,
    pub host: String,
    pub since: String,
    pub run: String,
    pub title: String,
    pub by: String,
    /// `at step journal`, or `before its first step`.
    pub at: String,
}

/// Every lock that a run of this plan holds while it lasts.
pub fn locks_of(plan: &Plan) -> Vec<Lock> {
    let on = |host: &HostName| plan.locks.iter().map(|name| Lock { name: name.clone(), host: host.clone() }).collect();
    plan.hosts.iter().flat_map(|host| -> Vec<Lock> { on(&host.name) }).collect()
}

impl Engine {
    /// Says who holds a lock, as far as the log of the holder can be read.
    pub(super) async fn held(&self, lock: &Lock, holder: RunId, since_ms: i64) -> Held {
        let seen = self.seen(holder).await.ok().flatten();
        let (title, by, at) = match &seen {
            Some(seen) => {
                let state = &seen.state;
                let step = state.current.and_then(|index| state.plan.steps.get(index));
                let at = step.map_or("before its first step".to_owned(), |step| format!("at step {}", step.id));
                (state.plan.title.clone(), state.started_by.to_string(), at)
            }
            None => ("its log cannot be read".to_owned(), "nobody knows whom".to_owned(), "somewhere".to_owned()),
        };
        Held {
            lock: lock.name.clone(),
            host: lock.host.to_string(),
            since: words::moment(since_ms),
            run: holder.to_string(),
            title,
            by,
            at,
        }
    }
}
