//! Whether a runbook may still be believed: by its dates, by what its runs have shown, and by when it was changed.
//!
//! | standing | when | a start |
//! |---|---|---|
//! | fresh | it has succeeded lately, since it was last changed, and its review is not due | |
//! | due | it never succeeded, or not since it was changed, or not for long; or its review is due | |
//! | stale | the review is overdue beyond the grace period, or nobody has proven or touched it for very long | needs a reason |
//! | expired | its `expires` is past | needs a reason |
//!
//! Only a commit moves `review_by` and `expires`.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Days after `review_by` in which it is only said that the review is due. A month: one sprint and a holiday.
pub const REVIEW_GRACE_DAYS: i64 = 30;

/// A success older than this many days proves little: hosts and software under it have changed since.
pub const PROVEN_DAYS: i64 = 180;

/// Neither proven nor changed for this many days: nobody knows any more whether it works.
pub const TOUCHED_DAYS: i64 = 365;

const DAY_MS: i64 = 86_400_000;

/// What is known of a runbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    pub review_by: Option<Date>,
    pub expires: Option<Date>,
    /// The end of the last run of it that succeeded, in milliseconds since 1970.
    pub last_success_ms: Option<i64>,
    /// The last commit that changed it; none in a folder without git.
    pub changed_ms: Option<i64>,
}

/// How far a runbook may be believed, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Fresh,
    Due,
    Stale,
    Expired,
}

impl Standing {
    pub const ALL: [Self; 4] = [Self::Fresh, Self::Due, Self::Stale, Self::Expired];

    /// The word for people and for filters.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Due => "due",
            Self::Stale => "stale",
            Self::Expired => "expired",
        }
    }
}

/// Why a runbook is not fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Expired(Date),
    ReviewDue(Date),
    ReviewOverdue(Date),
    NeverSucceeded,
    ChangedSinceSuccess,
    SucceededLongAgo { days: i64 },
    UntouchedFor { days: i64 },
}

impl Reason {
    /// How bad it is.
    pub fn standing(self) -> Standing {
        match self {
            Self::Expired(_) => Standing::Expired,
            Self::ReviewOverdue(_) | Self::UntouchedFor { .. } => Standing::Stale,
            Self::ReviewDue(_) | Self::NeverSucceeded | Self::ChangedSinceSuccess | Self::SucceededLongAgo { .. } => {
                Standing::Due
            }
        }
    }

    /// On a badge: `expired 2026-09-01`.
    pub fn words(self) -> String {
        match self {
            Self::Expired(date) => format!("expired {date}"),
            Self::ReviewDue(date) => format!("review was due {date}"),
            Self::ReviewOverdue(date) => format!("review overdue since {date}"),
            Self::NeverSucceeded => "never proven".to_owned(),
            Self::ChangedSinceSuccess => "changed since its last success".to_owned(),
            Self::SucceededLongAgo { days } => format!("last success {days} days ago"),
            Self::UntouchedFor { days } => format!("neither run nor changed for {days} days"),
        }
    }
}

/// The verdict on a runbook, with every reason, the worst first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    pub standing: Standing,
    pub reasons: Vec<Reason>,
}

impl Freshness {
    /// The verdict at a moment, given in milliseconds since 1970. Dates end with their day in UTC.
    pub fn judge(known: &Known, now_ms: i64) -> Self {
        let mut reasons: Vec<Reason> = dates(known, now_ms).chain(proofs(known, now_ms)).collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.standing()));
        let standing = reasons.first().map_or(Standing::Fresh, |reason| reason.standing());
        Self { standing, reasons }
    }

    /// Whether whoever starts it must say why.
    pub fn needs_reason(&self) -> bool {
        self.standing >= Standing::Stale
    }

    /// What stands against a start: `expired 2026-09-01, review overdue since 2026-03-01`.
    pub fn against(&self) -> String {
        let grave = self.reasons.iter().filter(|reason| reason.standing() >= Standing::Stale);
        grave.map(|reason| reason.words()).collect::<Vec<_>>().join(", ")
    }
}

fn dates(known: &Known, now_ms: i64) -> impl Iterator<Item = Reason> {
    let today = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::MAX).to_zoned(TimeZone::UTC).date();
    let expired = known.expires.filter(|date| *date < today).map(Reason::Expired);
    let review = known.review_by.filter(|date| *date < today).map(|date| {
        let overdue_days = date.until(today).map_or(i64::MAX, |span| i64::from(span.get_days()));
        if overdue_days > REVIEW_GRACE_DAYS { Reason::ReviewOverdue(date) } else { Reason::ReviewDue(date) }
    });
    expired.into_iter().chain(review)
}

fn proofs(known: &Known, now_ms: i64) -> impl Iterator<Item = Reason> {
    let days_since = |at_ms: i64| (now_ms - at_ms) / DAY_MS;
    let proof = match (known.last_success_ms, known.changed_ms) {
        (None, _) => Some(Reason::NeverSucceeded),
        (Some(success_ms), Some(changed_ms)) if changed_ms > success_ms => Some(Reason::ChangedSinceSuccess),
        (Some(success_ms), _) if days_since(success_ms) > PROVEN_DAYS => {
            Some(Reason::SucceededLongAgo { days: days_since(success_ms) })
        }
        (Some(_), _) => None,
    };
    let touched_ms = known.last_success_ms.max(known.changed_ms);
    let untouched = touched_ms.map(days_since).filter(|days| *days > TOUCHED_DAYS);
    proof.into_iter().chain(untouched.map(|days| Reason::UntouchedFor { days }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23 03:12 UTC.
    const NOW_MS: i64 = 1_795_403_520_000;

    fn days_ago(days: i64) -> Option<i64> {
        Some(NOW_MS - days * DAY_MS)
    }

    fn judged(known: Known) -> (Standing, Vec<String>) {
        let freshness = Freshness::judge(&known, NOW_MS);
        (freshness.standing, freshness.reasons.iter().map(|reason| reason.words()).collect())
    }

    fn proven() -> Known {
        Known { last_success_ms: days_ago(10), changed_ms: days_ago(20), ..Known::default() }
    }

    fn date(text: &str) -> Option<Date> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_success_of_lately_is_fresh_until_the_text_changes() {
        assert_eq!(judged(proven()), (Standing::Fresh, vec![]));
        assert_eq!(judged(Known { changed_ms: days_ago(9), ..proven() }).0, Standing::Due);
        assert_eq!(judged(Known { last_success_ms: days_ago(180), changed_ms: None, ..proven() }).0, Standing::Fresh);
        assert_eq!(
            judged(Known { last_success_ms: days_ago(181), changed_ms: days_ago(200), ..proven() }),
            (Standing::Due, vec!["last success 181 days ago".to_owned()])
        );
    }

    #[test]
    fn what_was_never_run_is_due_and_a_start_needs_no_reason_for_it() {
        let never = Freshness::judge(&Known { changed_ms: days_ago(1), ..Known::default() }, NOW_MS);
        assert_eq!((never.standing, never.needs_reason()), (Standing::Due, false));
        assert_eq!(Freshness::judge(&Known::default(), NOW_MS).standing, Standing::Due);
    }

    #[test]
    fn a_review_is_due_from_the_next_day_and_overdue_after_the_grace_period() {
        let reviewed = |text| judged(Known { review_by: date(text), ..proven() });
        assert_eq!(reviewed("2026-11-23").0, Standing::Fresh);
        assert_eq!(reviewed("2026-11-22"), (Standing::Due, vec!["review was due 2026-11-22".to_owned()]));
        assert_eq!(reviewed("2026-10-24").0, Standing::Due);
        assert_eq!(reviewed("2026-10-23"), (Standing::Stale, vec!["review overdue since 2026-10-23".to_owned()]));
        assert_eq!(reviewed("2020-01-01").0, Standing::Stale);
    }

    #[test]
    fn an_expired_runbook_has_no_grace_and_names_all_that_is_wrong() {
        let known = Known { expires: date("2026-11-22"), review_by: date("2026-01-01"), ..Known::default() };
        let freshness = Freshness::judge(&known, NOW_MS);
        assert!(freshness.needs_reason());
        assert_eq!(freshness.standing, Standing::Expired);
        assert_eq!(freshness.against(), "expired 2026-11-22, review overdue since 2026-01-01");
        assert_eq!(judged(Known { expires: date("2026-11-23"), ..proven() }).0, Standing::Fresh);
    }

    #[test]
    fn what_nobody_has_run_or_changed_for_a_year_is_stale() {
        let known = |success, changed| Known { last_success_ms: success, changed_ms: changed, ..Known::default() };
        assert_eq!(judged(known(days_ago(366), days_ago(400))).0, Standing::Stale);
        assert_eq!(judged(known(None, days_ago(366))).0, Standing::Stale);
        assert_eq!(judged(known(days_ago(400), days_ago(2))).0, Standing::Due);
    }
}
