//! Samples of who is on call.

use jiff::tz::TimeZone;

use super::pages::{page, public};
use super::{NOW_MS, Sample};
use crate::web::format::Moment;
use crate::web::page::Place;
use crate::web::view::components::{Blank, TimelineEntry};
use crate::web::view::on_call::{
    FeedLine, FindingLine, HolderLine, MyShift, NextLine, OnCallPage, RotationCard, RotationWeeks, ShiftRow, by_week,
    headline, local,
};
use crate::web::view::paging::{AnswerPage, ChainLine, MessageLine, PageLine, PageView, PagingForm};

const DAY_MS: i64 = 24 * 3_600_000;

pub fn all() -> Vec<Sample> {
    let blank = Blank {
        kind: "empty",
        icon: "oncall",
        title: "No rotation is written down".to_owned(),
        detail: "Write who takes turns into oncall.yaml.".to_owned(),
        href: None,
        action: String::new(),
        request_id: None,
    };
    let empty = OnCallPage {
        headline: "Who is on call".to_owned(),
        looked_at: Some(in_days(3)),
        trouble: Some("oncall.yaml has 1 problem; the one before it stays in force".to_owned()),
        mine: Vec::new(),
        rotations: Vec::new(),
        findings: Vec::new(),
        feeds: Vec::new(),
        weeks: Vec::new(),
        blank: Some(blank),
        at: String::new(),
    };
    vec![
        page("on-call", "on-call", Place::OnCall, &whole()),
        page("on-call", "on-call-empty", Place::OnCall, &empty),
        page("paging", "paging", Place::OnCall, &paging(false)),
        page("paging", "paging-empty", Place::OnCall, &paging(true)),
        page("paging-page", "paging-page", Place::OnCall, &a_page(true)),
        page("paging-page", "paging-page-answered", Place::OnCall, &a_page(false)),
        public("paging-answer", "paging-answer", &answer()),
    ]
}

fn paging(is_empty: bool) -> PagingForm {
    let chain = ChainLine { name: "web".to_owned(), title: "Web shop".to_owned(), first: "anna".to_owned(), levels: 3 };
    let line = PageLine {
        href: "/pages/0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01".to_owned(),
        title: "Web shop".to_owned(),
        text: "Step 4 does not end".to_owned(),
        by: "user:ben".to_owned(),
        raised: in_days(-1),
        tone: "good",
        standing: "user:anna has it".to_owned(),
    };
    PagingForm {
        about: if is_empty { String::new() } else { "/runs/0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01".to_owned() },
        is_empty,
        chains: if is_empty {
            Vec::new()
        } else {
            vec![chain.clone(), ChainLine { title: "Databases".to_owned(), ..chain }]
        },
        recent: if is_empty { Vec::new() } else { vec![line] },
    }
}

fn a_page(is_open: bool) -> PageView {
    let entry = |tone, title: &str| TimelineEntry { at: in_days(0), tone, title: title.to_owned(), detail: None };
    let message = |tone, words, error: Option<&str>| MessageLine {
        to: "anna, channel 1".to_owned(),
        tone,
        words,
        at: in_days(0),
        attempts: 2,
        error: error.map(str::to_owned),
    };
    let messages =
        vec![message("good", "sent", None), message("wait", "tried again", Some("cannot reach hooks.example.org"))];
    PageView {
        action: "/pages/0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01/acknowledge".to_owned(),
        title: "Web shop".to_owned(),
        text: "Step 4 does not end".to_owned(),
        about: Some("/runs/0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01".to_owned()),
        by: "user:ben".to_owned(),
        tone: if is_open { "wait" } else { "good" },
        standing: if is_open { "level 1 of 3 is paged".to_owned() } else { "user:anna has it".to_owned() },
        is_open,
        next: is_open.then(|| in_days(1)),
        story: vec![entry("run", "user:ben paged Web shop"), entry("wait", "Level 1: anna")],
        messages: if is_open { messages } else { Vec::new() },
        refused: (!is_open).then(|| "user:anna has it already".to_owned()),
    }
}

fn answer() -> AnswerPage {
    AnswerPage { action: "/answer/shpage_".to_owned(), person: "anna".to_owned(), page: a_page(true) }
}

fn in_days(days: i64) -> Moment {
    let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
    local(NOW_MS + days * DAY_MS, &zone, NOW_MS)
}

fn whole() -> OnCallPage {
    let holder = |name: &str, is_me, is_unknown, why: Option<&str>| HolderLine {
        name: name.to_owned(),
        is_me,
        is_unknown,
        until: in_days(2),
        why: why.map(str::to_owned),
    };
    let rotation = |title: &str, holders| RotationCard {
        name: "web".to_owned(),
        title: title.to_owned(),
        zone: "Europe/Berlin".to_owned(),
        holders,
        next: Some(NextLine { name: "ben".to_owned(), from: in_days(2) }),
    };
    let rotations = vec![
        rotation("Web, first line", vec![holder("anna", true, false, Some("stands in: Ben is at the dentist"))]),
        rotation("Databases", vec![holder("Hans Stein", false, true, None)]),
        rotation("Network", Vec::new()),
    ];
    let mine = vec![
        MyShift { rotation: "Web, first line".to_owned(), is_now: true, from: in_days(-1), to: in_days(2) },
        MyShift { rotation: "Databases".to_owned(), is_now: false, from: in_days(9), to: in_days(16) },
    ];
    let finding = FindingLine {
        words: "nobody is on call for net".to_owned(),
        from: in_days(0),
        to: in_days(1),
        next_step: "find somebody, then write it below `overrides`".to_owned(),
    };
    let feed = |trouble: Option<&str>, is_stale: bool| FeedLine {
        name: "pagerduty".to_owned(),
        rotations: "db".to_owned(),
        read: (!is_stale).then(|| in_days(0)),
        trouble: trouble.map(str::to_owned),
        is_stale,
    };
    OnCallPage {
        headline: headline(&mine, &rotations),
        looked_at: None,
        at: String::new(),
        trouble: None,
        mine,
        findings: vec![finding],
        feeds: vec![feed(None, false), feed(Some("its server answers with the status 503"), false), feed(None, true)],
        weeks: vec![weeks()],
        rotations,
        blank: None,
    }
}

fn weeks() -> RotationWeeks {
    let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
    let row = |from: i64, to, name: &str, is_me, is_gap| {
        let row = ShiftRow {
            name: name.to_owned(),
            is_me,
            is_gap,
            from: in_days(from),
            to: in_days(to),
            why: is_me.then(|| "stands in".to_owned()),
        };
        (NOW_MS + from * DAY_MS, row)
    };
    let rows = vec![
        row(-3, 2, "anna", true, false),
        row(2, 3, "nobody", false, true),
        row(3, 9, "ben", false, false),
        row(9, 16, "carla", false, false),
    ];
    RotationWeeks {
        name: "web".to_owned(),
        title: "Web, first line".to_owned(),
        zone: "Europe/Berlin".to_owned(),
        weeks: by_week(rows, &zone, NOW_MS),
    }
}
