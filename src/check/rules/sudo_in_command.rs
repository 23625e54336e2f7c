//! `sudo-in-command`: privilege that nobody sees before the run.

use crate::check::rule::{Finder, Profile, Rule};
use crate::check::subject::Subject;
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::check) const RULE: Rule = Rule {
    name: "sudo-in-command",
    severity: Severity::Warning,
    profile: Profile::Safety,
    what: "A command calls `sudo`, `doas` or `su`.",
    why: "`as: root` stands in the plan, is proven before the run starts, and lets the run be stopped. A `sudo` in the \
          middle of a command asks for a password that nobody can type, half way through.",
    source: "design.md, section 3: with `as`, stop and read reach what the command started; sudo(8): without a \
             terminal it cannot ask.",
    bad: "run: sudo systemctl restart nginx",
    good: "run: systemctl restart nginx\nas: root",
    finder: Finder::Check(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for command in &subject.commands {
        let calls = command.reading.calls.iter().filter(|call| matches!(call.program(), "sudo" | "doas" | "su"));
        findings.extend(calls.map(|call| {
            let message = format!("`{}` inside the command hides who it runs as", call.program());
            RULE.finding(subject, subject.program(command, call), message)
                .help("give the step `as: USER` and leave the word out")
        }));
    }
    findings
}
