//! `hosts` and `strategy`: which hosts a runbook may touch, and how it spreads over them.

use std::collections::BTreeSet;

use super::super::model::{Amount, Between, HostChoice, Hosts, Strategy};
use crate::id::HostName;
use crate::inventory::selector::Selector;
use crate::yaml::{Item, Plain};

/// More hosts than this are chosen by a selector.
const NAMES_MAX: usize = 1000;

pub(super) fn hosts(item: Item<'_>) -> Option<Hosts> {
    let mut fields = item.fields()?;
    let names = fields.get("names");
    let select = fields.get("select");
    let chosen = match (names, select) {
        (Some(names), None) => host_names(names).map(HostChoice::Names),
        (None, Some(select)) => selector(select).map(HostChoice::Select),
        (Some(_), Some(select)) => {
            select.key_error("schema[type]", "hosts have `names` or `select`, not both", "remove one of them");
            None
        }
        (None, None) => {
            fields.missing("`hosts` chooses no hosts", "add `select: role=web` or `names: [web-1]`");
            None
        }
    };
    let exclude = fields.get("exclude").map_or(Some(Vec::new()), host_names);
    let from_alert = fields.get("from_alert").and_then(alert_path);
    let max = fields.get("max").and_then(count);
    fields.finish();
    Some(Hosts { chosen: chosen?, exclude: exclude?, from_alert, max })
}

fn host_names(item: Item<'_>) -> Option<Vec<HostName>> {
    let names: Vec<HostName> = item.list_of(|item| item.id())?;
    if names.is_empty() || names.len() > NAMES_MAX {
        item.error("schema[type]", format!("needs 1 to {NAMES_MAX} host names"), "name them, or use `select`");
        return None;
    }
    let mut seen = BTreeSet::new();
    for (name, item) in names.iter().zip(item.list()?) {
        if !seen.insert(name) {
            item.error("duplicate-id", format!("\"{name}\" is given twice"), "keep one");
        }
    }
    Some(names)
}

fn selector(item: Item<'_>) -> Option<String> {
    let text = item.filled_text()?;
    match Selector::parse(text) {
        Ok(_) => Some(text.trim().to_owned()),
        Err(error) => {
            let help = error.help.or_else(|| Some("write `role=web,env in (prod,staging)`".to_owned()));
            item.error_within("syntax", error.at, error.message, help);
            None
        }
    }
}

/// `labels.instance`: a path into an alert.
pub(super) fn alert_path(item: Item<'_>) -> Option<String> {
    let text = item.line(super::WORD_CHARACTERS_MAX)?;
    let known = |part: &str| matches!(part, "labels" | "annotations");
    let named = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
    };
    if text.split_once('.').is_some_and(|(part, name)| known(part) && named(name)) {
        return Some(text.to_owned());
    }
    item.error("schema[type]", "this is not a place in an alert", "write `labels.instance` or `annotations.summary`");
    None
}

/// A count of at least one.
fn count(item: Item<'_>) -> Option<u32> {
    let count: u32 = item.whole_number()?;
    if count == 0 {
        item.error("schema[type]", "must be at least 1", "write how many");
        return None;
    }
    Some(count)
}

pub(super) fn strategy(item: Item<'_>) -> Option<Strategy> {
    let mut fields = item.fields()?;
    let serial = fields.get("serial").map_or(Some(Vec::new()), |item| item.list_of(amount));
    let max_parallel = fields.get("max_parallel").and_then(count);
    let max_failed = fields.get("max_failed").and_then(amount_or_none);
    let between = fields.get("between").and_then(|item| {
        item.choice(&[("none", Between::None), ("confirm", Between::Confirm), ("approval", Between::Approval)])
    });
    let wait = fields.get("wait").and_then(|item| item.duration());
    let one_at_a_time_by = fields.get("one_at_a_time_by").and_then(|item| super::plain_name(item, "a label"));
    fields.finish();
    Some(Strategy {
        serial: serial?,
        max_parallel,
        max_failed,
        between: between.unwrap_or(Between::None),
        wait,
        one_at_a_time_by,
    })
}

/// `2` or `25%`, more than nothing.
fn amount(item: Item<'_>) -> Option<Amount> {
    let amount = amount_or_none(item)?;
    if matches!(amount, Amount::Count(0) | Amount::Percent(0)) {
        item.error("schema[type]", "a batch has at least one host", "write `1` or `25%`");
        return None;
    }
    Some(amount)
}

/// `0`, `2` or `25%`.
fn amount_or_none(item: Item<'_>) -> Option<Amount> {
    match item.scalar("a count or a percentage")?.plain() {
        Plain::Integer(_) => item.whole_number().map(Amount::Count),
        Plain::Text(_) | Plain::Number(_) | Plain::Boolean(_) | Plain::Null => item.percent().map(Amount::Percent),
    }
}
