//! What a handoff must hold before it is signed, as rules of one file each. `Error` must hold or be overridden with a
//! reason; `Warning` advises. They show effort and agreement, not understanding.
//!
//! A new check is its file with a bad and a good example, its `mod` line and its line in [`CHECKS`]. Those about the
//! read-back (Q14, Q15) are asked when it is made: `decide::receive`. Q9 (silences) and Q17 (rest) need what alerts
//! and pages bring; Q18 (surprises) is counted afterwards, in `measures`.

mod q01_elements;
mod q02_people;
mod q03_severity;
mod q04_summary;
mod q05_actions;
mod q06_contingency;
mod q07_runbook;
mod q08_everything_told;
mod q10_length;
mod q11_worth_it;
mod q12_facts_changed;
mod q13_readable;
mod q14_own_words;
mod q15_differs;
mod q16_too_fast;
#[cfg(test)]
pub(crate) mod sample;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::handoff::record::{DraftedItem, Fact, Item, RunbookRef};
use crate::handoff::state::State;
use crate::id::{ItemKey, RunId};

/// All of them, in their order.
pub const CHECKS: &[Check] = &[
    q01_elements::CHECK,
    q02_people::CHECK,
    q03_severity::CHECK,
    q04_summary::CHECK,
    q05_actions::CHECK,
    q06_contingency::CHECK,
    q07_runbook::CHECK,
    q08_everything_told::CHECK,
    q10_length::CHECK,
    q11_worth_it::CHECK,
    q12_facts_changed::CHECK,
    q13_readable::CHECK,
    q14_own_words::CHECK,
    q15_differs::CHECK,
    q16_too_fast::CHECK,
];

/// One rule.
pub struct Check {
    /// `Q6`
    pub id: &'static str,
    /// What must hold, in one sentence.
    pub title: &'static str,
    pub run: fn(&State, &World) -> Vec<Finding>,
}

/// What the record itself does not say: how things are now.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub now_ms: i64,
    /// Drafted anew, right now.
    pub items: Vec<DraftedItem>,
    pub facts: Vec<Fact>,
    /// Whether each side is an account that can sign in.
    pub sender_is_there: bool,
    pub receiver_is_there: bool,
    /// Runs that the receiver may not see, or may not work.
    pub unreadable: BTreeSet<RunId>,
    pub untouchable: BTreeSet<RunId>,
    /// How the runbooks stand that the record names, by `path@commit`.
    pub runbooks: BTreeMap<String, Standing>,
}

/// How a runbook stands that somebody is to start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    pub exists: bool,
    /// It reads and checks without an error.
    pub is_clean: bool,
    pub receiver_may_start: bool,
    /// Inputs that it lacks, or does not have.
    pub wrong_inputs: Vec<String>,
    pub newer_commit: Option<String>,
}

/// Whether a finding keeps from signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    Warning,
}

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub check: &'static str,
    pub level: Level,
    pub item: Option<ItemKey>,
    /// What is wrong and what to do.
    pub text: String,
}

impl Finding {
    fn of(check: &'static str, level: Level, text: impl Into<String>) -> Self {
        Self { check, level, item: None, text: text.into() }
    }

    fn error(check: &'static str, text: impl Into<String>) -> Self {
        Self::of(check, Level::Error, text)
    }

    fn warning(check: &'static str, text: impl Into<String>) -> Self {
        Self::of(check, Level::Warning, text)
    }

    fn about(self, item: &Item) -> Self {
        Self { item: Some(item.key.clone()), ..self }
    }

    /// By which a reason to go on all the same names it: `Q6`, or `Q6:web.disk-full`.
    pub fn name(&self) -> String {
        match &self.item {
            Some(item) => format!("{}:{item}", self.check),
            None => self.check.to_owned(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.item {
            Some(item) => write!(formatter, "{} {item}: {}", self.check, self.text),
            None => write!(formatter, "{}: {}", self.check, self.text),
        }
    }
}

/// Everything that does not hold: errors first.
pub fn check(state: &State, world: &World) -> Vec<Finding> {
    let mut findings: Vec<Finding> = CHECKS.iter().flat_map(|check| (check.run)(state, world)).collect();
    findings.sort_by_key(|finding| finding.level);
    findings
}

/// By which [`World::runbooks`] knows a runbook.
pub fn runbook_name(runbook: &RunbookRef) -> String {
    format!("{}@{}", runbook.path, runbook.commit.as_deref().unwrap_or_default())
}

/// Whether nothing was written there.
fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
