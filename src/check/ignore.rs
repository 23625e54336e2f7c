//! `# steadyhand: ignore[rule-a, rule-b] reason`: findings that someone has looked at and accepts.
//!
//! Before the first key it holds for the whole file; on a line of its own, for the next line that is not a
//! comment; behind something, for its own line. A value that begins on the line belongs to it as a whole,
//! because no YAML comment can stand inside a block of shell. Without a reason nothing is ignored: otherwise
//! a wordless comment could hide an error from a check that lets warnings pass.

use std::ops::Range;

use super::rule::{Finder, Profile};
use super::rules::{self, IGNORE_WITHOUT_REASON, UNUSED_IGNORE};
use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::{self, Comment, Document, Kind, Node};

/// The ignore comments of one file.
pub(super) struct Ignores {
    file: String,
    ignored: Vec<Ignored>,
    problems: Vec<Diagnostic>,
}

/// One rule that one comment ignores.
struct Ignored {
    rule: String,
    /// Of the rule's name in the comment.
    span: Span,
    /// Bytes in which it holds.
    scope: Range<usize>,
    used: bool,
}

/// Finds the ignore comments of a file.
pub(super) fn read(file: &str, text: &str, document: &Document) -> Ignores {
    let mut ignores = Ignores { file: file.to_owned(), ignored: Vec::new(), problems: Vec::new() };
    for comment in &document.comments {
        ignores.read_comment(text, document, comment);
    }
    ignores
}

impl Ignores {
    /// Whether a comment covers the finding, which is then not reported.
    pub(super) fn cover(&mut self, finding: &Diagnostic) -> bool {
        let mut covered = false;
        for ignored in &mut self.ignored {
            if names(&ignored.rule, &finding.rule) && ignored.scope.contains(&finding.span.start) {
                ignored.used = true;
                covered = true;
            }
        }
        covered
    }

    /// What is wrong with the comments themselves. Whether one is of use can only be said when the rules ran.
    pub(super) fn into_problems(self, profile: Profile, rules_ran: bool) -> Vec<Diagnostic> {
        let mut problems = self.problems;
        let unused = self.ignored.iter().filter(|ignored| !ignored.used);
        problems.extend(unused.filter_map(|ignored| problem_of_unused(&self.file, ignored, profile, rules_ran)));
        problems
    }

    fn read_comment(&mut self, text: &str, document: &Document, comment: &Comment) {
        let Some(directive) = comment.text.trim_start().strip_prefix("steadyhand:") else { return };
        let Some(rest) = directive.trim_start().strip_prefix("ignore") else { return };
        let Some((list, reason)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
            return self.problem(UNUSED_IGNORE.name, comment.span, "this comment ignores nothing", SPELLING);
        };
        if reason.trim().is_empty() {
            return self.problem(
                IGNORE_WITHOUT_REASON.name,
                comment.span,
                "the ignore comment gives no reason, so it ignores nothing",
                "say behind the bracket why the finding is accepted here",
            );
        }
        let scope = scope_of(text, document, comment);
        let list_start = comment.span.end - (list.len() + 1 + reason.len());
        let mut offset = 0;
        for name in list.split(',') {
            let start = list_start + offset + (name.len() - name.trim_start().len());
            let span = Span::within(text, start, start + name.trim().len());
            self.ignored.push(Ignored { rule: name.trim().to_owned(), span, scope: scope.clone(), used: false });
            offset += name.len() + 1;
        }
    }

    fn problem(&mut self, rule: &str, span: Span, message: &str, help: &str) {
        let severity = IGNORE_WITHOUT_REASON.severity;
        self.problems.push(Diagnostic::new(rule, severity, &self.file, span, message).help(help));
    }
}

const SPELLING: &str = "write `# steadyhand: ignore[rule-name] the reason`";

/// `rule` covers `rule` and `rule[any]`; `rule[sub]` only itself.
fn names(ignored: &str, found: &str) -> bool {
    ignored == found || found.split_once('[').is_some_and(|(rule, _)| rule == ignored)
}

fn scope_of(text: &str, document: &Document, comment: &Comment) -> Range<usize> {
    let first_key = match document.root.as_ref().map(|root| &root.kind) {
        Some(Kind::Mapping(entries)) => entries.first().map_or(0, |entry| entry.key_span.start),
        _ => 0,
    };
    if comment.span.start < first_key {
        return 0..text.len() + 1;
    }
    let line_start = text[..comment.span.start].rfind('\n').map_or(0, |newline| newline + 1);
    let stands_alone = text[line_start..comment.span.start].trim().is_empty();
    let line = if stands_alone { next_line(text, comment.span.end) } else { line_at(text, line_start) };
    let end = document.root.as_ref().map_or(line.end, |root| end_of_scalars_beginning_in(root, &line));
    line.start..end.max(line.end)
}

fn line_at(text: &str, start: usize) -> Range<usize> {
    start..text[start..].find('\n').map_or(text.len(), |length| start + length) + 1
}

/// The next line with something else than a comment.
fn next_line(text: &str, from: usize) -> Range<usize> {
    let mut line = line_at(text, from);
    while line.end < text.len() {
        line = line_at(text, line.end);
        let written = text[line.start..line.end.min(text.len())].trim();
        if !written.is_empty() && !written.starts_with('#') {
            break;
        }
    }
    line
}

fn end_of_scalars_beginning_in(node: &Node, line: &Range<usize>) -> usize {
    match &node.kind {
        Kind::Scalar(_) if line.contains(&node.span.start) => node.span.end,
        Kind::Scalar(_) | Kind::Refused => 0,
        Kind::Sequence(items) => items.iter().map(|item| end_of_scalars_beginning_in(item, line)).max().unwrap_or(0),
        Kind::Mapping(entries) => entries
            .iter()
            .map(|entry| match &entry.value.kind {
                Kind::Scalar(_) if line.contains(&entry.key_span.start) => entry.value.span.end,
                _ => end_of_scalars_beginning_in(&entry.value, line),
            })
            .max()
            .unwrap_or(0),
    }
}

fn problem_of_unused(file: &str, ignored: &Ignored, profile: Profile, rules_ran: bool) -> Option<Diagnostic> {
    let report = |message: String| {
        Some(Diagnostic::new(UNUSED_IGNORE.name, UNUSED_IGNORE.severity, file, ignored.span, message))
    };
    let name = ignored.rule.as_str();
    let Some(rule) = rules::rule(name) else {
        let known: Vec<&str> = rules::RULES.iter().map(|rule| rule.name).collect();
        let help =
            yaml::suggestion(name, &known).unwrap_or_else(|| "`steadyhand check --list-rules` lists them".into());
        return report(format!("there is no rule {name:?}")).map(|problem| problem.help(help));
    };
    match rule.finder {
        Finder::Parser | Finder::Comments => report(format!("`{name}` cannot be ignored")),
        Finder::Check(_) if rules_ran && profile.includes(UNUSED_IGNORE.profile) => {
            report(format!("`{name}` finds nothing here")).map(|problem| problem.help("delete it from the comment"))
        }
        Finder::Check(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diagnostic::Severity;

    proptest! {
        #[test]
        fn comments_in_any_place_of_any_text_do_not_panic(
            parts in prop::collection::vec(prop::sample::select(vec![
                "# steadyhand: ignore[", "# steadyhand: ignore[a, é ,b] reason", "#steadyhand:ignore[todo-marker]x",
                "]", "[", ",", " reason", "\n", "\r\n", "\r", "a: ", "b:", "- ", "|\n", ">-\n", "\"", "'", "é",
                "\u{feff}", "\u{2028}", "  ", "\t", "{", "}", "todo-marker", "# x", "---\n",
            ]), 0..40),
            at in 0_usize..200,
        ) {
            let text: String = parts.concat();
            let mut ignores = read("a.yaml", &text, &yaml::read("a.yaml", text.as_bytes()));
            ignores.cover(&Diagnostic::new("a", Severity::Error, "a.yaml", Span::within(&text, at, at), "x"));
            for problem in ignores.into_problems(Profile::Oncall, true) {
                prop_assert!(text.get(problem.span.start..problem.span.end).is_some());
            }
        }
    }
}
