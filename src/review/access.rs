//! `access.yaml`: who may do more, and who less.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::{Changes, Rating};
use crate::access::grant::{Grant, Member, Policy};

pub(super) fn compare(before: Option<&Policy>, after: Option<&Policy>) -> Changes {
    let mut changes = Changes::default();
    let nobody = Policy::nobody();
    let is_broken = before.is_some() && after.is_none();
    let (before, after) = (before.unwrap_or(&nobody), after.unwrap_or(&nobody));
    if is_broken {
        changes.note(
            Rating::Same,
            "it is gone, or does not parse",
            "the last good one stays in force, or nobody is in",
        );
        return changes;
    }
    changes.at("grants");
    let words = |grant: &Grant| {
        let overrides = if grant.overrides_windows { ", and may override windows" } else { "" };
        format!("{grant}{overrides}")
    };
    let [old, new] = [before, after].map(|policy| policy.grants.iter().map(words).collect::<Vec<_>>());
    for grant in new.iter().filter(|grant| !old.contains(grant)) {
        changes.note(Rating::MoreDangerous, format!("new: {grant}"), "somebody may do more");
    }
    for grant in old.iter().filter(|grant| !new.contains(grant)) {
        changes.note(Rating::Safer, format!("gone: {grant}"), "somebody may do less");
    }
    members("team", &before.teams, &after.teams, member, &mut changes);
    members("on call for", &before.on_call, &after.on_call, Clone::clone, &mut changes);
    changes
}

fn member(member: &Member) -> String {
    match member {
        Member::User(name) => format!("user {name}"),
        Member::Group(name) => format!("group {name}"),
    }
}

fn members<T: PartialEq + Debug>(
    of: &str,
    before: &BTreeMap<String, Vec<T>>,
    after: &BTreeMap<String, Vec<T>>,
    words: impl Fn(&T) -> String,
    changes: &mut Changes,
) {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        changes.at(format!("{of} {name}"));
        let [old, new] = [before, after].map(|teams| teams.get(name).map(Vec::as_slice).unwrap_or_default());
        for joined in new.iter().filter(|one| !old.contains(one)) {
            changes.note(Rating::MoreDangerous, format!("{} joins", words(joined)), "they get what the team may");
        }
        for left in old.iter().filter(|one| !new.contains(one)) {
            changes.note(Rating::Safer, format!("{} leaves", words(left)), "they lose what the team may");
        }
    }
}
