//! Steps: which came, went, or changed places, and what of each is another.

use super::command::reads_the_same;
use super::{Book, Changes, Rating, holds};
use crate::id::StepId;
use crate::runbook::model::{Action, Attach, Effect, Placement, Runbook, Step, StepGuard, Wait};

/// What a step does to its host.
pub(super) fn effect(action: &Action) -> Effect {
    match action {
        Action::Run { effect, .. } | Action::Script { effect, .. } => *effect,
        // What another runbook does stands in its own file; that it is used is judged where it is.
        Action::Use { .. } => Effect::Change,
        Action::Check { .. } | Action::Manual { .. } | Action::Wait(_) | Action::Notify { .. } => Effect::Check,
    }
}

pub(super) fn compare((old, old_book): (&Runbook, &Book), (new, new_book): (&Runbook, &Book), changes: &mut Changes) {
    let found = |steps: &[Step], id: &StepId| steps.iter().position(|step| step.id == *id);
    for step in new.steps.iter().filter(|step| found(&old.steps, &step.id).is_none()) {
        changes.at(place(step));
        added(step, changes);
    }
    for (at, step) in old.steps.iter().enumerate().filter(|(_, step)| found(&new.steps, &step.id).is_none()) {
        changes.at(place(step));
        let remains =
            old.steps[at + 1..].iter().any(|later| changes_something(later) && found(&new.steps, &later.id).is_some());
        removed(step, remains, changes);
    }
    moved(old, new, changes);
    for step in &new.steps {
        if let Some(at) = found(&old.steps, &step.id) {
            let defaults = [old.on_failure, new.on_failure];
            let [was, is] = [&old.steps[at], step];
            changes.at(place(step));
            action([was, is], [old_book, new_book], changes);
            held([was, is], changes);
            surroundings([was, is], changes);
            let [was_failing, is_failing] =
                [was.on_failure.unwrap_or(defaults[0]), is.on_failure.unwrap_or(defaults[1])];
            // Told once for the runbook where a step says nothing of its own.
            if (was.on_failure, is.on_failure) != (None, None) {
                holds::on_failure(was_failing, is_failing, changes);
            }
        }
    }
}

fn place(step: &Step) -> String {
    format!("step {}", step.id)
}

fn changes_something(step: &Step) -> bool {
    effect(&step.action) != Effect::Check
}

fn added(step: &Step, changes: &mut Changes) {
    let why = match effect(&step.action) {
        Effect::Check => "it changes nothing by itself",
        Effect::Change => "one more command that changes something",
        Effect::Destructive => "one more command that destroys something",
    };
    match &step.action {
        Action::Check { command } => changes.new_command(Rating::Same, "it is new", why, command),
        Action::Run { command, .. } => changes.reworded(Rating::MoreDangerous, "it is new", why, ["", command]),
        Action::Wait(Wait::Until { check, .. }) => changes.new_command(Rating::Same, "it is new", why, check),
        Action::Script { .. } => changes.note(rating_of(effect(&step.action)), "it is new", why),
        Action::Manual { .. } | Action::Wait(_) | Action::Use { .. } | Action::Notify { .. } => {
            changes.note(rating_of(effect(&step.action)), "it is new", why);
        }
    }
    for guard in &step.guards {
        changes.new_command(Rating::Same, "its guard", "it holds the step back", &guard.check);
    }
    if let Some(verify) = &step.verify {
        changes.new_command(Rating::Same, "its verify", "people are told whether it worked", &verify.check);
    }
    if let Some(preview) = &step.preview {
        changes.new_command(Rating::Same, "its preview", "it shows what will be hit", preview);
    }
}

/// What came after a step was written to come after it.
fn removed(step: &Step, later_ones_change: bool, changes: &mut Changes) {
    match (effect(&step.action), later_ones_change) {
        (Effect::Check, true) => {
            changes.note(
                Rating::MoreDangerous,
                "it is gone",
                "one look or instruction less before later steps change something",
            );
        }
        (Effect::Check, false) => changes.note(Rating::Same, "it is gone", "nothing is changed after it"),
        (Effect::Change | Effect::Destructive, true) => {
            changes.note(
                Rating::MoreDangerous,
                "it is gone",
                "steps after it still change something, and were written to come after it",
            );
        }
        (Effect::Change | Effect::Destructive, false) => {
            changes.note(Rating::Safer, "it is gone", "one command less that changes something");
        }
    }
}

/// Steps that both have, in another order.
fn moved(old: &Runbook, new: &Runbook, changes: &mut Changes) {
    let both = |one: &Runbook, other: &Runbook| -> Vec<StepId> {
        let ids = one.steps.iter().map(|step| step.id.clone());
        ids.filter(|id| other.steps.iter().any(|step| step.id == *id)).collect()
    };
    let (was, is) = (both(old, new), both(new, old));
    for (at, id) in is.iter().enumerate() {
        let Some(step) = new.steps.iter().find(|step| step.id == *id) else { continue };
        let before = was.iter().position(|other| other == id).unwrap_or(at);
        // What stood before it and stands behind it now.
        let overtaken: Vec<&StepId> = is[at + 1..].iter().filter(|later| was[..before].contains(later)).collect();
        if overtaken.is_empty() {
            continue;
        }
        changes.at(place(step));
        let names = overtaken.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ");
        let what = format!("it comes before {names} now");
        if changes_something(step) {
            changes.note(Rating::MoreDangerous, what, "it changes something before what came before it");
        } else {
            changes.note(Rating::Same, what, "it changes nothing by itself; what it looks at may be another");
        }
    }
}

fn action([old, new]: [&Step; 2], [old_book, new_book]: [&Book; 2], changes: &mut Changes) {
    match (&old.action, &new.action) {
        (Action::Check { command: was }, Action::Check { command: is }) => {
            text([was, is], Rating::Same, "the command is another", "it is declared to read only", changes);
        }
        (Action::Run { command: was, effect: from }, Action::Run { command: is, effect: to }) => {
            text(
                [was, is],
                Rating::MoreDangerous,
                "the command is another",
                "what changes the host is another",
                changes,
            );
            effects([*from, *to], reads_the_same(was, is), changes);
        }
        (
            Action::Script { file: was, args: old_args, effect: from },
            Action::Script { file: is, args: new_args, effect: to },
        ) => {
            let why = "what runs is another";
            changes.decides(Rating::MoreDangerous, "script", was, is, why);
            if old_args != new_args {
                changes.reworded(
                    Rating::MoreDangerous,
                    "its arguments are others",
                    why,
                    [&old_args.join(" "), &new_args.join(" ")],
                );
            }
            let texts = [old_book.scripts.get(was), new_book.scripts.get(is)];
            if let [Some(was), Some(is)] = texts {
                text([was, is], rating_of(*to), "the script's text is another", why, changes);
            } else if texts.iter().any(Option::is_some) {
                changes.note(Rating::MoreDangerous, "the script came or went", why);
            }
            effects([*from, *to], texts[0] == texts[1] && old_args == new_args, changes);
        }
        (Action::Check { command: was }, Action::Run { command: is, effect }) => {
            let what = format!("it {}", becomes(*effect));
            changes.reworded(Rating::MoreDangerous, &what, "it only read before", [was, is]);
        }
        (Action::Run { command: was, .. }, Action::Check { command: is }) => {
            let same = reads_the_same(was, is);
            let (rating, why) = if same {
                (Rating::MoreDangerous, "the same command, which changed something, runs without being confirmed")
            } else {
                (Rating::Same, "it is declared to read only; weigh the command")
            };
            changes.reworded(rating, "it is declared to read only", why, [was, is]);
        }
        (Action::Manual { instruction: was, ask: asked }, Action::Manual { instruction: is, ask: asks }) => {
            text([was, is], Rating::Same, "the instruction is another", "a person does it, and reads it", changes);
            if asked != asks {
                changes.note(Rating::Same, "it asks for other values", "what uses them stands with the steps");
            }
        }
        (Action::Wait(was), Action::Wait(is)) if was != is => wait(was, is, changes),
        (was, is) if was != is => {
            let rating = if effect(is) == Effect::Check && !changes_something(old) {
                Rating::Same
            } else {
                Rating::MoreDangerous
            };
            changes.note(rating, "it is a step of another kind", "what it does is another");
        }
        _ => {}
    }
}

fn rating_of(effect: Effect) -> Rating {
    if effect == Effect::Check { Rating::Same } else { Rating::MoreDangerous }
}

fn becomes(effect: Effect) -> &'static str {
    match effect {
        Effect::Check => "only reads now",
        Effect::Change => "changes something now",
        Effect::Destructive => "destroys something now",
    }
}

fn text([was, is]: [&str; 2], rating: Rating, what: &str, why: &str, changes: &mut Changes) {
    if was == is {
        return;
    }
    if reads_the_same(was, is) {
        changes.note(Rating::Same, "the command is laid out otherwise", "the shell reads the same words");
    } else {
        changes.reworded(rating, what, why, [was, is]);
    }
}

fn effects([from, to]: [Effect; 2], same_command: bool, changes: &mut Changes) {
    match to.cmp(&from) {
        std::cmp::Ordering::Greater => {
            // More friction for the same command; for another one, it is what the author says that it does.
            let (rating, why) = if same_command {
                (Rating::Safer, "more is asked of whoever confirms the same command")
            } else {
                (Rating::MoreDangerous, "the author says that it does more")
            };
            changes.note(rating, format!("it {}", becomes(to)), why);
        }
        std::cmp::Ordering::Less if same_command => {
            let why = "less is asked of whoever confirms the same command";
            changes.note(Rating::MoreDangerous, format!("it is said that it {}", becomes(to)), why);
        }
        std::cmp::Ordering::Less => {
            changes.note(Rating::Same, format!("it is said that it {}", becomes(to)), "weigh the command");
        }
        std::cmp::Ordering::Equal => {}
    }
}

fn wait(was: &Wait, is: &Wait, changes: &mut Changes) {
    match (was, is) {
        (Wait::For(was), Wait::For(is)) => {
            let rating = if is < was { Rating::MoreDangerous } else { Rating::Safer };
            changes.decides(
                rating,
                "it waits",
                &holds::span(was),
                &holds::span(is),
                "what comes after may need the time",
            );
        }
        _ => changes.note(
            Rating::MoreDangerous,
            "it waits for something else",
            "what comes after was written to come after it",
        ),
    }
}

fn held([old, new]: [&Step; 2], changes: &mut Changes) {
    guards(&old.guards, &new.guards, changes);
    let previews = [old.preview.as_ref(), new.preview.as_ref()];
    match previews {
        [None, Some(preview)] => {
            changes.new_command(
                Rating::Safer,
                "preview is new",
                "it shows what will be hit before somebody confirms",
                preview,
            );
        }
        [Some(was), Some(is)] if was != is => {
            let why = "what is shown before somebody confirms is another";
            changes.reworded(Rating::MoreDangerous, "preview is another", why, [was, is]);
        }
        previews => changes.hold("preview", previews, "it shows what will be hit before somebody confirms"),
    }
    holds::confirm(old.confirm.as_ref(), new.confirm.as_ref(), changes);
    holds::approval(old.approval.as_ref(), new.approval.as_ref(), changes);
    holds::verify(old.verify.as_ref(), new.verify.as_ref(), changes);
    holds::undo(old.undo.as_ref(), new.undo.as_ref(), changes);
    holds::retry(old.retry.as_ref(), new.retry.as_ref(), changes);
    let why = "a command that hangs goes on for longer";
    changes.limit("its own time limit", [old.timeout, new.timeout], holds::span, why);
    changes.hold("expect", [old.expect.as_ref(), new.expect.as_ref()], "whether it worked is judged otherwise");
    if old.only_if != new.only_if {
        let rating = if changes_something(new) { Rating::MoreDangerous } else { Rating::Same };
        let words = |step: &Step| step.only_if.as_ref().map_or_else(|| "always".to_owned(), |it| it.0.clone());
        changes.decides(
            rating,
            "it runs if",
            &words(old),
            &words(new),
            "it runs when it did not, or the other way round",
        );
    }
    flag("critical", [old.critical, new.critical], false, "it may be skipped without a reason", changes);
    flag("idempotent", [old.idempotent, new.idempotent], true, "the server may run it again by itself", changes);
    let why = "a lost connection counts as what was meant";
    flag("expect_disconnect", [old.expect_disconnect, new.expect_disconnect], true, why, changes);
    if old.attach != new.attach {
        let (rating, why) = match new.attach {
            Attach::Direct => (Rating::MoreDangerous, "a lost connection loses what became of it"),
            Attach::Tether => (Rating::Safer, "what became of it is known after a lost connection"),
        };
        changes.note(rating, "it is attached otherwise", why);
    }
    changes.wording("name", &old.name, &new.name);
    changes.wording("why", &old.why, &new.why);
    changes.wording("else", &old.otherwise, &new.otherwise);
}

/// A yes or no of which one way is the dangerous one.
fn flag(name: &str, [was, is]: [bool; 2], dangerous: bool, why: &str, changes: &mut Changes) {
    if was != is {
        let rating = if is == dangerous { Rating::MoreDangerous } else { Rating::Safer };
        let why = if rating == Rating::Safer { format!("no more: {why}") } else { why.to_owned() };
        changes.note(rating, format!("{name}: {was} → {is}"), why);
    }
}

fn guards(old: &[StepGuard], new: &[StepGuard], changes: &mut Changes) {
    let same =
        |one: &StepGuard, other: &StepGuard| reads_the_same(&one.check, &other.check) && one.expect == other.expect;
    let gone: Vec<_> = old.iter().filter(|was| !new.iter().any(|is| same(was, is))).collect();
    let more: Vec<_> = new.iter().filter(|is| !old.iter().any(|was| same(was, is))).collect();
    if let ([was], [is]) = (gone.as_slice(), more.as_slice()) {
        let why = "what holds the step back is judged otherwise; weigh the new one";
        let words = |guard: &StepGuard| match &guard.expect {
            Some(expect) => format!("{} → {}", guard.check, expect.0),
            None => guard.check.clone(),
        };
        return changes.reworded(Rating::MoreDangerous, "a guard is another", why, [&words(was), &words(is)]);
    }
    for was in gone {
        changes.note(
            Rating::MoreDangerous,
            format!("the guard {:?} is gone", first_line(&was.check)),
            "it held the step back",
        );
    }
    for is in more {
        let what = format!("the guard {:?} is new", first_line(&is.check));
        changes.new_command(Rating::Safer, &what, "it holds the step back", &is.check);
    }
}

fn first_line(command: &str) -> String {
    command.lines().next().unwrap_or_default().chars().take(80).collect()
}

fn surroundings([old, new]: [&Step; 2], changes: &mut Changes) {
    let text = |name: &Option<crate::id::UserName>| name.as_ref().map(|name| name.as_str().to_owned());
    holds::account(text(&old.run_as).as_deref(), text(&new.run_as).as_deref(), changes);
    let rating = rating_of(effect(&new.action));
    for (name, differs) in [
        ("env", old.env != new.env),
        ("dir", old.dir != new.dir),
        ("stdin", old.stdin != new.stdin),
        ("shell", old.shell != new.shell),
        ("wait_for", old.wait_for_ssh != new.wait_for_ssh),
    ] {
        if differs {
            changes.note(rating, format!("{name} is another"), "the command meets other surroundings");
        }
    }
    if old.delegate_to != new.delegate_to {
        let words =
            |step: &Step| step.delegate_to.as_ref().map_or_else(|| "the host itself".to_owned(), ToString::to_string);
        changes.decides(rating, "it runs on", &words(old), &words(new), "another machine runs it");
    }
    if old.on != new.on {
        let words = |on: Placement| match on {
            Placement::Each => "each host".to_owned(),
            Placement::First => "the first host".to_owned(),
            Placement::Local => "the server itself".to_owned(),
        };
        let rating = if new.on == Placement::First { Rating::Same } else { rating };
        changes.decides(rating, "it runs on", &words(old.on), &words(new.on), "other machines run it");
    }
    if old.capture != new.capture {
        changes.note(Rating::Same, "it reads other values", "what uses them stands with the steps");
    }
    if old.merge != new.merge {
        changes.note(Rating::Same, "stdout and stderr are kept otherwise", "it decides nothing");
    }
}
