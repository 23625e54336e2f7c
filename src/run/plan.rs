//! What exactly a run will do, frozen before anything happens: commit, inputs, hosts, commands.
//!
//! A plan is stored inside the run's first event, so it is a stored format: [`PLAN_VERSION`] grows with it,
//! and `tests/fixtures/events` holds one of each version that must still load.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{Digest, HostName, RunId, RunbookPath, SecretName, StepId, UserName, ValueName};
use crate::inventory::target::Target;
use crate::runbook::model::{Attach, Effect, OnFailure, Placement, Value};

/// The version of the stored form of a plan.
pub const PLAN_VERSION: u32 = 1;

/// A frozen run. Its canonical JSON has a SHA-256: the plan digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub version: u32,
    pub runbook: RunbookPath,
    pub title: String,
    pub summary: String,
    /// Of the runbook: who may see and touch a run may depend on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The git commit that the runbook was read from; none for a folder without git.
    pub commit: Option<String>,
    /// SHA-256 of the runbook's text.
    pub text_digest: Digest,
    pub inputs: BTreeMap<ValueName, Value>,
    /// Inputs whose values are secrets that a person gives: only their names are known here.
    pub secrets: Vec<ValueName>,
    /// Secret inputs that nobody gives: the server's secret of that name is fetched before each command that names the
    /// input. Left out where there are none, so that plans of before keep their digest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub named_secrets: BTreeMap<ValueName, SecretName>,
    /// The hosts, in the order in which they are worked.
    pub hosts: Vec<Target>,
    /// Hosts that only delegated steps and preconditions run on.
    pub delegates: Vec<Target>,
    /// How many hosts the runbook's selection holds; the friction table asks for a share of it.
    pub selection_size: u32,
    pub pace: Pace,
    /// The number of hosts that the starter stated, which stands for the table's friction of change steps.
    pub hosts_confirmed: Option<u32>,
    /// Names of the locks held on each host.
    pub locks: Vec<String>,
    /// Preconditions first, then the steps, in order.
    pub steps: Vec<PlannedStep>,
    /// At most this many commands at once.
    pub parallel_max: u32,
    /// The run that this one goes on from.
    pub continues: Option<Continues>,
    /// Why its starter may start it; none in plans of before there were roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Authority>,
    /// The windows that its changing steps heed. (What older plans do not have is left out of the stored form, so that
    /// their digest stays.)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<PlannedWindow>,
    /// Why it was started although a guard asks for a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_reason: Option<String>,
}

/// The authority of a run, as it was decided when it was frozen: person ∩ runbook's selection ∩ policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    /// SHA-256 of the policy that decided.
    pub policy: Digest,
    /// What of it decided, in words: `access.yaml:12: team:web is operator for …`.
    pub by: Vec<String>,
}

/// A named span of time that a run heeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedWindow {
    pub name: String,
    pub rule: WindowRule,
    /// It was closed at the start, and the starter goes on against it with a reason.
    #[serde(default)]
    pub overridden: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WindowRule {
    Only,
    Not,
}

/// Where an earlier run is taken up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Continues {
    pub run: RunId,
    /// The first step of this run; earlier ones count as done there.
    pub from: StepId,
    /// What was captured there, by host.
    pub values: BTreeMap<HostName, BTreeMap<ValueName, Value>>,
}

/// How far a run goes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pace {
    /// Each changing step waits for its driver.
    Step,
    /// Goes on until something needs a person.
    Auto,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedStep {
    pub id: StepId,
    pub part: Part,
    /// Template for people.
    pub name: String,
    pub why: Option<String>,
    /// CEL.
    pub only_if: Option<String>,
    pub action: PlannedAction,
    pub placement: Placement,
    pub delegate_to: Option<HostName>,
    pub guards: Vec<PlannedCheck>,
    pub preview: Option<String>,
    /// What the author asks for beyond the friction table.
    pub confirm: Option<Gesture>,
    pub surroundings: Surroundings,
    pub retry: Option<PlannedRetry>,
    pub idempotent: bool,
    pub capture: BTreeMap<ValueName, PlannedCapture>,
    /// CEL; `exit == 0` unless said.
    pub expect: Option<String>,
    /// Template: what it means when `expect` does not hold.
    pub otherwise: Option<String>,
    pub verify: Option<PlannedVerify>,
    pub undo: Option<PlannedUndo>,
    pub on_failure: OnFailure,
    pub critical: bool,
    /// Losing the connection, or a reboot, is what the step is for.
    pub expect_disconnect: bool,
    /// How long the host may stay away after an expected disconnect.
    pub wait_for_ssh_ms: Option<u64>,
    pub attach: Attach,
    /// Others must agree before it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<PlannedApproval>,
}

/// Whose word a step needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedApproval {
    /// Template.
    pub prompt: Option<String>,
    /// Empty: whoever may approve.
    pub from: Vec<Approvers>,
    /// That many different persons.
    pub persons_min: u32,
    pub within_ms: u64,
    /// Each wave asks again: the friction table wants a second person for it.
    pub every_wave: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Approvers {
    Team(String),
    User(String),
}

/// Whether it is a precondition of the run or one of its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    Precondition,
    Step,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlannedAction {
    Command {
        /// As the author wrote it; values come in a preamble (`run::script`).
        body: String,
        effect: Effect,
    },
    Script {
        file: String,
        /// The file's text, frozen.
        text: String,
        args: Vec<String>,
        effect: Effect,
    },
    Manual {
        /// Template.
        instruction: String,
        ask: Vec<PlannedAsk>,
    },
    Pause {
        for_ms: u64,
    },
    Until {
        check: String,
        expect: Option<String>,
        every_ms: u64,
        limit_ms: u64,
    },
}

/// What a command finds around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    pub run_as: Option<UserName>,
    pub shell: String,
    pub env: BTreeMap<String, String>,
    pub dir: Option<String>,
    pub stdin: Option<String>,
    pub timeout_ms: u64,
    pub merge: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedAsk {
    pub name: ValueName,
    pub description: String,
    pub kind: AskKind,
    pub pattern: Option<String>,
    pub min: Option<f64>,
    pub max: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AskKind {
    String,
    Integer,
    Number,
    Boolean,
    Choice(Vec<String>),
    Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCheck {
    pub check: String,
    pub expect: Option<String>,
    pub otherwise: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedVerify {
    pub check: String,
    pub capture: BTreeMap<ValueName, PlannedCapture>,
    pub expect: Option<String>,
    pub every_ms: u64,
    pub limit_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlannedUndo {
    Run(String),
    Manual(String),
    None,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRetry {
    pub every_ms: u64,
    /// Attempts beyond the first.
    pub times_max: u32,
    /// From the end of the first attempt.
    pub for_ms_max: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCapture {
    pub from: CaptureSource,
    pub kind: CaptureType,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptureSource {
    Whole,
    Regex(String),
    Json(String),
    LastLine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptureType {
    String,
    Integer,
    Number,
    Boolean,
}

/// What a person does to let a step go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gesture {
    /// One labelled button.
    Press,
    /// Type how many hosts.
    Count,
    /// Type the host's name.
    Host,
    /// Type these words.
    Phrase(String),
}

impl Plan {
    /// SHA-256 of the canonical JSON (keys sorted, no spaces) of this plan.
    pub fn digest(&self) -> Digest {
        // A `Value` sorts its keys, whatever order the fields have here.
        let canonical = serde_json::to_value(self).expect("a plan is made of types that JSON can hold");
        Digest::of(canonical.to_string().as_bytes())
    }

    /// Whether any of its steps waits for another person's word.
    pub fn asks_others(&self) -> bool {
        self.steps.iter().any(|step| step.approval.is_some())
    }

    /// The position of a step.
    pub fn step_index(&self, id: &StepId) -> Option<usize> {
        self.steps.iter().position(|step| step.id == *id)
    }

    /// The position of a host.
    pub fn host_index(&self, name: &HostName) -> Option<usize> {
        self.hosts.iter().position(|host| host.name == *name)
    }

    /// How a host or a delegate is reached.
    pub fn target(&self, name: &HostName) -> Option<&Target> {
        self.hosts.iter().chain(&self.delegates).find(|target| target.name == *name)
    }
}

impl PlannedStep {
    /// What the step does to its host; waits and manual steps only read.
    pub fn effect(&self) -> Effect {
        match &self.action {
            PlannedAction::Command { effect, .. } | PlannedAction::Script { effect, .. } => *effect,
            PlannedAction::Manual { .. } | PlannedAction::Pause { .. } | PlannedAction::Until { .. } => Effect::Check,
        }
    }

    /// Whether it looks again and again until something is true.
    pub fn is_until(&self) -> bool {
        matches!(self.action, PlannedAction::Until { .. })
    }

    /// Whether it is worked once for the whole run instead of once a host.
    pub fn once(&self) -> bool {
        match &self.action {
            PlannedAction::Manual { .. } | PlannedAction::Pause { .. } => true,
            PlannedAction::Command { .. } | PlannedAction::Script { .. } | PlannedAction::Until { .. } => {
                !matches!(self.placement, Placement::Each)
            }
        }
    }
}
