//! Ends commands on hosts, and drops their output there once it is stored here.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::secrets::RunSecrets;
use crate::id::{AttemptId, HostName, RunId};
use crate::inventory::target::Target;
use crate::run::action::{Heads, Report};
use crate::run::outcome::Exit;
use crate::run::state::State;
use crate::transport::{AttemptKey, AttemptStatus, StopReport, TransportError};

/// Drops output on a host.
pub async fn release_on(shared: Arc<Shared>, run: RunId, state: State, host: HostName, keys: Vec<AttemptKey>) {
    let Some(target) = state.plan.target(&host) else {
        return;
    };
    if let Err(error) = shared.transport.release(run, target, &keys).await {
        // What is left behind is swept by the tether after some days.
        tracing::info!(run.id = %run, %host, %error, "output on the host could not be dropped yet");
    }
}

/// How an attempt stands after it was asked to end.
pub enum Stopped {
    Say(Report),
    /// It has ended by itself or by the signal, and the host knows how; its follower brings that with its output.
    Done(Exit),
}

/// Output is not taken while the run's secrets are missing, so nobody would report an end that a person asked for.
pub fn told_without_follower(state: &State, secrets: &RunSecrets, attempt: AttemptId, exit: Exit) -> Option<Report> {
    let asked_for = state.stop.as_ref().is_some_and(|stop| stop.attempts.contains(&attempt));
    ((state.secrets_missing || secrets.are_awaited()) && asked_for).then(|| Report::Ended(exit, Heads::default()))
}

/// Ends an attempt: void if it has not begun, else stopped.
pub async fn stop_once(
    shared: &Shared,
    run: RunId,
    target: &Target,
    key: &AttemptKey,
    grace: Duration,
) -> Result<Stopped, TransportError> {
    let report = match shared.transport.void(run, target, key).await? {
        AttemptStatus::Void => Report::DidNotRun("stopped before it began".to_owned()),
        AttemptStatus::Done(exit) => return Ok(Stopped::Done(exit)),
        AttemptStatus::Gone(because) => Report::Gone(because),
        AttemptStatus::Lost => Report::Lost,
        AttemptStatus::Absent | AttemptStatus::Running => match shared.transport.stop(run, target, key, grace).await? {
            StopReport::StillRunning => Report::StopFailed,
            StopReport::Stopped(AttemptStatus::Done(exit)) => return Ok(Stopped::Done(exit)),
            StopReport::Stopped(
                AttemptStatus::Gone(_)
                | AttemptStatus::Lost
                | AttemptStatus::Void
                | AttemptStatus::Absent
                | AttemptStatus::Running,
            ) => Report::Stopped,
        },
    };
    Ok(Stopped::Say(report))
}
