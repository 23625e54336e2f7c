//! A [`Transport`] made of tethers: one for each host of a run, over whatever road leads there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::road::Road;
use super::tether::Tether;
use super::{Arrival, AttemptKey, AttemptOrder, AttemptStatus, StopReport, Transport, TransportError, direct};
use crate::id::{HostName, RunId, UserName};
use crate::inventory::target::Target;
use crate::run::outcome::{HostFacts, Offsets};

/// Finds the road to a target. Opens nothing yet.
pub(super) trait Roads: Send + Sync + 'static {
    fn road(&self, target: &Target) -> Result<Arc<dyn Road>, TransportError>;
}

/// Keeps what is open for each host of each run, until [`Transport::close`].
pub(super) struct Tethered<R> {
    roads: R,
    tethers: Mutex<HashMap<(RunId, HostName), Kept>>,
}

struct Kept {
    /// As it was when the tether was made: a target that has changed gets a new one.
    target: Target,
    tether: Arc<Tether>,
}

impl<R: Roads> Tethered<R> {
    pub fn new(roads: R) -> Self {
        Self { roads, tethers: Mutex::default() }
    }

    fn tether(&self, run: RunId, target: &Target) -> Result<Arc<Tether>, TransportError> {
        let mut tethers = self.tethers.lock().expect("no holder of this lock can panic");
        let key = (run, target.name.clone());
        match tethers.get(&key) {
            Some(kept) if kept.target == *target => return Ok(Arc::clone(&kept.tether)),
            _ => {}
        }
        let road = self.roads.road(target)?;
        let tether = Arc::new(Tether::new(target.name.clone(), target.expect.clone(), road));
        tethers.insert(key, Kept { target: target.clone(), tether: Arc::clone(&tether) });
        Ok(tether)
    }
}

#[async_trait]
impl<R: Roads> Transport for Tethered<R> {
    async fn prove(&self, run: RunId, target: &Target, run_as: &[UserName]) -> Result<HostFacts, TransportError> {
        self.tether(run, target)?.prove(run_as).await
    }

    async fn start(
        &self,
        run: RunId,
        target: &Target,
        order: &AttemptOrder,
        arrivals: mpsc::Sender<Arrival>,
    ) -> Result<AttemptStatus, TransportError> {
        let tether = self.tether(run, target)?;
        if order.direct {
            return direct::start(&**tether.road(), &target.name, order, &arrivals).await;
        }
        tether.start(order, &arrivals).await
    }

    async fn follow(
        &self,
        run: RunId,
        target: &Target,
        attempt: &AttemptKey,
        offsets: Offsets,
        arrivals: mpsc::Sender<Arrival>,
    ) -> Result<AttemptStatus, TransportError> {
        self.tether(run, target)?.follow(attempt, offsets, &arrivals).await
    }

    async fn stop(
        &self,
        run: RunId,
        target: &Target,
        attempt: &AttemptKey,
        grace: Duration,
    ) -> Result<StopReport, TransportError> {
        self.tether(run, target)?.stop(attempt, grace).await
    }

    async fn void(&self, run: RunId, target: &Target, attempt: &AttemptKey) -> Result<AttemptStatus, TransportError> {
        self.tether(run, target)?.void(attempt).await
    }

    async fn release(&self, run: RunId, target: &Target, attempts: &[AttemptKey]) -> Result<(), TransportError> {
        self.tether(run, target)?.release(attempts).await
    }

    async fn close(&self, run: RunId) {
        let closing: Vec<Arc<Tether>> = {
            let mut tethers = self.tethers.lock().expect("no holder of this lock can panic");
            tethers.extract_if(|key, _| key.0 == run).map(|(_, kept)| kept.tether).collect()
        };
        for tether in closing {
            tether.close().await;
        }
    }
}
