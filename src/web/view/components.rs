//! The parts that pages are put together from, and the page that shows each of them in each state. It is drawn from
//! the same sample values in a test and in the running server, so that what one looks at is what is tested.

use serde::Serialize;

use crate::web::format::Moment;
use crate::web::view::run::Message;

/// The moment at which the samples are seen: 2026-11-23 03:12:09 UTC.
pub const SAMPLE_NOW_MS: i64 = 1_795_403_529_000;

/// Width of a bar chart in its own units; the style sheet stretches it.
const BARS_WIDTH: usize = 100;
/// Height of a bar chart in its own units.
const BARS_HEIGHT: usize = 40;

/// Where there is nothing, nothing yet, nothing for this reader, or nothing because of a failure: what is so, and the
/// next step to take. Drawn by `components/blank`.
#[derive(Debug, Clone, Serialize)]
pub struct Blank {
    /// `empty`, `loading`, `denied`, `failed` or `offline`.
    pub kind: &'static str,
    /// A symbol of `sprite.hbs`.
    pub icon: &'static str,
    pub title: String,
    pub detail: String,
    /// The next step; none where waiting is all that can be done.
    pub href: Option<String>,
    pub action: String,
    /// To be told to whoever runs the server.
    pub request_id: Option<String>,
}

/// How far something is, and how long it usually takes. Drawn by `components/progress`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Says the same in words; the drawing is hidden from screen readers.
    pub words: String,
    /// Of the usual time, at most 100.
    pub percent: u8,
    /// Longer than usual.
    pub is_over: bool,
}

impl Progress {
    /// `elapsed_ms` of the `usual_ms` that it takes at other times.
    pub fn of(elapsed_ms: i64, usual_ms: i64, words: impl Into<String>) -> Self {
        let percent = (elapsed_ms.max(0) * 100) / usual_ms.max(1);
        Self {
            words: words.into(),
            percent: u8::try_from(percent.min(100)).unwrap_or(100),
            is_over: elapsed_ms > usual_ms,
        }
    }
}

/// A share of a whole. Drawn by `components/meter`.
#[derive(Debug, Clone, Serialize)]
pub struct Meter {
    pub label: String,
    pub value: String,
    /// From 0 to 100.
    pub percent: u8,
    pub tone: &'static str,
}

/// Some numbers side by side. Drawn by `components/bars`.
#[derive(Debug, Clone, Serialize)]
pub struct Bars {
    /// Says what the drawing shows, and its extremes.
    pub words: String,
    pub bars: Vec<Bar>,
    pub width: usize,
    pub height: usize,
}

/// One bar, in units of the chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bar {
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
    pub tone: &'static str,
    pub title: String,
}

impl Bars {
    /// Bars of `(value, tone, title)`, the highest of them as high as the chart. Beyond a hundred they are too thin to
    /// be seen: only the last hundred are drawn.
    pub fn new(words: impl Into<String>, values: &[(u64, &'static str, String)]) -> Self {
        let shown = &values[values.len().saturating_sub(BARS_WIDTH)..];
        let highest = shown.iter().map(|(value, _, _)| *value).max().unwrap_or(0).max(1);
        let pitch = BARS_WIDTH / shown.len().max(1);
        let bars = shown.iter().enumerate().map(|(position, (value, tone, title))| {
            let share = u128::from(*value) * BARS_HEIGHT as u128 / u128::from(highest);
            let height = usize::try_from(share).unwrap_or(BARS_HEIGHT).max(1);
            let x = position * pitch;
            let width = if pitch > 2 { pitch - 1 } else { pitch };
            Bar { x, y: BARS_HEIGHT - height, width, height, tone, title: title.clone() }
        });
        Self { words: words.into(), bars: bars.collect(), width: BARS_WIDTH, height: BARS_HEIGHT }
    }
}

/// What happened, oldest first. Drawn by `components/timeline`.
#[derive(Debug, Clone, Serialize)]
pub struct TimelineEntry {
    pub at: Moment,
    pub tone: &'static str,
    pub title: String,
    pub detail: Option<String>,
}

/// The way from the top to this page. Drawn by `components/crumbs`.
#[derive(Debug, Clone, Serialize)]
pub struct Crumbs {
    pub links: Vec<Crumb>,
    pub here: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Crumb {
    pub href: String,
    pub words: String,
}

/// The way through a long list. Drawn by `components/pages`.
#[derive(Debug, Clone, Serialize)]
pub struct Pages {
    pub words: String,
    pub newer: Option<String>,
    pub older: Option<String>,
}

/// Views of one thing, or filters of one list. Drawn by `components/tabs`.
#[derive(Debug, Clone, Serialize)]
pub struct Tabs {
    pub label: String,
    pub tabs: Vec<Tab>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Tab {
    pub href: String,
    pub words: String,
    /// Shown after the words; empty for none.
    pub count: String,
    pub is_here: bool,
}

/// One field of a form. Drawn by `components/field`.
#[derive(Debug, Clone, Serialize)]
pub struct Field {
    pub name: String,
    pub label: String,
    pub hint: Option<String>,
    pub value: String,
    pub error: Option<String>,
}

/// What a handoff says about a thing. Drawn by `components/severity`.
#[derive(Debug, Clone, Serialize)]
pub struct Severity {
    /// `stable`, `watcher` or `unstable`.
    pub level: &'static str,
    pub word: &'static str,
}

/// The page that shows everything.
#[derive(Debug, Clone, Serialize)]
pub struct ComponentsPage {
    pub colours: Vec<&'static str>,
    pub tones: Vec<Tone>,
    pub effects: Vec<EffectSample>,
    pub severities: Vec<Severity>,
    pub messages: Vec<Message>,
    pub blanks: Vec<Blank>,
    pub progresses: Vec<Progress>,
    pub meters: Vec<Meter>,
    pub bars: Bars,
    pub timeline: Vec<TimelineEntry>,
    pub crumbs: Crumbs,
    pub pages: Pages,
    pub tabs: Tabs,
    pub fields: Vec<Field>,
    pub moment: Moment,
}

/// The class of a state beside a word for it.
#[derive(Debug, Clone, Serialize)]
pub struct Tone {
    pub tone: &'static str,
    pub word: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub struct EffectSample {
    pub effect: &'static str,
    pub effect_words: &'static str,
}

impl ComponentsPage {
    /// Every part in every state.
    pub fn sample() -> Self {
        Self {
            colours: ["ink", "dim", "edge", "accent", "good", "bad", "wait", "run", "unsure"].to_vec(),
            tones: [
                ("good", "succeeded"),
                ("bad", "failed"),
                ("wait", "waits for you"),
                ("run", "running"),
                ("unsure", "unknown"),
                ("still", "skipped"),
            ]
            .map(|(tone, word)| Tone { tone, word })
            .to_vec(),
            effects: [
                ("reads", "only reads"),
                ("changes", "changes"),
                ("destroys", "destructive"),
                ("hand", "by hand"),
            ]
            .map(|(effect, effect_words)| EffectSample { effect, effect_words })
            .to_vec(),
            severities: [("stable", "Stable"), ("watcher", "Watcher"), ("unstable", "Unstable")]
                .map(|(level, word)| Severity { level, word })
                .to_vec(),
            messages: messages(),
            blanks: blanks(),
            progresses: vec![
                Progress::of(84_000, 540_000, "1 min 24 s of usually 9 min 00 s"),
                Progress::of(700_000, 540_000, "11 min 40 s, usually 9 min 00 s"),
            ],
            meters: vec![meter("Succeeded", 96, "good"), meter("Failed", 4, "bad"), meter("Disk /var", 93, "wait")],
            bars: bars(),
            timeline: timeline(),
            crumbs: Crumbs {
                links: vec![
                    Crumb { href: "/runbooks".to_owned(), words: "Runbooks".to_owned() },
                    Crumb { href: "/runbooks/web/disk-full".to_owned(), words: "web/disk-full".to_owned() },
                ],
                here: "Start".to_owned(),
            },
            pages: Pages {
                words: "Runs 51 to 100".to_owned(),
                newer: Some("/components?newer".to_owned()),
                older: Some("/components?older".to_owned()),
            },
            tabs: tabs(),
            fields: fields(),
            moment: Moment::new(SAMPLE_NOW_MS - 240_000, SAMPLE_NOW_MS),
        }
    }
}

fn messages() -> Vec<Message> {
    [
        ("plain", "Goes on from step 4", "Earlier steps count as done."),
        ("good", "The password was changed", "Other browsers were signed out."),
        ("wait", "The review of this runbook was due in March", "Its owner is team:web."),
        ("bad", "Refused: nginx -t failed on web-3", "Line 12: unknown directive. Nothing was changed."),
    ]
    .map(|(tone, title, detail)| Message { tone, title: title.to_owned(), detail: Some(detail.to_owned()) })
    .to_vec()
}

fn blanks() -> Vec<Blank> {
    let blank = |kind, icon, title: &str, detail: &str, action: &str| Blank {
        kind,
        icon,
        title: title.to_owned(),
        detail: detail.to_owned(),
        href: (!action.is_empty()).then(|| "/runbooks".to_owned()),
        action: action.to_owned(),
        request_id: (kind == "failed").then(|| "01JD7Z3WQ8".to_owned()),
    };
    vec![
        blank("empty", "check", "Nothing waits", "The last run ended 3 days ago.", "Choose a runbook"),
        blank("loading", "clock", "Looking at 40 hosts", "Their answers appear as they come.", ""),
        blank(
            "denied",
            "lock",
            "You may not see this run",
            "It touches hosts of team:db. Ask them for the role of a viewer.",
            "What you may see",
        ),
        blank(
            "failed",
            "alert",
            "The run could not be read",
            "The database did not answer within 5 s. Your run goes on without this page.",
            "Try again",
        ),
        blank(
            "offline",
            "offline",
            "Connection lost",
            "The run goes on on the server. This page catches up by itself.",
            "",
        ),
    ]
}

fn meter(label: &str, percent: u8, tone: &'static str) -> Meter {
    Meter { label: label.to_owned(), value: format!("{percent} %"), percent, tone }
}

fn bars() -> Bars {
    let minutes = [8, 9, 7, 12, 9, 8, 21, 9, 8, 9, 10, 8];
    let values: Vec<_> = minutes
        .into_iter()
        .map(|minutes| (minutes, if minutes > 20 { "bad" } else { "good" }, format!("{minutes} min")))
        .collect();
    Bars::new("The last 12 runs took 7 to 21 minutes.", &values)
}

fn timeline() -> Vec<TimelineEntry> {
    let entry = |ago_ms, tone, title: &str, detail: Option<&str>| TimelineEntry {
        at: Moment::new(SAMPLE_NOW_MS - ago_ms, SAMPLE_NOW_MS),
        tone,
        title: title.to_owned(),
        detail: detail.map(str::to_owned),
    };
    vec![
        entry(260_000, "run", "anna started the run", None),
        entry(200_000, "good", "Measure how full the filesystem is", Some("used_pct = 93")),
        entry(60_000, "wait", "Delete old releases waits for anna", None),
    ]
}

fn tabs() -> Tabs {
    let tab = |words: &str, count: &str, is_here| Tab {
        href: format!("/components?{words}"),
        words: words.to_owned(),
        count: count.to_owned(),
        is_here,
    };
    Tabs {
        label: "States of runs".to_owned(),
        tabs: vec![tab("Waiting", "2", true), tab("Running", "14", false), tab("Ended", "", false)],
    }
}

fn fields() -> Vec<Field> {
    let field = |name: &str, label: &str, hint: Option<&str>, value: &str, error: Option<&str>| Field {
        name: name.to_owned(),
        label: label.to_owned(),
        hint: hint.map(str::to_owned),
        value: value.to_owned(),
        error: error.map(str::to_owned),
    };
    vec![
        field("reason", "Why now?", Some("kept with the run"), "disk alert on web-3", None),
        field("mount", "Filesystem", Some("a path"), "var", Some("“var” is not a path: it must begin with /")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_never_leaves_its_track_and_says_when_it_is_over() {
        assert_eq!(Progress::of(30, 120, "").percent, 25);
        assert_eq!((Progress::of(500, 120, "").percent, Progress::of(500, 120, "").is_over), (100, true));
        assert_eq!(Progress::of(-5, 0, "").percent, 0);
    }

    #[test]
    fn bars_fit_into_their_chart_however_many_there_are() {
        for count in [0, 1, 3, 99, 100, 5_000] {
            let values: Vec<_> = (0..count).map(|value| (value, "good", String::new())).collect();
            let chart = Bars::new("", &values);
            assert!(chart.bars.iter().all(|bar| bar.x + bar.width <= chart.width), "{count}");
            assert!(chart.bars.iter().all(|bar| bar.y + bar.height == chart.height && bar.height > 0), "{count}");
        }
    }
}
