//! `run --dry-run`: the frozen plan, as it would be carried out.

use std::io::Write;
use std::process::ExitCode;

use serde_json::Value;

use crate::cli::client::Client;
use crate::cli::format::DataFormat;
use crate::cli::terminal::{Terminal, without_controls};
use crate::id::HostName;
use crate::inventory::target::{Target, Via};
use crate::run::event::Purpose;
use crate::run::friction::{Wave, waves};
use crate::run::plan::{Gesture, Plan, PlannedAction, PlannedStep};
use crate::run::script::compose;
use crate::runbook::model::{Effect, Placement};

/// Prints what a start with this body would do.
pub(super) async fn print(
    client: &Client,
    body: &Value,
    format: DataFormat,
    terminal: &mut Terminal,
) -> anyhow::Result<ExitCode> {
    let (raw, planned) = client.plan(body).await?;
    match format {
        DataFormat::Json => {
            serde_json::to_writer_pretty(&mut terminal.out, &raw)?;
            writeln!(terminal.out)?;
        }
        DataFormat::Human => {
            let text = text(&planned.plan, &planned.digest);
            write!(terminal.out, "{}", without_controls(&text))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn text(plan: &Plan, digest: &str) -> String {
    let mut lines = vec![plan.title.clone()];
    let commit = plan.commit.as_deref().unwrap_or("(not from git)");
    lines.push(format!("runbook {} · commit {commit}", plan.runbook));
    lines.push(format!("plan    {digest}"));
    for (name, value) in &plan.inputs {
        lines.push(format!("input   {name}={}", crate::runbook::value::shell_text(value)));
    }
    lines.extend(plan.secrets.iter().map(|name| format!("input   {name} (secret)")));
    let named =
        plan.named_secrets.iter().map(|(name, secret)| format!("input   {name} (the server's secret {secret})"));
    lines.extend(named);
    lines.extend(plan.hosts.iter().map(|host| format!("host    {}  {}", host.name, address(host))));
    lines.extend(plan.delegates.iter().map(|host| format!("also    {}  {}", host.name, address(host))));
    for (index, step) in plan.steps.iter().enumerate() {
        lines.push(String::new());
        step_lines(plan, index, step, &mut lines);
    }
    lines.push(String::new());
    lines.push("Nothing was done. The same command without --dry-run starts it.".to_owned());
    lines.join("\n") + "\n"
}

fn step_lines(plan: &Plan, index: usize, step: &PlannedStep, lines: &mut Vec<String>) {
    let effect = match step.effect() {
        Effect::Check => "reads",
        Effect::Change => "changes",
        Effect::Destructive => "destroys",
    };
    lines.push(format!("{}. {}  [{}, {effect}]", index + 1, step.name, step.id));
    let hosts: Vec<&Target> =
        if step.once() { plan.hosts.iter().take(1).collect() } else { plan.hosts.iter().collect() };
    if let Some(only_if) = &step.only_if {
        lines.push(format!("   only if {only_if}"));
    }
    let count = hosts.len();
    lines.extend(waves(plan, step, &hosts).iter().filter_map(|wave| asks(wave, &hosts, count)));
    match &step.action {
        PlannedAction::Manual { instruction, ask } => {
            lines.push("   a person does:".to_owned());
            lines.extend(instruction.lines().map(|line| format!("     {line}")));
            lines.extend(ask.iter().map(|ask| format!("   and answers {}: {}", ask.name, ask.description)));
        }
        PlannedAction::Pause { for_ms } => lines.push(format!("   waits {} s", for_ms / 1000)),
        PlannedAction::Command { .. } | PlannedAction::Script { .. } | PlannedAction::Until { .. } => {}
    }
    let Some(first) = place_of(plan, step) else { return };
    let mut scripts = vec![("preview", Purpose::Preview)];
    scripts.extend((0..step.guards.len()).map(|guard| ("guard", Purpose::Guard(guard))));
    scripts.extend([("runs", Purpose::Main), ("verifies", Purpose::Verify), ("undo", Purpose::Undo)]);
    for (word, purpose) in scripts {
        if let Some(script) = compose(step, purpose, &first, &plan.inputs) {
            let account = step.surroundings.run_as.as_ref().map(|user| format!(" as {user}")).unwrap_or_default();
            lines.push(format!("   {word} on {first}{account}, in {}:", script.shell));
            lines.extend(script.text.lines().map(|line| format!("     {line}")));
        }
    }
}

/// Where the first script of a step runs.
fn place_of(plan: &Plan, step: &PlannedStep) -> Option<HostName> {
    if let Some(delegate) = &step.delegate_to {
        return Some(delegate.clone());
    }
    match step.placement {
        Placement::Local => Some(crate::run::freeze::server().name),
        Placement::Each | Placement::First => plan.hosts.first().map(|host| host.name.clone()),
    }
}

/// What a person is asked before a wave.
fn asks(wave: &Wave, hosts: &[&Target], count: usize) -> Option<String> {
    let gesture = match wave.gesture.as_ref()? {
        Gesture::Press => "waits for your confirmation".to_owned(),
        Gesture::Count => format!("asks you to type the number of hosts, {}", wave.range.len()),
        Gesture::Host => match hosts.get(wave.range.start) {
            Some(host) => format!("asks you to type the host's name, {}", host.name),
            None => "asks you to type the host's name".to_owned(),
        },
        Gesture::Phrase(phrase) => format!("asks you to type “{phrase}”"),
    };
    let part = match (wave.range.len(), count) {
        (_, 1) => String::new(),
        (len, count) if len == count => format!(" for all {count} hosts"),
        (len, count) => format!(" for {len} of {count} hosts"),
    };
    Some(format!("   {gesture}{part}"))
}

/// `ops@10.0.0.1:22`, or `this machine`.
fn address(host: &Target) -> String {
    match &host.via {
        Via::Local => "(no ssh: the machine that Steadyhand works on)".to_owned(),
        Via::Recorded => "(recorded answers)".to_owned(),
        Via::Ssh(ssh) => match &ssh.user {
            Some(user) => format!("{user}@{}:{}", ssh.address, ssh.port),
            None => format!("{}:{}", ssh.address, ssh.port),
        },
    }
}
