//! Who has the page of which run open: kept in memory, for as long as their stream is open.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::id::RunId;
use crate::run::event::Actor;

/// Everybody who looks on. Each holds a place among the viewers (`Limits::viewer`), so it is as bounded as they are.
#[derive(Debug, Clone, Default)]
pub struct Watchers {
    present: Arc<Mutex<HashMap<RunId, BTreeMap<Actor, usize>>>>,
}

/// Somebody who looks on. Dropped when they go.
#[derive(Debug)]
pub struct Watching {
    watchers: Watchers,
    run: RunId,
    actor: Actor,
}

impl Watchers {
    /// Notes that somebody looks on, as often as they have it open.
    pub fn come(&self, run: RunId, actor: &Actor) -> Watching {
        *self.lock().entry(run).or_default().entry(actor.clone()).or_default() += 1;
        Watching { watchers: self.clone(), run, actor: actor.clone() }
    }

    /// Who looks on, each once, by name.
    pub fn of(&self, run: RunId) -> Vec<String> {
        self.lock().get(&run).map(|present| present.keys().map(ToString::to_string).collect()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, BTreeMap<Actor, usize>>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut present = self.watchers.lock();
        let Some(actors) = present.get_mut(&self.run) else { return };
        if let Some(count) = actors.get_mut(&self.actor) {
            *count -= 1;
            if *count == 0 {
                actors.remove(&self.actor);
            }
        }
        if actors.is_empty() {
            present.remove(&self.run);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn whoever_has_a_page_open_twice_is_named_once_until_both_are_closed() {
        let (watchers, run) = (Watchers::default(), RunId(Uuid::from_u128(1)));
        let [anna, ben] = ["user:anna", "user:ben"].map(|name| Actor(name.to_owned()));
        let first = watchers.come(run, &anna);
        let second = watchers.come(run, &anna);
        let other = watchers.come(run, &ben);
        assert_eq!(watchers.of(run), ["user:anna", "user:ben"]);
        drop((first, other));
        assert_eq!(watchers.of(run), ["user:anna"]);
        drop(second);
        assert!(watchers.of(run).is_empty() && watchers.lock().is_empty());
    }
}
