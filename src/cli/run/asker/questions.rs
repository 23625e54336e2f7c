//! One question for each thing that a run can need.

use serde_json::{Map, Value, json};

use super::{Question, Reply, Said, text_of};
use crate::id::{HostName, StepId};
use crate::run::approval::ClosedWindow;
use crate::run::approval_view::ApprovalView;
use crate::run::plan::{AskKind, Gesture, PlannedAsk};
use crate::run::view::{Need, StepView};
use crate::run::words;

impl Question<'_> {
    pub(super) async fn ask(&mut self) -> anyhow::Result<Said> {
        let Some(need) = &self.view.waiting else { return Ok(Said::Nothing) };
        match need {
            Need::Confirm { step, gesture, expected, hosts, sentence, previews, .. } => {
                self.show_previews(previews).await?;
                self.confirm(step, gesture, expected.as_deref(), hosts, sentence).await
            }
            Need::Answer { step, instruction, ask } => self.answer(step, instruction, ask).await,
            Need::Decide { step, failed } => {
                self.show_failures(step, failed).await?;
                self.decide(step, failed).await
            }
            Need::ResolveUnknown { step, host, because } => {
                self.show_failures(step, std::slice::from_ref(host)).await?;
                self.resolve(step, host, because).await
            }
            Need::ReachHosts { hosts } => self.reach(hosts).await,
            Need::Secrets { names } => self.secrets(names).await,
            Need::ManualUndo { step, instruction } => self.manual_undo(step, instruction).await,
            Need::Storage { .. } | Need::Lock { .. } => Ok(Said::Nothing),
            Need::Approve(asked) => self.approval(asked).await,
            Need::AskAgain { step, why } => self.ask_again(step, why).await,
            Need::Window { step, windows } => self.window(step, windows).await,
            Need::Resume { .. } => self.resume().await,
        }
    }

    fn step(&self, id: &StepId) -> Option<&StepView> {
        self.view.steps.iter().find(|step| step.id == *id)
    }

    async fn confirm(
        &mut self,
        step: &StepId,
        gesture: &Gesture,
        expected: Option<&str>,
        hosts: &[HostName],
        sentence: &str,
    ) -> anyhow::Result<Said> {
        self.say(sentence)?;
        if let Some(body) = self.step(step).map(|step| step.body.trim_end().to_owned()) {
            let body: Vec<String> = body.lines().map(|line| format!("    {line}")).collect();
            self.say(&body.join("\n"))?;
        }
        let go_on = match (gesture, expected) {
            (Gesture::Press, _) | (_, None) => "y".to_owned(),
            (Gesture::Count, Some(count)) => format!("{count} (the number of hosts)"),
            (Gesture::Host, Some(host)) => format!("{host} (the host's name)"),
            (Gesture::Phrase(_), Some(phrase)) => format!("“{phrase}”"),
        };
        let prompt = format!("Type {go_on} to go on with {step} on {}; skip, abort or leave:", words::names(hosts));
        let typed = text_of!(self.reply(&prompt).await?);
        match (typed.as_str(), expected) {
            ("", _) => Ok(Said::Nothing),
            ("y" | "yes", None) => Ok(Said::Do(json!({"action": "confirm", "step": step}))),
            (_, Some(expected)) if typed == expected => {
                Ok(Said::Do(json!({"action": "confirm", "step": step, "typed": typed})))
            }
            ("skip", _) => self.skip(step, hosts).await,
            ("abort", _) => self.abort().await,
            ("leave", _) => Ok(Said::Leave),
            // The run itself says what is wrong with it.
            (_, Some(_)) => Ok(Said::Do(json!({"action": "confirm", "step": step, "typed": typed}))),
            (_, None) => Ok(Said::Nothing),
        }
    }

    async fn answer(&mut self, step: &StepId, instruction: &str, ask: &[PlannedAsk]) -> anyhow::Result<Said> {
        self.say(instruction)?;
        if ask.is_empty() {
            let typed = text_of!(self.reply("Done? y; skip, abort or leave:").await?);
            return match typed.as_str() {
                "y" | "yes" | "done" => Ok(Said::Do(json!({"action": "done", "step": step}))),
                "skip" => self.skip(step, &[]).await,
                "abort" => self.abort().await,
                "leave" => Ok(Said::Leave),
                _ => Ok(Said::Nothing),
            };
        }
        let mut values = Map::new();
        for ask in ask {
            let text = text_of!(self.reply(&format!("{} ({}):", ask.description, kind(ask))).await?);
            values.insert(ask.name.to_string(), json!(text));
        }
        Ok(Said::Do(json!({"action": "answer", "step": step, "values": Value::Object(values)})))
    }

    async fn decide(&mut self, step: &StepId, failed: &[HostName]) -> anyhow::Result<Said> {
        self.say(&format!("{step} failed on {}.", words::names(failed)))?;
        let typed = text_of!(self.reply("retry, skip, undo, abort or leave?").await?);
        match typed.as_str() {
            "retry" | "r" => Ok(Said::Do(json!({"action": "retry", "step": step, "hosts": failed}))),
            "skip" | "s" => self.skip(step, failed).await,
            "undo" | "u" => {
                let reason = text_of!(self.reply("Why take back what was done?").await?);
                Ok(Said::Do(json!({"action": "undo", "reason": reason})))
            }
            "abort" | "a" => self.abort().await,
            "leave" | "l" => Ok(Said::Leave),
            _ => Ok(Said::Nothing),
        }
    }

    async fn resolve(&mut self, step: &StepId, host: &HostName, because: &str) -> anyhow::Result<Said> {
        self.say(&format!(
            "Nobody can say how {step} ended on {host}: {because}.\n\
             Look at {host}, then record what you found:\n  \
             1  it completed\n  \
             2  it did not run: it is started again\n  \
             3  it ran in part: the run goes on\n  \
             4  stop the run here"
        ))?;
        let typed = text_of!(self.reply("1, 2, 3, 4 or leave?").await?);
        let resolution = match typed.as_str() {
            "1" => "completed",
            "2" => "did_not_run",
            "3" => "partly",
            "4" => "stop",
            "leave" | "l" => return Ok(Said::Leave),
            _ => return Ok(Said::Nothing),
        };
        let note = text_of!(self.reply("What did you see?").await?);
        Ok(Said::Do(json!({"action": "resolve", "step": step, "host": host, "resolution": resolution, "note": note})))
    }

    async fn reach(&mut self, hosts: &[HostName]) -> anyhow::Result<Said> {
        self.say(&format!("{} cannot be reached.", words::names(hosts)))?;
        let typed = text_of!(self.reply("again, drop (go on without one of them), abort or leave?").await?);
        match typed.as_str() {
            "again" | "r" => Ok(Said::Do(json!({"action": "resume"}))),
            "drop" | "d" => {
                let host = match hosts {
                    [only] => only.to_string(),
                    _ => text_of!(self.reply("Which host?").await?),
                };
                let reason = text_of!(self.reply(&format!("Why go on without {host}?")).await?);
                Ok(Said::Do(json!({"action": "drop-host", "host": host, "reason": reason})))
            }
            "abort" | "a" => self.abort().await,
            "leave" | "l" => Ok(Said::Leave),
            _ => Ok(Said::Nothing),
        }
    }

    async fn secrets(&mut self, names: &[String]) -> anyhow::Result<Said> {
        self.say("Secret values are never stored, so the run needs them again.")?;
        let mut secrets = Map::new();
        for name in names {
            let text = text_of!(self.hidden_reply(&format!("{name} (not shown):")).await?);
            secrets.insert(name.clone(), json!(text));
        }
        Ok(Said::Do(json!({"action": "supply-secrets", "secrets": Value::Object(secrets)})))
    }

    async fn manual_undo(&mut self, step: &StepId, instruction: &str) -> anyhow::Result<Said> {
        self.say(&format!("To take back {step}:\n{instruction}"))?;
        let typed = text_of!(self.reply("Done? y, abort or leave:").await?);
        match typed.as_str() {
            "y" | "yes" | "done" => Ok(Said::Do(json!({"action": "undo-done", "step": step}))),
            "abort" => self.abort().await,
            "leave" => Ok(Said::Leave),
            _ => Ok(Said::Nothing),
        }
    }

    /// Whoever drives cannot approve: they wait, or take the request back.
    async fn approval(&mut self, asked: &ApprovalView) -> anyhow::Result<Said> {
        let agree = asked.votes.iter().filter(|vote| vote.counts).count();
        self.say(&format!(
            "{}\nWaits for others to approve {} on {} ({agree} of {} so far): they do it on the page of the run, /runs/{}",
            asked.prompt,
            asked.step,
            words::names(&asked.hosts),
            asked.persons_min,
            self.view.id
        ))?;
        let typed = text_of!(self.reply("withdraw, skip, abort or leave? (goes on by itself once approved)").await?);
        match typed.as_str() {
            "withdraw" | "w" => Ok(Said::Do(json!({"action": "withdraw", "step": asked.step}))),
            "skip" | "s" => self.skip(&asked.step, &[]).await,
            "abort" | "a" => self.abort().await,
            "leave" | "l" => Ok(Said::Leave),
            _ => Ok(Said::Nothing),
        }
    }

    async fn ask_again(&mut self, step: &StepId, why: &str) -> anyhow::Result<Said> {
        self.say(&format!("{step} was not approved: {why}."))?;
        let typed = text_of!(self.reply("again, skip, abort or leave?").await?);
        match typed.as_str() {
            "again" | "r" => Ok(Said::Do(json!({"action": "ask-again", "step": step}))),
            "skip" | "s" => self.skip(step, &[]).await,
            "abort" | "a" => self.abort().await,
            "leave" | "l" => Ok(Said::Leave),
            _ => Ok(Said::Nothing),
        }
    }

    async fn window(&mut self, step: &StepId, windows: &[ClosedWindow]) -> anyhow::Result<Said> {
        for closed in windows {
            self.say(&format!("{step} waits: {}.", words::window(closed)))?;
        }
        let prompt = "override, skip, abort or leave? (goes on by itself when its time comes)";
        let typed = text_of!(self.reply(prompt).await?);
        match typed.as_str() {
            "override" | "o" => {
                let reason = text_of!(self.reply("Why can it not wait?").await?);
                Ok(Said::Do(json!({"action": "override-window", "step": step, "reason": reason})))
            }
            "skip" | "s" => self.skip(step, &[]).await,
            "abort" | "a" => self.abort().await,
            "leave" | "l" => Ok(Said::Leave),
            _ => Ok(Said::Nothing),
        }
    }

    async fn resume(&mut self) -> anyhow::Result<Said> {
        self.say("The run is paused.")?;
        let typed = text_of!(self.reply("resume, abort or leave?").await?);
        match typed.as_str() {
            "resume" | "r" => Ok(Said::Do(json!({"action": "resume"}))),
            "abort" | "a" => self.abort().await,
            "leave" | "l" => Ok(Said::Leave),
            _ => Ok(Said::Nothing),
        }
    }

    async fn skip(&mut self, step: &StepId, hosts: &[HostName]) -> anyhow::Result<Said> {
        let reason = text_of!(self.reply(&format!("Why skip {step}?")).await?);
        Ok(Said::Do(json!({"action": "skip", "step": step, "hosts": hosts, "reason": reason})))
    }

    async fn abort(&mut self) -> anyhow::Result<Said> {
        let reason = text_of!(self.reply("Why abort the run?").await?);
        Ok(Said::Do(json!({"action": "abort", "reason": reason})))
    }
}

/// What fits, in words.
fn kind(ask: &PlannedAsk) -> String {
    let kind = match &ask.kind {
        AskKind::String => "text".to_owned(),
        AskKind::Integer => "whole number".to_owned(),
        AskKind::Number => "number".to_owned(),
        AskKind::Boolean => "true or false".to_owned(),
        AskKind::Choice(options) => options.join(" or "),
        AskKind::Duration => "time, as 90s or 5m".to_owned(),
    };
    match (ask.min, ask.max) {
        (Some(min), Some(max)) => format!("{kind}, {min} to {max}"),
        (Some(min), None) => format!("{kind}, at least {min}"),
        (None, Some(max)) => format!("{kind}, at most {max}"),
        (None, None) => kind,
    }
}
