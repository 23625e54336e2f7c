//! Locks on hosts: a name that one run at a time holds on a host, whatever its runbook. They are read off
//! the live runs, so a restart neither loses nor leaks one.

use super::Shared;
use crate::run::plan::Plan;

/// Who holds a lock that a new run would need.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the lock {lock:?} on {host} is held by run {run} ({title}, started by {by}, {at}); wait for it or stop it")]
pub struct Held {
    pub lock: String,
    pub host: String,
    pub run: String,
    pub title: String,
    pub by: String,
    /// `at step journal`, or `before its first step`.
    pub at: String,
}

impl Shared {
    /// The first lock of the plan that another live run holds.
    pub fn lock_held(&self, plan: &Plan) -> Option<Held> {
        let live = self.live();
        live.values().find_map(|live| {
            let seen = live.seen.borrow();
            let other = &seen.state;
            if other.ended.is_some() {
                return None;
            }
            let lock = plan.locks.iter().find(|lock| other.plan.locks.contains(lock))?;
            let host = plan.hosts.iter().find(|host| other.plan.host_index(&host.name).is_some())?;
            let step = other.current.and_then(|index| other.plan.steps.get(index));
            Some(Held {
                lock: lock.clone(),
                host: host.name.to_string(),
                run: other.run.to_string(),
                title: other.plan.title.clone(),
                by: other.started_by.to_string(),
                at: step.map_or("before its first step".to_owned(), |step| format!("at step {}", step.id)),
            })
        })
    }
}
