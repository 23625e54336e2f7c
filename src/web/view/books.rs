//! The runbooks: found by words and filters, each with what is known of how far it may be believed.

use serde::Serialize;

use crate::runbook::search;
use crate::web::format::Moment;
use crate::web::view::lists::DiagnosticLine;

/// The runbooks, searched.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RunbooksPage {
    pub query: String,
    pub words: String,
    pub commit: Option<String>,
    pub books: Vec<BookLine>,
    pub tags: Vec<Facet>,
    pub owners: Vec<Facet>,
    pub standings: Vec<Facet>,
    /// Kept by the search form.
    pub kept: Vec<Kept>,
    /// The list without any filter; set when there is one.
    pub clear: Option<String>,
    /// How many more there are than are shown.
    pub more: Option<String>,
    pub empty: Option<String>,
    /// What might have been meant where nothing was found.
    pub meant: Vec<Facet>,
}

/// A value to filter by, and how many runbooks have it.
#[derive(Debug, Clone, Serialize)]
pub struct Facet {
    pub words: String,
    pub count: String,
    pub href: String,
    pub current: bool,
}

/// A filter that a search keeps.
#[derive(Debug, Clone, Serialize)]
pub struct Kept {
    pub name: &'static str,
    pub value: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct BookLine {
    pub path: String,
    pub path_pieces: Vec<Piece>,
    pub name: Vec<Piece>,
    pub summary: Vec<Piece>,
    /// The line that fits what was searched, where nothing else here shows it.
    pub line: Option<FoundLine>,
    pub owner: Option<String>,
    pub tags: Vec<String>,
    pub effect: &'static str,
    pub effect_words: &'static str,
    pub badges: Vec<Badge>,
    pub last_success: Option<Moment>,
    pub last_failure: Option<Moment>,
    pub changed: Option<Moment>,
    pub broken: bool,
    pub problems: String,
    pub diagnostics: Vec<DiagnosticLine>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Piece {
    pub text: String,
    pub hit: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct FoundLine {
    pub what: &'static str,
    pub pieces: Vec<Piece>,
}

/// One reason not to believe a runbook without a look.
#[derive(Debug, Clone, Serialize)]
pub struct Badge {
    pub words: String,
    pub tone: &'static str,
}

/// A text with what fits marked.
pub fn pieces(text: &str, words: &[String]) -> Vec<Piece> {
    search::pieces(text, words).into_iter().map(|piece| Piece { text: piece.text, hit: piece.hit }).collect()
}
