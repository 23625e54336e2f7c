//! `review-overdue`: nobody has looked at the runbook for too long, or nobody ever has to.

use crate::check::rule::{Finder, Profile, Rule};
use crate::check::subject::Subject;
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::check) const RULE: Rule = Rule {
    name: "review-overdue",
    severity: Severity::Warning,
    profile: Profile::Oncall,
    what: "The day in `review_by` has passed, or there is none (`review-overdue[missing]`).",
    why: "Systems change and their runbooks do not: a stale step is worse than none, because it is trusted.",
    source: "Google, The Site Reliability Workbook, chapter 8: details in playbooks go out of date at the rate at \
             which production changes.",
    bad: "review_by: 2020-01-31",
    good: "review_by: 2099-01-31",
    finder: Finder::Check(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let today = subject.today;
    let finding = match subject.runbook.review_by {
        None => {
            let mut finding = RULE.finding(subject, subject.key("name"), "no day is set for the next review");
            finding.rule = format!("{}[missing]", RULE.name);
            finding.help("add `review_by:` with a date, such as half a year from now")
        }
        Some(review_by) if review_by < today => RULE
            .finding(
                subject,
                subject.source.span("review_by").value,
                format!(
                    "the review was due on {review_by}, {} ago",
                    days(review_by.until(today).map_or(0, |span| span.get_days()))
                ),
            )
            .help("read it against the system as it is, correct it, and set the next day"),
        Some(_) => return Vec::new(),
    };
    vec![finding]
}

fn days(count: i32) -> String {
    if count == 1 { "1 day".to_owned() } else { format!("{count} days") }
}
