//! The form that starts a runbook, and what exactly would happen.

use serde::Serialize;

use crate::web::view::need::ChoiceOption;
use crate::web::view::run::{InputLine, Message};
use crate::web::view::runbook::StepText;

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
    pub preconditions: Vec<StepText>,
    /// Runs on the server itself: there is nothing to choose.
    pub local: bool,
    pub hosts_words: String,
    pub picked_words: String,
    /// The most that may be chosen.
    pub hosts_max: Option<u32>,
    /// What hosts were last picked by.
    pub pick: String,
    /// What the last picking did.
    pub pick_words: Option<String>,
    /// Labels that the hosts have, to pick by.
    pub labels: Vec<String>,
    pub hosts: Vec<HostPick>,
    pub no_hosts: Option<String>,
    pub hosts_error: Option<String>,
    pub auto: bool,
    pub auto_forbidden: bool,
    pub confirm_hosts: String,
    /// A guard may ask for a reason.
    pub guarded: bool,
    pub reason: String,
    /// Windows that were closed when it was tried, to go on against.
    pub windows: Vec<WindowPick>,
    /// What stands against believing the runbook; then a reason is needed.
    pub needs_reason: Option<String>,
    /// The address of this form with the same values, hosts and pace. Never a secret, never a reason.
    pub link: String,
    pub plan: Option<PlanCard>,
}

impl StartPage {
    /// Shows each of these windows as one to go on against; what is ticked stays ticked.
    pub fn offer_windows(&mut self, names: Vec<String>) {
        for name in names {
            if !self.windows.iter().any(|window| window.name == name) {
                self.windows.push(WindowPick { name, chosen: false });
            }
        }
    }
}

/// A window to go on against.
#[derive(Debug, Clone, Serialize)]
pub struct WindowPick {
    pub name: String,
    pub chosen: bool,
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
    pub steps: Vec<PlannedText>,
    pub button: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct HostAbout {
    pub name: String,
    pub about: String,
}

/// A step that would run, with what each host's shell would get.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedText {
    pub step: StepText,
    pub scripts: Vec<HostScript>,
    /// `12 more hosts get the same, each with its own name`.
    pub more: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct HostScript {
    pub host: String,
    pub text: String,
}
