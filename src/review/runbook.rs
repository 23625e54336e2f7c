//! A runbook as a whole; its inputs, hosts and steps are files of their own.

use super::{Book, Changes, Rating, Snapshot, holds, inputs, reach, steps};
use crate::access::grant::{Grant, Policy};
use crate::id::RunbookPath;
use crate::runbook::model::{Effect, Mode, PaceLimit, Precondition, RunGuard, Runbook, Strategy};

pub(super) fn removed(_old: &Book) -> Changes {
    let mut changes = Changes::default();
    changes.note(Rating::Safer, "the runbook is gone", "it cannot be run any more");
    changes
}

pub(super) fn added((after, new): (&Snapshot, &Book)) -> Changes {
    let mut changes = Changes::default();
    let Some(runbook) = &new.runbook else {
        changes.note(Rating::MoreDangerous, "it does not parse", "nobody can say what it does");
        return changes;
    };
    let worst = runbook.steps.iter().map(|step| steps::effect(&step.action)).max().unwrap_or(Effect::Check);
    let (rating, what) = match worst {
        Effect::Check => (Rating::Same, "a new runbook, which only reads"),
        Effect::Change => (Rating::MoreDangerous, "a new runbook, which changes something"),
        Effect::Destructive => (Rating::MoreDangerous, "a new runbook, which destroys something"),
    };
    changes.note(rating, what, "whoever may start it can do what it does");
    let mut empty = runbook.clone();
    empty.hosts = Some(crate::runbook::model::Hosts {
        chosen: crate::runbook::model::HostChoice::Names(Vec::new()),
        exclude: Vec::new(),
        from_alert: None,
        max: runbook.hosts.as_ref().and_then(|hosts| hosts.max),
    });
    if runbook.hosts.is_some() {
        reach::compare((after, &empty), (after, runbook), &mut changes);
    }
    changes
}

/// A path of its own is what grants name.
pub(super) fn moved(path: &RunbookPath, policy: Option<&Policy>, changes: &mut Changes) {
    changes.at("");
    let named = policy.into_iter().flat_map(|policy| &policy.grants).find(|grant| covers(grant, path, &[]));
    let why = match named {
        Some(grant) => format!("access.yaml:{} holds for the new path: {grant}", grant.line),
        None => "grants, secrets and links name runbooks by their paths".to_owned(),
    };
    changes.note(Rating::Same, "it has another path", why);
}

fn covers(grant: &Grant, path: &RunbookPath, tags: &[String]) -> bool {
    grant.runbooks.is_empty() || grant.runbooks.iter().any(|books| books.covers(path, tags))
}

pub(super) fn compare((before, old): (&Snapshot, &Book), (after, new): (&Snapshot, &Book)) -> Changes {
    let mut changes = Changes::default();
    let (one, other) = match (&old.runbook, &new.runbook) {
        (Some(one), Some(other)) => (one, other),
        (_, None) => {
            if old.digest != new.digest {
                changes.note(Rating::MoreDangerous, "it does not parse", "nobody can say what it does");
            }
            return changes;
        }
        (None, Some(_)) => return added((after, new)),
    };
    about(one, other, after.policy.as_ref(), &mut changes);
    inputs::compare(&one.inputs, &other.inputs, &mut changes);
    reach::compare((before, one), (after, other), &mut changes);
    strategy(one.strategy.as_ref(), other.strategy.as_ref(), &mut changes);
    guards(&one.guards, &other.guards, &mut changes);
    preconditions(&one.preconditions, &other.preconditions, &mut changes);
    changes.at("approval");
    holds::approval(one.approval.as_ref(), other.approval.as_ref(), &mut changes);
    changes.at("escalate");
    changes.hold(
        "escalation",
        [one.escalate.as_ref(), other.escalate.as_ref()],
        "who is called when it takes too long",
    );
    changes.at("defaults");
    let (was, is) = (&one.defaults, &other.defaults);
    changes.limit(
        "the time limit of steps",
        [Some(was.timeout), Some(is.timeout)],
        holds::span,
        "a command that hangs goes on for longer",
    );
    holds::account(was.run_as.as_ref().map(|it| it.as_str()), is.run_as.as_ref().map(|it| it.as_str()), &mut changes);
    changes.decides(Rating::MoreDangerous, "shell", &was.shell, &is.shell, "another shell reads the commands");
    changes.at("");
    holds::on_failure(one.on_failure, other.on_failure, &mut changes);
    steps::compare((one, old), (other, new), &mut changes);
    changes
}

fn about(old: &Runbook, new: &Runbook, policy: Option<&Policy>, changes: &mut Changes) {
    changes.at("");
    changes.wording("name", &old.name, &new.name);
    changes.wording("summary", &old.summary, &new.summary);
    match (&old.owner, &new.owner) {
        (Some(owner), None) => {
            let what = format!("nobody owns it any more (it was {})", holds::owner(owner));
            changes.note(Rating::MoreDangerous, what, "nobody answers for it");
        }
        (None, Some(owner)) => {
            changes.note(Rating::Safer, format!("{} owns it", holds::owner(owner)), "somebody answers for it")
        }
        (Some(was), Some(is)) => {
            changes.decides(Rating::Same, "owner", &holds::owner(was), &holds::owner(is), "others answer for it")
        }
        (None, None) => {}
    }
    let why = "how long it may be used unreviewed";
    changes.limit("it expires", [old.expires, new.expires], ToString::to_string, why);
    match (old.review_by, new.review_by) {
        (Some(_), None) => changes.note(Rating::MoreDangerous, "no review date any more", why),
        (None, Some(date)) => changes.note(Rating::Safer, format!("to be reviewed by {date}"), why),
        (Some(was), Some(is)) => {
            changes.decides(Rating::Same, "review date", &was, &is, "somebody says that they looked")
        }
        (None, None) => {}
    }
    match (old.mode, new.mode) {
        (Mode::ReadDo, Mode::DoConfirm) => {
            changes.note(
                Rating::MoreDangerous,
                "it is done and then confirmed",
                "steps are not read one by one any more",
            );
        }
        (Mode::DoConfirm, Mode::ReadDo) => {
            changes.note(Rating::Safer, "it is read and done step by step", "each step is read")
        }
        _ => {}
    }
    match (old.pace, new.pace) {
        (PaceLimit::StepOnly, PaceLimit::AutoAllowed) => {
            changes.note(Rating::MoreDangerous, "it may go on by itself", "nobody looks before each change");
        }
        (PaceLimit::AutoAllowed, PaceLimit::StepOnly) => {
            changes.note(Rating::Safer, "it never goes on by itself", "somebody looks before each change");
        }
        _ => {}
    }
    tags(old, new, policy, changes);
    if old.alerts != new.alerts {
        changes.note(Rating::Same, "it answers other alerts", "it is suggested for them, and started by a person");
    }
}

/// Grants may name tags.
fn tags(old: &Runbook, new: &Runbook, policy: Option<&Policy>, changes: &mut Changes) {
    let grants = || policy.into_iter().flat_map(|policy| &policy.grants);
    for tag in new.tags.iter().filter(|tag| !old.tags.contains(tag)) {
        let granted = grants()
            .find(|grant| !covers(grant, &new.path, &old.tags) && covers(grant, &new.path, std::slice::from_ref(tag)));
        match granted {
            Some(grant) => {
                let why = format!("access.yaml:{} gives it to others: {grant}", grant.line);
                changes.note(Rating::MoreDangerous, format!("tag {tag} is new"), why);
            }
            None => changes.note(Rating::Same, format!("tag {tag} is new"), "no grant names it"),
        }
    }
    for tag in old.tags.iter().filter(|tag| !new.tags.contains(tag)) {
        changes.note(Rating::Same, format!("tag {tag} is gone"), "what is granted by it is lost");
    }
}

fn strategy(old: Option<&Strategy>, new: Option<&Strategy>, changes: &mut Changes) {
    changes.at("strategy");
    match (old, new) {
        (Some(was), Some(is)) if was != is => {
            changes.note(
                Rating::MoreDangerous,
                "it spreads over hosts otherwise",
                "more hosts at once may be hit; weigh it",
            );
        }
        (Some(_), Some(_)) => {}
        (old, new) => changes.hold("the strategy", [old, new], "all hosts at once may be hit"),
    }
}

fn guards(old: &[RunGuard], new: &[RunGuard], changes: &mut Changes) {
    changes.at("guards");
    let words = |guard: &RunGuard| match guard {
        RunGuard::OnCall(yes) => format!("on_call: {yes}"),
        RunGuard::OnlyDuring(window) => format!("only_during: {window}"),
        RunGuard::NotDuring(window) => format!("not_during: {window}"),
        RunGuard::Lock(name) => format!("lock: {name}"),
    };
    // That nobody needs to be on call holds nothing.
    let holds = |guard: &&RunGuard| **guard != RunGuard::OnCall(false);
    for gone in old.iter().filter(holds).filter(|guard| !new.contains(guard)) {
        changes.note(Rating::MoreDangerous, format!("{} is gone", words(gone)), "it held the run back");
    }
    for more in new.iter().filter(holds).filter(|guard| !old.contains(guard)) {
        changes.note(Rating::Safer, format!("{} is new", words(more)), "it holds the run back");
    }
}

fn preconditions(old: &[Precondition], new: &[Precondition], changes: &mut Changes) {
    for was in old {
        changes.at(format!("precondition {}", was.name));
        match new.iter().find(|is| is.name == was.name) {
            None => changes.note(Rating::MoreDangerous, "it is gone", "it held the run back"),
            Some(is) => {
                let why = "whether the run may begin is judged otherwise";
                if was.check != is.check {
                    changes.reworded(Rating::MoreDangerous, "it is another command", why, [&was.check, &is.check]);
                }
                if (&was.expect, &was.delegate_to) != (&is.expect, &is.delegate_to) {
                    changes.note(Rating::MoreDangerous, "it expects something else, or looks elsewhere", why);
                }
                changes.wording("what it tells", &was.otherwise, &is.otherwise);
            }
        }
    }
    for is in new.iter().filter(|is| !old.iter().any(|was| was.name == is.name)) {
        changes.at(format!("precondition {}", is.name));
        changes.new_command(Rating::Safer, "it is new", "it holds the run back", &is.check);
    }
}
