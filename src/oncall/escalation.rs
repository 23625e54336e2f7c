//! A page that climbs: who is told, level by level, until somebody answers. A small state machine without a clock.
//!
//! ```text
//! raised → level 1 ─time-out→ level 2 … ─time-out→ (again from level 1, `repeat` times) → exhausted
//!             └── acknowledged ──┴───────── acknowledged, at any time, also after exhausted
//! ```
//!
//! [`decide`] answers with events, [`apply`] takes them; both are total. A level that reaches nobody is passed over at
//! once, and the story says so. After the server was down, the next level gets its whole time from now on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::model::Chain;

/// The version of the stored form.
pub const VERSION: u32 = 1;

/// A page and its story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    pub v: u32,
    pub chain: String,
    pub title: String,
    /// As the chain was when it was raised.
    pub levels: Vec<PageLevel>,
    pub repeat: u32,
    pub text: String,
    /// The place of this server that it is about: `/runs/…`.
    pub about: Option<String>,
    pub raised_by: String,
    pub raised_at_ms: i64,
    pub standing: Standing,
    pub story: Vec<Told>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageLevel {
    /// `rotation:web`, as written in the chain.
    pub who: Vec<String>,
    pub timeout_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Nobody was told yet.
    Raised,
    /// Waits for an answer of a level; levels and rounds from 0.
    Climbing {
        level: usize,
        round: u32,
        until_ms: i64,
    },
    Acknowledged {
        by: String,
        at_ms: i64,
    },
    /// All levels were told and nobody answered.
    Exhausted {
        at_ms: i64,
    },
}

/// Something that happened, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub at_ms: i64,
    pub event: Event,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A level was told: these people and channels; nobody if the list is empty.
    LevelPaged {
        level: usize,
        round: u32,
        reached: Vec<Target>,
    },
    Acknowledged {
        by: String,
        over: Over,
    },
    Exhausted,
}

/// Whom a message goes to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// The account; none for a channel that many read.
    pub person: Option<String>,
    /// The channel that many read, or the number of one of the person's own.
    pub channel: String,
}

/// How somebody answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// Signed in, on the page or by the API.
    SignedIn,
    /// With the link of a message.
    Link,
}

/// What comes to a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Time has passed, or it has just been raised.
    Tick,
    Acknowledge {
        by: String,
        over: Over,
    },
}

/// Why nothing happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{by} has it already")]
    Acknowledged { by: String },
}

impl Page {
    /// A page that was just raised; nobody is told before the first [`Input::Tick`].
    pub fn raise(chain: &str, of: &Chain, text: String, about: Option<String>, by: String, now_ms: i64) -> Self {
        let levels = of.levels.iter().map(|level| PageLevel {
            who: level.who.iter().map(ToString::to_string).collect(),
            timeout_ms: milliseconds(level.timeout),
        });
        Self {
            v: VERSION,
            chain: chain.to_owned(),
            title: of.title.clone().unwrap_or_else(|| chain.to_owned()),
            levels: levels.collect(),
            repeat: of.repeat,
            text,
            about,
            raised_by: by,
            raised_at_ms: now_ms,
            standing: Standing::Raised,
            story: Vec::new(),
        }
    }

    /// When something is to happen by itself.
    pub fn next_at_ms(&self) -> Option<i64> {
        match &self.standing {
            Standing::Raised => Some(self.raised_at_ms),
            Standing::Climbing { until_ms, .. } => Some(*until_ms),
            Standing::Acknowledged { .. } | Standing::Exhausted { .. } => None,
        }
    }

    /// Whether nobody has answered yet.
    pub fn is_open(&self) -> bool {
        !matches!(self.standing, Standing::Acknowledged { .. })
    }

    /// The level and round after the one that waits now; none at the end.
    fn after(&self) -> Option<(usize, u32)> {
        match &self.standing {
            Standing::Raised => (!self.levels.is_empty()).then_some((0, 0)),
            Standing::Climbing { level, round, .. } => self.step(*level, *round),
            Standing::Acknowledged { .. } | Standing::Exhausted { .. } => None,
        }
    }

    fn step(&self, level: usize, round: u32) -> Option<(usize, u32)> {
        if level + 1 < self.levels.len() {
            Some((level + 1, round))
        } else {
            (round < self.repeat).then_some((0, round + 1))
        }
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// What follows. `reached` says whom each level reaches at this moment, in the order of the levels.
///
/// # Errors
/// It was acknowledged before.
pub fn decide(page: &Page, input: Input, now_ms: i64, reached: &[Vec<Target>]) -> Result<Vec<Event>, Refusal> {
    match (input, &page.standing) {
        (
            Input::Acknowledge { by, over },
            Standing::Raised | Standing::Climbing { .. } | Standing::Exhausted { .. },
        ) => Ok(vec![Event::Acknowledged { by, over }]),
        (Input::Acknowledge { .. }, Standing::Acknowledged { by, .. }) => Err(Refusal::Acknowledged { by: by.clone() }),
        (Input::Tick, Standing::Acknowledged { .. } | Standing::Exhausted { .. }) => Ok(Vec::new()),
        (Input::Tick, Standing::Raised | Standing::Climbing { .. }) if page.next_at_ms() > Some(now_ms) => {
            Ok(Vec::new())
        }
        (Input::Tick, Standing::Raised | Standing::Climbing { .. }) => Ok(climb(page, reached)),
    }
}

/// The next level that reaches somebody, with those that are passed over on the way.
fn climb(page: &Page, reached: &[Vec<Target>]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut next = page.after();
    while let Some((level, round)) = next {
        let reached = reached.get(level).cloned().unwrap_or_default();
        let is_empty = reached.is_empty();
        events.push(Event::LevelPaged { level, round, reached });
        if !is_empty {
            return events;
        }
        next = page.step(level, round);
    }
    events.push(Event::Exhausted);
    events
}

/// Takes an event into the story.
pub fn apply(page: &mut Page, event: Event, now_ms: i64) {
    page.standing = match &event {
        Event::LevelPaged { level, round, reached } => {
            let timeout_ms = page.levels.get(*level).map_or(0, |level| level.timeout_ms);
            let wait_ms = if reached.is_empty() { 0 } else { timeout_ms };
            Standing::Climbing { level: *level, round: *round, until_ms: now_ms.saturating_add(wait_ms) }
        }
        Event::Acknowledged { by, .. } => Standing::Acknowledged { by: by.clone(), at_ms: now_ms },
        Event::Exhausted => Standing::Exhausted { at_ms: now_ms },
    };
    page.story.push(Told { at_ms: now_ms, event });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(timeouts_s: &[i64], repeat: u32) -> Page {
        let levels = timeouts_s.iter().map(|seconds| PageLevel { who: Vec::new(), timeout_ms: seconds * 1000 });
        Page {
            v: VERSION,
            chain: "web".to_owned(),
            title: "web".to_owned(),
            levels: levels.collect(),
            repeat,
            text: "help".to_owned(),
            about: None,
            raised_by: "user:anna".to_owned(),
            raised_at_ms: 0,
            standing: Standing::Raised,
            story: Vec::new(),
        }
    }

    fn people(names: &[&str]) -> Vec<Vec<Target>> {
        let target = |name: &&str| Target { person: Some((*name).to_owned()), channel: "0".to_owned() };
        names.iter().map(|name| if name.is_empty() { Vec::new() } else { vec![target(name)] }).collect()
    }

    fn turn(page: &mut Page, input: Input, now_ms: i64, reached: &[Vec<Target>]) -> Vec<Event> {
        let events = decide(page, input, now_ms, reached).expect("it is not refused");
        for event in events.clone() {
            apply(page, event, now_ms);
        }
        events
    }

    fn told(events: &[Event]) -> Vec<String> {
        let words = |event: &Event| match event {
            Event::LevelPaged { level, round, reached } => {
                format!(
                    "{round}/{level}:{}",
                    reached.iter().filter_map(|target| target.person.clone()).collect::<String>()
                )
            }
            Event::Acknowledged { by, .. } => format!("by {by}"),
            Event::Exhausted => "exhausted".to_owned(),
        };
        events.iter().map(words).collect()
    }

    #[test]
    fn an_unanswered_page_climbs_level_by_level_and_begins_again_and_ends() {
        let mut page = page(&[60, 120], 1);
        let reached = people(&["a", "b"]);
        assert_eq!(told(&turn(&mut page, Input::Tick, 0, &reached)), ["0/0:a"]);
        assert!(turn(&mut page, Input::Tick, 59_999, &reached).is_empty());
        assert_eq!(told(&turn(&mut page, Input::Tick, 60_000, &reached)), ["0/1:b"]);
        assert_eq!(told(&turn(&mut page, Input::Tick, 180_000, &reached)), ["1/0:a"]);
        assert_eq!(told(&turn(&mut page, Input::Tick, 240_000, &reached)), ["1/1:b"]);
        assert_eq!(told(&turn(&mut page, Input::Tick, 360_000, &reached)), ["exhausted"]);
        assert_eq!(page.next_at_ms(), None);
        let late = Input::Acknowledge { by: "user:c".to_owned(), over: Over::SignedIn };
        assert_eq!(told(&turn(&mut page, late, 400_000, &reached)), ["by user:c"], "late is better than never");
    }

    #[test]
    fn whoever_answers_ends_it_and_a_second_answer_is_told_who_has_it() {
        let mut page = page(&[60, 60], 0);
        let reached = people(&["a", "b"]);
        turn(&mut page, Input::Tick, 0, &reached);
        let answer = |by: &str| Input::Acknowledge { by: by.to_owned(), over: Over::Link };
        turn(&mut page, answer("user:a"), 10_000, &reached);
        assert!(turn(&mut page, Input::Tick, 1_000_000, &reached).is_empty());
        let refused = decide(&page, answer("user:b"), 20_000, &reached);
        assert_eq!(refused, Err(Refusal::Acknowledged { by: "user:a".to_owned() }));
    }

    #[test]
    fn a_level_that_reaches_nobody_is_passed_over_at_once_and_the_story_says_so() {
        let mut page = page(&[60, 60, 60], 0);
        let events = turn(&mut page, Input::Tick, 0, &people(&["", "", "c"]));
        assert_eq!(told(&events), ["0/0:", "0/1:", "0/2:c"]);
        let mut nobody = self::page(&[60], 0);
        assert_eq!(told(&turn(&mut nobody, Input::Tick, 0, &people(&[""]))), ["0/0:", "exhausted"]);
    }

    #[test]
    fn after_the_server_was_down_the_next_level_has_its_whole_time() {
        let mut page = page(&[60, 60, 60], 0);
        let reached = people(&["a", "b", "c"]);
        turn(&mut page, Input::Tick, 0, &reached);
        assert_eq!(told(&turn(&mut page, Input::Tick, 3_600_000, &reached)), ["0/1:b"]);
        assert_eq!(page.next_at_ms(), Some(3_660_000));
    }

    #[test]
    fn the_first_version_still_loads() {
        let mut stored = page(&[60], 0);
        turn(&mut stored, Input::Tick, 0, &people(&["a"]));
        let text = r#"{"v":1,"chain":"web","title":"web","levels":[{"who":[],"timeout_ms":60000}],"repeat":0,"text":"help","about":null,"raised_by":"user:anna","raised_at_ms":0,"standing":{"climbing":{"level":0,"round":0,"until_ms":60000}},"story":[{"at_ms":0,"event":{"level-paged":{"level":0,"round":0,"reached":[{"person":"a","channel":"0"}]}}}]}"#;
        assert_eq!(serde_json::to_string(&stored).expect("it is JSON"), text);
        assert_eq!(serde_json::from_str::<Page>(text).expect("it loads"), stored);
    }

    proptest! {
        #[test]
        fn every_level_is_told_once_a_round_and_it_always_ends(
            timeouts in prop::collection::vec(1_i64..100, 1..6), repeat in 0_u32..4, step in 1_i64..50_000,
        ) {
            let mut page = page(&timeouts, repeat);
            let reached = vec![people(&["a"])[0].clone(); timeouts.len()];
            let (mut now_ms, mut paged) = (0, Vec::new());
            while page.next_at_ms().is_some() {
                for event in turn(&mut page, Input::Tick, now_ms, &reached) {
                    if let Event::LevelPaged { level, round, .. } = event { paged.push((round, level)); }
                }
                now_ms += step;
            }
            let expected: Vec<(u32, usize)> =
                (0..=repeat).flat_map(|round| (0..timeouts.len()).map(move |level| (round, level))).collect();
            prop_assert_eq!(paged, expected);
        }
    }
}
