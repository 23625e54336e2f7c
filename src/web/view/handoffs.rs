//! Lists of handoffs, the read-back one item at a time, the difference of two, and the figures.

use serde::Serialize;

use crate::handoff::measures::Figure;
use crate::handoff::view::{HandoffView, ItemView};
use crate::store::handoffs::HandoffRow;
use crate::web::format::Moment;
use crate::web::view::components::{Blank, Meter, Severity};
use crate::web::view::handoff::{HandoffPage, ItemCard, phase_words};
use crate::web::view::run::Message;

/// The list.
#[derive(Debug, Clone, Serialize)]
pub struct HandoffsPage {
    pub message: Option<Message>,
    /// What waits for whoever looks.
    pub headline: String,
    pub query: String,
    /// Those in which it is their turn, before all others.
    pub mine: Vec<HandoffLine>,
    pub handoffs: Vec<HandoffLine>,
    pub blank: Option<Blank>,
    pub older: Option<String>,
    pub begin: Option<BeginForm>,
}

#[derive(Debug, Clone, Serialize)]
pub struct HandoffLine {
    pub href: String,
    pub from: String,
    pub to: String,
    pub phase: &'static str,
    pub tone: &'static str,
    pub overdue: Option<String>,
    pub overview: String,
    pub counts: String,
    pub unstable: bool,
    pub boundary: Moment,
}

/// The form that begins one, with what was typed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BeginForm {
    pub to: String,
    pub rotation: String,
    pub boundary: String,
    pub emergency: String,
    /// Opened, because something was typed.
    pub open: bool,
}

impl HandoffLine {
    pub fn new(row: &HandoffRow, now_ms: i64) -> Self {
        let (phase, tone) = phase_words(&row.phase);
        let counts = [(row.unstable, "unstable"), (row.watcher, "watcher"), (row.items, "in all")];
        let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
        Self {
            href: format!("/handoffs/{}", row.id),
            from: row.sender.clone(),
            to: row.receiver.clone(),
            phase,
            tone,
            overdue: row.overdue.clone(),
            overview: row.overview.clone(),
            counts: counts.collect::<Vec<_>>().join(", "),
            unstable: row.unstable > 0,
            boundary: Moment::new(row.boundary_ms, now_ms),
        }
    }
}

/// Whether it is this person's turn.
pub fn is_turn_of(row: &HandoffRow, person: &str) -> bool {
    match row.phase.as_str() {
        "draft" | "ready" => row.sender == person,
        "questioned" => row.sender == person || row.receiver == person,
        "offered" | "amended" => row.receiver == person,
        _ => false,
    }
}

/// The read-back: one item, or the end.
#[derive(Debug, Clone, Serialize)]
pub struct ReadPage {
    pub message: Option<Message>,
    pub id: String,
    pub from: String,
    pub overview: String,
    pub upcoming: String,
    pub emergency: Option<String>,
    pub position: String,
    pub percent: u8,
    pub item: Option<ItemCard>,
    /// What was typed or said before.
    pub text: String,
    pub words: String,
    pub choices: Vec<Choice>,
    /// Open questions on this item.
    pub waiting_for_answer: bool,
    pub back: Option<String>,
    pub ahead: Option<String>,
    /// Only on the last page.
    pub end: Option<ReadEnd>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    pub value: &'static str,
    pub label: &'static str,
    pub chosen: bool,
}

/// The last page: the recap, what is missing, and "I have these".
#[derive(Debug, Clone, Serialize)]
pub struct ReadEnd {
    pub digest: String,
    pub recap: String,
    pub missing: Vec<MissingLine>,
    pub ready: bool,
    pub takes: Vec<String>,
    pub wheels: Vec<String>,
    pub items: Vec<ReadLine>,
}

#[derive(Debug, Clone, Serialize)]
pub struct MissingLine {
    pub text: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct ReadLine {
    pub href: String,
    pub title: String,
    pub severity: Option<Severity>,
    pub done: bool,
    pub decision: Option<String>,
}

/// What a refused form had.
#[derive(Debug, Clone, Default)]
pub struct TypedReading {
    pub text: String,
    pub decision: String,
    pub words: String,
    pub recap: String,
}

/// Whether the receiver is done with an item.
pub fn is_read(line: &ItemView) -> bool {
    let said = line.read_back.as_ref().is_some_and(|said| said.settled || said.differs.is_empty());
    line.decision.is_some() && (said || !line.needs_read_back)
}

impl ReadPage {
    /// The page of the item at `at` among those to be read; past the last, the end.
    pub fn new(page: HandoffPage, handoff: &HandoffView, at: usize, typed: Option<TypedReading>) -> Self {
        let to_read: Vec<&ItemView> = handoff.items.iter().filter(|line| line.to_read).collect();
        let count = to_read.len();
        let href = |at: usize| match to_read.get(at) {
            Some(line) => format!("/handoffs/{}?read={}", handoff.id, line.item.key),
            None => format!("/handoffs/{}?read=end", handoff.id),
        };
        let line = to_read.get(at).copied();
        let key = line.map(|line| line.item.key.to_string());
        let card = page.items.into_iter().find(|card| Some(&card.key) == key.as_ref());
        let said = line.and_then(|line| line.read_back.as_ref()).map(|said| said.text.clone()).unwrap_or_default();
        let decided = line.and_then(|line| line.decision.as_deref()).unwrap_or_default();
        let typed = typed.unwrap_or_else(|| TypedReading {
            text: said,
            decision: if decided == "declined" { "decline".to_owned() } else { "accept".to_owned() },
            words: line.and_then(|line| line.declined_because.clone()).unwrap_or_default(),
            recap: page.recap.clone().unwrap_or_default(),
        });
        let is_open = |asked: &&crate::web::view::handoff::QuestionLine| {
            asked.answer.is_none() && asked.item.as_ref() == key.as_ref() && key.is_some()
        };
        let takes = |line: &&&ItemView| line.decision.as_deref() == Some("accepted");
        let end = line.is_none().then(|| ReadEnd {
            digest: handoff.digest.clone(),
            recap: typed.recap.clone(),
            missing: handoff
                .missing
                .iter()
                .filter(|text| !text.starts_with("write the recap"))
                .map(|text| MissingLine { text: text.clone() })
                .collect(),
            ready: handoff.missing.iter().all(|text| text.starts_with("write the recap")),
            takes: to_read.iter().filter(takes).map(|line| line.item.title.clone()).collect(),
            wheels: wheels(&to_read),
            items: to_read.iter().enumerate().map(|(at, line)| read_line(line, href(at))).collect(),
        });
        Self {
            message: page.message,
            id: page.id,
            from: page.from,
            overview: page.overview,
            upcoming: page.upcoming,
            emergency: page.emergency,
            position: if line.is_some() { format!("{} of {count}", at + 1) } else { "The end".to_owned() },
            percent: u8::try_from((at.min(count) * 100).checked_div(count).unwrap_or(100)).unwrap_or(100),
            item: card.map(|card| ItemCard { form: None, may_force: false, may_object: false, ..card }),
            text: typed.text,
            words: typed.words,
            choices: choices(&typed.decision),
            waiting_for_answer: page.questions.iter().any(|asked| is_open(&asked)),
            back: (at > 0).then(|| href(at - 1)),
            ahead: line.map(|_| href(at + 1)),
            end,
        }
    }
}

fn choices(chosen: &str) -> Vec<Choice> {
    [("accept", "I take it"), ("question", "I have a question"), ("decline", "I do not take it")]
        .map(|(value, label)| Choice { value, label, chosen: value == chosen })
        .to_vec()
}

fn wheels(to_read: &[&ItemView]) -> Vec<String> {
    let accepted = to_read.iter().filter(|line| line.decision.as_deref() == Some("accepted"));
    accepted.flat_map(|line| &line.item.runs).map(ToString::to_string).collect()
}

fn read_line(line: &ItemView, href: String) -> ReadLine {
    ReadLine {
        href,
        title: line.item.title.clone(),
        severity: line.item.severity.map(|judged| Severity { level: judged.word(), word: judged.word() }),
        done: is_read(line),
        decision: line.decision.clone(),
    }
}

/// Two handoffs side by side.
#[derive(Debug, Clone, Serialize)]
pub struct ComparePage {
    pub here: String,
    pub title: String,
    pub other: String,
    pub other_title: String,
    pub lines: Vec<CompareLine>,
}

/// A line of both forms: kept, gone or new.
#[derive(Debug, Clone, Serialize)]
pub struct CompareLine {
    /// `same`, `gone` or `new`: a class beside the sign.
    pub kind: &'static str,
    pub sign: &'static str,
    pub text: String,
}

/// The figures, with their definitions.
#[derive(Debug, Clone, Serialize)]
pub struct MeasuresPage {
    pub handoffs: usize,
    pub days: i64,
    pub figures: Vec<FigureCard>,
}

#[derive(Debug, Clone, Serialize)]
pub struct FigureCard {
    pub name: &'static str,
    pub definition: &'static str,
    pub meter: Option<Meter>,
}

impl FigureCard {
    /// The tone says whether more is better; most figures only count.
    pub fn new(figure: &Figure) -> Self {
        let meter = figure.percent().map(|percent| Meter {
            label: format!("{} of {}", figure.count, figure.of),
            value: format!("{percent} %"),
            percent: u8::try_from(percent.min(100)).unwrap_or(100),
            tone: "",
        });
        Self { name: figure.name, definition: figure.definition, meter }
    }
}
