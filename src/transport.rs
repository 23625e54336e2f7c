//! Carries attempts to hosts and their bytes and outcomes back. Decides nothing: whoever calls has
//! already stored that it would.
//!
//! Each call names the target and the attempt; connections are opened when needed and kept for reuse.
//! The truth about an attempt is what its directory on the host says (see `transport::tether`), never an
//! ssh exit status.

mod direct;
mod local;
pub mod recorded;
mod road;
pub mod router;
mod ssh;
mod tether;
mod tethered;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::id::{AttemptId, HostName, RunId, UserName, ValueName};
use crate::inventory::target::Target;
use crate::redact::SecretText;
use crate::run::outcome::{Exit, GoneBecause, HostFacts, Offsets, Stream};

/// Room for arrived chunks between a connection and whoever stores them. Small, so that a slow disk
/// slows the reading and memory stays flat: at most this many times [`CHUNK_BYTES_MAX`] a running attempt.
pub const ARRIVALS_MAX: usize = 16;

/// The most bytes that one [`Arrival`] carries.
pub const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// The three roads to a host (ssh, local, recorded) behind one face.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Connects, proves that the host is the one meant, and that each account in `run_as` can be used
    /// (`sudo -n`). Safe to repeat; changes nothing on the host but the tether's state directory.
    async fn prove(&self, run: RunId, target: &Target, run_as: &[UserName]) -> Result<HostFacts, TransportError>;

    /// Starts the attempt unless it has been started before, then follows it to its end. Bytes go to
    /// `arrivals` in order, from offset 0. A crash or a lost connection at any moment is mended by
    /// [`Transport::follow`]; calling `start` again with the same attempt never runs it twice.
    async fn start(
        &self,
        run: RunId,
        target: &Target,
        order: &AttemptOrder,
        arrivals: mpsc::Sender<Arrival>,
    ) -> Result<AttemptStatus, TransportError>;

    /// Takes up an attempt that may have been started before (by this server or one that died), sending
    /// the bytes from `offsets` on. Returns when it has ended and every byte was sent, or at once with
    /// [`AttemptStatus::Absent`], `Void` or `Lost`.
    async fn follow(
        &self,
        run: RunId,
        target: &Target,
        attempt: &AttemptKey,
        offsets: Offsets,
        arrivals: mpsc::Sender<Arrival>,
    ) -> Result<AttemptStatus, TransportError>;

    /// TERM to the attempt's process group, `grace`, KILL; answers what is there afterwards.
    async fn stop(
        &self,
        run: RunId,
        target: &Target,
        attempt: &AttemptKey,
        grace: Duration,
    ) -> Result<StopReport, TransportError>;

    /// Makes sure that an attempt which has not begun never will. The answer is `Void` if it never ran,
    /// else what it is.
    async fn void(&self, run: RunId, target: &Target, attempt: &AttemptKey) -> Result<AttemptStatus, TransportError>;

    /// Drops the attempts' output on the host and keeps a tombstone each, once everything is stored.
    async fn release(&self, run: RunId, target: &Target, attempts: &[AttemptKey]) -> Result<(), TransportError>;

    /// Closes what is open for this run. Commands on the hosts go on.
    async fn close(&self, run: RunId);
}

/// What names an attempt on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptKey {
    pub attempt: AttemptId,
    /// The account whose tether holds it; `None`: the connection's own.
    pub run_as: Option<UserName>,
}

/// Everything a host needs to run one attempt.
#[derive(Clone)]
pub struct AttemptOrder {
    pub key: AttemptKey,
    /// The engine's epoch; a tether refuses one lower than it has seen for this attempt.
    pub epoch: u64,
    /// The whole script, values in its preamble; any bytes but NUL.
    pub script: String,
    /// The interpreter: `sh`, `bash`, or an absolute path. `None`: the script is a file run by its `#!` line.
    pub shell: Option<String>,
    /// Arguments for a script file.
    pub args: Vec<String>,
    /// Fed to the command; empty for `/dev/null`.
    pub stdin: Bytes,
    /// Reach the runner's environment over the connection, never a file or an argument list.
    pub secrets: Vec<(ValueName, SecretText)>,
    /// stderr goes where stdout goes, in exact order.
    pub merge: bool,
    /// Run without a tether (`attach: direct`): no re-attach.
    pub direct: bool,
}

/// Bytes as they arrive. For each stream offsets are contiguous.
#[derive(Debug, Clone)]
pub enum Arrival {
    /// The host has said that the command runs (sent at most once a call, before the first bytes).
    Running,
    Bytes {
        stream: Stream,
        /// Raw offset of the first byte in its stream.
        offset: u64,
        bytes: Bytes,
    },
}

/// What an attempt's directory says: the truth table of the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptStatus {
    /// Not started; the same id may still be started. A host cannot tell this from [`Self::Lost`]: a caller who knows
    /// that it ran must take it as lost (the transports do so themselves when bytes had come).
    Absent,
    /// Claimed so that it never starts.
    Void,
    /// Ended with a result, and every byte was sent. Whether a signal ended it is told by the runner's shell, which
    /// says nothing for INT and PIPE: a command that one of these killed is `Code(130)` or `Code(141)`.
    Done(Exit),
    /// Started, no result, nobody alive.
    Gone(GoneBecause),
    /// Its directory is missing though it was started.
    Lost,
    /// Still running. Only `stop`, `void` and their like answer this; `follow` waits.
    Running,
}

/// What `stop` found afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReport {
    /// The group is gone; how the command ended, if the runner recorded it.
    Stopped(AttemptStatus),
    /// Still there after KILL (e.g. in uninterruptible sleep).
    StillRunning,
}

/// Why a host could not be used. Texts say what was attempted, on what, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// Nothing can be said about the attempt; trying again may help.
    #[error("cannot reach {host}: {reason}")]
    Unreachable { host: HostName, reason: String },
    /// The host is not the one meant, or may not be used like this; trying again does not help.
    #[error("{host} is refused: {reason}. {next_step}")]
    Refused { host: HostName, reason: String, next_step: String },
    /// The host could not begin the attempt (its state directory is not writable, its disk is full):
    /// it did not run.
    #[error("{host} could not begin the command: {reason}")]
    NotBegun { host: HostName, reason: String },
}
