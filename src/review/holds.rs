//! What holds a step or a run back: approvals, confirmations, verifications, ways back, times.

use std::time::Duration;

use super::{Changes, Rating};
use crate::runbook::model::{Approval, Confirm, OnFailure, Owner, Retry, RetryLimit, Undo, Verify};

/// The account that may do everything.
const ROOT: &str = "root";

pub(super) fn approval(old: Option<&Approval>, new: Option<&Approval>, changes: &mut Changes) {
    let (old, new) = match (old, new) {
        (None, None) => return,
        (Some(_), None) => {
            return changes.note(Rating::MoreDangerous, "approval is gone", "no second person needs to agree");
        }
        (None, Some(_)) => return changes.note(Rating::Safer, "approval is new", "a second person must agree"),
        (Some(old), Some(new)) => (old, new),
    };
    let fewer = [old.min, new.min];
    if fewer[0] != fewer[1] {
        let rating = if fewer[1] < fewer[0] { Rating::MoreDangerous } else { Rating::Safer };
        changes.note(rating, format!("approvals: {} → {}", fewer[0], fewer[1]), "so many persons must agree");
    }
    if old.from != new.from {
        let is_narrower =
            !new.from.is_empty() && (old.from.is_empty() || new.from.iter().all(|who| old.from.contains(who)));
        let (rating, why) = if is_narrower {
            (Rating::Safer, "fewer may agree to it")
        } else {
            (Rating::MoreDangerous, "others may agree to it")
        };
        changes.decides(rating, "approval from", &owners(&old.from), &owners(&new.from), why);
    }
    changes.limit(
        "an approval holds for",
        [old.within, new.within].map(|it| it.or(Some(DEFAULT_WITHIN))),
        span,
        "what was seen may have changed",
    );
    changes.wording("the prompt of the approval", &old.prompt, &new.prompt);
}

const DEFAULT_WITHIN: Duration = Duration::from_millis(crate::run::approval::WITHIN_DEFAULT_MS);

pub(super) fn owners(owners: &[Owner]) -> String {
    if owners.is_empty() {
        return "whoever may approve".to_owned();
    }
    owners.iter().map(owner).collect::<Vec<_>>().join(", ")
}

pub(super) fn owner(owner: &Owner) -> String {
    match owner {
        Owner::Team(name) => format!("team:{name}"),
        Owner::User(name) => format!("user:{name}"),
    }
}

pub(super) fn confirm(old: Option<&Confirm>, new: Option<&Confirm>, changes: &mut Changes) {
    if old == new {
        return;
    }
    let strength = |confirm: Option<&Confirm>| match confirm {
        None => 0,
        Some(Confirm::Press) => 1,
        Some(Confirm::Count) => 2,
        Some(Confirm::Host) => 3,
        Some(Confirm::Phrase(_)) => 4,
    };
    let words = |confirm: Option<&Confirm>| match confirm {
        None => "what the table asks".to_owned(),
        Some(Confirm::Press) => "press".to_owned(),
        Some(Confirm::Count) => "the number of hosts".to_owned(),
        Some(Confirm::Host) => "the host's name".to_owned(),
        Some(Confirm::Phrase(phrase)) => format!("“{phrase}”"),
    };
    let (rating, why) = match strength(new).cmp(&strength(old)) {
        std::cmp::Ordering::Less => (Rating::MoreDangerous, "less is asked of whoever confirms"),
        std::cmp::Ordering::Equal => (Rating::Same, "as much is asked of whoever confirms"),
        std::cmp::Ordering::Greater => (Rating::Safer, "more is asked of whoever confirms"),
    };
    changes.decides(rating, "confirmation", &words(old), &words(new), why);
}

pub(super) fn verify(old: Option<&Verify>, new: Option<&Verify>, changes: &mut Changes) {
    match (old, new) {
        (Some(old), Some(new)) => {
            let why = "whether it worked is judged otherwise";
            if old.check != new.check {
                changes.reworded(Rating::MoreDangerous, "verify is another command", why, [&old.check, &new.check]);
            }
            let same = (&old.capture, &old.expect) == (&new.capture, &new.expect);
            if !same {
                changes.note(Rating::MoreDangerous, "verify expects something else", why);
            }
            changes.decides(
                Rating::Same,
                "verify is tried for",
                &span(&old.limit),
                &span(&new.limit),
                "it waits longer or shorter",
            );
            changes.decides(
                Rating::Same,
                "verify is tried every",
                &span(&old.every),
                &span(&new.every),
                "it looks more or less often",
            );
        }
        (None, Some(new)) => {
            changes.new_command(
                Rating::Safer,
                "verify is new",
                "people are told whether the change worked",
                &new.check,
            );
        }
        (old, new) => changes.hold("verify", [old, new], "nobody is told whether the change worked"),
    }
}

pub(super) fn undo(old: Option<&Undo>, new: Option<&Undo>, changes: &mut Changes) {
    let is_way_back = |undo: Option<&Undo>| matches!(undo, Some(Undo::Run(_) | Undo::Manual(_)));
    match (old, new) {
        (Some(Undo::Run(old)), Some(Undo::Run(new))) if old != new => {
            let why = "what takes the change back is another command";
            changes.reworded(Rating::MoreDangerous, "undo is another command", why, [old, new]);
        }
        (Some(Undo::Manual(old)), Some(Undo::Manual(new))) => changes.wording("undo", old, new),
        (Some(Undo::Run(_)), Some(Undo::Manual(_))) => {
            changes.note(Rating::MoreDangerous, "undo is done by hand now", "at night a person must do it");
        }
        (Some(Undo::Manual(_)), Some(Undo::Run(_))) => {
            changes.note(Rating::MoreDangerous, "undo is a command now", "another command may run");
        }
        (old, new) if is_way_back(old) && !is_way_back(new) => {
            changes.note(Rating::MoreDangerous, "undo is gone", "there is no way back any more");
        }
        (old, Some(Undo::Run(new))) if !is_way_back(old) => {
            changes.reworded(Rating::Safer, "undo is new", "there is a way back; weigh its command", ["", new]);
        }
        (old, new) if !is_way_back(old) && is_way_back(new) => {
            changes.note(Rating::Safer, "undo is new", "there is a way back");
        }
        (Some(Undo::None), None) => {
            changes.note(Rating::Same, "that there is no way back is not said any more", "there was none before");
        }
        (None, Some(Undo::None)) => {
            changes.note(Rating::Same, "it is said that there is no way back", "there was none")
        }
        _ => {}
    }
}

pub(super) fn retry(old: Option<&Retry>, new: Option<&Retry>, changes: &mut Changes) {
    let words = |retry: &Retry| match retry.limit {
        RetryLimit::For(limit) => format!("every {} for {}", span(&retry.every), span(&limit)),
        RetryLimit::Times(times) => format!("{times} times, every {}", span(&retry.every)),
    };
    match (old, new) {
        (None, Some(new)) => {
            changes.note(Rating::MoreDangerous, format!("retry is new: {}", words(new)), "it runs again by itself");
        }
        (Some(_), None) => changes.note(Rating::Safer, "retry is gone", "a person decides whether it runs again"),
        (Some(old), Some(new)) => {
            changes.decides(Rating::MoreDangerous, "retry", &words(old), &words(new), "it runs again by itself");
        }
        (None, None) => {}
    }
}

pub(super) fn on_failure(old: OnFailure, new: OnFailure, changes: &mut Changes) {
    let heeds = |how: OnFailure| match how {
        OnFailure::Continue => 0,
        OnFailure::SkipHost => 1,
        OnFailure::Undo => 2,
        OnFailure::Pause | OnFailure::Stop | OnFailure::Escalate => 3,
    };
    if old == new {
        return;
    }
    let words = |how: OnFailure| format!("{how:?}").to_lowercase();
    let (rating, why) = match heeds(new).cmp(&heeds(old)) {
        std::cmp::Ordering::Less => (Rating::MoreDangerous, "it goes on where it stopped"),
        std::cmp::Ordering::Equal => (Rating::Same, "it still goes on only by a person's word"),
        std::cmp::Ordering::Greater => (Rating::Safer, "it stops where it went on"),
    };
    changes.decides(rating, "on failure", &words(old), &words(new), why);
}

/// The account that commands run as.
pub(super) fn account(old: Option<&str>, new: Option<&str>, changes: &mut Changes) {
    if old == new {
        return;
    }
    let words = |account: Option<&str>| account.unwrap_or("the one that signs in").to_owned();
    let (rating, why) = match (old == Some(ROOT), new == Some(ROOT)) {
        (false, true) => (Rating::MoreDangerous, "it may do everything there"),
        (true, false) => (Rating::Safer, "it may do less there"),
        _ => (Rating::MoreDangerous, "it runs with what another account may"),
    };
    changes.decides(rating, "runs as", &words(old), &words(new), why);
}

/// `90 s`, `10 min`, `2 h`: the largest unit that is exact.
pub(super) fn span(span: &Duration) -> String {
    let ms = span.as_millis();
    match ms {
        0 => "0 s".to_owned(),
        _ if ms.is_multiple_of(3_600_000) => format!("{} h", ms / 3_600_000),
        _ if ms.is_multiple_of(60_000) => format!("{} min", ms / 60_000),
        _ if ms.is_multiple_of(1_000) => format!("{} s", ms / 1_000),
        _ => format!("{ms} ms"),
    }
}
