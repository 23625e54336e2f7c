//! `secret-literal`: a password or a key that is now in git.

use std::sync::LazyLock;

use regex::Regex;

use crate::check::rule::{Finder, Profile, Rule};
use crate::check::shell::{UNKNOWN, Word};
use crate::check::subject::Subject;
use crate::diagnostic::Span;
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::check) const RULE: Rule = Rule {
    name: "secret-literal",
    severity: Severity::Error,
    profile: Profile::Safety,
    what: "The file holds a private key, a token of a known form, or a command with a password in it.",
    why: "Whoever may read the repository has the secret, for ever, and it cannot be masked in output. It also stands \
          in the process list of the host while the command runs.",
    source: "GitHub's and GitLab's secret scanning list the forms of tokens.",
    bad: "run: mysql --password=hunter22 -e 'flush hosts'",
    good: "inputs:\n  db_password: {description: Password of the database, type: secret}\nsteps:\n  - run: MYSQL_PWD=\"$db_password\" mysql -e 'flush hosts'",
    finder: Finder::Check(check),
};

const HELP: &str = "change the secret, it is known now; declare an input of `type: secret` and use it as a variable";

/// Forms that nothing else has. In the whole file: in a comment it is as public as anywhere.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    let forms = [
        r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        r"\bgh[pousr]_[A-Za-z0-9]{36,}\b",
        r"\bgithub_pat_[A-Za-z0-9_]{40,}\b",
        r"\bglpat-[A-Za-z0-9_-]{20,}",
        r"\bxox[abprs]-[A-Za-z0-9-]{20,}",
        r"\b[sr]k_live_[A-Za-z0-9]{20,}\b",
        r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    ];
    Regex::new(&forms.join("|")).expect("the pattern is valid")
});

/// A word of a command that gives a secret its value: `PGPASSWORD=x`, `--api-key=x`, `Authorization: Bearer x`.
static ASSIGNED: LazyLock<Regex> = LazyLock::new(|| {
    let name = "(?i:[a-z0-9_-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|_pwd))";
    let header = "(?i:authorization: *(?:bearer|basic) +|x-api-key: *)";
    Regex::new(&format!("^(?:-{{0,2}}{name}=|{header})(?P<value>.+)$")).expect("the pattern is valid")
});

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let tokens = TOKEN.find_iter(subject.text).map(|token| Span::within(subject.text, token.start(), token.end()));
    let mut findings: Vec<Diagnostic> =
        tokens.map(|span| finding(subject, span, "this is a secret, in the clear")).collect();
    for command in &subject.commands {
        let words = command.reading.calls.iter().flat_map(|call| &call.words).chain(&command.reading.assignments);
        for word in words.filter(|word| gives_a_secret(word)) {
            let span = subject.word(command, word);
            if findings.iter().all(|found| found.span != span) {
                findings.push(finding(subject, span, "a secret is written into the command"));
            }
        }
    }
    findings
}

/// The message never repeats the secret: it goes into logs of code review.
fn finding(subject: &Subject<'_>, span: Span, message: &str) -> Diagnostic {
    RULE.finding(subject, span, message).help(HELP)
}

/// The value is written out: no variable, no file, nothing that stands for a value.
fn gives_a_secret(word: &Word) -> bool {
    let Some(value) = ASSIGNED.captures(&word.text).and_then(|captures| captures.name("value")) else { return false };
    let value = value.as_str();
    let stands_for_one = value.contains(UNKNOWN) || value.starts_with(['<', '/', '@', '*']) || value.len() < 4;
    !stands_for_one && !matches!(value, "true" | "false" | "none" | "null")
}
