//! Making, listing and opening share links.

use serde::Serialize;

use crate::web::format::Moment;
use crate::web::view::output::Chunk;
use crate::web::view::run::Message;

/// The dialog that makes a link.
#[derive(Debug, Clone, Serialize)]
pub struct ShareNewPage {
    pub run: String,
    pub title: String,
    /// `this run`, `step measure on web-1, lines 1-20`.
    pub what: String,
    pub message: Option<Message>,
    pub findings: Vec<FindingLine>,
    pub step: Option<String>,
    pub host: Option<String>,
    pub attempt: Option<String>,
    pub lines: String,
    pub label: String,
    pub expiries: Vec<Expiry>,
    pub requires_login: bool,
    pub login_forced: bool,
    pub shares: Vec<ShareLine>,
}

/// Something that looks like a secret: its place and kind, never itself.
#[derive(Debug, Clone, Serialize)]
pub struct FindingLine {
    pub place: String,
    pub kind: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Expiry {
    pub value: &'static str,
    pub label: &'static str,
    pub chosen: bool,
}

/// How long a link may work, `chosen` marked.
pub fn expiries(chosen: &str) -> Vec<Expiry> {
    [("1h", "1 hour"), ("24h", "24 hours"), ("3d", "3 days"), ("7d", "7 days")]
        .map(|(value, label)| Expiry { value, label, chosen: value == chosen })
        .to_vec()
}

#[derive(Debug, Clone, Serialize)]
pub struct ShareLine {
    pub id: String,
    pub run: String,
    pub label: String,
    pub what: String,
    pub standing: &'static str,
    pub tone: &'static str,
    pub by: String,
    pub views: String,
    pub expires: Moment,
    pub revocable: bool,
}

/// The link, shown once.
#[derive(Debug, Clone, Serialize)]
pub struct ShareMadePage {
    pub run: String,
    pub title: String,
    pub link: String,
    pub expires: Moment,
    pub requires_login: bool,
}

/// What whoever opens a link sees.
#[derive(Debug, Clone, Serialize)]
pub struct SharedPage {
    pub label: String,
    pub by: String,
    pub expires: Moment,
    pub taken: Moment,
    pub title: String,
    pub runbook: String,
    pub run: String,
    pub commit: Option<String>,
    pub state: String,
    pub tone: String,
    pub hosts: String,
    pub started: Moment,
    pub steps: Vec<SharedStep>,
    pub raw: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct SharedStep {
    pub name: String,
    pub mark: String,
    pub tone: String,
    pub state: String,
    pub command: Option<String>,
    pub cells: Vec<SharedCell>,
    pub logs: Vec<SharedLog>,
}

#[derive(Debug, Clone, Serialize)]
pub struct SharedCell {
    pub host: String,
    pub outcome: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct SharedLog {
    pub title: String,
    pub outcome: String,
    pub note: Option<String>,
    pub prefix: String,
    pub chunks: Vec<Chunk>,
}

/// A problem on a page.
#[derive(Debug, Clone, Serialize)]
pub struct ProblemPage {
    pub title: String,
    pub detail: String,
    pub next_step: Option<String>,
    pub request_id: Option<String>,
}
