//! Hosts: where commands go, how that is proven, and how much friction their labels ask for.

use super::{Changes, Rating};
use crate::inventory::Inventory;
use crate::inventory::parse::SourceKind;
use crate::inventory::target::{Target, Via};

/// The label whose value `prod` asks for more friction.
const ENVIRONMENT: &str = "env";

type Written<'a> = (&'a Inventory, &'a [SourceKind]);

pub(super) fn compare((before, old_sources): Written<'_>, (after, new_sources): Written<'_>) -> Changes {
    let mut changes = Changes::default();
    changes.at("from");
    for source in new_sources.iter().filter(|source| !old_sources.contains(source)) {
        let (what, why) = match source {
            SourceKind::Command(words) => {
                (format!("new: {}", words.join(" ")), "the server starts this program itself")
            }
            SourceKind::Ansible(path) => (format!("new: {path}"), "the server reads it with ansible-inventory"),
            SourceKind::SshConfig(path) => (format!("new: {path}"), "more hosts come from it"),
        };
        changes.note(Rating::MoreDangerous, what, why);
    }
    if old_sources.iter().any(|source| !new_sources.contains(source)) {
        changes.note(Rating::Safer, "a source of hosts is gone", "its hosts are reached no more");
    }
    for new in after.targets() {
        changes.at(format!("host {}", new.name));
        match before.get(&new.name) {
            None => changes.note(Rating::Same, "it is new", "which runbooks reach it stands with each of them"),
            Some(old) if old != new => host(old, new, &mut changes),
            Some(_) => {}
        }
    }
    for old in before.targets().iter().filter(|old| after.get(&old.name).is_none()) {
        changes.at(format!("host {}", old.name));
        changes.note(Rating::Safer, "it is gone", "nothing reaches it any more");
    }
    changes
}

fn host(old: &Target, new: &Target, changes: &mut Changes) {
    match (&old.via, &new.via) {
        (Via::Ssh(before), Via::Ssh(after)) => {
            let place = |at: &crate::inventory::target::SshTarget| format!("{}:{}", at.address, at.port);
            let why = "the same name leads to another machine";
            changes.decides(Rating::MoreDangerous, "address", &place(before), &place(after), why);
            if before.jump != after.jump {
                changes.note(Rating::MoreDangerous, "the way to it is another", "it goes through other hosts");
            }
            if before.host_key != after.host_key {
                changes.note(Rating::MoreDangerous, "its host key is another", "another machine can prove to be it");
            }
            let account = |at: &crate::inventory::target::SshTarget| {
                at.user.as_ref().map_or_else(|| "ssh's default".to_owned(), ToString::to_string)
            };
            let rating = if account(after) == "root" { Rating::MoreDangerous } else { Rating::Same };
            let why = "commands run with what that account may";
            changes.decides(rating, "account", &account(before), &account(after), why);
            if before.identity != after.identity {
                changes.note(Rating::Same, "the key file is another", "the host decides which keys it takes");
            }
        }
        (before, after) if before != after => {
            changes.note(Rating::MoreDangerous, "the way to it is another", "the same name leads elsewhere");
        }
        _ => {}
    }
    let expected = [&old.expect, &new.expect];
    changes.hold("the expected host name", expected.map(|it| it.hostname.as_ref()), "the host must prove less");
    changes.hold("the expected machine id", expected.map(|it| it.machine_id.as_ref()), "the host must prove less");
    labels(old, new, changes);
}

fn labels(old: &Target, new: &Target, changes: &mut Changes) {
    let mut keys: Vec<&String> = old.labels.keys().chain(new.labels.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys.into_iter().filter(|key| old.labels.get(*key) != new.labels.get(*key)) {
        let words = |target: &Target| target.labels.get(key).cloned().unwrap_or_else(|| "none".to_owned());
        let is_production = |target: &Target| key == ENVIRONMENT && words(target) == "prod";
        let (rating, why) = match (is_production(old), is_production(new)) {
            (true, false) => (Rating::MoreDangerous, "changes there ask for less than in production"),
            (false, true) => (Rating::Safer, "changes there ask for more, as in production"),
            _ => (Rating::Same, "grants by label may reach it, or not any more; runbooks that do stand below"),
        };
        changes.decides(rating, &format!("label {key}"), &words(old), &words(new), why);
    }
}
