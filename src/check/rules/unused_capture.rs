//! `unused-capture`: a value is read and nobody looks at it.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::rule::{Finder, Profile, Rule};
use crate::check::shell::names_in;
use crate::check::subject::Subject;
use crate::diagnostic::{Diagnostic, Severity};
use crate::id::ValueName;
use crate::runbook::model::{Action, Approval, Capture, Confirm, Step, Undo, Wait};

pub(in crate::check) const RULE: Rule = Rule {
    name: "unused-capture",
    severity: Severity::Info,
    profile: Profile::Basic,
    what: "A captured value is used in no condition, command or text.",
    why: "The step fails when the value is not found in its output, for nothing; or an `expect` was forgotten.",
    source: "The unused variables of every compiler.",
    bad: "check: df -P /\ncapture:\n  used_pct: {regex: '(\\d+)%', type: integer}",
    good: "check: df -P /\ncapture:\n  used_pct: {regex: '(\\d+)%', type: integer}\nexpect: used_pct >= 85",
    finder: Finder::Check(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let used = used_names(subject);
    let mut findings = Vec::new();
    for (index, step) in subject.runbook.steps.iter().enumerate() {
        let mut look_at = |path: String, captures: &BTreeMap<ValueName, Capture>| {
            for name in captures.keys().filter(|name| !used.contains(name.as_str())) {
                let span = subject.key(&format!("{path}.{name}"));
                findings.push(
                    RULE.finding(subject, span, format!("nothing uses the captured value `{name}`"))
                        .help("use it in `expect:`, a later step or a text, or do not capture it"),
                );
            }
        };
        look_at(format!("steps[{index}].capture"), &step.capture);
        if let Some(verify) = &step.verify {
            look_at(format!("steps[{index}].verify.capture"), &verify.capture);
        }
    }
    findings
}

/// Every word that could be the use of a value. Too many rather than too few: in a text for people, `{{name}}`
/// and the plain word are not told apart.
fn used_names(subject: &Subject<'_>) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for command in &subject.commands {
        used.extend(command.reading.variables.iter().cloned());
    }
    let runbook = subject.runbook;
    let mut texts = Vec::new();
    texts.extend(runbook.escalate.iter().filter_map(|escalate| escalate.message.as_deref()));
    texts.extend(runbook.approval.iter().filter_map(|approval| approval.prompt.as_deref()));
    for step in &runbook.steps {
        texts.extend(texts_of(step));
    }
    used.extend(texts.into_iter().flat_map(names_in));
    used
}

fn texts_of(step: &Step) -> Vec<&str> {
    let conditions =
        [step.only_if.as_ref(), step.expect.as_ref(), step.verify.as_ref().and_then(|verify| verify.expect.as_ref())];
    let guards = step.guards.iter().filter_map(|guard| guard.expect.as_ref());
    let mut texts: Vec<&str> = conditions.into_iter().flatten().chain(guards).map(|it| it.0.as_str()).collect();
    texts.push(&step.name);
    texts.extend([&step.why, &step.otherwise, &step.stdin, &step.dir].into_iter().flatten().map(String::as_str));
    texts.extend(step.guards.iter().filter_map(|guard| guard.otherwise.as_deref()));
    texts.extend(step.approval.iter().filter_map(|Approval { prompt, .. }| prompt.as_deref()));
    if let Some(Confirm::Phrase(phrase)) = &step.confirm {
        texts.push(phrase);
    }
    if let Some(Undo::Manual(text)) = &step.undo {
        texts.push(text);
    }
    match &step.action {
        Action::Manual { instruction, .. } => texts.push(instruction),
        Action::Notify { message, .. } => texts.push(message),
        Action::Use { with, .. } => texts.extend(with.values().map(String::as_str)),
        Action::Script { args, .. } => texts.extend(args.iter().map(String::as_str)),
        Action::Wait(Wait::Until { expect: Some(expect), .. }) => texts.push(&expect.0),
        Action::Check { .. } | Action::Run { .. } | Action::Wait(_) => {}
    }
    texts
}
