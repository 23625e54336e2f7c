//! A runbook as text for people.

use serde::Serialize;

use crate::web::format::Moment;
use crate::web::view::books::{Badge, Facet};
use crate::web::view::lists::{DiagnosticLine, RunLine};

/// What a runbook does, before anybody starts it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RunbookPage {
    pub path: String,
    pub name: String,
    pub summary: String,
    pub startable: bool,
    pub places: String,
    /// The strongest thing that it does.
    pub risk: &'static str,
    /// How many steps do what.
    pub risks: Vec<RiskLine>,
    /// What stands between a person and a run.
    pub asks: Vec<String>,
    /// The lines of the policy that let somebody start it.
    pub starters: Vec<String>,
    /// What stands against believing it; then a start needs a reason.
    pub needs_reason: Option<String>,
    pub badges: Vec<Badge>,
    pub last_success: Option<Moment>,
    pub last_failure: Option<Moment>,
    pub changed: Option<Moment>,
    /// How many of its last runs succeeded.
    pub share: Option<String>,
    /// How long it usually takes.
    pub usual: Option<String>,
    pub problems: String,
    pub diagnostics: Vec<DiagnosticLine>,
    pub inputs: Vec<InputNote>,
    pub preconditions: Vec<StepText>,
    pub steps: Vec<StepText>,
    pub runs: Vec<RunLine>,
    pub versions: Vec<VersionLine>,
    pub owner: Option<String>,
    pub review_by: Option<String>,
    pub expires: Option<String>,
    pub commit: Option<String>,
    pub tags: Vec<Facet>,
    pub alerts: String,
}

/// So many steps do this.
#[derive(Debug, Clone, Serialize)]
pub struct RiskLine {
    pub class: &'static str,
    pub count: String,
    pub words: String,
}

/// A commit that changed the runbook.
#[derive(Debug, Clone, Serialize)]
pub struct VersionLine {
    pub commit: String,
    pub author: String,
    pub when: Moment,
    pub subject: String,
    pub href: String,
}

/// The text of a runbook as a commit has it.
#[derive(Debug, Clone, Serialize)]
pub struct TextPage {
    pub path: String,
    pub commit: String,
    pub author: String,
    pub when: Moment,
    pub subject: String,
    /// It is what is served.
    pub newest: bool,
    pub text: String,
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
