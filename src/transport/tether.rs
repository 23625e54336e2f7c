//! Holds attempts on one host over any [`Road`]: the server's side of the protocol that `tether.sh` documents.
//!
//! A few shells per account stay open and take one request after another, so that a short command costs one round
//! trip. What takes longer gets a [`follower`] for its output. Every request may be repeated after a crash or a lost
//! connection: the host's directory decides, never what we remember.

mod answer;
mod follower;
mod request;
mod shell;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use self::answer::{Answer, End};
use self::follower::Follower;
use self::shell::{BeginError, Shell};
use super::road::Road;
use super::{Arrival, AttemptKey, AttemptOrder, AttemptStatus, StopReport, TransportError};
use crate::entropy;
use crate::id::{AttemptId, HostName, UserName};
use crate::inventory::target::Expect;
use crate::run::outcome::{Exit, HostFacts, Offsets, Stream};

/// A command that is not over after this gets a channel for its live output. Most commands of a runbook are over
/// sooner, and for them a second channel would cost more than the command.
const FOLLOW_AFTER: Duration = Duration::from_millis(250);

/// After a follower has failed.
const FOLLOW_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Shells kept open for the next request, for each account.
const IDLE_SHELLS_MAX: usize = 4;

/// The attempts of one host, over one road.
pub(super) struct Tether {
    host: HostName,
    expect: Expect,
    road: Arc<dyn Road>,
    idle: Mutex<HashMap<Option<UserName>, Vec<Shell>>>,
    swept: Mutex<bool>,
}

/// A conversation that ended early.
struct Broken {
    error: io::Error,
    /// The host had said something about this request.
    answered: bool,
}

impl Tether {
    pub fn new(host: HostName, expect: Expect, road: Arc<dyn Road>) -> Self {
        Self { host, expect, road, idle: Mutex::default(), swept: Mutex::new(false) }
    }

    pub fn road(&self) -> &Arc<dyn Road> {
        &self.road
    }

    /// Asks the host who it is, and makes sure that each account can be used.
    pub async fn prove(&self, run_as: &[UserName]) -> Result<HostFacts, TransportError> {
        let own = self.fresh_shell(None).await?;
        let facts = own.facts.clone();
        self.keep(None, own);
        let accounts = run_as.iter().map(|user| async move {
            let shell = self.fresh_shell(Some(user)).await?;
            self.keep(Some(user), shell);
            Ok(())
        });
        let proven: Vec<Result<(), TransportError>> = futures_util::future::join_all(accounts).await;
        proven.into_iter().collect::<Result<(), _>>()?;
        Ok(facts)
    }

    pub async fn start(
        &self,
        order: &AttemptOrder,
        arrivals: &mpsc::Sender<Arrival>,
    ) -> Result<AttemptStatus, TransportError> {
        let request = request::start(order).map_err(|reason| TransportError::Refused {
            host: self.host.clone(),
            reason: reason.to_owned(),
            next_step: "Change the step's script or values".to_owned(),
        })?;
        self.converse(&order.key, &request, Offsets::default(), arrivals).await
    }

    pub async fn follow(
        &self,
        key: &AttemptKey,
        offsets: Offsets,
        arrivals: &mpsc::Sender<Arrival>,
    ) -> Result<AttemptStatus, TransportError> {
        let status = self.converse(key, &request::follow(key.attempt), offsets, arrivals).await?;
        // Bytes have come from it, so it was started; now nothing is there.
        let was_started = offsets != Offsets::default();
        Ok(if status == AttemptStatus::Absent && was_started { AttemptStatus::Lost } else { status })
    }

    pub async fn stop(&self, key: &AttemptKey, grace: Duration) -> Result<StopReport, TransportError> {
        let request = request::stop(key.attempt, grace.as_millis().div_ceil(100));
        match self.ask(key.run_as.as_ref(), &request).await? {
            Answer::Stopped(status) => Ok(StopReport::Stopped(status)),
            Answer::Still => Ok(StopReport::StillRunning),
            other => Err(self.unreachable(&shell::out_of_turn(&other))),
        }
    }

    pub async fn void(&self, key: &AttemptKey) -> Result<AttemptStatus, TransportError> {
        match self.ask(key.run_as.as_ref(), &request::void(key.attempt)).await? {
            Answer::Status(status) => Ok(status),
            Answer::NotBegun(reason) => Err(self.not_begun(reason)),
            other => Err(self.unreachable(&shell::out_of_turn(&other))),
        }
    }

    pub async fn release(&self, keys: &[AttemptKey]) -> Result<(), TransportError> {
        let mut by_account: HashMap<Option<&UserName>, Vec<AttemptId>> = HashMap::new();
        for key in keys {
            by_account.entry(key.run_as.as_ref()).or_default().push(key.attempt);
        }
        for (run_as, attempts) in by_account {
            match self.ask(run_as, &request::release(&attempts)).await? {
                Answer::Released => {}
                other => return Err(self.unreachable(&shell::out_of_turn(&other))),
            }
        }
        Ok(())
    }

    /// Lets go of the shells and the road.
    pub async fn close(&self) {
        self.idle.lock().expect("no holder of this lock can panic").clear();
        self.road.close().await;
    }

    /// A request with one answer.
    async fn ask(&self, run_as: Option<&UserName>, request: &[u8]) -> Result<Answer, TransportError> {
        loop {
            let (mut shell, reused) = self.shell(run_as).await?;
            let answer = match shell.send(request).await {
                Ok(()) => shell.answer().await,
                Err(error) => Err(error),
            };
            match answer {
                Ok(answer) => {
                    self.keep(run_as, shell);
                    return Ok(answer);
                }
                // It died while it lay idle. All requests may be repeated.
                Err(_) if reused => {}
                Err(error) => return Err(self.unreachable(&error)),
            }
        }
    }

    /// A request that an attempt answers: its bytes from `offsets` on, and its end.
    async fn converse(
        &self,
        key: &AttemptKey,
        request: &[u8],
        offsets: Offsets,
        arrivals: &mpsc::Sender<Arrival>,
    ) -> Result<AttemptStatus, TransportError> {
        loop {
            let (mut shell, reused) = self.shell(key.run_as.as_ref()).await?;
            let mut listening = Listening { tether: self, key, arrivals, sent: offsets };
            let heard = match shell.send(request).await {
                Ok(()) => listening.to(&mut shell).await,
                Err(error) => Err(Broken { error, answered: false }),
            };
            match heard {
                Ok(outcome) => {
                    self.keep(key.run_as.as_ref(), shell);
                    return outcome;
                }
                Err(broken) if reused && !broken.answered => {}
                Err(broken) => return Err(self.unreachable(&broken.error)),
            }
        }
    }

    /// An idle shell, or a fresh one; whether it was used before.
    async fn shell(&self, run_as: Option<&UserName>) -> Result<(Shell, bool), TransportError> {
        let idle = {
            let mut idle = self.idle.lock().expect("no holder of this lock can panic");
            idle.get_mut(&run_as.cloned()).and_then(Vec::pop)
        };
        match idle {
            Some(shell) => Ok((shell, true)),
            None => Ok((self.fresh_shell(run_as).await?, false)),
        }
    }

    fn keep(&self, run_as: Option<&UserName>, shell: Shell) {
        let mut idle = self.idle.lock().expect("no holder of this lock can panic");
        let shells = idle.entry(run_as.cloned()).or_default();
        if shells.len() < IDLE_SHELLS_MAX {
            shells.push(shell);
        }
    }

    async fn fresh_shell(&self, run_as: Option<&UserName>) -> Result<Shell, TransportError> {
        let channel = self.road.open(&shell::command_line(run_as)).await?;
        let begun = Shell::begin(channel, &token(), self.road.host_key()).await;
        let mut shell = begun.map_err(|error| self.explain(run_as, &error))?;
        self.expect_the_right_host(&shell.facts)?;
        let sweep = !std::mem::replace(&mut *self.swept.lock().expect("no holder of this lock can panic"), true);
        if sweep {
            shell.send(b"th_sweep &\n").await.map_err(|error| self.unreachable(&error))?;
        }
        Ok(shell)
    }

    fn expect_the_right_host(&self, facts: &HostFacts) -> Result<(), TransportError> {
        let wrong = |what: &str, expected: &str, found: &str| TransportError::Refused {
            host: self.host.clone(),
            reason: format!("its {what} is {found:?}, and the inventory expects {expected:?}"),
            next_step: format!(
                "Find out which machine answers; if it is the right one, correct `expect: {{{what}: …}}`"
            ),
        };
        if let Some(expected) = &self.expect.hostname {
            let short = facts.hostname.split('.').next().unwrap_or_default();
            if expected != &facts.hostname && expected != short {
                return Err(wrong("hostname", expected, &facts.hostname));
            }
        }
        if let Some(expected) = &self.expect.machine_id {
            let found = facts.machine_id.as_deref().unwrap_or_default();
            if expected != found {
                return Err(wrong("machine_id", expected, found));
            }
        }
        Ok(())
    }

    /// Why there is no shell, in words.
    fn explain(&self, run_as: Option<&UserName>, error: &BeginError) -> TransportError {
        let host = self.host.clone();
        let said = error.stderr.trim();
        let said = if said.is_empty() { "nothing" } else { said };
        if error.timed_out {
            return TransportError::Unreachable {
                host,
                reason: format!("no shell answered within 30 s (it said: {said})"),
            };
        }
        match (run_as, error.exit) {
            (Some(user), Some(Exit::Code(127))) => TransportError::Refused {
                host,
                reason: format!("commands cannot run as {user}, because sudo is not installed there (it said: {said})"),
                next_step: format!("Install sudo there, or connect as {user} instead of using `as: {user}`"),
            },
            (Some(user), Some(_)) => TransportError::Refused {
                host,
                reason: format!("commands cannot run as {user} without a password (sudo said: {said})"),
                next_step: format!(
                    "On {}, add this line with `visudo -f /etc/sudoers.d/steadyhand`, with the account that connects: \
                     ACCOUNT ALL=({user}) NOPASSWD: ALL",
                    self.host
                ),
            },
            (None, Some(Exit::Code(code))) => TransportError::Refused {
                host,
                reason: format!("its login gives no POSIX shell: `sh` ended with {code} (it said: {said})"),
                next_step: "If it is a device without a shell, use `attach: direct` on its steps".to_owned(),
            },
            (_, _) => {
                TransportError::Unreachable { host, reason: format!("the connection was closed (it said: {said})") }
            }
        }
    }

    fn unreachable(&self, error: &io::Error) -> TransportError {
        TransportError::Unreachable { host: self.host.clone(), reason: format!("the connection was lost: {error}") }
    }

    fn not_begun(&self, reason: String) -> TransportError {
        TransportError::NotBegun { host: self.host.clone(), reason }
    }
}

/// Bytes and end of one attempt on their way to whoever stores them.
struct Listening<'a> {
    tether: &'a Tether,
    key: &'a AttemptKey,
    arrivals: &'a mpsc::Sender<Arrival>,
    /// What has been handed on.
    sent: Offsets,
}

impl Listening<'_> {
    /// Hears the host out. The outer error is a broken conversation, the inner one an answer.
    async fn to(&mut self, shell: &mut Shell) -> Result<Result<AttemptStatus, TransportError>, Broken> {
        let mut answered = false;
        let heard = self.until_end(shell, &mut answered).await;
        let outcome = match heard {
            Ok(Answer::End(end)) => self.rest(shell, end).await.map(|()| Ok(AttemptStatus::Done(end.exit))),
            Ok(Answer::Status(status)) => Ok(Ok(status)),
            Ok(Answer::NotBegun(reason)) => Ok(Err(self.tether.not_begun(reason))),
            Ok(Answer::RefusedEpoch(epoch)) => Ok(Err(self.refused(
                format!("another server, with the higher epoch {epoch}, has taken this attempt over"),
                "Leave the run to that server",
            ))),
            Ok(Answer::RefusedScript) => Ok(Err(self.refused(
                format!("another script was started as attempt {}", self.key.attempt),
                "This is a defect of Steadyhand: report it; resolve the step by hand",
            ))),
            Ok(other) => Err(shell::out_of_turn(&other)),
            Err(error) => Err(error),
        };
        outcome.map_err(|error| Broken { error, answered })
    }

    fn refused(&self, reason: String, next_step: &str) -> TransportError {
        TransportError::Refused { host: self.tether.host.clone(), reason, next_step: next_step.to_owned() }
    }

    /// Hands on live bytes until the host tells the end.
    async fn until_end(&mut self, shell: &mut Shell, answered: &mut bool) -> io::Result<Answer> {
        let mut follower: Option<Follower> = None;
        let mut follow_at = Instant::now() + FOLLOW_AFTER;
        let mut running = false;
        loop {
            tokio::select! {
                biased;
                answer = shell.answer() => {
                    let answer = answer?;
                    *answered = true;
                    match answer {
                        Answer::Tick => {}
                        Answer::Running if running => {}
                        Answer::Running => {
                            running = true;
                            self.hand_on(Arrival::Running).await?;
                        }
                        end => return Ok(end),
                    }
                }
                bytes = next_of(&mut follower), if follower.is_some() => match bytes {
                    Some((stream, bytes)) => self.bytes(stream, bytes).await?,
                    None => {
                        follower = None;
                        follow_at = Instant::now() + FOLLOW_AGAIN_AFTER;
                    }
                },
                () = sleep_until(follow_at), if running && follower.is_none() => {
                    follow_at = Instant::now() + FOLLOW_AGAIN_AFTER;
                    match Follower::open(&*self.tether.road, self.key, self.sent, token()).await {
                        Ok(opened) => follower = Some(opened),
                        Err(error) => debug!(host = %self.tether.host, %error, "no channel for live output"),
                    }
                }
            }
        }
    }

    /// What has not been handed on when the end is known.
    async fn rest(&mut self, shell: &mut Shell, end: End) -> io::Result<()> {
        for (stream, total) in [(Stream::Stdout, end.stdout_bytes), (Stream::Stderr, end.stderr_bytes)] {
            let sent = self.sent_of(stream);
            let mut to_skip = if end.inline { sent.min(total) } else { 0 };
            let mut to_come = if end.inline { total } else { total.saturating_sub(sent) };
            if to_come > 0 && !end.inline {
                shell.send(&request::read(self.key.attempt, stream, sent, to_come)).await?;
            }
            while to_come > 0 {
                let mut bytes = shell.payload(to_come).await?;
                to_come -= bytes.len() as u64;
                let skipped = to_skip.min(bytes.len() as u64);
                to_skip -= skipped;
                let fresh = bytes.split_off(usize::try_from(skipped).expect("no more than a chunk's length"));
                if !fresh.is_empty() {
                    self.bytes(stream, fresh).await?;
                }
            }
        }
        Ok(())
    }

    async fn bytes(&mut self, stream: Stream, bytes: Bytes) -> io::Result<()> {
        let offset = self.sent_of(stream);
        let after = offset + bytes.len() as u64;
        self.hand_on(Arrival::Bytes { stream, offset, bytes }).await?;
        match stream {
            Stream::Stdout => self.sent.stdout = after,
            Stream::Stderr => self.sent.stderr = after,
        }
        Ok(())
    }

    /// Waits while the receiver is behind: that is what slows the host down and keeps memory flat.
    async fn hand_on(&self, arrival: Arrival) -> io::Result<()> {
        let sent = self.arrivals.send(arrival).await;
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes the output any more"))
    }

    fn sent_of(&self, stream: Stream) -> u64 {
        match stream {
            Stream::Stdout => self.sent.stdout,
            Stream::Stderr => self.sent.stderr,
        }
    }
}

async fn next_of(follower: &mut Option<Follower>) -> Option<(Stream, Bytes)> {
    follower.as_mut()?.next().await
}

/// A word that nothing on the host says by chance.
fn token() -> String {
    entropy::fresh_token().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
