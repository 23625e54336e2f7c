//! A request for approval as those see it who are asked: what exactly will run, where, and who agrees so far.

use serde::{Deserialize, Serialize};

use crate::difference::Difference;
use crate::id::{AttemptId, HostName, RunId, StepId};
use crate::run::approval::{self, Approval};
use crate::run::asking;
use crate::run::evaluate;
use crate::run::event::{Actor, Purpose};
use crate::run::plan::PlannedApproval;
use crate::run::script;
use crate::run::state::{CellState, State};
use crate::runbook::model::Effect;

/// Commands that a request shows; the rest are counted.
const COMMANDS_SHOWN_MAX: usize = 20;

/// A command is shown up to here; its digest stands for the rest.
const COMMAND_BYTES_MAX: usize = 64 * 1024;

/// What people are asked to approve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalView {
    pub step: StepId,
    /// What the author asks, in words.
    pub prompt: String,
    pub effect: Effect,
    pub hosts: Vec<HostName>,
    /// The exact commands with their values, one a host. Empty where the step runs none.
    pub commands: Vec<CommandView>,
    /// Further commands that are not shown.
    pub commands_more: usize,
    /// Attempts whose output says what it would touch.
    pub previews: Vec<AttemptId>,
    pub asked_by: Actor,
    pub asked_at_ms: i64,
    pub expires_at_ms: i64,
    /// That many different persons must agree.
    pub persons_min: u32,
    /// `team:web`; empty: whoever may approve.
    pub from: Vec<String>,
    pub votes: Vec<VoteView>,
    /// The runbook that is served now has another text than the one that this run froze.
    pub served_text_differs: bool,
    /// What changed in the runbook since it last ended well, where the reader may see that. Not part of the run: whoever
    /// answers adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_success: Option<SinceSuccess>,
}

/// The last run of the same runbook that succeeded, and what changed since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SinceSuccess {
    pub run: RunId,
    pub commit: Option<String>,
    pub text_differs: bool,
    /// The runbook and its scripts, those that changed.
    pub files: Vec<FileChange>,
}

/// One file that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileChange {
    pub file: String,
    pub difference: Option<Difference>,
    /// Why there is no difference to show.
    pub note: Option<String>,
}

/// The command for one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommandView {
    pub host: HostName,
    /// As the host's shell gets it. Secret values are not in it: they travel beside it.
    pub text: String,
    /// The text is longer than what is shown.
    pub is_cut: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VoteView {
    pub by: Actor,
    pub at_ms: i64,
    pub note: Option<String>,
    /// False for one who has come to drive the run or to act in the step since.
    pub counts: bool,
    /// Why it does not count.
    #[serde(default)]
    pub why_not: Option<String>,
}

/// Draws a request.
pub fn request_view(state: &State, index: usize, rule: &PlannedApproval, asked: &Approval) -> ApprovalView {
    let step = &state.plan.steps[index];
    let first = asked.hosts.first();
    let prompt = match asking::purpose(state) {
        Purpose::Undo => format!("Take back: {}", step.name),
        _ => rule.prompt.as_ref().unwrap_or(&step.name).clone(),
    };
    let mut commands = commands(state, index, &asked.hosts);
    let commands_more = commands.len().saturating_sub(COMMANDS_SHOWN_MAX);
    commands.truncate(COMMANDS_SHOWN_MAX);
    let previews = state.steps[index].cells.iter().filter_map(|cell| match cell.state {
        CellState::Previewed { attempt, .. } => Some(attempt),
        _ => None,
    });
    ApprovalView {
        step: step.id.clone(),
        prompt: first.map_or_else(|| prompt.clone(), |host| evaluate::rendered(state, host, &prompt)),
        effect: step.effect(),
        hosts: asked.hosts.clone(),
        commands,
        commands_more,
        previews: previews.collect(),
        asked_by: asked.asked_by.clone(),
        asked_at_ms: asked.asked_at_ms,
        expires_at_ms: asked.expires_at_ms,
        persons_min: rule.persons_min,
        from: rule.from.iter().map(ToString::to_string).collect(),
        votes: asked
            .votes
            .iter()
            .map(|vote| VoteView {
                by: vote.by.clone(),
                at_ms: vote.at_ms,
                note: vote.note.clone(),
                counts: approval::why_not_counted(state, index, vote).is_none(),
                why_not: approval::why_not_counted(state, index, vote),
            })
            .collect(),
        served_text_differs: asked.binding.text != state.plan.text_digest,
        since_success: None,
    }
}

/// One a host: each text names its host, and its values may be the host's own.
fn commands(state: &State, index: usize, hosts: &[HostName]) -> Vec<CommandView> {
    let step = &state.plan.steps[index];
    let composed = hosts.iter().filter_map(|host| {
        let script = script::compose(step, asking::purpose(state), host, &evaluate::values_on(state, host))?;
        let (is_cut, text) = (script.text.len() > COMMAND_BYTES_MAX, head(&script.text).to_owned());
        Some(CommandView { host: host.clone(), text, is_cut })
    });
    composed.collect()
}

fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(COMMAND_BYTES_MAX)]
}
