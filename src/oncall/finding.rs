//! What is wrong with the coming weeks: nobody holds a rotation, several do, one person is on two levels of a chain.
//! Nothing is repaired: each finding says what to do.

use super::Oncall;
use super::model::Reach;
use super::schedule::Schedule;
use super::shift::{Holder, Shift};
use crate::access::account::AccountName;

/// Findings of one question: nobody reads on.
pub const FINDINGS_MAX: usize = 200;

/// Something that people should settle before it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub rotation: String,
    pub from_ms: i64,
    /// No later than the end of what was looked at.
    pub to_ms: i64,
    pub problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Nobody holds it.
    Gap,
    /// More than one holds it.
    Several(Vec<Holder>),
    /// Who does not answer as this will not answer as the other either.
    TwoLevels { chain: String, other: String, holder: AccountName },
    /// A calendar names somebody who has no account here that we know of.
    Unknown(String),
}

impl Problem {
    /// The name of the finding, as `steadyhand check` reports it.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Gap => "oncall[gap]",
            Self::Several(_) => "oncall[double-booking]",
            Self::TwoLevels { .. } => "oncall[two-levels]",
            Self::Unknown(_) => "oncall[unknown-person]",
        }
    }

    /// What is wrong, without the time.
    pub fn words(&self, rotation: &str) -> String {
        match self {
            Self::Gap => format!("nobody is on call for {rotation}"),
            Self::Several(holders) => {
                let names: Vec<String> = holders.iter().map(Holder::to_string).collect();
                format!("{} are on call for {rotation} at once", names.join(" and "))
            }
            Self::TwoLevels { chain, other, holder } => {
                format!("{holder} is on call for both {rotation} and {other}, two levels of the chain {chain}")
            }
            Self::Unknown(name) => {
                format!("the calendar of {rotation} names {name:?}, and nobody here is known as that")
            }
        }
    }

    /// What to do about it.
    pub fn next_step(&self, rotation: &str) -> String {
        match self {
            Self::Gap => format!(
                "find somebody, then write it below `overrides`: {{rotation: {rotation}, person: NAME, from: …, to: …}}"
            ),
            Self::Several(_) => {
                "agree who it is, and remove or shorten the override or calendar entry of the other".to_owned()
            }
            Self::TwoLevels { .. } => {
                format!("ask somebody else to take one of the two: an override for {rotation} will do")
            }
            Self::Unknown(name) => format!("write below `people`: NAME: {{names: [{name:?}]}}"),
        }
    }
}

impl Oncall {
    /// All findings of a time, by rotation and time.
    pub fn findings(&self, schedule: &Schedule, from_ms: i64, to_ms: i64) -> Vec<Finding> {
        let mut findings = Vec::new();
        for rotation in schedule.rotations().keys() {
            let shifts = schedule.shifts(rotation, from_ms, to_ms);
            let new = |from_ms, to_ms, problem| Finding { rotation: rotation.clone(), from_ms, to_ms, problem };
            let gaps = schedule.gaps(rotation, from_ms, to_ms).into_iter();
            findings.extend(gaps.map(|gap| new(gap.from_ms, gap.to_ms, Problem::Gap)));
            findings.extend(
                several(&shifts)
                    .into_iter()
                    .map(|(from_ms, to_ms, holders)| new(from_ms, to_ms, Problem::Several(holders))),
            );
            findings.extend(
                unknown(&shifts)
                    .into_iter()
                    .map(|shift| new(shift.from_ms, shift.to_ms, Problem::Unknown(shift.holder.to_string()))),
            );
        }
        findings.extend(self.on_two_levels(schedule, from_ms, to_ms));
        findings.sort_by(|one, other| (&one.rotation, one.from_ms).cmp(&(&other.rotation, other.from_ms)));
        findings.truncate(FINDINGS_MAX);
        findings
    }

    fn on_two_levels(&self, schedule: &Schedule, from_ms: i64, to_ms: i64) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (chain, name) in self.chains.iter().map(|(name, chain)| (chain, name)) {
            let rotations: Vec<Vec<&String>> = chain.levels.iter().map(|level| rotations_of(&level.who)).collect();
            for (first, lower) in rotations.iter().enumerate() {
                for (one, other) in rotations[first + 1..]
                    .iter()
                    .flatten()
                    .flat_map(|other| lower.iter().map(move |one| (*one, *other)))
                {
                    if one == other {
                        continue;
                    }
                    let (ones, others) = (schedule.shifts(one, from_ms, to_ms), schedule.shifts(other, from_ms, to_ms));
                    findings.extend(both(&ones, &others).into_iter().map(|(from_ms, to_ms, holder)| Finding {
                        rotation: one.clone(),
                        from_ms,
                        to_ms,
                        problem: Problem::TwoLevels { chain: name.clone(), other: other.clone(), holder },
                    }));
                    if findings.len() > FINDINGS_MAX {
                        return findings;
                    }
                }
            }
        }
        findings
    }
}

fn rotations_of(who: &[Reach]) -> Vec<&String> {
    who.iter()
        .filter_map(|reach| match reach {
            Reach::Rotation(name) => Some(name),
            Reach::Person(_) | Reach::Channel(_) => None,
        })
        .collect()
}

/// The times at which more than one person holds a rotation, each with all of them. `shifts` are by their beginning.
fn several(shifts: &[Shift]) -> Vec<(i64, i64, Vec<Holder>)> {
    let mut edges: Vec<i64> = shifts.iter().flat_map(|shift| [shift.from_ms, shift.to_ms]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut found: Vec<(i64, i64, Vec<Holder>)> = Vec::new();
    for edge in edges.windows(2) {
        let mut holders: Vec<Holder> = shifts
            .iter()
            .take_while(|shift| shift.from_ms <= edge[0])
            .filter(|shift| shift.is_at(edge[0]))
            .map(|shift| shift.holder.clone())
            .collect();
        holders.sort();
        holders.dedup();
        match found.last_mut() {
            Some((_, to_ms, last)) if *to_ms == edge[0] && *last == holders => *to_ms = edge[1],
            _ if holders.len() > 1 => found.push((edge[0], edge[1], holders)),
            _ => {}
        }
        if found.len() > FINDINGS_MAX {
            break;
        }
    }
    found
}

/// Times at which one person holds both.
fn both(ones: &[Shift], others: &[Shift]) -> Vec<(i64, i64, AccountName)> {
    let mut found: Vec<(i64, i64, AccountName)> = Vec::new();
    for one in ones {
        let same = others.iter().filter(|other| other.holder == one.holder && other.touches(one.from_ms, one.to_ms));
        for other in same {
            if let Some(person) = one.holder.account() {
                found.push((one.from_ms.max(other.from_ms), one.to_ms.min(other.to_ms), person.clone()));
            }
        }
    }
    found.truncate(FINDINGS_MAX);
    found
}

/// The first shift of each person that nobody knows.
fn unknown(shifts: &[Shift]) -> Vec<&Shift> {
    let mut first: Vec<&Shift> = Vec::new();
    for shift in shifts.iter().filter(|shift| shift.holder.account().is_none()) {
        if !first.iter().any(|known| known.holder == shift.holder) {
            first.push(shift);
        }
    }
    first
}
