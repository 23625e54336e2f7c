//! The engine: carries runs on. One task a live run takes inputs, decides, stores the events, and only then
//! performs the effects. After a restart the same task replays and goes on; there is no second path.

pub mod ask;
mod attempt;
mod choosing;
mod codec;
mod freshness;
mod guards;
pub mod handoffs;
mod join;
mod live;
mod locks;
mod look;
pub mod on_call;
pub mod output;
pub mod policy;
mod questions;
mod recovery;
mod secrets;
mod start;
mod stopping;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::id::RunId;
use crate::library::{GitRef, Library};
use crate::secrets::NamedSecrets;
use crate::store::{EngineLock, Store};
use crate::transport::Transport;

pub use codec::{NumberedEvent, UnreadableEvent, decoded, encoded};
use live::Live;

/// How long a drain waits for tasks to store what they hold.
const DRAIN_MAX: Duration = Duration::from_secs(20);

/// At most this many commands of one run at once, over all its hosts. More at once made fifty hosts slower, not
/// faster, in `make bench`: each then takes so long that a second channel is opened for its output.
pub const PARALLEL_MAX: u32 = 16;

/// At most this many connections are being made at once, over all runs.
const CONNECTING_MAX: usize = 16;

/// The parts that the engine works with.
pub struct Parts {
    pub store: Store,
    pub library: Library,
    pub transport: Arc<dyn Transport>,
    pub clock: Arc<dyn Clock>,
    /// The secrets that runbooks use by name.
    pub secrets: Arc<NamedSecrets>,
    /// With SQLite: the proof that no other engine works on this data.
    pub lock: Option<EngineLock>,
}

/// Cheap to clone; all clones are one engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

/// What all tasks of one engine share.
struct Shared {
    store: Store,
    library: Library,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    secrets: Arc<NamedSecrets>,
    lock: Option<EngineLock>,
    /// Names this process in leases.
    owner: String,
    live: Mutex<HashMap<RunId, Live>>,
    /// Starts are decided one at a time, so that two cannot take the same lock or idempotency key.
    starting: tokio::sync::Mutex<()>,
    /// The branch on which taken handoffs are kept, if on any.
    handoff_branch: std::sync::OnceLock<GitRef>,
    /// Custody passes one handoff at a time.
    handing_over: tokio::sync::Mutex<()>,
    /// The last look at `access.yaml`.
    policy: tokio::sync::Mutex<Option<policy::Looked>>,
    /// The last look at who is on call.
    on_call: tokio::sync::Mutex<Option<on_call::Looked>>,
    connecting: tokio::sync::Semaphore,
    draining: CancellationToken,
    tasks: TaskTracker,
}

impl Engine {
    /// An engine that has taken up nothing yet; see [`Engine::recover`].
    pub fn new(parts: Parts) -> Self {
        let owner = crate::entropy::fresh_uuid(parts.clock.wall_ms()).to_string();
        Self {
            shared: Arc::new(Shared {
                store: parts.store,
                library: parts.library,
                transport: parts.transport,
                clock: parts.clock,
                secrets: parts.secrets,
                lock: parts.lock,
                owner,
                live: Mutex::new(HashMap::new()),
                starting: tokio::sync::Mutex::new(()),
                handing_over: tokio::sync::Mutex::new(()),
                handoff_branch: std::sync::OnceLock::new(),
                policy: tokio::sync::Mutex::new(None),
                on_call: tokio::sync::Mutex::new(None),
                connecting: tokio::sync::Semaphore::new(CONNECTING_MAX),
                draining: CancellationToken::new(),
                tasks: TaskTracker::new(),
            }),
        }
    }

    /// The store, to read from.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The runbooks.
    pub fn library(&self) -> &Library {
        &self.shared.library
    }

    /// The clock that everything here goes by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// Starts nothing new, lets every task store what it holds, and returns. Commands on the hosts go on; the
    /// next engine takes them up.
    pub async fn drain(&self) {
        self.settle().await;
        self.shared.store.close().await;
    }

    /// The same, but the store stays open: for the last checkpoint of the audit log.
    pub async fn settle(&self) {
        self.shared.draining.cancel();
        self.shared.tasks.close();
        if tokio::time::timeout(DRAIN_MAX, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!("some tasks did not end in time; what they had not stored is read from the hosts again");
        }
    }

    /// Whether [`Engine::drain`] was asked for.
    pub fn is_draining(&self) -> bool {
        self.shared.draining.is_cancelled()
    }
}

impl Shared {
    fn live(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Live>> {
        self.live.lock().expect("no code panics while it holds the list of live runs")
    }
}
