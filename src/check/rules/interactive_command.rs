//! `interactive-command`: a command that waits for a keyboard, or never ends.

use crate::check::rule::{Finder, Profile, Rule};
use crate::check::shell::Call;
use crate::check::subject::Subject;
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::check) const RULE: Rule = Rule {
    name: "interactive-command",
    severity: Severity::Error,
    profile: Profile::Safety,
    what: "A command needs a terminal or goes on until somebody stops it: an editor, a pager, `top`, `watch`, \
           `tail -f`, `ping` without a count.",
    why: "Commands run without a terminal: an editor fails at once or hangs, and `tail -f` holds up the run until its \
          time limit.",
    source: "format.md: commands run without a terminal; tail(1), ping(8), top(1).",
    bad: "check: tail -f /var/log/nginx/error.log",
    good: "check: tail -n 50 /var/log/nginx/error.log",
    finder: Finder::Check(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for command in &subject.commands {
        for call in command.reading.calls.iter().filter(|call| !call.bounded) {
            if let Some((what, help)) = needs_a_person(call) {
                let message = format!("`{}` {what}", call.program());
                findings.push(RULE.finding(subject, subject.program(command, call), message).help(help));
            }
        }
    }
    findings
}

/// What is wrong with the call, and what to write instead.
fn needs_a_person(call: &Call) -> Option<(&'static str, &'static str)> {
    const TERMINAL: &str = "needs a terminal, and commands run without one";
    const ENDLESS: &str = "goes on until somebody stops it";
    match call.program() {
        "vi" | "vim" | "nvim" | "nano" | "emacs" | "joe" | "visudo" | "vipw" => {
            Some((TERMINAL, "write the change with a command, or make it a `manual` step"))
        }
        "less" | "more" | "most" => Some((TERMINAL, "print the part that matters: `head -n 50`, `grep`")),
        "htop" | "atop" | "iftop" | "iotop" if !has_flag(call, 'b') => {
            Some((TERMINAL, "print the state once: `ps`, `vmstat 1 2`"))
        }
        "top" if !(has_flag(call, 'b') && has_flag(call, 'n')) => Some((ENDLESS, "print once: `top -b -n 1`")),
        "watch" => Some((ENDLESS, "a step with `wait: {until: …}` looks again until something holds")),
        "tail" if has_flag(call, 'f') || has_flag(call, 'F') || call.has_option(&["--follow", "--retry"]) => {
            Some((ENDLESS, "print the last lines: `tail -n 50`"))
        }
        "journalctl" if has_flag(call, 'f') || call.has_option(&["--follow"]) => {
            Some((ENDLESS, "print the last lines: `journalctl -n 50`"))
        }
        "dmesg" if has_flag(call, 'w') || call.has_option(&["--follow"]) => Some((ENDLESS, "leave `-w` out")),
        "ping" | "ping6" if !(has_flag(call, 'c') || has_flag(call, 'w')) => {
            Some((ENDLESS, "say how many times: `ping -c 3`"))
        }
        "crontab" if has_flag(call, 'e') => Some((TERMINAL, "write the file below /etc/cron.d")),
        "systemctl" if call.verb() == Some("edit") => Some((TERMINAL, "write the drop-in file with a command")),
        _ => None,
    }
}

/// `-f`, also among others: `-fn 50`, `-n50f` is not looked into.
fn has_flag(call: &Call, flag: char) -> bool {
    call.arguments().any(|argument| {
        let letters = argument.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        letters
            .is_some_and(|letters| letters.chars().take_while(char::is_ascii_alphabetic).any(|letter| letter == flag))
    })
}
