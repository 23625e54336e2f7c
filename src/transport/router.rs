//! Sends each call down the road that the target names.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::local::{LocalHome, LocalRoads};
use super::recorded::Recorded;
use super::ssh::SshRoads;
use super::tethered::Tethered;
use super::{Arrival, AttemptKey, AttemptOrder, AttemptStatus, StopReport, Transport, TransportError};
use crate::id::{RunId, UserName};
use crate::inventory::target::{Target, Via};
use crate::run::outcome::{HostFacts, Offsets};

/// The transport of a whole server: `ssh`, `local` and `recorded` behind one face.
pub struct Router {
    ssh: Tethered<SshRoads>,
    local: Tethered<LocalRoads>,
    recorded: Recorded,
}

impl Router {
    /// `directory` is for sockets and configuration of ssh connections: private to the server, made if it is missing.
    /// What a server that died has left there is swept.
    ///
    /// # Errors
    /// When the directory cannot be made or written.
    pub fn new(directory: &Path, recorded: Recorded) -> std::io::Result<Self> {
        Ok(Self {
            ssh: Tethered::new(SshRoads::new(directory)?),
            local: Tethered::new(LocalRoads::default()),
            recorded,
        })
    }

    /// Commands on the server itself get this `HOME`, so that their tether's state is thrown away with it (tests).
    pub fn with_local_home(self, home: PathBuf) -> Self {
        Self { local: Tethered::new(LocalRoads { home: LocalHome::One(home) }), ..self }
    }

    /// The same with a `HOME` for each local host: the folder of its name in `folder`.
    pub fn with_local_homes_in(self, folder: PathBuf) -> Self {
        Self { local: Tethered::new(LocalRoads { home: LocalHome::EachIn(folder) }), ..self }
    }

    fn of(&self, target: &Target) -> &dyn Transport {
        match target.via {
            Via::Ssh(_) => &self.ssh,
            Via::Local => &self.local,
            Via::Recorded => &self.recorded,
        }
    }
}

#[async_trait]
impl Transport for Router {
    async fn prove(&self, run: RunId, target: &Target, run_as: &[UserName]) -> Result<HostFacts, TransportError> {
        self.of(target).prove(run, target, run_as).await
    }

    async fn start(
        &self,
        run: RunId,
        target: &Target,
        order: &AttemptOrder,
        arrivals: mpsc::Sender<Arrival>,
    ) -> Result<AttemptStatus, TransportError> {
        self.of(target).start(run, target, order, arrivals).await
    }

    async fn follow(
        &self,
        run: RunId,
        target: &Target,
        attempt: &AttemptKey,
        offsets: Offsets,
        arrivals: mpsc::Sender<Arrival>,
    ) -> Result<AttemptStatus, TransportError> {
        self.of(target).follow(run, target, attempt, offsets, arrivals).await
    }

    async fn stop(
        &self,
        run: RunId,
        target: &Target,
        attempt: &AttemptKey,
        grace: Duration,
    ) -> Result<StopReport, TransportError> {
        self.of(target).stop(run, target, attempt, grace).await
    }

    async fn void(&self, run: RunId, target: &Target, attempt: &AttemptKey) -> Result<AttemptStatus, TransportError> {
        self.of(target).void(run, target, attempt).await
    }

    async fn release(&self, run: RunId, target: &Target, attempts: &[AttemptKey]) -> Result<(), TransportError> {
        self.of(target).release(run, target, attempts).await
    }

    async fn close(&self, run: RunId) {
        tokio::join!(self.ssh.close(run), self.local.close(run), self.recorded.close(run));
    }
}
