//! Two outputs beside each other.

use serde::Serialize;

use crate::side_by_side::{Block, Kind, Line, Row};
use crate::web::format::{self, Moment};

#[derive(Debug, Clone, Serialize)]
pub struct ComparePage {
    pub run: String,
    pub title: String,
    pub step_name: String,
    pub host: String,
    /// The page of the output.
    pub here: String,
    pub attempt: Option<String>,
    pub options: Vec<CompareOption>,
    /// White space, numbers and names of hosts do not count.
    pub noise: bool,
    pub left: Option<Side>,
    pub right: Option<Side>,
    pub words: String,
    /// How much of both was compared, where that is not all.
    pub cut: Option<String>,
    pub same: bool,
    pub blocks: Vec<DiffBlock>,
}

#[derive(Debug, Clone, Serialize)]
pub struct CompareOption {
    pub value: String,
    pub words: String,
    pub chosen: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct Side {
    pub href: String,
    pub words: String,
    pub outcome: String,
    pub started: Moment,
}

/// Lines of both sides.
#[derive(Debug, Clone, Serialize)]
pub struct DiffBlock {
    pub folded: bool,
    /// `120 equal lines`.
    pub words: String,
    pub rows: Vec<DiffRow>,
}

#[derive(Debug, Clone, Serialize)]
pub struct DiffRow {
    pub kind: Kind,
    /// For screen readers and where colours are off.
    pub word: &'static str,
    pub left: Option<DiffLine>,
    pub right: Option<DiffLine>,
}

#[derive(Debug, Clone, Serialize)]
pub struct DiffLine {
    pub number: usize,
    pub sign: &'static str,
    pub before: String,
    pub changed: String,
    pub behind: String,
}

/// Blocks as the template draws them.
pub fn blocks(blocks: Vec<Block>) -> Vec<DiffBlock> {
    blocks
        .into_iter()
        .map(|block| DiffBlock {
            folded: block.folded,
            words: format::count(block.rows.len(), "equal line", "equal lines"),
            rows: block.rows.into_iter().map(row).collect(),
        })
        .collect()
}

fn row(row: Row) -> DiffRow {
    let (word, minus, plus) = match row.kind {
        Kind::Same => ("", " ", " "),
        Kind::Changed => ("changed", "−", "+"),
        Kind::Removed => ("only left", "−", "+"),
        Kind::Added => ("only right", "−", "+"),
    };
    DiffRow {
        kind: row.kind,
        word,
        left: row.left.map(|found| line(found, minus)),
        right: row.right.map(|found| line(found, plus)),
    }
}

fn line(line: Line, sign: &'static str) -> DiffLine {
    DiffLine { number: line.number, sign, before: line.before, changed: line.changed, behind: line.behind }
}
