//! What a request for approval covers, what those who are asked are shown of it, and what of that is other by now.
//!
//! The engine's look finds what changes in the world ([`super::approval::Binding`]); this is what changes in the run
//! itself, and it voids a request at once instead of when it is used: nobody is left agreeing to what will not run.

use crate::id::{Digest, HostName};
use crate::run::approval::{Approval, Standing};
use crate::run::evaluate;
use crate::run::event::{DropReason, Purpose, SkipReason};
use crate::run::plan::PlannedApproval;
use crate::run::script;
use crate::run::state::{self, Cell, CellState, State};
use crate::run::wave;

/// What is shown of one host, as digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub host: HostName,
    /// Of the command with its values; none where a person does it.
    pub command: Option<Digest>,
    /// Of what the preview showed; none if there was none yet: it is the driver who confirms on a later one.
    pub preview: Option<Digest>,
}

/// The command that the word would let begin.
pub fn purpose(state: &State) -> Purpose {
    if state.undo.is_some() { Purpose::Undo } else { Purpose::Main }
}

/// Whether the cell has not begun its command and will, so that a word must be given for it.
pub fn needs_word(cell: &Cell) -> bool {
    !cell.let_poll && (matches!(cell.state, CellState::RetryAt { .. }) || !wave::has_begun(cell))
}

/// The hosts that a word given now would be for.
pub fn hosts(state: &State, index: usize, rule: &PlannedApproval) -> Vec<HostName> {
    if let Some(undo) = &state.undo {
        return undo.remaining.iter().filter(|(step, _)| *step == index).map(|(_, host)| host.clone()).collect();
    }
    let cells = &state.steps[index].cells;
    let scope: Vec<usize> = if rule.every_wave {
        wave::current_wave(state, index).map(|wave| wave.cells).unwrap_or_default()
    } else {
        (0..cells.len()).collect()
    };
    let covered = scope.into_iter().map(|position| &cells[position]);
    covered.filter(|cell| needs_word(cell) && !state.is_dropped(&cell.host)).map(|cell| cell.host.clone()).collect()
}

/// What those who are asked about these hosts are shown.
pub fn shown(state: &State, index: usize, hosts: &[HostName]) -> Vec<Shown> {
    hosts.iter().map(|host| shown_of(state, index, host)).collect()
}

fn shown_of(state: &State, index: usize, host: &HostName) -> Shown {
    let step = &state.plan.steps[index];
    let purpose = purpose(state);
    let script = script::compose(step, purpose, host, &evaluate::values_on(state, host));
    let preview = state.cell(&step.id, host).and_then(|cell| cell.preview).filter(|_| purpose == Purpose::Main);
    Shown { host: host.clone(), command: script.map(|script| Digest::of(script.text.as_bytes())), preview }
}

/// What of a request that is asked or used is no longer as it was shown, in words; empty if nothing is.
///
/// A host that joins (a retry) is no change: this word is not for it, and another is asked for. A host that its own
/// guard or preview refused is none either: that is the author's rule, and it was in what was approved.
pub fn changes(state: &State, index: usize, rule: &PlannedApproval, approval: &Approval) -> Vec<String> {
    let step = &state.plan.steps[index];
    let now = hosts(state, index, rule);
    let mut changes = Vec::new();
    for was in &approval.shown {
        let Some(cell) = state.cell(&step.id, &was.host) else { continue };
        let gone = match approval.standing {
            Standing::Asked => why_gone(state, cell, &now),
            Standing::Used if cell.approved => None,
            Standing::Used
            | Standing::Rejected { .. }
            | Standing::Withdrawn { .. }
            | Standing::Expired
            | Standing::Voided(_) => continue,
        };
        if let Some(why) = gone {
            changes.push(format!("{} {why}", was.host));
            continue;
        }
        let is = shown_of(state, index, &was.host);
        if was.command != is.command {
            changes.push(format!("the command on {}", was.host));
        }
        if was.preview.is_some() && was.preview != is.preview {
            changes.push(format!("what the preview on {} shows", was.host));
        }
    }
    changes
}

/// Why a host that was asked about would not run by the word.
fn why_gone(state: &State, cell: &Cell, now: &[HostName]) -> Option<&'static str> {
    let standing = state.host(&cell.host).map(|host| &host.standing);
    match (&cell.state, standing) {
        _ if now.contains(&cell.host) => None,
        _ if state.undo.is_some() => Some("is not taken back next any more"),
        (_, Some(state::Standing::Dropped(DropReason::Person { .. }))) => Some("was left out"),
        (CellState::Skipped(SkipReason::Person { .. }), _) => Some("was skipped"),
        _ if needs_word(cell) && !state.is_dropped(&cell.host) => Some("is not among the next hosts any more"),
        _ => None,
    }
}
