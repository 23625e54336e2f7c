//! A runbook as text for people, and the form that starts it.

use serde::Serialize;

use crate::web::view::lists::{DiagnosticLine, RunLine};
use crate::web::view::need::ChoiceOption;
use crate::web::view::run::{InputLine, Message};

/// What a runbook does, before anybody starts it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RunbookPage {
    pub path: String,
    pub name: String,
    pub summary: String,
    pub message: Option<Message>,
    pub startable: bool,
    pub places: String,
    /// The strongest thing that it does.
    pub risk: &'static str,
    pub problems: String,
    pub diagnostics: Vec<DiagnosticLine>,
    pub inputs: Vec<InputNote>,
    pub preconditions: Vec<StepText>,
    pub steps: Vec<StepText>,
    pub runs: Vec<RunLine>,
    pub owner: Option<String>,
    pub review_by: Option<String>,
    pub commit: Option<String>,
    pub tags: String,
    pub alerts: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct InputNote {
    pub name: String,
    pub label: String,
    pub hint: String,
}

/// A step as text.
#[derive(Debug, Clone, Serialize)]
pub struct StepText {
    pub name: String,
    pub effect: &'static str,
    pub effect_words: &'static str,
    /// What a person must do before it goes on.
    pub friction: Option<String>,
    pub why: Option<String>,
    pub instruction: Option<String>,
    pub body: Option<String>,
}

/// The start form, with what was typed and what was wrong with it.
#[derive(Debug, Clone, Serialize)]
pub struct StartPage {
    pub path: String,
    pub name: String,
    pub summary: String,
    pub message: Option<Message>,
    /// Makes a second press of the same button start nothing.
    pub key: String,
    pub continues: Option<String>,
    pub from: Option<String>,
    pub git_ref: Option<String>,
    pub inputs: Vec<InputField>,
    /// Runs on the server itself: there is nothing to choose.
    pub local: bool,
    pub hosts_words: String,
    pub picked_words: String,
    pub hosts: Vec<HostPick>,
    pub no_hosts: Option<String>,
    pub hosts_error: Option<String>,
    pub auto: bool,
    pub auto_forbidden: bool,
    pub confirm_hosts: String,
    /// A guard may ask for a reason.
    pub guarded: bool,
    pub reason: String,
    pub plan: Option<PlanCard>,
}

#[derive(Debug, Clone, Serialize)]
pub struct InputField {
    pub name: String,
    pub label: String,
    pub hint: String,
    pub choice: bool,
    pub options: Vec<ChoiceOption>,
    pub secret: bool,
    pub long: bool,
    pub given: String,
    pub error: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct HostPick {
    pub name: String,
    pub about: String,
    pub chosen: bool,
}

/// What exactly would happen.
#[derive(Debug, Clone, Serialize)]
pub struct PlanCard {
    pub words: String,
    pub digest: String,
    pub short_digest: String,
    pub commit: Option<String>,
    pub hosts: Vec<HostAbout>,
    pub inputs: Vec<InputLine>,
    pub steps: Vec<StepText>,
    pub button: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct HostAbout {
    pub name: String,
    pub about: String,
}
