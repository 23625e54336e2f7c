//! The text that a host runs: a preamble of values, then the author's command as it was written.
//!
//! Values reach a shell only here, each inside single quotes, so no value can become syntax. The whole
//! text is runnable as it is: "copy command" gives this.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::id::{HostName, ValueName};
use crate::run::event::Purpose;
use crate::run::plan::{PlannedAction, PlannedStep, PlannedUndo, Surroundings};
use crate::runbook::model::Value;
use crate::runbook::value::shell_text;

/// The text of one attempt, and the interpreter that runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    pub text: String,
    pub shell: String,
}

/// Composes the script of a step for a purpose; none if the step has nothing to run for it.
pub fn compose(
    step: &PlannedStep,
    purpose: Purpose,
    host: &HostName,
    values: &BTreeMap<ValueName, Value>,
) -> Option<Script> {
    let around = &step.surroundings;
    let body = match purpose {
        Purpose::Preview => step.preview.as_deref()?,
        Purpose::Guard(guard) => step.guards.get(guard)?.check.as_str(),
        Purpose::Verify => step.verify.as_ref()?.check.as_str(),
        Purpose::Undo => match step.undo.as_ref()? {
            PlannedUndo::Run(command) => command,
            PlannedUndo::Manual(_) | PlannedUndo::None => return None,
        },
        Purpose::Main => match &step.action {
            PlannedAction::Command { body, .. } => body,
            PlannedAction::Until { check, .. } => check,
            PlannedAction::Script { text, args, .. } => return Some(file_script(around, host, values, text, args)),
            PlannedAction::Manual { .. } | PlannedAction::Pause { .. } => return None,
        },
    };
    let mut text = preamble(around, host, values, "");
    text.push_str(body);
    if !body.ends_with('\n') {
        text.push('\n');
    }
    Some(Script { text, shell: around.shell.clone() })
}

/// Whether a text names a variable: as a word of its own, whatever a shell makes of it.
pub fn mentions(text: &str, name: &ValueName) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.match_indices(name.as_str())
        .any(|(at, found)| !text[..at].ends_with(is_part) && !text[at + found.len()..].starts_with(is_part))
}

/// Whether any command of a step names a variable.
pub fn step_mentions(step: &PlannedStep, name: &ValueName) -> bool {
    let nothing = BTreeMap::new();
    let host = "host".parse().expect("the constant is a host name");
    let guards = (0..step.guards.len()).map(Purpose::Guard);
    let purposes = [Purpose::Preview, Purpose::Main, Purpose::Verify, Purpose::Undo].into_iter().chain(guards);
    purposes.filter_map(|purpose| compose(step, purpose, &host, &nothing)).any(|script| mentions(&script.text, name))
}

/// Assignments, exports and the directory, one a line.
fn preamble(around: &Surroundings, host: &HostName, values: &BTreeMap<ValueName, Value>, export: &str) -> String {
    let mut text = format!("{export}host={}\n", quoted(host.as_str()));
    for (name, value) in values {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{export}{name}={}", quoted(&shell_text(value)));
    }
    for (name, value) in &around.env {
        let _ = writeln!(text, "export {name}={}", quoted(value));
    }
    if let Some(dir) = &around.dir {
        let _ = writeln!(text, "cd -- {} || exit 126", quoted(dir));
    }
    text
}

/// A file beside the runbook: written out on the host, run by its `#!` line, removed again.
fn file_script(
    around: &Surroundings,
    host: &HostName,
    values: &BTreeMap<ValueName, Value>,
    file_text: &str,
    args: &[String],
) -> Script {
    let mut text = preamble(around, host, values, "export ");
    let quoted_args: Vec<String> = args.iter().map(|arg| quoted(arg)).collect();
    text.push_str("steadyhand_file=$(mktemp \"${TMPDIR:-/tmp}/steadyhand.XXXXXXXXXX\") || exit 126\n");
    text.push_str("trap 'rm -f \"$steadyhand_file\"' EXIT\n");
    let _ = writeln!(
        text,
        "printf %s {} > \"$steadyhand_file\" && chmod 700 \"$steadyhand_file\" || exit 126",
        quoted(file_text)
    );
    let _ = writeln!(text, "\"$steadyhand_file\" {}", quoted_args.join(" "));
    Script { text, shell: "sh".to_owned() }
}

/// Exact single-quote encoding: every byte but the quote stands for itself.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_a_variable_as_a_whole_word() {
        let name = "token".parse().unwrap();
        for text in ["echo $token", "${token}", "token=1", "\"$token\"", "printenv token", "a\ntoken"] {
            assert!(mentions(text, &name), "{text}");
        }
        for text in ["echo $tokens", "my_token", "token2", "", "TOKEN", "toke n"] {
            assert!(!mentions(text, &name), "{text}");
        }
    }

    #[test]
    fn no_value_becomes_syntax_in_a_real_shell() {
        for text in ["'", "''", "a'b\"c", "$(touch x)", "`x`", "a\nb\n", "\\", "é€\u{202e}", "!x", "-n", "*", "~", ""]
        {
            #[expect(clippy::disallowed_methods, reason = "the test asks a real shell")]
            let output = std::process::Command::new("sh")
                .args(["-c", &format!("x={}; printf '%s' \"$x\"", quoted(text))])
                .output()
                .unwrap();
            assert_eq!(output.stdout, text.as_bytes(), "{text:?}");
        }
    }
}
