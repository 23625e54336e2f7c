//! Paging somebody, and a page with its story.

use serde::Serialize;

use crate::web::format::Moment;
use crate::web::view::components::TimelineEntry;

/// Whom one can page.
#[derive(Debug, Clone, Serialize)]
pub struct PagingForm {
    /// The place that it is about.
    pub about: String,
    pub is_empty: bool,
    pub chains: Vec<ChainLine>,
    pub recent: Vec<PageLine>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ChainLine {
    pub name: String,
    pub title: String,
    /// Whom its first level reaches now.
    pub first: String,
    pub levels: usize,
}

#[derive(Debug, Clone, Serialize)]
pub struct PageLine {
    pub href: String,
    pub title: String,
    pub text: String,
    pub by: String,
    pub raised: Moment,
    pub tone: &'static str,
    pub standing: String,
}

/// A page with its story.
#[derive(Debug, Clone, Serialize)]
pub struct PageView {
    /// Where an answer is posted.
    pub action: String,
    pub title: String,
    pub text: String,
    pub about: Option<String>,
    pub by: String,
    pub tone: &'static str,
    pub standing: String,
    pub is_open: bool,
    /// When the next level is paged.
    pub next: Option<Moment>,
    pub story: Vec<TimelineEntry>,
    pub messages: Vec<MessageLine>,
    /// Why an answer was not taken.
    pub refused: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct MessageLine {
    pub to: String,
    pub tone: &'static str,
    pub words: &'static str,
    pub at: Moment,
    pub attempts: u32,
    pub error: Option<String>,
}

/// What the link of a message opens: the page, and a button. Opening it answers nothing.
#[derive(Debug, Clone, Serialize)]
pub struct AnswerPage {
    pub action: String,
    pub person: String,
    pub page: PageView,
}
