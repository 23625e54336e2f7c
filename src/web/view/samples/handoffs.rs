//! The pages of handoffs.

use std::collections::BTreeMap;

use super::pages::{moment, page};
use super::{NOW_MS, Sample};
use crate::handoff::checks::{self, sample};
use crate::handoff::decide::{Ask, Request, decide};
use crate::handoff::measures::{Observed, figures};
use crate::handoff::state::State;
use crate::handoff::view::{HandoffView, view};
use crate::id::RunId;
use crate::run::event::Actor;
use crate::store::runs::RunRow;
use crate::web::page::Place;
use crate::web::view::components::Blank;
use crate::web::view::handoff::{HandoffPage, Looker, Other};
use crate::web::view::handoffs::{
    BeginForm, CompareLine, ComparePage, FigureCard, HandoffLine, HandoffsPage, MeasuresPage, ReadPage,
};
use crate::web::view::run::Message;

pub fn all() -> Vec<Sample> {
    let (anna, ben, lead) = (Actor("user:anna".into()), Actor("user:ben".into()), Actor("user:lead".into()));
    let (draft, offered) = (draft(), offered());
    let reading = |at| ReadPage::new(whole(&offered, &ben), &offered, at, None);
    vec![
        page("handoffs", "handoffs", Place::Handoffs, &list(true)),
        page("handoffs", "handoffs-empty", Place::Handoffs, &list(false)),
        page("handoff", "handoff-draft", Place::Handoffs, &whole(&draft, &anna)),
        page("handoff", "handoff-offered", Place::Handoffs, &whole(&offered, &ben)),
        page("handoff", "handoff-seen-by-a-lead", Place::Handoffs, &whole(&offered, &lead)),
        page("handoff-read", "handoff-read", Place::Handoffs, &reading(0)),
        page("handoff-read", "handoff-read-end", Place::Handoffs, &reading(1)),
        page("handoff-compare", "handoff-compare", Place::Handoffs, &compare()),
        page("handoff-measures", "handoff-measures", Place::Handoffs, &measures()),
    ]
}

fn state() -> State {
    let (mut state, _) = sample::world_of(sample::record());
    state.revision = 1;
    state.record.items[0].summary.history[0].was = Some("Disk full on web-1 is still running".to_owned());
    let sender = state.shift.outgoing.clone();
    let held = crate::handoff::state::Custody { holder: sender, since_ms: NOW_MS, forced: Some("Ada was ill".into()) };
    state.custody = [(state.record.items[0].key.clone(), held)].into();
    state
}

fn draft() -> HandoffView {
    let mut state = state();
    let (_, world) = sample::world_of(sample::record());
    state.record.items[0].contingencies.clear();
    state.record.items[0].actions[0].owner.clear();
    state.record.overview.clear();
    let findings = checks::check(&state, &world);
    view(&state, &findings)
}

fn offered() -> HandoffView {
    let mut state = state();
    let say = |state: &State, who: &str, ask: Ask| {
        let request = Request { by: Actor(format!("user:{who}")), may_force: false, ask };
        decide(state, &request, NOW_MS).expect("the sample is in order").state
    };
    let sign = Ask::Sign { digest: state.digest(), findings: Vec::new(), reasons: BTreeMap::new() };
    state = say(&state, "anna", sign);
    state = say(&state, "anna", Ask::Offer);
    let item = state.record.items[0].key.clone();
    let text = "I clean out releases; past 59 % of the disk I halt its worker".to_owned();
    state = say(&state, "ben", Ask::ReadBack { item: item.clone(), text });
    state = say(&state, "ben", Ask::Question { item: Some(item), text: "Who owns the worker?".to_owned() });
    view(&state, &[])
}

fn whole(handoff: &HandoffView, who: &Actor) -> HandoffPage {
    let looker = Looker { actor: who, writes: true, forces: who.0 == "user:lead", now_ms: NOW_MS };
    let runs: BTreeMap<RunId, RunRow> = [(sample::run(), row())].into();
    let mut page = HandoffPage::new(handoff, looker, &runs, None);
    page.message = Some(Message::refused("Not done", Some("the handoff has moved on since you looked".to_owned())));
    page.others =
        vec![Other { href: "/handoffs/x/compare?with=y".to_owned(), words: "anna → ben, yesterday".to_owned() }];
    page
}

fn row() -> RunRow {
    RunRow {
        id: sample::run(),
        runbook: "web/disk-full".parse().expect("a path"),
        title: "Disk full on a web host".to_owned(),
        commit: None,
        state: "waiting".to_owned(),
        waiting: Some("confirmation of releases on web-1".to_owned()),
        started_by: "user:anna".to_owned(),
        started_at_ms: NOW_MS,
        ended_at_ms: None,
        hosts: Vec::new(),
        scope: String::new(),
        last_seq: 12,
        step_done: 1,
        step_total: 3,
    }
}

fn list(full: bool) -> HandoffsPage {
    let line = HandoffLine {
        href: "/handoffs/0198c5a0".to_owned(),
        from: "user:anna".to_owned(),
        to: "user:ben".to_owned(),
        phase: "Offered",
        tone: "wait",
        overdue: Some("the receiver is reminded".to_owned()),
        overview: "Quiet but for one disk that fills.".to_owned(),
        counts: "1 unstable, 3 in all".to_owned(),
        unstable: true,
        boundary: moment(),
    };
    let blank = Blank {
        kind: "empty",
        icon: "handoff",
        title: "There was no handoff yet".to_owned(),
        detail: "Begin one above.".to_owned(),
        href: None,
        action: String::new(),
        request_id: None,
    };
    HandoffsPage {
        message: full.then(|| Message::refused("No handoff was begun", None)),
        headline: "1 handoff waits for you".to_owned(),
        query: String::new(),
        mine: if full { vec![line.clone()] } else { Vec::new() },
        handoffs: if full { vec![line] } else { Vec::new() },
        blank: (!full).then_some(blank),
        older: full.then(|| "/handoffs?cursor=1".to_owned()),
        begin: Some(BeginForm { open: full, ..BeginForm::default() }),
    }
}

fn compare() -> ComparePage {
    let line = |kind, sign, text: &str| CompareLine { kind, sign, text: text.to_owned() };
    ComparePage {
        here: "x".to_owned(),
        title: "anna → ben, today".to_owned(),
        other: "y".to_owned(),
        other_title: "ben → anna, yesterday".to_owned(),
        lines: vec![line("same", " ", "## Disk"), line("gone", "−", "watcher"), line("new", "+", "unstable")],
    }
}

fn measures() -> MeasuresPage {
    let some = figures(&[Observed { state: state(), started: Vec::new() }]);
    let mut cards: Vec<FigureCard> = some.iter().map(FigureCard::new).collect();
    let mut one = some[0].clone();
    (one.count, one.of) = (3, 4);
    cards.push(FigureCard::new(&one));
    MeasuresPage { handoffs: 4, days: 90, figures: cards }
}
