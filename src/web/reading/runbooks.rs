//! Runbooks at the commit that the library serves: the list, one of them, and the hosts it may run on.

use std::sync::Arc;

use crate::access::policy::Permission;
use crate::access::scope::{About, Scope};
use crate::inventory::Inventory;
use crate::inventory::target::{Target, Via};
use crate::library::{Page, Revision, Snapshot};
use crate::runbook::model::{
    Action, Confirm, Effect, HostChoice, Hosts, Input, InputKind, Owner, Precondition, Runbook, Step, Value, Wait,
};
use crate::runbook::parse::{Parsed, parse};
use crate::web::authority::{Asks, Authorised, Each, ReadRuns, Subject, TheRunbook};
use crate::web::problem::Problem;
use crate::web::state::Web;
use crate::web::view::lists::DiagnosticLine;
use crate::web::view::runbook::StepText;

/// The runbooks that whoever asks may read.
///
/// # Errors
/// The library cannot be read.
pub async fn seen<P: Asks>(who: &Authorised<P, Each>, web: &Web) -> Result<Seen, Problem> {
    let snapshot = snapshot(web).await?;
    let sees = |page: &&Arc<Page<Parsed>>| {
        let tags = page.made.runbook.as_ref().map(|runbook| runbook.tags.as_slice()).unwrap_or_default();
        who.sees(About::Runbook { path: &page.path, tags })
    };
    Ok(Seen { pages: snapshot.pages.iter().filter(sees).cloned().collect(), revision: snapshot.revision.clone() })
}

/// The runbooks that somebody may read, and the revision they were read from.
pub struct Seen {
    pub pages: Vec<Arc<Page<Parsed>>>,
    pub revision: Revision,
}

/// Paths of runbooks that whoever lists runs may read, to choose from: at most `count_max`.
///
/// # Errors
/// The library cannot be read.
pub async fn names_for_runs(
    who: &Authorised<ReadRuns, Each>,
    web: &Web,
    count_max: usize,
) -> Result<Vec<String>, Problem> {
    let snapshot = snapshot(web).await?;
    let may_read = |page: &&Arc<Page<Parsed>>| {
        let tags = page.made.runbook.as_ref().map(|runbook| runbook.tags.as_slice()).unwrap_or_default();
        who.may(Permission::ReadRunbooks, About::Runbook { path: &page.path, tags })
    };
    Ok(snapshot.pages.iter().filter(may_read).take(count_max).map(|page| page.path.to_string()).collect())
}

/// All runbooks, for whoever decides about them; handlers take [`seen`] or [`one`].
///
/// # Errors
/// The library cannot be read.
pub async fn snapshot(web: &Web) -> Result<Arc<Snapshot<Parsed>>, Problem> {
    let library = web.engine().library();
    let revision = library.resolve(None).await?;
    Ok(web.catalogue().at(library, &revision, |path, file| parse(path, &file.path, &file.bytes)).await?)
}

/// The runbook that was authorised, and the revision it was read from.
///
/// # Errors
/// The library cannot be read.
pub async fn one<P>(who: &Authorised<P, TheRunbook>, web: &Web) -> Result<(Arc<Page<Parsed>>, Revision), Problem> {
    let snapshot = snapshot(web).await?;
    let page = snapshot.get(&who.on.path).cloned().ok_or_else(TheRunbook::absent)?;
    Ok((page, snapshot.revision.clone()))
}

/// The hosts of a runbook's own selection on which whoever asks may see or start its runs; `None` when it runs on the
/// server itself.
///
/// # Errors
/// The inventory cannot be read, or the selection does not fit it (the text says how).
pub async fn hosts<P>(
    who: &Authorised<P, TheRunbook>,
    web: &Web,
    runbook: &Runbook,
    revision: &Revision,
) -> Result<Option<Result<Vec<Target>, String>>, Problem> {
    let Some(hosts) = &runbook.hosts else { return Ok(None) };
    let loaded = web.engine().library().inventory(revision).await?;
    let sees = |target: &Target| {
        let scope = Scope::of(&runbook.path, &runbook.tags, [target]);
        let may = |permission| who.may(permission, About::Run(&scope));
        may(Permission::ReadRuns) || may(Permission::StartRuns)
    };
    let sees_all = loaded.inventory.targets().iter().all(sees);
    let chosen =
        chosen(&loaded.inventory, hosts).map(|targets| targets.into_iter().filter(|target| sees(target)).collect());
    // What does not fit is told with hints that name hosts and labels.
    Ok(Some(chosen.map_err(|reason| if sees_all { reason } else { "its hosts do not fit the inventory".to_owned() })))
}

fn chosen(inventory: &Inventory, hosts: &Hosts) -> Result<Vec<Target>, String> {
    inventory.choose(&hosts.chosen, &hosts.exclude).map_err(|error| error.to_string())
}

/// `3 hosts that match role=web`.
pub fn selection_words(hosts: &Hosts, count: usize) -> String {
    let count = crate::web::format::count(count, "host", "hosts");
    match &hosts.chosen {
        HostChoice::Names(_) => count,
        HostChoice::Select(selector) => format!("{count} that match {selector}"),
    }
}

/// `ops@10.0.4.17:22`, or `this server`.
pub fn address(target: &Target) -> String {
    match &target.via {
        Via::Local => "this server".to_owned(),
        Via::Recorded => "recorded answers".to_owned(),
        Via::Ssh(ssh) => match &ssh.user {
            Some(user) => format!("{user}@{}:{}", ssh.address, ssh.port),
            None => format!("{}:{}", ssh.address, ssh.port),
        },
    }
}

/// `env=prod, role=web`.
pub fn labels(target: &Target) -> String {
    target.labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

/// `team:web`.
pub fn owner(owner: &Owner) -> String {
    match owner {
        Owner::Team(name) => format!("team:{name}"),
        Owner::User(name) => format!("user:{name}"),
    }
}

/// The problems of a parsed runbook.
pub fn diagnostics(parsed: &Parsed) -> Vec<DiagnosticLine> {
    parsed.diagnostics.iter().map(DiagnosticLine::new).collect()
}

/// What the step does to its host.
pub fn effect(action: &Action) -> Effect {
    match action {
        Action::Run { effect, .. } | Action::Script { effect, .. } => *effect,
        Action::Check { .. } | Action::Manual { .. } | Action::Wait(_) | Action::Use { .. } | Action::Notify { .. } => {
            Effect::Check
        }
    }
}

/// The strongest effect of all steps.
pub fn strongest(runbook: &Runbook) -> Effect {
    runbook.steps.iter().map(|step| effect(&step.action)).max().unwrap_or(Effect::Check)
}

/// The command of an action, as its author wrote it.
fn body(action: &Action) -> Option<String> {
    match action {
        Action::Check { command } | Action::Run { command, .. } => Some(command.clone()),
        Action::Script { file, args, .. } => Some(format!("{file} {}", args.join(" ")).trim_end().to_owned()),
        Action::Wait(Wait::Until { check, .. }) => Some(check.clone()),
        Action::Manual { .. } | Action::Wait(Wait::For(_)) | Action::Use { .. } | Action::Notify { .. } => None,
    }
}

fn instruction(action: &Action) -> Option<String> {
    match action {
        Action::Manual { instruction, .. } => Some(instruction.clone()),
        Action::Wait(Wait::For(time)) => Some(format!(
            "Waits {}.",
            crate::web::format::duration(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
        )),
        Action::Use { runbook, .. } => Some(format!("The steps of {runbook}.")),
        Action::Notify { channel, message } => Some(format!("Tells {channel}: {message}")),
        Action::Check { .. } | Action::Run { .. } | Action::Script { .. } | Action::Wait(Wait::Until { .. }) => None,
    }
}

/// A step as text.
pub fn step_text(step: &Step) -> StepText {
    let (class, words) = effect_of(&step.action);
    StepText {
        name: step.name.clone(),
        effect: class,
        effect_words: words,
        friction: step.confirm.as_ref().map(|confirm| match confirm {
            Confirm::Press => "waits for a press".to_owned(),
            Confirm::Count => "type the number of hosts".to_owned(),
            Confirm::Host => "type the host's name".to_owned(),
            Confirm::Phrase(phrase) => format!("type “{phrase}”"),
        }),
        why: step.why.clone(),
        instruction: instruction(&step.action),
        body: body(&step.action),
    }
}

/// A precondition as text.
pub fn precondition_text(precondition: &Precondition) -> StepText {
    let (class, words) = ("reads", "only reads");
    StepText {
        name: precondition.name.clone(),
        effect: class,
        effect_words: words,
        friction: None,
        why: precondition.otherwise.clone(),
        instruction: None,
        body: Some(precondition.check.clone()),
    }
}

fn effect_of(action: &Action) -> (&'static str, &'static str) {
    match (action, effect(action)) {
        (Action::Manual { .. }, _) => ("hand", "by hand"),
        (Action::Wait(_), _) => ("reads", "waits"),
        (Action::Notify { .. }, _) => ("reads", "tells"),
        (_, effect) => effect_words(effect),
    }
}

/// Class and words of an effect.
pub fn effect_words(effect: Effect) -> (&'static str, &'static str) {
    match effect {
        Effect::Check => ("reads", "only reads"),
        Effect::Change => ("changes", "changes"),
        Effect::Destructive => ("destroys", "destructive"),
    }
}

/// `a whole number from 1 to 10, default 3`.
pub fn input_hint(input: &Input) -> String {
    let kind = match &input.kind {
        InputKind::Integer => "integer",
        InputKind::Number => "number",
        InputKind::Duration => "duration",
        InputKind::String | InputKind::Boolean | InputKind::Choice(_) | InputKind::Secret => "",
    };
    let mut parts = vec![crate::web::view::need::bounds(kind, input.min, input.max)];
    parts.extend(input.pattern.as_ref().map(|pattern| format!("like {pattern}")));
    parts.extend(input.default.as_ref().map(|default| format!("default {}", value_text(default))));
    if let Some(name) = &input.from_secret {
        parts.push(format!("the server's secret {name}: never given"));
    }
    if input.kind == InputKind::Secret {
        parts.push("never stored or shown".to_owned());
    }
    if !input.required && input.default.is_none() {
        parts.push("may be left empty".to_owned());
    }
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

/// A value as a person types it.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::Duration(ms) if ms % 1000 == 0 => format!("{}s", ms / 1000),
        Value::Duration(ms) => format!("{ms}ms"),
        Value::Text(_) | Value::Integer(_) | Value::Number(_) | Value::Boolean(_) => {
            crate::runbook::value::shell_text(value)
        }
    }
}
