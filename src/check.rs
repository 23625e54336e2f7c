//! What is wrong with a runbook that parses: rules about safety, freshness and writing.
//!
//! [`check_runbook`] is the whole of it: parse, run the rules of a profile, drop what the file says to ignore.
//! The date is an argument and no rule reads anything but its [`Subject`], so the same file always gives the
//! same diagnostics. A new rule is its file in `rules/`, registered in `rules.rs`, and its two fixtures.

mod ignore;
mod place;
pub mod rule;
mod rules;
pub mod shell;
pub mod subject;

use jiff::civil::Date;

pub use rule::{Finder, Profile, Rule};
pub use rules::{RULES, rule};
pub use subject::Subject;

use crate::diagnostic::Diagnostic;
use crate::id::RunbookPath;
use crate::runbook::model::{Runbook, SourceMap};
use crate::runbook::{self, Parsed};
use crate::yaml;

/// What a check goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Rules of this profile and of those that it includes run.
    pub profile: Profile,
    /// Dates in runbooks are judged as of this day.
    pub today: Date,
}

/// Parses a runbook and checks it. `file` is how diagnostics name it. All diagnostics are in the order of the
/// text; where the text is no runbook, they are those of the parser and of its ignore comments.
pub fn check_runbook(path: &RunbookPath, file: &str, bytes: &[u8], policy: Policy) -> Parsed {
    let mut parsed = runbook::parse(path, file, bytes);
    let runbook = parsed.runbook.as_ref();
    let found = check_parsed(ParsedText { runbook, source: &parsed.source, file, bytes }, policy);
    parsed.diagnostics.extend(found);
    parsed.diagnostics = in_order(parsed.diagnostics);
    parsed
}

/// A runbook as the parser left it.
#[derive(Debug, Clone, Copy)]
pub struct ParsedText<'a> {
    /// `None` where the text is no runbook.
    pub runbook: Option<&'a Runbook>,
    pub source: &'a SourceMap,
    /// How diagnostics name the file.
    pub file: &'a str,
    pub bytes: &'a [u8],
}

/// Runs the rules of a profile over a parsed runbook and leaves out what its comments ignore. In the order of
/// the text, and without what the parser has found.
pub fn check_parsed(parsed: ParsedText<'_>, policy: Policy) -> Vec<Diagnostic> {
    let ParsedText { runbook, source, file, bytes } = parsed;
    let document = yaml::read(file, bytes);
    let text = String::from_utf8_lossy(bytes);
    let mut ignores = ignore::read(file, &text, &document);
    let mut found = Vec::new();
    if let Some(runbook) = runbook {
        let subject = Subject::new(runbook, source, file, &text, &document.comments, policy.today);
        for rule in RULES.iter().filter(|rule| policy.profile.includes(rule.profile)) {
            found.extend(rule.find(&subject));
        }
    }
    found.retain(|diagnostic| !ignores.cover(diagnostic));
    found.extend(ignores.into_problems(policy.profile, runbook.is_some()));
    in_order(found)
}

fn in_order(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics
        .sort_by(|one, other| (one.span, &one.rule, &one.message).cmp(&(other.span, &other.rule, &other.message)));
    diagnostics
}
