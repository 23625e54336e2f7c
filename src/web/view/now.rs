//! Now: who is on call, what waits for whoever looks, and what else is going on, as a list of sections.

use serde::Serialize;

use crate::web::format::Moment;
use crate::web::view::lists::RunLine;

/// The first page.
#[derive(Debug, Clone, Default, Serialize)]
pub struct NowPage {
    /// Changes when anything that this page may show has changed.
    pub pulse: String,
    pub headline: String,
    /// Things that wait for whoever looks: before the title of the page.
    pub waits_for_me: usize,
    pub on_call: OnCall,
    /// In the order of the page; one without rows is not drawn.
    pub sections: Vec<Section>,
    /// Whoever looks may see no run yet, and none is waiting.
    pub empty: Option<String>,
}

/// Who is on call.
#[derive(Debug, Clone, Default, Serialize)]
pub struct OnCall {
    /// Teams that whoever looks is on call for.
    pub mine: Option<String>,
    pub others: Vec<OnCallLine>,
}

#[derive(Debug, Clone, Serialize)]
pub struct OnCallLine {
    pub team: String,
    pub names: String,
}

/// Some things of one kind.
#[derive(Debug, Clone, Serialize)]
pub struct Section {
    pub id: &'static str,
    pub title: &'static str,
    pub rows: Vec<Row>,
    /// Where all of them are.
    pub all: Option<SectionLink>,
}

#[derive(Debug, Clone, Serialize)]
pub struct SectionLink {
    pub href: &'static str,
    pub words: &'static str,
}

/// A thing to look at: one tap, and the page of it opens.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub href: String,
    /// What is asked, or how it is: `Approve`, `Running`.
    pub state: String,
    pub tone: &'static str,
    pub title: String,
    /// Hosts, or whatever else it is about.
    pub place: Option<String>,
    pub detail: Option<String>,
    pub since: Moment,
    /// Further facts, already in words.
    pub notes: Vec<String>,
}

impl From<RunLine> for Row {
    fn from(run: RunLine) -> Self {
        Self {
            href: run.href,
            state: run.state,
            tone: run.tone,
            title: run.title,
            place: Some(run.place),
            detail: run.waiting.map(|waiting| format!("Waits for {waiting}")),
            since: run.started,
            notes: run.lasted.into_iter().chain([run.progress, run.by]).collect(),
        }
    }
}
