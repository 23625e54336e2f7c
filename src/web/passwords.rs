//! Hashing passwords beside the threads that serve, a few at a time: each costs 19 MiB and some tens of
//! milliseconds, and anybody can ask for one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::access::password::Password;
use crate::entropy;
use crate::web::problem::Problem;

/// Hashes at one time. More would not end sooner on the few cores that a server has.
const HASHES_MAX: usize = 4;

/// Whoever waits longer for a turn is told to come back: better than a queue without end.
const TURN_MAX: Duration = Duration::from_secs(5);

/// The bound on hashing.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    turn_max: Duration,
    /// How many hashes were computed: a login of somebody who is not there costs one, too.
    computed: Arc<AtomicU64>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(HASHES_MAX)), turn_max: TURN_MAX, computed: Arc::default() }
    }
}

impl Passwords {
    /// Whether it is the password of this hash; takes as long when there is none.
    ///
    /// # Errors
    /// Too many sign in at this moment.
    pub async fn verify(&self, password: Password, stored: Option<String>) -> Result<bool, Problem> {
        self.aside(move || password.verify(stored.as_deref())).await
    }

    /// What is stored of a new password.
    ///
    /// # Errors
    /// Too many sign in at this moment.
    pub async fn hash(&self, password: Password) -> Result<String, Problem> {
        self.aside(move || password.hash(entropy::fresh_token())).await
    }

    /// How many hashes were computed so far.
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let busy = || Problem::too_many("people who sign in at this moment", self.turn_max);
        let turn = tokio::time::timeout(self.turn_max, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| busy())?.map_err(|_| busy())?;
        self.computed.fetch_add(1, Ordering::Relaxed);
        // The turn goes along: a request that is given up meanwhile does not free what still works.
        let worked = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        worked.await.map_err(|_| Problem::internal("a password could not be checked"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_more_hashes_than_the_bound_run_at_once() {
        let passwords = Passwords { turn_max: Duration::from_millis(10), ..Passwords::default() };
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let receiver = Arc::new(std::sync::Mutex::new(receiver));
        let held: Vec<_> = (0..HASHES_MAX)
            .map(|_| {
                let (passwords, receiver) = (passwords.clone(), Arc::clone(&receiver));
                tokio::spawn(async move {
                    passwords.aside(move || receiver.lock().expect("nobody panics").recv().is_ok()).await
                })
            })
            .collect();
        while passwords.turns.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = passwords.verify(Password::typed("x"), None).await;
        assert_eq!(refused.expect_err("there is no turn").status, 429);
        drop(sender);
        for each in held {
            assert!(each.await.expect("it ends").is_ok());
        }
        assert_eq!(passwords.turns.available_permits(), HASHES_MAX);
    }
}
