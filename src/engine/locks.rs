//! Locks on hosts: a name that one run at a time holds on a host, whatever its runbook. The store keeps them; here they
//! are put into words, and waited for.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::live::Message;
use super::policy::scope_of;
use super::{Engine, Shared};
use crate::access::identity::Identity;
use crate::access::policy::{Permission, decide};
use crate::access::scope::About;
use crate::id::{HostName, RunId};
use crate::run::action::Input;
use crate::run::plan::{Part, Plan};
use crate::run::state::LockAway;
use crate::run::words;
use crate::store::locks::Lock;
use crate::store::run_log::AppendError;

/// Between two tries to take a lock that another run holds.
const TAKE_AGAIN: Duration = Duration::from_secs(2);

/// Who holds a lock that a new run would need.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the lock {lock:?} on {host} is held since {since} by {holder}; wait for it or stop it")]
pub struct Held {
    pub lock: String,
    pub host: String,
    pub since: String,
    /// `run 0197… (Shrink it, started by user:anna, at step journal)`, or that it may not be told.
    pub holder: String,
}

/// Every lock that a run of this plan holds while it lasts: on its hosts, and on those that its steps are delegated to. (A
/// precondition only reads where it is delegated to: two runs may look at the same load balancer.)
pub fn locks_of(plan: &Plan) -> Vec<Lock> {
    let delegated =
        plan.steps.iter().filter(|step| step.part == Part::Step).filter_map(|step| step.delegate_to.as_ref());
    let mut hosts: Vec<&HostName> = plan.hosts.iter().map(|host| &host.name).chain(delegated).collect();
    hosts.sort();
    hosts.dedup();
    let on = |host: &HostName| plan.locks.iter().map(|name| Lock { name: name.clone(), host: host.clone() }).collect();
    hosts.into_iter().flat_map(|host| -> Vec<Lock> { on(host) }).collect()
}

/// Takes the locks of a run that goes on without them no further, as soon as nobody else holds one, and tells the run. Asks
/// the store again and again: it is another run's end that frees them, maybe on another server.
pub(super) async fn wait_for_locks(
    shared: Arc<Shared>,
    plan: Arc<Plan>,
    (run, epoch): (RunId, u64),
    sender: mpsc::Sender<Message>,
) {
    let locks = locks_of(&plan);
    loop {
        tokio::select! {
            () = shared.draining.cancelled() => return,
            () = sender.closed() => return,
            () = tokio::time::sleep(TAKE_AGAIN) => {}
        }
        let now_ms = shared.clock.wall_ms();
        let input = match shared.store.hold_locks(run, epoch, &locks, now_ms).await {
            Ok(()) => Input::LocksTaken,
            Err(AppendError::LockHeld { lock, holder, since_ms, .. }) => {
                Input::LockAway(LockAway { lock: lock.name, host: lock.host, holder, since_ms })
            }
            Err(error) => {
                tracing::warn!(run.id = %run, %error, "the locks of the run cannot be asked for");
                continue;
            }
        };
        let taken = input == Input::LocksTaken;
        if sender.send(Message::Input(input)).await.is_err() || taken {
            return;
        }
    }
}

impl Engine {
    /// Says who holds a lock: to those who may see that run, as far as its log can be read.
    pub(super) async fn held(&self, who: &Identity, lock: &Lock, holder: RunId, since_ms: i64) -> Held {
        Held {
            lock: lock.name.clone(),
            host: lock.host.to_string(),
            since: words::moment(since_ms),
            holder: self.holder_for(who, holder).await,
        }
    }

    async fn holder_for(&self, who: &Identity, holder: RunId) -> String {
        let seen = self.seen(holder).await.ok().flatten();
        let policy = self.policy_now().await.policy;
        let may_see = seen
            .filter(|seen| decide(&policy, who, Permission::ReadRuns, About::Run(&scope_of(&seen.state.plan))).is_ok());
        let Some(seen) = may_see else { return "a run that you may not see".to_owned() };
        let state = &seen.state;
        let step = state.current.and_then(|index| state.plan.steps.get(index));
        let at = step.map_or("before its first step".to_owned(), |step| format!("at step {}", step.id));
        format!("run {holder} ({}, started by {}, {at})", state.plan.title, state.started_by)
    }
}
