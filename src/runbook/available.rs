//! What the format has and a run cannot do yet: it parses and is checked, and start refuses it by name.

use super::model::{Action, OnFailure, Runbook};

/// Every field of this runbook that no run can honour yet, as people wrote it: `strategy`,
/// `escalate`, `steps[2] "tell": notify`. Empty when it can be started.
pub fn not_yet_available(runbook: &Runbook) -> Vec<String> {
    let mut fields = Vec::new();
    let mut used = |present: bool, field: &str| {
        if present {
            fields.push(field.to_owned());
        }
    };
    used(runbook.strategy.is_some(), "strategy");
    used(runbook.escalate.is_some(), "escalate");
    used(runbook.on_failure == OnFailure::Escalate, "on_failure: escalate");
    for (index, step) in runbook.steps.iter().enumerate() {
        let mut used = |present: bool, field: &str| {
            if present {
                fields.push(format!("steps[{index}] \"{}\": {field}", step.id));
            }
        };
        used(matches!(step.action, Action::Use { .. }), "use");
        used(matches!(step.action, Action::Notify { .. }), "notify");
        used(step.on_failure == Some(OnFailure::Escalate), "on_failure: escalate");
    }
    fields
}
