//! A handoff's page as its templates see it: what is, what is to be done by whoever looks, and the forms for it.

mod form;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::handoff::record::{Fact, FactKind, RunbookRef};
use crate::handoff::view::{FindingView, HandoffView, ItemView, QuestionView};
use crate::id::{ItemKey, RunId};
use crate::run::event::Actor;
use crate::run::words::moment;
use crate::store::runs::RunRow;
use crate::web::format::Moment;
use crate::web::handoff_form::ItemText;
use crate::web::query;
use crate::web::view::components::Severity;
use crate::web::view::lists::stored_state;
use crate::web::view::run::Message;

pub use form::ItemForm;
use form::item_form;

/// The page.
#[derive(Debug, Clone, Serialize)]
pub struct HandoffPage {
    pub message: Option<Message>,
    pub id: String,
    pub revision: u32,
    pub digest: String,
    pub digest_short: String,
    pub from: String,
    pub to: String,
    pub rotation: Option<String>,
    pub boundary: Moment,
    pub phase: &'static str,
    pub tone: &'static str,
    /// What is to be done now, and by whom: the first thing that is said.
    pub what_now: String,
    pub overdue: Option<String>,
    pub void_because: Option<String>,
    pub emergency: Option<String>,
    pub owed_by: Option<Moment>,
    pub quiet: bool,
    pub overview: String,
    pub upcoming: String,
    pub items: Vec<ItemCard>,
    pub facts: Vec<FactLine>,
    pub dismissed: Vec<DismissedLine>,
    pub signed: Option<SignedLine>,
    pub acknowledged: Option<Moment>,
    pub recap: Option<String>,
    pub questions: Vec<QuestionLine>,
    pub comments: Vec<CommentLine>,
    pub missing: Vec<String>,
    /// Of the whole, for its sender; those of an item stand with it.
    pub findings: Vec<FindingLine>,
    pub may: May,
    pub others: Vec<Other>,
}

/// What whoever looks may do now.
#[derive(Debug, Clone, Default, Serialize)]
pub struct May {
    pub write: bool,
    /// Write what is not offered yet: sign, or quiet in one tap.
    pub send: bool,
    pub quiet: bool,
    pub refresh: bool,
    pub withdraw: bool,
    pub read: bool,
    pub take_unbriefed: bool,
    pub object: bool,
    pub void: bool,
    pub comment: bool,
    pub force: bool,
}

/// Who looks, and what the policy lets them.
#[derive(Debug, Clone, Copy)]
pub struct Looker<'a> {
    pub actor: &'a Actor,
    pub writes: bool,
    pub forces: bool,
    pub now_ms: i64,
}

/// One item.
#[derive(Debug, Clone, Serialize)]
pub struct ItemCard {
    pub key: String,
    pub handoff: String,
    pub revision: u32,
    pub title: String,
    pub severity: Option<Severity>,
    pub basis: String,
    pub carried: Option<String>,
    pub statement: String,
    pub tried: String,
    pub assessment: String,
    pub plan: String,
    pub decision_to: String,
    pub facts: Vec<FactLine>,
    pub actions: Vec<ActionLine>,
    pub contingencies: Vec<ContingencyLine>,
    pub runs: Vec<RunNow>,
    pub holder: String,
    pub held_since: Option<Moment>,
    pub forced: Option<String>,
    pub needs_read_back: bool,
    pub read_back: Option<String>,
    pub differs: Option<String>,
    pub may_settle: bool,
    pub decision: Option<String>,
    pub decision_tone: &'static str,
    pub because: Option<String>,
    pub findings: Vec<FindingLine>,
    /// For its sender.
    pub form: Option<ItemForm>,
    pub may_object: bool,
    pub may_force: bool,
    /// For its holder.
    pub may_work: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct FactLine {
    pub name: String,
    pub text: String,
    pub href: String,
    pub tone: &'static str,
    pub kind: &'static str,
    pub was: Option<String>,
    pub hidden: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ActionLine {
    pub number: usize,
    pub text: String,
    pub owner: String,
    pub due: Option<String>,
    pub runbook: Option<RunbookLink>,
    pub done: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct ContingencyLine {
    pub condition: String,
    pub then: String,
    pub runbook: Option<RunbookLink>,
    pub page: String,
}

/// To the start form, with its values: still guarded, and nothing starts by opening it.
#[derive(Debug, Clone, Serialize)]
pub struct RunbookLink {
    pub href: String,
    pub words: String,
}

/// A run of an item as it is now, whatever was written.
#[derive(Debug, Clone, Serialize)]
pub struct RunNow {
    pub href: String,
    pub title: String,
    pub state: String,
    pub tone: &'static str,
    pub waiting: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct FindingLine {
    pub name: String,
    pub check: String,
    pub text: String,
    /// It must hold, or be overridden with a reason.
    pub binds: bool,
    /// The field for that reason stands here: one for all findings of a name.
    pub asks: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct DismissedLine {
    pub title: String,
    pub reason: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct SignedLine {
    pub by: String,
    pub at: Moment,
    pub current: bool,
    pub overridden: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct QuestionLine {
    pub number: u32,
    pub item: Option<String>,
    pub text: String,
    pub declines: bool,
    pub by: String,
    pub answer: Option<String>,
    pub may_answer: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct CommentLine {
    pub by: String,
    pub at: Moment,
    pub text: String,
}

/// An earlier handoff, to compare with.
#[derive(Debug, Clone, Serialize)]
pub struct Other {
    pub href: String,
    pub words: String,
}

impl HandoffPage {
    /// The page of `handoff` for somebody; `runs` are its runs as they are now, `typed` what a refused form had.
    pub fn new(
        handoff: &HandoffView,
        looker: Looker<'_>,
        runs: &BTreeMap<RunId, RunRow>,
        typed: Option<&(ItemKey, ItemText)>,
    ) -> Self {
        let may = may(handoff, looker);
        let at = |at_ms: i64| Moment::new(at_ms, looker.now_ms);
        let (phase, tone) = phase_words(&handoff.phase);
        let cards = handoff.items.iter().map(|line| item_card(handoff, line, looker, (&may, runs, typed)));
        Self {
            message: None,
            id: handoff.id.to_string(),
            revision: handoff.revision,
            digest: handoff.digest.clone(),
            digest_short: handoff.digest.chars().take(12).collect(),
            from: handoff.shift.outgoing.to_string(),
            to: handoff.shift.incoming.to_string(),
            rotation: handoff.shift.rotation.clone(),
            boundary: at(handoff.shift.ends_ms),
            phase,
            tone,
            what_now: what_now(handoff, looker),
            overdue: handoff.overdue.clone(),
            void_because: handoff.void_because.clone(),
            emergency: handoff.emergency.clone(),
            owed_by: handoff.owed_by_ms.map(at),
            quiet: handoff.quiet,
            overview: handoff.overview.clone(),
            upcoming: handoff.upcoming.clone(),
            items: cards.collect(),
            facts: handoff.facts.iter().map(fact_line).collect(),
            dismissed: handoff
                .dismissed
                .iter()
                .map(|gone| DismissedLine { title: gone.title.clone(), reason: gone.reason.clone() })
                .collect(),
            signed: handoff.signed.as_ref().map(|signed| SignedLine {
                by: signed.by.to_string(),
                at: at(signed.at_ms),
                current: signed.current,
                overridden: signed.overridden.clone(),
            }),
            acknowledged: handoff.acknowledged_ms.map(at),
            recap: handoff.recap.clone(),
            questions: handoff.questions.iter().map(|asked| question_line(asked, handoff, looker)).collect(),
            comments: handoff
                .comments
                .iter()
                .map(|said| CommentLine { by: said.by.to_string(), at: at(said.at_ms), text: said.text.clone() })
                .collect(),
            missing: handoff.missing.clone(),
            findings: findings(&handoff.findings, None),
            may,
            others: Vec::new(),
        }
    }
}

/// The word and class of a phase.
pub fn phase_words(phase: &str) -> (&'static str, &'static str) {
    match phase {
        "draft" => ("Draft", "wait"),
        "ready" => ("Signed", "wait"),
        "offered" => ("Offered", "wait"),
        "questioned" => ("Questions", "wait"),
        "acknowledged" => ("Acknowledged", "good"),
        "amended" => ("Amended", "wait"),
        "taken-unbriefed" => ("Taken without briefing", "unsure"),
        "closed" => ("Closed", "still"),
        _ => ("Void", "still"),
    }
}

fn is(person: &Actor, looker: Looker<'_>) -> bool {
    person.person() == looker.actor.person()
}

fn may(handoff: &HandoffView, looker: Looker<'_>) -> May {
    let sends = looker.writes && is(&handoff.shift.outgoing, looker);
    let receives = looker.writes && is(&handoff.shift.incoming, looker);
    let phase = handoff.phase.as_str();
    let is_draft = matches!(phase, "draft" | "ready");
    let is_offered = matches!(phase, "offered" | "questioned");
    let unsigned = handoff.signed.as_ref().is_none_or(|signed| !signed.current);
    May {
        write: sends && !matches!(phase, "closed" | "void"),
        send: sends && (is_draft || (phase == "amended" && unsigned)),
        quiet: sends && is_draft && handoff.items.is_empty(),
        refresh: sends && phase == "draft",
        withdraw: sends && (is_offered || phase == "ready"),
        read: receives && (is_offered || phase == "amended"),
        take_unbriefed: receives
            && (is_draft || is_offered)
            && looker.now_ms >= handoff.shift.ends_ms
            && (unsigned || handoff.waits_for_sender)
            && !handoff.begun_by_receiver,
        object: sends && matches!(phase, "acknowledged" | "amended"),
        void: (sends || looker.forces) && (is_draft || is_offered),
        comment: looker.writes && phase != "void",
        force: looker.forces && phase != "void",
    }
}

/// What is to be done now, by whoever looks or by whom else.
fn what_now(handoff: &HandoffView, looker: Looker<'_>) -> String {
    let (from, to) = (&handoff.shift.outgoing, &handoff.shift.incoming);
    let (sends, receives) = (is(from, looker), is(to, looker));
    match handoff.phase.as_str() {
        "draft" if sends => "The facts are filled in. Write what you make of them, then sign.".to_owned(),
        "draft" | "ready" => format!("{from} still writes it."),
        "offered" if receives => "Read it back, one item at a time; then it is yours.".to_owned(),
        "offered" => format!("{to} is to read it back. Until then every item stays with its holder."),
        "questioned" if sends => format!("{to} asks something: answer below."),
        "questioned" if receives => format!("You asked something; {from} is to answer."),
        "questioned" => format!("{to} asked something; {from} is to answer."),
        "acknowledged" => format!("{to} has read it back and taken it."),
        "amended" if receives => "Something changed after you took it: read back what changed.".to_owned(),
        "amended" => format!("It changed after it was taken; {to} is to read back what changed."),
        "taken-unbriefed" => format!("{to} took it without a briefing."),
        "closed" => "The next handoff was signed.".to_owned(),
        _ => "It is void.".to_owned(),
    }
}

type Around<'a> = (&'a May, &'a BTreeMap<RunId, RunRow>, Option<&'a (ItemKey, ItemText)>);

fn item_card(handoff: &HandoffView, line: &ItemView, looker: Looker<'_>, (may, runs, typed): Around<'_>) -> ItemCard {
    let item = &line.item;
    let typed = typed.filter(|(key, _)| *key == item.key).map(|(_, text)| text);
    let differs = line.read_back.as_ref().filter(|said| !said.settled && !said.differs.is_empty());
    let is_taken = matches!(handoff.phase.as_str(), "acknowledged" | "amended" | "taken-unbriefed");
    ItemCard {
        key: item.key.to_string(),
        handoff: handoff.id.to_string(),
        revision: handoff.revision,
        title: item.title.clone(),
        severity: item.severity.map(|judged| Severity { level: judged.word(), word: judged.word() }),
        basis: item.severity_basis.clone(),
        carried: item.carried.as_ref().map(|carried| {
            let was = carried.was.map(|was| format!(", last {}", was.word())).unwrap_or_default();
            format!("Handed on {} times since {}{was}", carried.times, moment(carried.since_ms))
        }),
        statement: item.summary.statement.clone(),
        tried: item.summary.tried.clone(),
        assessment: item.summary.assessment.clone(),
        plan: item.summary.plan.clone(),
        decision_to: item.summary.decision.clone(),
        facts: item.summary.history.iter().map(fact_line).collect(),
        actions: action_lines(line),
        contingencies: contingency_lines(line),
        runs: item.runs.iter().filter_map(|run| runs.get(run)).map(run_now).collect(),
        holder: line.holder.as_ref().map(ToString::to_string).unwrap_or_default(),
        held_since: line.held_since_ms.map(|at_ms| Moment::new(at_ms, looker.now_ms)),
        forced: line.forced.clone(),
        needs_read_back: line.needs_read_back,
        read_back: line.read_back.as_ref().map(|said| said.text.clone()),
        differs: differs.map(|said| said.differs.join(", ")),
        may_settle: differs.is_some() && may.write,
        decision: line.decision.clone(),
        decision_tone: if line.decision.as_deref() == Some("accepted") { "good" } else { "wait" },
        because: line.declined_because.clone(),
        findings: findings(&handoff.findings, Some(&item.key)),
        form: may.write.then(|| item_form(line, typed)),
        may_object: may.object && line.read_back.is_some(),
        may_force: may.force,
        may_work: is_taken && looker.writes && line.holder.as_ref().is_some_and(|holder| is(holder, looker)),
    }
}

fn action_lines(line: &ItemView) -> Vec<ActionLine> {
    let numbered = line.item.actions.iter().enumerate();
    numbered
        .map(|(number, action)| ActionLine {
            number,
            text: action.text.clone(),
            owner: action.owner.clone(),
            due: action.due.as_ref().map(|due| due.text.clone()),
            runbook: action.runbook.as_ref().map(runbook_link),
            done: action.done,
        })
        .collect()
}

fn contingency_lines(line: &ItemView) -> Vec<ContingencyLine> {
    let lines = line.item.contingencies.iter();
    lines
        .map(|line| ContingencyLine {
            condition: line.condition.clone(),
            then: line.then.clone(),
            runbook: line.runbook.as_ref().map(runbook_link),
            page: line.page.clone(),
        })
        .collect()
}

fn runbook_link(runbook: &RunbookRef) -> RunbookLink {
    let inputs = runbook.inputs.iter().map(|(name, value)| (format!("input.{name}"), value.as_str()));
    let query = query::encode(inputs);
    let at = runbook.commit.as_deref().map(|commit| format!(" at {}", commit.chars().take(8).collect::<String>()));
    let href =
        if query.is_empty() { format!("/start/{}", runbook.path) } else { format!("/start/{}?{query}", runbook.path) };
    RunbookLink { href, words: format!("{}{}", runbook.path, at.unwrap_or_default()) }
}

fn run_now(row: &RunRow) -> RunNow {
    let (state, tone) = stored_state(&row.state);
    RunNow {
        href: format!("/runs/{}", row.id),
        title: row.title.clone(),
        state,
        tone,
        waiting: row.waiting.clone().filter(|_| row.ended_at_ms.is_none()),
    }
}

/// To the step, or to its output where the fact has a host.
pub fn fact_line(fact: &Fact) -> FactLine {
    let evidence = &fact.evidence;
    let run = format!("/runs/{}", evidence.run);
    let href = match (&evidence.step, &evidence.host) {
        (Some(step), Some(host)) => format!("{run}/steps/{step}/hosts/{host}"),
        (Some(step), None) => format!("{run}#step-{step}"),
        (None, _) => run,
    };
    let (kind, tone) = match fact.kind {
        FactKind::UnknownOutcome => ("unknown", "unsure"),
        FactKind::UnfinishedRun => ("goes on", "run"),
        FactKind::FailedRun => ("failed", "bad"),
        FactKind::AbortedRun => ("aborted", "still"),
        FactKind::WaitingApproval => ("waits", "wait"),
        FactKind::HeldLocks => ("lock", "still"),
        FactKind::Wheel => ("wheel", "still"),
        FactKind::OverriddenGuard => ("overridden", "wait"),
        FactKind::SucceededRun => ("succeeded", "good"),
    };
    FactLine {
        name: fact.name(),
        text: fact.text.clone(),
        href,
        tone,
        kind,
        was: fact.was.clone(),
        hidden: fact.hidden.clone(),
    }
}

fn question_line(asked: &QuestionView, handoff: &HandoffView, looker: Looker<'_>) -> QuestionLine {
    QuestionLine {
        number: asked.number,
        item: asked.item.as_ref().map(ToString::to_string),
        text: asked.text.clone(),
        declines: asked.declines,
        by: asked.by.to_string(),
        answer: asked.answer.clone(),
        may_answer: asked.answer.is_none() && looker.writes && is(&handoff.shift.outgoing, looker),
    }
}

fn findings(all: &[FindingView], of: Option<&ItemKey>) -> Vec<FindingLine> {
    let mut asked = Vec::new();
    let some = all.iter().filter(|found| found.item.as_ref() == of);
    some.map(|found| {
        let binds = found.level == "error";
        let asks = binds && !asked.contains(&&found.name);
        asked.push(&found.name);
        FindingLine { name: found.name.clone(), check: found.check.clone(), text: found.text.clone(), binds, asks }
    })
    .collect()
}
