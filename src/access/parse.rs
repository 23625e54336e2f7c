//! `access.yaml`: text in, the policy out, or everything that is wrong with it.

use std::collections::BTreeMap;

use crate::access::grant::{Grant, Member, Policy, Role, Who};
use crate::access::pattern::Books;
use crate::diagnostic::Diagnostic;
use crate::id::Digest;
use crate::inventory::selector::Selector;
use crate::yaml::{self, Item, Kind, Reader, suggestion};

/// The version of the format.
pub const VERSION: i64 = 1;

/// Grants of one file: more than a person can read before agreeing to a change.
pub const GRANTS_MAX: usize = 500;

/// Teams, and members of one.
pub const MEMBERS_MAX: usize = 1_000;

/// Letters of the name of a team, an account or a group.
const NAME_LETTERS_MAX: usize = 80;

/// What was read. The policy is there only if nothing is wrong: half a policy is not one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedPolicy {
    pub policy: Option<Policy>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads an access file; `file` is its name in diagnostics.
pub fn parse(file: &str, bytes: &[u8]) -> ParsedPolicy {
    let document = yaml::read(file, bytes);
    let mut diagnostics = document.diagnostics;
    let reader = Reader::new(file);
    let policy = document.root.and_then(|root| policy(reader.item(&root), Digest::of(bytes)));
    diagnostics.append(&mut reader.finish());
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    ParsedPolicy { policy: policy.filter(|_| diagnostics.is_empty()), diagnostics }
}

fn policy(root: Item<'_>, digest: Digest) -> Option<Policy> {
    let mut fields = root.fields()?;
    if let Some(version) = fields.required("steadyhand")
        && let Some(number) = version.integer()
        && number != VERSION
    {
        let message = format!("version {number} of the access format is not known here");
        version.error("schema[version]", message, format!("write `steadyhand: {VERSION}`"));
    }
    let teams = fields.get("teams").and_then(|item| by_team(item, member)).unwrap_or_default();
    let on_call = fields.get("on_call").and_then(|item| on_call(item, &teams)).unwrap_or_default();
    let grants = fields.required("grants").and_then(|item| grants(item, &teams)).unwrap_or_default();
    fields.finish();
    Some(Policy { digest, teams, on_call, grants })
}

fn by_team<'r, T>(item: Item<'r>, one: fn(Item<'r>) -> Option<T>) -> Option<BTreeMap<String, Vec<T>>> {
    let mut teams = BTreeMap::new();
    for (members, team) in item.entries_up_to(MEMBERS_MAX)? {
        if !is_name(team) {
            members.key_error("access[name]", format!("{team:?} is not a team's name"), NAME_RULE);
            continue;
        }
        if let Some(members) = members.list_of(one) {
            teams.insert(team.to_owned(), members);
        }
    }
    Some(teams)
}

const NAME_RULE: &str = "use letters, digits, `.`, `_`, `@` and `-`, at most 80";

fn is_name(text: &str) -> bool {
    let plain = |letter: char| letter.is_alphanumeric() || "._@-".contains(letter);
    !text.is_empty() && text.chars().count() <= NAME_LETTERS_MAX && text.chars().all(plain)
}

/// `anna`, `user:anna`, `group:sre`.
fn member(item: Item<'_>) -> Option<Member> {
    let text = item.text()?;
    let member = match text.split_once(':') {
        Some(("group", group)) => is_group(group).then(|| Member::Group(group.to_owned())),
        Some(("user", name)) => is_name(name).then(|| Member::User(name.to_owned())),
        Some(_) => None,
        None => is_name(text).then(|| Member::User(text.to_owned())),
    };
    if member.is_none() {
        let help = "write an account's name (`anna`), or a group of your sign-on provider (`group:sre`)";
        item.error("access[who]", format!("{text:?} is nobody that can be in a team"), help);
    }
    member
}

/// Providers name groups as they like (`/ops/sre`, `Domain Admins`); only what cannot be read is refused.
fn is_group(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= NAME_LETTERS_MAX && !text.chars().any(char::is_control)
}

fn on_call(item: Item<'_>, teams: &BTreeMap<String, Vec<Member>>) -> Option<BTreeMap<String, Vec<String>>> {
    for (holders, team) in item.entries()? {
        if !teams.contains_key(team) {
            unknown_team(&holders, team, teams);
        }
    }
    by_team(item, |item| {
        let text = item.text()?;
        let name = text.strip_prefix("user:").unwrap_or(text);
        if !is_name(name) {
            item.error("access[who]", format!("{text:?} is not an account's name"), NAME_RULE);
            return None;
        }
        Some(name.to_owned())
    })
}

fn unknown_team(item: &Item<'_>, team: &str, teams: &BTreeMap<String, Vec<Member>>) {
    let names: Vec<&String> = teams.keys().collect();
    let help = suggestion(team, &names).unwrap_or_else(|| format!("add it: `teams: {{{team}: [NAME]}}`"));
    item.key_error("access[unknown-team]", format!("there is no team {team:?}"), help);
}

fn grants(item: Item<'_>, teams: &BTreeMap<String, Vec<Member>>) -> Option<Vec<Grant>> {
    let items = item.list()?;
    if items.len() > GRANTS_MAX {
        let message = format!("{} grants, more than {GRANTS_MAX}", items.len());
        item.error("schema[type]", message, "put people into teams and runbooks under tags, and grant those");
        return None;
    }
    Some(items.into_iter().filter_map(|item| grant(item, teams)).collect())
}

fn grant(item: Item<'_>, teams: &BTreeMap<String, Vec<Member>>) -> Option<Grant> {
    let mut fields = item.fields()?;
    let who = fields.required("who").and_then(|item| one_or_more(item, |item| who(item, teams)));
    let role = fields.required("role").and_then(|item| item.choice(&Role::ALL.map(|role| (role.word(), role))));
    let runbooks = fields.get("runbooks").map(|item| one_or_more(item, books));
    let hosts = fields.get("hosts").map(selector);
    let overrides = fields.get("override").map(|item| one_or_more(item, |item| item.choice(&[("windows", ())])));
    fields.finish();
    Some(Grant {
        who: who?,
        role: role?,
        runbooks: runbooks.unwrap_or(Some(Vec::new()))?,
        hosts: hosts.map_or(Some(None), |selector| selector.map(Some))?,
        overrides_windows: overrides.map_or(Some(false), |some| some.map(|some| !some.is_empty()))?,
        line: item.span().line,
    })
}

/// One value, or a list of them.
fn one_or_more<'r, T>(item: Item<'r>, one: impl Fn(Item<'r>) -> Option<T>) -> Option<Vec<T>> {
    match &item.node.kind {
        Kind::Sequence(items) if items.is_empty() => {
            // An empty list would quietly mean everybody or everything.
            item.error("access[empty]", "an empty list means nobody and nothing", "name some, or remove the field");
            None
        }
        Kind::Sequence(_) => item.list_of(one),
        Kind::Scalar(_) | Kind::Mapping(_) | Kind::Refused => one(item).map(|one| vec![one]),
    }
}

fn who(item: Item<'_>, teams: &BTreeMap<String, Vec<Member>>) -> Option<Who> {
    let text = item.text()?;
    let found = match text.split_once(':') {
        None if text == "everyone" => Some(Who::Everyone),
        Some(("user", name)) if is_name(name) => Some(Who::User(name.to_owned())),
        Some(("group", name)) if is_group(name) => Some(Who::Group(name.to_owned())),
        Some(("team", name)) if is_name(name) => {
            if !teams.contains_key(name) {
                let names: Vec<String> = teams.keys().map(|team| format!("team:{team}")).collect();
                let help = suggestion(text, &names).unwrap_or_else(|| format!("add it: `teams: {{{name}: [NAME]}}`"));
                item.error("access[unknown-team]", format!("there is no team {name:?}"), help);
                return None;
            }
            Some(Who::Team(name.to_owned()))
        }
        _ => None,
    };
    if found.is_none() {
        let help = "write `user:anna`, `team:web`, `group:sre` (of your sign-on provider) or `everyone`";
        item.error("access[who]", format!("{text:?} is nobody"), help);
    }
    found
}

fn books(item: Item<'_>) -> Option<Books> {
    match Books::parse(item.text()?) {
        Ok(books) => Some(books),
        Err(invalid) => {
            item.error("access[runbooks]", invalid.to_string(), "all runbooks: leave `runbooks` out, or write `**`");
            None
        }
    }
}

fn selector(item: Item<'_>) -> Option<Selector> {
    match Selector::parse(item.text()?) {
        Ok(selector) => Some(selector),
        Err(invalid) => {
            item.error_within("access[hosts]", invalid.at, invalid.message, invalid.help);
            None
        }
    }
}
