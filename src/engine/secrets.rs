//! The secrets of one run while it lives: those that a person gave, and the named ones that its commands use.
//!
//! A named secret is fetched for each command that names it, just before that command is sent. Its value then joins what
//! is masked in everything the run says from there on, before anything is sent; an older value stays masked, too. After
//! a restart nothing is known: then every named secret that an earlier command of the run used is fetched before any
//! output is taken. (A value that was changed while the server was down is known to nobody any more; the one that had
//! been used before is then not masked.)

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::Engine;
use super::ask::StartError;
use super::attempt::{AttemptTask, Road};
use crate::id::{HostName, SecretName, ValueName};
use crate::inventory::target::Target;
use crate::redact::{Needles, SecretText};
use crate::run::action::Report;
use crate::run::event::AttemptPlan;
use crate::run::plan::{Plan, PlannedStep};
use crate::run::script;
use crate::secrets::{SecretError, SecretUse, Why};

type Value = (ValueName, SecretText);

/// What a run knows of its secrets.
pub struct RunSecrets {
    inner: Mutex<Known>,
    /// Output waits on its host because a secret that may stand in it cannot be fetched.
    awaited: AtomicBool,
}

struct Known {
    given: Vec<Value>,
    /// All values that named secrets have had since this server took the run up.
    fetched: Vec<Value>,
    needles: Arc<Needles>,
}

/// What one attempt needs.
pub struct AttemptSecrets {
    /// For the command's environment.
    pub values: Vec<Value>,
    /// For its output: every secret of the run.
    pub needles: Arc<Needles>,
}

impl RunSecrets {
    pub fn new(given: Vec<Value>) -> Self {
        let needles = needles(&given, &[]);
        Self { inner: Mutex::new(Known { given, fetched: Vec::new(), needles }), awaited: AtomicBool::new(false) }
    }

    /// A person gave them again.
    pub fn give(&self, given: Vec<Value>) {
        let mut known = self.known();
        known.given = given;
        known.needles = needles(&known.given, &known.fetched);
    }

    /// The names of those that a person gave.
    pub fn given_names(&self) -> Vec<ValueName> {
        self.known().given.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Whether output waits for a secret that cannot be fetched.
    pub fn are_awaited(&self) -> bool {
        self.awaited.load(Ordering::Relaxed)
    }

    /// Masks this value from now on.
    fn learn(&self, name: &ValueName, value: &SecretText) {
        let mut known = self.known();
        if !known.fetched.iter().any(|(known, text)| known == name && text.expose() == value.expose()) {
            known.fetched.push((name.clone(), value.clone()));
            known.needles = needles(&known.given, &known.fetched);
        }
    }

    fn is_known(&self, name: &ValueName) -> bool {
        self.known().fetched.iter().any(|(known, _)| known == name)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.inner.lock().expect("no code panics while it holds a run's secrets")
    }
}

/// Every form of the run's secrets, for the redactors of its output.
fn needles(given: &[Value], fetched: &[Value]) -> Arc<Needles> {
    let all = given.iter().chain(fetched);
    let named: Vec<(String, &SecretText)> = all.map(|(name, secret)| (name.to_string(), secret)).collect();
    Arc::new(Needles::new(&named))
}

impl Engine {
    /// Looked at again for each command; here, so that a run which cannot get far is not begun.
    pub(super) fn may_use_secrets(&self, plan: &Plan) -> Result<(), StartError> {
        let mut problems = Vec::new();
        for (input, secret) in &plan.named_secrets {
            let steps = plan.steps.iter().filter(|step| script::step_mentions(step, input));
            let mut targets: Vec<Option<&Target>> = vec![None];
            for step in steps {
                match &step.delegate_to {
                    Some(delegate) => targets.push(plan.target(delegate)),
                    None => targets.extend(plan.hosts.iter().map(Some)),
                }
            }
            let named = &self.shared.secrets;
            let refused = targets.into_iter().find_map(|target| named.may_use(secret, &plan.runbook, target).err());
            problems.extend(refused.map(|refused| (input.to_string(), refused.to_string())));
        }
        if problems.is_empty() { Ok(()) } else { Err(StartError::Inputs(problems)) }
    }
}

impl AttemptTask {
    /// Everything secret that this attempt needs, fetched now.
    ///
    /// # Errors
    /// What to report instead of starting it, or of taking its output.
    pub(super) async fn fetch_secrets(
        &self,
        step: &PlannedStep,
        target: &Target,
        road: Road,
    ) -> Result<AttemptSecrets, Report> {
        if self.state.plan.named_secrets.is_empty() {
            let known = self.secrets.known();
            return Ok(AttemptSecrets { values: known.given.clone(), needles: known.needles.clone() });
        }
        let fetched = self.fetch_named(step, target, road).await;
        // Only who has begun it may find that its output waits.
        self.secrets.awaited.store(fetched.is_err() && road == Road::TakeUp, Ordering::Relaxed);
        let mut values = fetched.map_err(|error| self.without_secret(road, &error))?;
        let known = self.secrets.known();
        values.extend(known.given.iter().cloned());
        Ok(AttemptSecrets { values, needles: known.needles.clone() })
    }

    async fn fetch_named(&self, step: &PlannedStep, target: &Target, road: Road) -> Result<Vec<Value>, SecretError> {
        let may_start = road == Road::Start || !self.attempt.seen_running();
        let mut values = Vec::new();
        for (input, secret) in self.named_in(step, &self.attempt.plan) {
            if may_start {
                let value = self.fetch(input, secret, target, &self.attempt.plan.runs_on, Why::Command).await?;
                self.secrets.learn(input, &value);
                values.push((input.clone(), value));
            }
        }
        for (input, secret, host) in self.used_before() {
            if !self.secrets.is_known(input)
                && let Some(target) = self.state.plan.target(host)
            {
                let value = self.fetch(input, secret, target, host, Why::Masking).await?;
                self.secrets.learn(input, &value);
            }
        }
        Ok(values)
    }

    async fn fetch(
        &self,
        input: &ValueName,
        secret: &SecretName,
        target: &Target,
        host: &HostName,
        why: Why,
    ) -> Result<SecretText, SecretError> {
        let used = SecretUse {
            secret: secret.clone(),
            input: input.clone(),
            run: self.run,
            runbook: self.state.plan.runbook.clone(),
            step: self.attempt.plan.step.clone(),
            host: host.clone(),
            attempt: self.attempt.plan.attempt,
            why,
            by: self.state.started_by.clone(),
        };
        self.shared.secrets.fetch(used, target).await
    }

    /// The named secrets that an attempt's script names.
    fn named_in<'t>(
        &'t self,
        step: &PlannedStep,
        attempt: &AttemptPlan,
    ) -> impl Iterator<Item = (&'t ValueName, &'t SecretName)> + use<'t> {
        let script = script::compose(step, attempt.purpose, &attempt.host, &attempt.values);
        let text = script.map(|script| script.text).unwrap_or_default();
        self.state.plan.named_secrets.iter().filter(move |(input, _)| script::mentions(&text, input))
    }

    /// The named secrets that attempts of this run used so far, this one included, each with a host where it was used.
    fn used_before(&self) -> Vec<(&ValueName, &SecretName, &HostName)> {
        let plan = &self.state.plan;
        let mut seen = BTreeSet::new();
        let mut used = Vec::new();
        for attempt in self.state.attempts.values().map(|attempt| &attempt.plan).chain([&self.attempt.plan]) {
            let Some(index) = plan.step_index(&attempt.step) else { continue };
            if seen.len() == plan.named_secrets.len() {
                break;
            }
            for (input, secret) in self.named_in(&plan.steps[index], attempt) {
                if seen.insert(input) {
                    used.push((input, secret, &attempt.runs_on));
                }
            }
        }
        used
    }

    /// A command that was not sent did not run. Output of one that was sent waits on its host.
    fn without_secret(&self, road: Road, error: &SecretError) -> Report {
        let attempt = self.attempt.plan.attempt;
        tracing::warn!(run.id = %self.run, %attempt, %error, "a secret could not be fetched");
        match road {
            Road::Start => Report::DidNotRun(error.to_string()),
            Road::TakeUp => Report::Unreachable(format!("its output waits on the host: {error}")),
        }
    }
}
