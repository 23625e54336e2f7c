//! The pages of lists, of a runbook, and its start form.

use super::Sample;
use super::pages::{moment, page};
use crate::web::page::Place;
use crate::web::view::books::{Badge, BookLine, Facet, FoundLine, Kept, RunbooksPage, pieces};
use crate::web::view::history::{Chip, RangeLink, RunsPage, state_options};
use crate::web::view::lists::{DiagnosticLine, RunLine};
use crate::web::view::need::ChoiceOption;
use crate::web::view::now::{NowPage, OnCall, OnCallLine, Row, Section, SectionLink};
use crate::web::view::run::{InputLine, Message};
use crate::web::view::runbook::{InputNote, RiskLine, RunbookPage, StepText, TextPage, VersionLine};
use crate::web::view::start::{
    HostAbout, HostPick, HostScript, InputField, PlanCard, PlannedText, StartPage, WindowPick,
};

pub fn all() -> Vec<Sample> {
    vec![
        page("home", "home", Place::Home, &now(true)),
        page("home", "home-empty", Place::Home, &now(false)),
        page("runbooks", "runbooks", Place::Runbooks, &runbooks(true)),
        page("runbooks", "runbooks-nothing", Place::Runbooks, &runbooks(false)),
        page("runbook", "runbook", Place::Runbooks, &runbook()),
        page("runbook-text", "runbook-text", Place::Runbooks, &text(true)),
        page("runbook-text", "runbook-text-older", Place::Runbooks, &text(false)),
        page("start", "start", Place::Runbooks, &start(None)),
        page("start", "start-plan", Place::Runbooks, &start(Some(plan()))),
        page("runs", "runs", Place::Runs, &history("runs")),
        page("runs", "runs-filtered-out", Place::Runs, &history("runs-filtered-out")),
        page("runs", "runs-problem", Place::Runs, &history("runs-problem")),
        page("runs", "runs-none", Place::Runs, &history("runs-none")),
    ]
}

fn run_line(state: &str, tone: &'static str) -> RunLine {
    RunLine {
        href: "/runs/0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01".to_owned(),
        title: "Disk full on a web host".to_owned(),
        runbook: "web/disk-full".to_owned(),
        place: "web-1, web-2 and 3 more".to_owned(),
        state: state.to_owned(),
        tone,
        waiting: (tone == "wait").then(|| "confirmation of releases on web-3".to_owned()),
        progress: "3 of 8 steps".to_owned(),
        started: moment(),
        lasted: (tone == "good").then(|| "took 4 min 00 s".to_owned()),
        by: "user:anna".to_owned(),
        commit: Some("4f1c2d9e8b7a".to_owned()),
    }
}

fn run_lines() -> Vec<RunLine> {
    vec![run_line("Succeeded", "good"), run_line("Failed", "bad"), run_line("Aborted", "still")]
}

/// With something of everything; or on the first day.
fn now(filled: bool) -> NowPage {
    let section = |id, title, lines: Vec<RunLine>| Section {
        id,
        title,
        rows: lines.into_iter().map(Row::from).collect(),
        all: (id != "mine").then_some(SectionLink { href: "/runs", words: "All runs" }),
    };
    let sections = if filled {
        vec![
            section("mine", "Waits for you", vec![run_line("Confirm", "wait")]),
            section("others", "Waits for others", vec![run_line("Waits", "wait")]),
            section("running", "Running", vec![run_line("Running", "run")]),
            section("ended", "Ended lately", run_lines()),
        ]
    } else {
        vec![section("mine", "Waits for you", Vec::new())]
    };
    NowPage {
        pulse: "9f86d081884c".to_owned(),
        headline: if filled { "1 run waits for you." } else { "Nothing waits." }.to_owned(),
        waits_for_me: usize::from(filled),
        on_call: OnCall {
            mine: filled.then(|| "web".to_owned()),
            others: if filled {
                vec![OnCallLine { team: "web".to_owned(), names: "anna, ben".to_owned() }]
            } else {
                Vec::new()
            },
        },
        sections,
        empty: (!filled).then(|| "There is no run yet that you may see.".to_owned()),
    }
}

/// Filtered, with what fits; with nothing that fits; and the first day.
fn history(name: &str) -> RunsPage {
    let filtered = name != "runs-none";
    RunsPage {
        query: if filtered { "disk \"full\"" } else { "" }.to_owned(),
        host: if filtered { "web-1" } else { "" }.to_owned(),
        more: filtered,
        range: filtered.then_some("24h"),
        states: state_options("failed"),
        ranges: vec![RangeLink { words: "24 hours", href: "/runs?range=24h".to_owned(), current: filtered }],
        runbooks: vec!["web/disk-full".to_owned()],
        chips: if filtered {
            vec![Chip { name: "host", value: "web-1".to_owned(), without: "/runs?q=disk".to_owned() }]
        } else {
            Vec::new()
        },
        mine: Some("/runs?person=user%3Aanna".to_owned()),
        problem: (name == "runs-problem").then(|| "since=yesterday is no time: write a day as 2026-11-23".to_owned()),
        runs: if name == "runs" { run_lines() } else { Vec::new() },
        older: (name == "runs").then(|| "/runs?cursor=x".to_owned()),
        newest: (name == "runs").then(|| "/runs".to_owned()),
        as_csv: "/runs/export?format=csv".to_owned(),
        as_json: "/runs/export?format=json".to_owned(),
        ..RunsPage::default()
    }
}

fn diagnostic() -> DiagnosticLine {
    DiagnosticLine {
        severity: "error",
        place: "runbooks/web/broken.yaml:12:5".to_owned(),
        message: "unknown field \"timeuot\"".to_owned(),
        help: Some("did you mean \"timeout\"?".to_owned()),
        rule: "schema[unknown-key]".to_owned(),
    }
}

fn facet(words: &str, current: bool) -> Facet {
    Facet { words: words.to_owned(), count: "2".to_owned(), href: format!("/runbooks?tag={words}"), current }
}

fn badge(words: &str, tone: &'static str) -> Badge {
    Badge { words: words.to_owned(), tone }
}

fn runbooks(found: bool) -> RunbooksPage {
    let words = ["disk".to_owned()];
    let book = |broken: bool| BookLine {
        path: if broken { "web/broken" } else { "web/disk-full" }.to_owned(),
        path_pieces: pieces(if broken { "web/broken" } else { "web/disk-full" }, &words),
        name: pieces(if broken { "web/broken" } else { "Disk full on a web host" }, &words),
        summary: pieces("Free space on one web host so that nginx and the app can write again.", &words),
        line: (!broken).then(|| FoundLine { what: "command", pieces: pieces("df -P /disk | tail -n 1", &words) }),
        owner: Some("team:web".to_owned()),
        tags: vec!["disk".to_owned(), "web".to_owned()],
        effect: "destroys",
        effect_words: "destructive",
        badges: vec![badge("review was due 2026-03-01", "wait"), badge("never proven", "still")],
        last_success: Some(moment()),
        last_failure: Some(moment()),
        changed: Some(moment()),
        broken,
        problems: "1 problem".to_owned(),
        diagnostics: if broken { vec![diagnostic()] } else { Vec::new() },
    };
    RunbooksPage {
        query: if found { "disk" } else { "dsik" }.to_owned(),
        words: "2 of 7 runbooks".to_owned(),
        commit: Some("4f1c2d9e8b7a".to_owned()),
        books: if found { vec![book(false), book(true)] } else { Vec::new() },
        tags: vec![facet("disk", true), facet("web", false)],
        owners: vec![facet("team:web", false)],
        standings: vec![facet("stale", false)],
        kept: vec![Kept { name: "tag", value: "disk".to_owned() }],
        clear: Some("/runbooks".to_owned()),
        more: found.then(|| "12 more fit".to_owned()),
        empty: (!found).then(|| "No runbook speaks of “dsik”.".to_owned()),
        meant: if found { Vec::new() } else { vec![facet("disk", false)] },
    }
}

fn step_text(name: &str, effect: &'static str, effect_words: &'static str) -> StepText {
    StepText {
        name: name.to_owned(),
        effect,
        effect_words,
        friction: (effect == "destroys").then(|| "type the host's name".to_owned()),
        why: Some("Old releases take most of the space.".to_owned()),
        instruction: (effect_words == "by hand").then(|| "Open the dashboard.".to_owned()),
        body: (effect_words != "by hand").then(|| "df -P \"$mount\" | awk 'NR==2 {print $5}'".to_owned()),
    }
}

fn step_texts() -> Vec<StepText> {
    vec![
        step_text("Measure how full the filesystem is", "reads", "only reads"),
        step_text("Delete releases older than the newest three", "destroys", "destructive"),
        step_text("Read the error rate on the web dashboard", "hand", "by hand"),
    ]
}

fn runbook() -> RunbookPage {
    RunbookPage {
        path: "web/disk-full".to_owned(),
        name: "Disk full on a web host".to_owned(),
        summary: "Free space on one web host so that nginx and the app can write again.".to_owned(),
        startable: true,
        places: "1 of 3 hosts that match role=web".to_owned(),
        risk: "destructive",
        risks: vec![RiskLine { class: "destroys", count: "1".to_owned(), words: "step destroys something".to_owned() }],
        asks: vec!["Before step 2, another person approves (of team:web)".to_owned()],
        starters: vec!["team:web is operator for web/** on hosts role=web".to_owned()],
        needs_reason: Some("expired 2026-09-01".to_owned()),
        badges: vec![badge("expired 2026-09-01", "bad")],
        last_success: Some(moment()),
        last_failure: Some(moment()),
        changed: Some(moment()),
        share: Some("18 of its last 20 runs succeeded".to_owned()),
        usual: Some("9 min 20 s".to_owned()),
        problems: "1 finding".to_owned(),
        diagnostics: vec![diagnostic()],
        inputs: vec![InputNote {
            name: "mount".to_owned(),
            label: "Filesystem".to_owned(),
            hint: "default /".to_owned(),
        }],
        preconditions: vec![step_text("This is a web host", "reads", "only reads")],
        steps: step_texts(),
        runs: run_lines(),
        versions: vec![version()],
        owner: Some("team:web".to_owned()),
        review_by: Some("2027-03-01".to_owned()),
        expires: Some("2026-09-01".to_owned()),
        commit: Some("4f1c2d9e8b7a".to_owned()),
        tags: vec![facet("disk", false)],
        alerts: "NodeFilesystemAlmostOutOfSpace".to_owned(),
    }
}

fn version() -> VersionLine {
    VersionLine {
        commit: "4f1c2d9e8b7a".to_owned(),
        author: "Anna".to_owned(),
        when: moment(),
        subject: "disk: keep three releases".to_owned(),
        href: "/runbooks/web/disk-full?at=4f1c2d9e8b7a".to_owned(),
    }
}

fn text(newest: bool) -> TextPage {
    TextPage {
        path: "web/disk-full".to_owned(),
        commit: "4f1c2d9e8b7a".to_owned(),
        author: "Anna".to_owned(),
        when: moment(),
        subject: "disk: keep three releases".to_owned(),
        newest,
        text: "steadyhand: 1\nname: <Disk full>\n".to_owned(),
    }
}

fn field(name: &str) -> InputField {
    InputField {
        name: name.to_owned(),
        label: format!("What {name} is"),
        hint: "a whole number".to_owned(),
        choice: name == "colour",
        options: vec![ChoiceOption { value: "green".to_owned(), chosen: true }],
        secret: name == "password",
        long: name == "text",
        given: "/var & <x>".to_owned(),
        error: (name == "mount").then(|| "does not match /[A-Za-z0-9/_.-]*".to_owned()),
    }
}

fn start(plan: Option<PlanCard>) -> StartPage {
    StartPage {
        path: "web/disk-full".to_owned(),
        name: "Disk full on a web host".to_owned(),
        summary: "Free space on one web host so that nginx and the app can write again.".to_owned(),
        message: plan
            .is_none()
            .then(|| Message::refused("Not started", Some("input mount: does not match".to_owned()))),
        key: "k".to_owned(),
        continues: plan.is_some().then(|| "0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01".to_owned()),
        from: plan.is_some().then(|| "journal".to_owned()),
        git_ref: Some("main".to_owned()),
        preconditions: vec![step_text("This is a web host", "reads", "only reads")],
        inputs: ["mount", "colour", "password", "text"].map(field).to_vec(),
        local: false,
        hosts_words: "3 hosts that match role=web".to_owned(),
        picked_words: "1 chosen, at most 1".to_owned(),
        hosts_max: Some(1),
        pick: "role=web".to_owned(),
        pick_words: Some("3 picked by role=web".to_owned()),
        labels: vec!["env=prod".to_owned(), "role=web".to_owned()],
        hosts: ["web-1", "web-2", "web-3"]
            .map(|name| HostPick {
                name: name.to_owned(),
                about: "ops@10.0.4.17 · env=prod".to_owned(),
                chosen: name == "web-3",
            })
            .to_vec(),
        no_hosts: None,
        hosts_error: Some("choose at least one host".to_owned()),
        auto: false,
        auto_forbidden: true,
        confirm_hosts: String::new(),
        guarded: true,
        reason: String::new(),
        windows: vec![WindowPick { name: "year-end".to_owned(), chosen: plan.is_some() }],
        needs_reason: plan.is_none().then(|| "expired 2026-09-01".to_owned()),
        link: "/start/web/disk-full?input.mount=%2Fvar&host=web-3".to_owned(),
        plan,
    }
}

fn plan() -> PlanCard {
    PlanCard {
        words: "2 steps change something on web-3.".to_owned(),
        digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        short_digest: "9f86d081884c".to_owned(),
        commit: Some("4f1c2d9e8b7a".to_owned()),
        hosts: vec![HostAbout { name: "web-3".to_owned(), about: "ops@10.0.4.17:22".to_owned() }],
        inputs: vec![InputLine { name: "mount".to_owned(), value: "/var".to_owned() }],
        steps: step_texts()
            .into_iter()
            .map(|step| PlannedText {
                scripts: vec![HostScript { host: "web-3".to_owned(), text: "host='web-3'\ndf -P".to_owned() }],
                more: (step.effect == "destroys").then(|| "2 more hosts get the same".to_owned()),
                step,
            })
            .collect(),
        button: "Start on web-3".to_owned(),
    }
}
