//! `timeout-missing`: a command that may take any time has the time limit of any command.

use crate::check::rule::{Finder, Profile, Rule};
use crate::check::shell::Call;
use crate::check::subject::Subject;
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::check) const RULE: Rule = Rule {
    name: "timeout-missing",
    severity: Severity::Warning,
    profile: Profile::Safety,
    what: "A command whose duration depends on the disk, the network or a lock has no `timeout`.",
    why: "The general limit of ten minutes is too short for `apt-get upgrade` on a slow mirror, and far too long to \
          find out that `curl` hangs. Only the author knows which.",
    source: "curl(1): without --max-time there is no limit; find and du over / walk network file systems too.",
    bad: "- id: usage\n  name: List the largest directories\n  check: du -x / | sort -n | tail",
    good: "- id: usage\n  name: List the largest directories\n  check: du -x / | sort -n | tail\n  timeout: 2m",
    finder: Finder::Check(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    // The author has thought about it for all steps.
    if subject.source.contains("defaults.timeout") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for command in &subject.commands {
        if command.action_of.is_none_or(|step| step.timeout.is_some()) {
            continue;
        }
        // One finding a command: one `timeout` mends it.
        if let Some(call) = command.reading.calls.iter().find(|call| !call.bounded && may_take_any_time(call)) {
            let message = format!("`{}` may take any time, and the step has no `timeout`", call.program());
            let finding = RULE.finding(subject, subject.program(command, call), message);
            findings.push(finding.help("add `timeout:` with the time after which something is surely wrong"));
        }
    }
    findings
}

fn may_take_any_time(call: &Call) -> bool {
    match call.program() {
        "du" | "rsync" | "scp" | "sftp" | "fsck" | "badblocks" => true,
        "find" => call.verb() == Some("/"),
        "apt" | "apt-get" | "dnf" | "yum" | "zypper" | "apk" => call.verb().is_some_and(|verb| {
            matches!(verb, "update" | "upgrade" | "install" | "dist-upgrade" | "full-upgrade" | "add")
        }),
        "curl" => !call.has_option(&["-m", "--max-time", "--version", "--help"]) && !has_glued_limit(call),
        "wget" => !call.has_option(&["-T", "--timeout", "--version", "--help"]),
        "ssh" => !call.has_option(&["-V", "-G"]),
        _ => false,
    }
}

/// `-m5`, and `-fsSm 5`.
fn has_glued_limit(call: &Call) -> bool {
    call.arguments().any(|argument| argument.starts_with('-') && !argument.starts_with("--") && argument.contains('m'))
}
