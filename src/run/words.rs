//! Outcomes and reasons in words, the same in every place that shows them.

use crate::id::HostName;
use crate::run::approval::ClosedWindow;
use crate::run::event::{Ending, SkipReason, UnknownBecause};
use crate::run::view::Need;

/// Why an outcome is unknown, with what is known.
pub fn unknown(because: &UnknownBecause) -> String {
    match because {
        UnknownBecause::RunnerDied => "the process that ran it on the host died before it could record the end",
        UnknownBecause::HostRebooted => "the host rebooted while it ran",
        UnknownBecause::EvidenceGone => "its record on the host is gone",
        UnknownBecause::Unreachable(reason) => {
            return format!("the host could not be reached to see how it ended: {reason}");
        }
        UnknownBecause::NoTether => "the connection was lost and the step runs without a tether",
    }
    .to_owned()
}

/// How an attempt ended.
pub fn ending(ending: &Ending) -> String {
    match ending {
        Ending::Exited(code) => format!("exit {code}"),
        Ending::Killed(signal) => format!("killed by signal {signal}{}", signal_name(*signal)),
        Ending::TimedOut => "timed out; the host confirmed that it is gone".to_owned(),
        Ending::Cancelled => "cancelled; the host confirmed that it is gone".to_owned(),
        Ending::DidNotRun(reason) => format!("did not run: {reason}"),
        Ending::Disconnected => "the connection ended, as expected".to_owned(),
        Ending::Unknown(because) => format!("unknown: {}", unknown(because)),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (HUP)",
        2 => " (INT)",
        6 => " (ABRT)",
        9 => " (KILL)",
        11 => " (SEGV)",
        13 => " (PIPE)",
        15 => " (TERM)",
        _ => "",
    }
}

/// Why a step was skipped.
pub fn skipped(why: &SkipReason) -> String {
    match why {
        SkipReason::Condition(condition) => format!("skipped: {condition} does not hold"),
        SkipReason::Person { by, why } => format!("skipped by {by}: {why}"),
        SkipReason::DoneIn(run) => format!("done in run {run}"),
    }
}

/// Names for a sentence; many are counted.
pub fn names(hosts: &[HostName]) -> String {
    const SHOWN_MAX: usize = 5;
    let shown: Vec<&str> = hosts.iter().take(SHOWN_MAX).map(HostName::as_str).collect();
    match hosts.len().saturating_sub(SHOWN_MAX) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What a run waits for, in a few words for lists.
pub fn waiting(need: &Need) -> String {
    match need {
        Need::Confirm { step, hosts, .. } => format!("confirmation of {step} on {}", names(hosts)),
        Need::Answer { step, .. } => format!("a person to do {step}"),
        Need::Decide { step, failed } => format!("a decision: {step} failed on {}", names(failed)),
        Need::ResolveUnknown { step, host, .. } => {
            format!("a person to look: the outcome of {step} on {host} is unknown")
        }
        Need::ReachHosts { hosts } => format!("{} to be reachable", names(hosts)),
        Need::Secrets { names } => format!("secret inputs again: {}", names.join(", ")),
        Need::ManualUndo { step, .. } => format!("a person to take back {step}"),
        Need::Storage { reason } => format!("room to store: {reason}"),
        Need::Approve(asked) => format!("approval of {} on {}", asked.step, names(&asked.hosts)),
        Need::AskAgain { step, why } => format!("the driver, about the approval of {step}: {why}"),
        Need::Window { windows, .. } => {
            let why: Vec<String> = windows.iter().map(window).collect();
            format!("its time: {}", why.join(", "))
        }
        Need::Lock { lock, host, .. } => format!("the lock {lock} on {host}, which another run holds"),
        Need::Resume { .. } => "a person to resume it".to_owned(),
    }
}

/// `the window freeze is on until 2027-01-02 23:00 UTC`.
pub fn window(closed: &ClosedWindow) -> String {
    match closed.until_ms {
        Some(until_ms) => format!("{} until {}", closed.why, moment(until_ms)),
        None => closed.why.clone(),
    }
}

/// `2027-01-02 23:00 UTC`: where nobody knows the reader's zone.
pub fn moment(at_ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(at_ms) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => "a time far away".to_owned(),
    }
}
