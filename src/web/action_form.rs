//! The forms of the run page as actions: the same verbs that the API takes as JSON.

use std::collections::BTreeMap;

use crate::id::{HostName, InvalidId, StepId, ValueName};
use crate::redact::SecretText;
use crate::run::action::Action;
use crate::run::event::Resolution;
use crate::web::query::Fields;

/// What a form asks for.
pub struct AskedAction {
    pub action: Action,
    /// The last event that the page showed.
    pub seq: u64,
    pub secrets: Vec<(ValueName, SecretText)>,
}

/// Reads a form of the run page.
///
/// # Errors
/// In words, when something is missing or not what it should be.
pub fn read(form: &Fields) -> Result<AskedAction, String> {
    let seq = form.filled("seq").and_then(|seq| seq.parse().ok());
    let seq = seq.ok_or("the form does not say which event was seen; reload the page")?;
    let secrets = form.below("secret.").map(|(name, value)| Ok((name.parse()?, SecretText::new(value.to_owned()))));
    let secrets = secrets.collect::<Result<_, InvalidId>>().map_err(|error| error.to_string())?;
    Ok(AskedAction { action: action(form)?, seq, secrets })
}

fn action(form: &Fields) -> Result<Action, String> {
    let note = || form.filled("note").map(str::to_owned);
    Ok(match form.first("action").unwrap_or_default() {
        "confirm" => Action::Confirm { step: step(form)?, typed: form.filled("typed").map(str::to_owned) },
        "answer" => Action::Answer { step: step(form)?, values: values(form)?, note: note() },
        "done" => Action::Done { step: step(form)?, note: note() },
        "retry" => Action::Retry { step: step(form)?, hosts: hosts(form)? },
        "skip" => Action::Skip { step: step(form)?, hosts: hosts(form)?, reason: reason(form)? },
        "resolve" => Action::Resolve {
            step: step(form)?,
            host: host(form)?,
            resolution: resolution(form)?,
            note: note().ok_or("say what you looked at and what you saw")?,
        },
        "stop" => Action::Stop { step: step(form)?, hosts: hosts(form)?, reason: reason(form)? },
        "pause" => Action::Pause,
        "resume" => Action::Resume,
        "abort" => Action::Abort { reason: reason(form)? },
        "take-wheel" => Action::TakeWheel,
        "drop-host" => Action::DropHost { host: host(form)?, reason: reason(form)? },
        "supply-secrets" => Action::SupplySecrets,
        "undo" => Action::Undo { reason: reason(form)? },
        "approve" => Action::Approve { step: some_step(form)?, note: note() },
        "reject" => Action::Reject { step: some_step(form)?, reason: reason(form)? },
        "withdraw" => Action::Withdraw { step: some_step(form)? },
        "ask-again" => Action::AskAgain { step: some_step(form)? },
        "override-window" => Action::OverrideWindow { step: step(form)?, reason: reason(form)? },
        "undo-done" => Action::UndoDone { step: step(form)?, note: note() },
        other => return Err(format!("there is no action “{}”", other.chars().take(40).collect::<String>())),
    })
}

fn step(form: &Fields) -> Result<StepId, String> {
    form.first("step").unwrap_or_default().parse().map_err(|error: InvalidId| error.to_string())
}

fn some_step(form: &Fields) -> Result<Option<StepId>, String> {
    form.filled("step").map(str::parse).transpose().map_err(|error: InvalidId| error.to_string())
}

fn host(form: &Fields) -> Result<HostName, String> {
    form.first("host").unwrap_or_default().parse().map_err(|error: InvalidId| error.to_string())
}

fn hosts(form: &Fields) -> Result<Vec<HostName>, String> {
    form.all("hosts").map(|name| name.parse().map_err(|error: InvalidId| error.to_string())).collect()
}

fn reason(form: &Fields) -> Result<String, String> {
    form.filled("reason").map(str::to_owned).ok_or_else(|| "say why, in a line: it is kept with the run".to_owned())
}

fn values(form: &Fields) -> Result<BTreeMap<ValueName, String>, String> {
    let named = form.below("value.").map(|(name, value)| Ok((name.parse()?, value.trim().to_owned())));
    named.collect::<Result<_, InvalidId>>().map_err(|error| error.to_string())
}

fn resolution(form: &Fields) -> Result<Resolution, String> {
    match form.first("resolution").unwrap_or_default() {
        "completed" => Ok(Resolution::Completed),
        "did_not_run" => Ok(Resolution::DidNotRun),
        "partly" => Ok(Resolution::Partly),
        "stop" => Ok(Resolution::Stop),
        _ => Err("choose what became of it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_skip_without_a_reason_is_not_an_action() {
        let without = form(&[("action", "skip"), ("seq", "3"), ("step", "a"), ("reason", "  ")]);
        assert!(read(&without).is_err_and(|words| words.contains("why")));
        let with =
            form(&[("action", "skip"), ("seq", "3"), ("step", "a"), ("hosts", "web-1"), ("reason", "done by hand")]);
        let asked = read(&with).expect("it is complete");
        assert_eq!(asked.seq, 3);
        assert!(matches!(asked.action, Action::Skip { hosts, .. } if hosts.len() == 1));
    }

    #[test]
    fn a_form_without_the_event_that_was_seen_does_nothing() {
        assert!(read(&form(&[("action", "abort"), ("reason", "x")])).is_err());
    }

    #[test]
    fn a_host_that_ssh_would_misread_is_refused_at_the_door() {
        let wrong = form(&[("action", "drop-host"), ("seq", "1"), ("host", "-oProxyCommand=x"), ("reason", "x")]);
        assert!(read(&wrong).is_err());
    }
}
