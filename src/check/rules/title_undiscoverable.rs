//! `title-undiscoverable`: a name that nobody would search for.

use std::collections::BTreeSet;

use crate::check::rule::{Finder, Profile, Rule};
use crate::check::subject::Subject;
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::check) const RULE: Rule = Rule {
    name: "title-undiscoverable",
    severity: Severity::Warning,
    profile: Profile::Basic,
    what: "The name has fewer than two words that say what breaks or what one does, or shares no word with the alerts, \
           tags and summary.",
    why: "A runbook is looked for by the words of the alert, in a hurry. One called \"Procedure 7\" is not found.",
    source: "The seven sins of documentation: what cannot be found is not there.",
    bad: "name: Troubleshooting guide",
    good: "name: Disk full on a web host",
    finder: Finder::Check(check),
};

/// Words that fit any runbook, so that nobody finds one by them.
const GENERIC: &[&str] = &[
    "a",
    "about",
    "alert",
    "alerts",
    "an",
    "and",
    "at",
    "by",
    "checklist",
    "common",
    "debug",
    "doc",
    "docs",
    "error",
    "errors",
    "failure",
    "fix",
    "fixing",
    "for",
    "from",
    "general",
    "guide",
    "handle",
    "handling",
    "help",
    "how",
    "in",
    "incident",
    "incidents",
    "info",
    "instructions",
    "is",
    "issue",
    "issues",
    "it",
    "misc",
    "my",
    "new",
    "notes",
    "of",
    "on",
    "ops",
    "or",
    "our",
    "playbook",
    "problem",
    "problems",
    "procedure",
    "procedures",
    "process",
    "run",
    "runbook",
    "runbooks",
    "solve",
    "sop",
    "standard",
    "steps",
    "stuff",
    "test",
    "the",
    "things",
    "this",
    "to",
    "troubleshoot",
    "troubleshooting",
    "untitled",
    "various",
    "what",
    "when",
    "with",
];

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let runbook = subject.runbook;
    let name: BTreeSet<String> = telling_words(&runbook.name);
    let finding = |message: &str| RULE.finding(subject, subject.source.span("name").value, message);
    if name.len() < 2 {
        return vec![
            finding("this name does not say what breaks or what one does")
                .help("name the symptom and where: `Disk full on a web host`"),
        ];
    }
    let mut searched = telling_words(&runbook.summary);
    runbook.alerts.iter().chain(&runbook.tags).for_each(|text| searched.extend(telling_words(text)));
    let has_search_words = !runbook.alerts.is_empty() || !runbook.tags.is_empty();
    if has_search_words && !name.iter().any(|word| searched.iter().any(|other| are_related(word, other))) {
        return vec![
            finding("this name shares no word with the alerts, tags and summary")
                .help("use a word of the alert: whoever gets it searches for that"),
        ];
    }
    Vec::new()
}

/// Lower-case words, those of `CamelCase` apart, without the ones that fit any runbook.
fn telling_words(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut word = String::new();
    let mut previous_is_lower = false;
    for letter in text.chars().chain([' ']) {
        let starts_word = letter.is_uppercase() && previous_is_lower;
        if (starts_word || !letter.is_alphanumeric()) && !word.is_empty() {
            words.insert(std::mem::take(&mut word));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
        previous_is_lower = letter.is_lowercase();
    }
    words.retain(|word| !GENERIC.contains(&word.as_str()) && word.chars().any(char::is_alphabetic));
    words
}

/// `disk` and `disks`, `fill` and `filling`, `expire` and `expiry`.
fn are_related(one: &str, other: &str) -> bool {
    let shared = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    shared >= 4 || one == other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_camel_case_are_told_apart_and_generic_ones_dropped() {
        let words: Vec<String> = telling_words("How to fix the NodeFilesystemFull alert 7").into_iter().collect();
        assert_eq!(words, ["filesystem", "full", "node"]);
    }

    #[test]
    fn forms_of_one_word_are_related() {
        assert!(are_related("filling", "fills"));
        assert!(are_related("tls", "tls"));
        assert!(!are_related("disk", "dish"));
    }
}
