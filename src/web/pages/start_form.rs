//! The start form: fields out of a runbook and what was typed, a request out of the fields.

use std::collections::BTreeMap;

use crate::access::identity::Identity;
use crate::engine::ask::{HostsAsked, StartRequest};
use crate::id::{HostName, InvalidId, RunbookPath, ValueName};
use crate::inventory::selector::Selector;
use crate::inventory::target::Target;
use crate::library::Page;
use crate::redact::SecretText;
use crate::run::plan::Pace;
use crate::runbook::model::{Input, InputKind, PaceLimit, RunGuard, Runbook};
use crate::runbook::parse::Parsed;
use crate::runbook::value::{parse_input, value_when_not_given};
use crate::web::format;
use crate::web::query::{self, Fields};
use crate::web::reading::runbooks;
use crate::web::view::need::ChoiceOption;
use crate::web::view::start::{HostPick, InputField, StartPage, WindowPick};

/// Longer values get a field of several lines.
const LONG_VALUE: usize = 80;

/// Labels that are offered to pick hosts by.
const LABELS_SHOWN_MAX: usize = 30;

/// A runbook with the hosts that it may run on.
pub struct Startable<'a> {
    pub path: &'a RunbookPath,
    pub runbook: &'a Runbook,
    /// `None`: it runs on the server itself. `Err`: why the selection does not fit the inventory.
    pub hosts: Option<Result<Vec<Target>, String>>,
    /// What stands against believing it, where a start needs a reason for it.
    pub needs_reason: Option<String>,
}

impl Startable<'_> {
    /// The most hosts that a run may have.
    pub fn hosts_max(&self) -> Option<u32> {
        self.runbook.hosts.as_ref().and_then(|hosts| hosts.max)
    }
}

/// The runbook for its values alone; none if it does not parse.
pub fn of_values(served: &Page<Parsed>) -> Option<Startable<'_>> {
    let runbook = served.made.runbook.as_ref()?;
    Some(Startable { path: &served.path, runbook, hosts: None, needs_reason: None })
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
    let (picks, pick_words) = picks(&hosts, typed);
    let picked = picks.iter().filter(|pick| pick.chosen).count();
    let chosen_by = runbook.hosts.as_ref().map(|chosen| runbooks::selection_words(chosen, hosts.len()));
    let limit = startable.hosts_max();
    let guarded = runbook.guards.iter().any(|guard| !matches!(guard, RunGuard::Lock(_) | RunGuard::OnCall(false)));
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
        preconditions: runbook.preconditions.iter().map(runbooks::precondition_text).collect(),
        local: startable.hosts.is_none(),
        hosts_words: match limit {
            Some(max) => format!("{}, at most {max} at once", chosen_by.unwrap_or_default()),
            None => chosen_by.unwrap_or_default(),
        },
        picked_words: match limit {
            Some(max) => format!("{picked} chosen, at most {max}"),
            None => format!("{picked} chosen"),
        },
        hosts_max: limit,
        pick: text("pick").unwrap_or_default(),
        pick_words,
        labels: label_words(&hosts),
        link: link(startable, typed, &picks),
        hosts: picks,
        no_hosts,
        hosts_error: None,
        auto: typed.first("pace") == Some("auto") && runbook.pace == PaceLimit::AutoAllowed,
        auto_forbidden: runbook.pace == PaceLimit::StepOnly,
        confirm_hosts: text("confirm_hosts").unwrap_or_default(),
        guarded: guarded || startable.needs_reason.is_some(),
        reason: text("reason").unwrap_or_default(),
        windows: windows(typed).map(|name| WindowPick { name, chosen: true }).collect(),
        needs_reason: startable.needs_reason.clone(),
        plan: None,
    }
}

/// Whether hosts are to be picked: by the button for it, or by Enter in its field while there is no host to plan for.
pub fn picks_hosts(typed: &Fields) -> bool {
    let no_host = typed.first("host").is_none() && typed.filled("pick").is_some();
    typed.first("do") == Some("pick") || (typed.first("do") == Some("plan") && no_host)
}

/// No host is chosen beforehand, unless there is only one to choose, the address names it, or it was picked just now by
/// its labels or name.
fn picks(hosts: &[Target], typed: &Fields) -> (Vec<HostPick>, Option<String>) {
    let asked: Vec<&str> = typed.all("host").collect();
    let only_one = hosts.len() == 1;
    let pick = if picks_hosts(typed) { typed.filled("pick") } else { None };
    let picked = pick.map(|pick| picked_by(hosts, pick));
    let is_picked = |target: &Target| matches!(&picked, Some(Ok(names)) if names.contains(&target.name));
    let picks = hosts.iter().map(|target| {
        let labels = runbooks::labels(target);
        let address = runbooks::address(target);
        HostPick {
            name: target.name.to_string(),
            about: if labels.is_empty() { address } else { format!("{address} · {labels}") },
            chosen: only_one || asked.contains(&target.name.as_str()) || is_picked(target),
        }
    });
    let words = picked.as_ref().zip(pick).map(|(picked, pick)| match picked {
        Ok(names) => format!("{} picked by {pick}", format::count(names.len(), "host", "hosts")),
        Err(reason) => reason.clone(),
    });
    (picks.collect(), words)
}

/// The hosts that a label selector matches, or whose name holds a text that is none.
fn picked_by(hosts: &[Target], pick: &str) -> Result<Vec<HostName>, String> {
    let is_selector = pick.contains(['=', '!', '(', ',']);
    let matched: Vec<HostName> = if is_selector {
        let selector = Selector::parse(pick).map_err(|error| error.to_string())?;
        hosts.iter().filter(|target| selector.matches(&target.labels)).map(|target| target.name.clone()).collect()
    } else {
        let part = pick.to_lowercase();
        let named = |target: &&Target| target.name.as_str().to_lowercase().contains(&part);
        hosts.iter().filter(named).map(|target| target.name.clone()).collect()
    };
    if matched.is_empty() {
        return Err(format!("no host here has {pick}; the labels are {}", label_words(hosts).join(", ")));
    }
    Ok(matched)
}

/// Every label of these hosts once.
fn label_words(hosts: &[Target]) -> Vec<String> {
    let labels = hosts.iter().flat_map(|target| &target.labels);
    let labels: std::collections::BTreeSet<String> = labels.map(|(name, value)| format!("{name}={value}")).collect();
    labels.into_iter().take(LABELS_SHOWN_MAX).collect()
}

/// The form's address with what was typed and chosen: for the next person, or for a wiki. Only what the runbook declares
/// as no secret goes into it.
fn link(startable: &Startable<'_>, typed: &Fields, picks: &[HostPick]) -> String {
    let open = startable.runbook.inputs.iter().filter(|input| input.kind != InputKind::Secret);
    let values = open.filter_map(|input| {
        let field = format!("input.{}", input.name);
        let value = typed.first(&field)?.to_owned();
        Some((field, value))
    });
    let hosts = picks.iter().filter(|pick| pick.chosen).map(|pick| ("host".to_owned(), pick.name.clone()));
    let pace = (typed.first("pace") == Some("auto")).then(|| ("pace".to_owned(), "auto".to_owned()));
    let query = query::encode(values.chain(hosts).chain(pace));
    let path = startable.path;
    if query.is_empty() { format!("/start/{path}") } else { format!("/start/{path}?{query}") }
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

/// What is wrong with the values that are no secrets, at their fields, in the engine's own words. Reads nothing and asks
/// nobody: this is asked while somebody types.
pub fn check(runbook: &Runbook, typed: &Fields, page: &mut StartPage) {
    for input in runbook.inputs.iter().filter(|input| input.kind != InputKind::Secret) {
        let field = format!("input.{}", input.name);
        let value = match typed.first(&field) {
            Some(text) => parse_input(input, &text.replace("\r\n", "\n")),
            None => value_when_not_given(input),
        };
        let shown = page.inputs.iter_mut().find(|shown| shown.name == input.name.as_str());
        if let (Err(reason), Some(shown)) = (value, shown) {
            shown.error = Some(reason.to_string());
        }
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
        override_windows: windows(typed).collect(),
        continues,
        idempotency_key: typed.filled("key").map(str::to_owned),
    })
}

/// The windows that were ticked to go on against.
fn windows(typed: &Fields) -> impl Iterator<Item = String> {
    typed.all("override_window").map(str::to_owned)
}

/// Browsers send the line ends of a text field as CR LF; nobody types a CR.
fn values(typed: &Fields, prefix: &str) -> Result<BTreeMap<ValueName, String>, String> {
    typed
        .below(prefix)
        .map(|(name, value)| Ok((name.parse()?, value.replace("\r\n", "\n"))))
        .collect::<Result<_, InvalidId>>()
        .map_err(|error| error.to_string())
}
