//! Q13: links open for the receiver; no secret in the text.

use super::{Check, Finding, World};
use crate::handoff::state::State;
use crate::redact::detect::detect;

pub const CHECK: Check =
    Check { id: "Q13", title: "The receiver can open what is linked, and no secret is in the text", run };

fn run(state: &State, world: &World) -> Vec<Finding> {
    let mut findings = Vec::new();
    let to = &state.shift.incoming;
    for item in &state.record.items {
        if item.runs.iter().any(|run| world.unreadable.contains(run)) {
            findings.push(
                Finding::error("Q13", format!("{to} may not see a run of it: have it granted, or dismiss the item"))
                    .about(item),
            );
        } else if item.runs.iter().any(|run| world.untouchable.contains(run)) {
            findings.push(
                Finding::error("Q13", format!("{to} may not work a run of it, and could not take its wheel"))
                    .about(item),
            );
        }
        for found in detect(item.written().join("\n").as_bytes()).iter().take(1) {
            findings.push(
                Finding::error("Q13", format!("the text holds what looks like a {}: take it out", found.kind))
                    .about(item),
            );
        }
    }
    let around = format!("{}\n{}", state.record.overview, state.record.upcoming);
    let around = detect(around.as_bytes());
    findings.extend(around.iter().take(1).map(|found| {
        Finding::error("Q13", format!("the overview holds what looks like a {}: take it out", found.kind))
    }));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::checks::sample::{finds, finds_in};

    #[test]
    fn a_run_that_stays_shut_and_a_secret_are_named() {
        assert_eq!(finds(&CHECK, |_| {}), "");
        let shut = |_: &mut State, world: &mut World| world.unreadable = [crate::handoff::checks::sample::run()].into();
        assert!(finds_in(&CHECK, shut).contains("may not see"));
        let idle =
            |_: &mut State, world: &mut World| world.untouchable = [crate::handoff::checks::sample::run()].into();
        assert!(finds_in(&CHECK, idle).contains("take its wheel"));
        let key = ["AKIA", "IOSFODNN7EXAMPLX"].concat();
        let leaked = finds(&CHECK, |item| item.summary.tried = format!("with {key}"));
        assert!(leaked.contains("looks like") && !leaked.contains(&key), "{leaked}");
    }
}
