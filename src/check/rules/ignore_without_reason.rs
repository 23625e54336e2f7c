//! `ignore-without-reason`: an ignore comment that does not say why. Found while ignore comments are read.

use crate::check::rule::{Finder, Profile, Rule};
use crate::diagnostic::Severity;

pub(in crate::check) const RULE: Rule = Rule {
    name: "ignore-without-reason",
    severity: Severity::Warning,
    profile: Profile::Min,
    what: "An ignore comment gives no reason. It then ignores nothing.",
    why: "The next reader cannot tell an accepted risk from a silenced alarm, and does not dare to remove it.",
    source: "Rust's `#[expect(…, reason)]` with clippy's `allow_attributes_without_reason`.",
    bad: "run: systemctl reload nginx  # steadyhand: ignore[change-unverified]",
    good: "run: systemctl reload nginx  # steadyhand: ignore[change-unverified] the health check of step 3 covers it",
    finder: Finder::Comments,
};
