//! The start form: fields out of a runbook and what was typed, a request out of the fields.

use std::collections::BTreeMap;

use crate::access::identity::Identity;
use crate::engine::ask::{HostsAsked, StartRequest};
use crate::id::{HostName, InvalidId, RunbookPath, ValueName};
use crate::inventory::target::Target;
use crate::redact::SecretText;
use crate::run::plan::{Pace, Plan, PlannedAction, PlannedStep};
use crate::runbook::model::{Input, InputKind, PaceLimit, RunGuard, Runbook};
use crate::web::format;
use crate::web::query::Fields;
use crate::web::reading::runbooks;
use crate::web::view::need::ChoiceOption;
use crate::web::view::run::InputLine;
use crate::web::view::runbook::{HostAbout, HostPick, InputField, PlanCard, StartPage, StepText};

/// Longer values get a field of several lines.
const LONG_VALUE: usize = 80;

/// A runbook with the hosts that it may run on.
pub struct Startable<'a> {
    pub path: &'a RunbookPath,
    pub runbook: &'a Runbook,
    /// `None`: it runs on the server itself. `Err`: why the selection does not fit the inventory.
    pub hosts: Option<Result<Vec<Target>, String>>,
}

/// The form with what was typed, or with defaults.
pub fn page(startable: &Startable<'_>, typed: &Fields, key: String) -> StartPage {
    let runbook = startable.runbook;
    let text = |name: &str| typed.filled(name).map(str::to_owned);
    let (hosts, no_hosts) = match &startable.hosts {
        None => (Vec::new(), None),
        Some(Ok(targets)) => (targets.clone(), targets.is_empty().then(|| "No host of the inventory fits.".to_owned())),
        Some(Err(reason)) => (Vec::new(), Some(reason.clone())),
    };
    let picks = picks(&hosts, typed);
    let picked = picks.iter().filter(|pick| pick.chosen).count();
    let chosen_by = runbook.hosts.as_ref().map(|chosen| runbooks::selection_words(chosen, hosts.len()));
    let limit = runbook.hosts.as_ref().and_then(|chosen| chosen.max);
    StartPage {
        path: startable.path.to_string(),
        name: runbook.name.clone(),
        summary: runbook.summary.clone(),
        message: None,
        key,
        continues: text("continues"),
        from: text("from"),
        git_ref: text("ref"),
        inputs: runbook
            .inputs
            .iter()
            .filter(|input| input.from_secret.is_none())
            .map(|input| field(input, typed))
            .collect(),
        local: startable.hosts.is_none(),
        hosts_words: match limit {
            Some(max) => format!("{}, at most {max} at once", chosen_by.unwrap_or_default()),
            None => chosen_by.unwrap_or_default(),
        },
        picked_words: format!("{picked} chosen"),
        hosts: picks,
        no_hosts,
        hosts_error: None,
        auto: typed.first("pace") == Some("auto") && runbook.pace == PaceLimit::AutoAllowed,
        auto_forbidden: runbook.pace == PaceLimit::StepOnly,
        confirm_hosts: text("confirm_hosts").unwrap_or_default(),
        guarded: runbook.guards.iter().any(|guard| !matches!(guard, RunGuard::Lock(_) | RunGuard::OnCall(false))),
        reason: text("reason").unwrap_or_default(),
        plan: None,
    }
}

/// No host is chosen beforehand, unless there is only one to choose or the address names it.
fn picks(hosts: &[Target], typed: &Fields) -> Vec<HostPick> {
    let asked: Vec<&str> = typed.all("host").collect();
    let only_one = hosts.len() == 1;
    hosts
        .iter()
        .map(|target| {
            let labels = runbooks::labels(target);
            let address = runbooks::address(target);
            HostPick {
                name: target.name.to_string(),
                about: if labels.is_empty() { address } else { format!("{address} · {labels}") },
                chosen: only_one || asked.contains(&target.name.as_str()),
            }
        })
        .collect()
}

fn field(input: &Input, typed: &Fields) -> InputField {
    let default = input.default.as_ref().map(runbooks::value_text);
    let given = typed.first(&format!("input.{}", input.name)).map(str::to_owned).or(default).unwrap_or_default();
    let yes_no = ["true".to_owned(), "false".to_owned()];
    let options: &[String] = match &input.kind {
        InputKind::Choice(options) => options,
        InputKind::Boolean => &yes_no,
        InputKind::String | InputKind::Integer | InputKind::Number | InputKind::Duration | InputKind::Secret => &[],
    };
    let secret = input.kind == InputKind::Secret;
    InputField {
        name: input.name.to_string(),
        label: if input.description.is_empty() { input.name.to_string() } else { input.description.clone() },
        hint: runbooks::input_hint(input),
        choice: !options.is_empty(),
        options: options.iter().map(|value| ChoiceOption { value: value.clone(), chosen: *value == given }).collect(),
        secret,
        long: given.contains('\n') || given.chars().count() > LONG_VALUE,
        given: if secret { String::new() } else { given },
        error: None,
    }
}

/// What the form asks for.
///
/// # Errors
/// In words, when a field is not what it should be; the form itself makes none of these.
pub fn request(path: &RunbookPath, typed: &Fields, local: bool, who: Identity) -> Result<StartRequest, String> {
    let wrong = |error: InvalidId| error.to_string();
    let hosts: Vec<HostName> = typed.all("host").map(str::parse).collect::<Result<_, _>>().map_err(wrong)?;
    let count = |text: &str| text.parse::<u32>().map_err(|_| "the number of hosts is not a whole number".to_owned());
    let continues = match (typed.filled("continues"), typed.filled("from")) {
        (Some(run), Some(step)) => Some((run.parse().map_err(wrong)?, step.parse().map_err(wrong)?)),
        _ => None,
    };
    Ok(StartRequest {
        runbook: path.clone(),
        git_ref: typed.filled("ref").map(str::to_owned),
        inputs: values(typed, "input.")?,
        secrets: values(typed, "secret.")?
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, SecretText::new(value)))
            .collect(),
        hosts: if local { HostsAsked::AsSelected } else { HostsAsked::Names(hosts) },
        pace: if typed.first("pace") == Some("auto") { Pace::Auto } else { Pace::Step },
        confirm_hosts: typed.filled("confirm_hosts").map(count).transpose()?,
        who,
        reason: typed.filled("reason").map(str::to_owned),
        continues,
        idempotency_key: typed.filled("key").map(str::to_owned),
    })
}

/// Browsers send the line ends of a text field as CR LF; nobody types a CR.
fn values(typed: &Fields, prefix: &str) -> Result<BTreeMap<ValueName, String>, String> {
    typed
        .below(prefix)
        .map(|(name, value)| Ok((name.parse()?, value.replace("\r\n", "\n"))))
        .collect::<Result<_, InvalidId>>()
        .map_err(|error| error.to_string())
}

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
        steps: plan.steps.iter().map(|step| planned_step(plan, step)).collect(),
        button: format!("Start on {names}"),
    }
}

fn planned_step(plan: &Plan, step: &PlannedStep) -> StepText {
    let (effect, words) = runbooks::effect_words(step.effect());
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
