//! `effect-understated`: a command that claims to read changes something.

use crate::check::rule::{Finder, Profile, Rule};
use crate::check::shell;
use crate::check::subject::Subject;
use crate::diagnostic::{Diagnostic, Severity};
use crate::runbook::model::Effect;

pub(in crate::check) const RULE: Rule = Rule {
    name: "effect-understated",
    severity: Severity::Error,
    profile: Profile::Safety,
    what: "A `check`, `preview`, `guard` or `verify` command changes something.",
    why: "Reading commands run by themselves, again after an unknown outcome, and before anyone has agreed to \
          anything. A change among them happens unasked, and perhaps twice.",
    source: "format.md, rule 3: reading and changing are different; Ansible's `changed_when: false` over commands \
             that change is the same mistake.",
    bad: "- id: clean\n  name: Clean the journal\n  check: journalctl --vacuum-size=500M",
    good: "- id: clean\n  name: Clean the journal\n  run: journalctl --vacuum-size=500M",
    finder: Finder::Check(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for command in subject.commands.iter().filter(|command| command.effect == Effect::Check) {
        let help = if command.action_of.is_some() {
            "write `run:` instead of `check:`"
        } else {
            "move the change into a `run` step, or write a command that only reads"
        };
        let calls = command.reading.calls.iter().filter_map(|call| {
            let what = shell::change_by(call)?;
            Some((subject.program(command, call), format!("`{}` {what}", call.program())))
        });
        let writes = command.reading.writes.iter().filter(|target| shell::file_written(target));
        let writes =
            writes.map(|target| (subject.word(command, target), "the redirection writes to a file".to_owned()));
        findings.extend(calls.chain(writes).map(|(span, what)| {
            RULE.finding(subject, span, format!("{what}, but this command is said to only read")).help(help)
        }));
    }
    findings
}
