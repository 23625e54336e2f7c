//! What exactly a start would do, as its form shows it.

use crate::inventory::target::Target;
use crate::run::event::Purpose;
use crate::run::plan::{Plan, PlannedAction, PlannedStep};
use crate::run::script;
use crate::web::format;
use crate::web::reading::runbooks;
use crate::web::view::run::InputLine;
use crate::web::view::runbook::StepText;
use crate::web::view::start::{HostAbout, HostScript, PlanCard, PlannedText};

/// Hosts whose command stands in the plan; the others get the same with their own name.
const SCRIPTS_SHOWN_MAX: usize = 5;

/// What exactly would happen.
pub fn plan_card(plan: &Plan) -> PlanCard {
    let names = format::names(plan.hosts.iter().map(|target| target.name.as_str()));
    let changing = plan.steps.iter().filter(|step| step.effect() > crate::runbook::model::Effect::Check).count();
    PlanCard {
        words: match changing {
            0 => format!("All steps only read on {names}."),
            count => {
                format!("{} on {names}.", format::count(count, "step changes something", "steps change something"))
            }
        },
        digest: plan.digest().to_string(),
        short_digest: plan.digest().short(),
        commit: plan.commit.as_ref().map(|commit| commit.chars().take(12).collect()),
        hosts: plan
            .hosts
            .iter()
            .map(|target| HostAbout { name: target.name.to_string(), about: runbooks::address(target) })
            .collect(),
        inputs: plan
            .inputs
            .iter()
            .map(|(name, value)| InputLine { name: name.to_string(), value: runbooks::value_text(value) })
            .collect(),
        steps: plan.steps.iter().map(|step| planned_text(plan, step)).collect(),
        button: format!("Start on {names}"),
    }
}

/// The step, and the very text that the shells of the first hosts get. What is captured on the way is not known yet:
/// there the text has the name of the value.
fn planned_text(plan: &Plan, step: &PlannedStep) -> PlannedText {
    let count = if step.once() { 1 } else { plan.hosts.len() };
    let scripts = plan.hosts.iter().take(count.min(SCRIPTS_SHOWN_MAX)).filter_map(|target| {
        let mut values = plan.inputs.clone();
        values.extend(
            plan.continues
                .iter()
                .filter_map(|earlier| earlier.values.get(&target.name))
                .flatten()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        let script = script::compose(step, Purpose::Main, &target.name, &values)?;
        Some(HostScript { host: target.name.to_string(), text: script.text })
    });
    let scripts: Vec<HostScript> = scripts.collect();
    let more = count.saturating_sub(SCRIPTS_SHOWN_MAX);
    let more = (more > 0 && !scripts.is_empty()).then(|| {
        format!("{} get the same, each with its own name and values", format::count(more, "more host", "more hosts"))
    });
    PlannedText { step: planned_step(plan, step), scripts, more }
}

fn planned_step(plan: &Plan, step: &PlannedStep) -> StepText {
    let (effect, words) = runbooks::effect_words(step.effect());
    let effect = if matches!(step.action, PlannedAction::Manual { .. }) { "hand" } else { effect };
    let (instruction, body, words) = match &step.action {
        PlannedAction::Command { body, .. } => (None, Some(body.clone()), words),
        PlannedAction::Script { text, .. } => (None, Some(text.clone()), words),
        PlannedAction::Manual { instruction, .. } => (Some(instruction.clone()), None, "by hand"),
        PlannedAction::Pause { for_ms: 0 } if step.approval.is_some() => {
            (Some("The run waits until others agree to it.".to_owned()), None, "waits")
        }
        PlannedAction::Pause { for_ms } => {
            let time = format::duration(i64::try_from(*for_ms).unwrap_or(i64::MAX));
            (Some(format!("Waits {time}.")), None, "waits")
        }
        PlannedAction::Until { check, .. } => (None, Some(check.clone()), "waits"),
    };
    StepText {
        name: step.name.clone(),
        effect,
        effect_words: words,
        friction: friction(plan, step),
        why: step.why.clone(),
        instruction,
        body,
    }
}

/// What a person will have to do before the step goes on.
fn friction(plan: &Plan, step: &PlannedStep) -> Option<String> {
    use crate::run::plan::Gesture;
    let hosts: Vec<&Target> = plan.hosts.iter().take(if step.once() { 1 } else { plan.hosts.len() }).collect();
    let waves = crate::run::friction::waves(plan, step, &hosts);
    let asked = step.approval.iter().map(|rule| match rule.persons_min {
        1 => "a second person approves".to_owned(),
        count => format!("{count} other persons approve"),
    });
    let gestures = waves.iter().filter_map(|wave| wave.gesture.as_ref());
    let words: Vec<String> = asked
        .chain(gestures.map(|gesture| match gesture {
            Gesture::Press => "waits for a press".to_owned(),
            Gesture::Count => "type the number of hosts".to_owned(),
            Gesture::Host => "type the host's name".to_owned(),
            Gesture::Phrase(phrase) => format!("type “{phrase}”"),
        }))
        .collect();
    (!words.is_empty()).then(|| words.join(", then "))
}
