//! Output in its forms, the grid of a run, and one host of it.

use super::pages::page;
use super::{NOW_MS, Sample, runs};
use crate::run::view::{CellStateName, HostStanding, RunView};
use crate::side_by_side::{Noise, side_by_side};
use crate::web::format::Moment;
use crate::web::page::Place;
use crate::web::view::compare::{CompareOption, ComparePage, DiffBlock, Side, blocks};
use crate::web::view::grid::{GridPage, GridQuery, Standing};
use crate::web::view::groups::{Group, GroupsPage};
use crate::web::view::host_log::{HostLink, HostLogPage, HostStep};
use crate::web::view::output::{
    AttemptTab, Downloads, Found, FoundLine, HostTab, Link, OutputPage, OutputPart, SearchForm, State, States, Ways,
    chunks,
};

const RUN: &str = "0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01";

pub fn all() -> Vec<Sample> {
    let empty = OutputPage {
        found: Some(Found::wrong("Cannot look for this: it is not a pattern".to_owned())),
        part: OutputPart { next: 1, ..OutputPart::default() },
        ways: Ways::default(),
        trouble: None,
        states: None,
        many_hosts: false,
        live: true,
        note: Some("Nothing more behind line 3.".to_owned()),
        ..output()
    };
    let failed = GridQuery { standing: Some(Standing::Failed), q: "web".to_owned(), from: 0 };
    let none = GridQuery { q: "none of this name".to_owned(), ..GridQuery::default() };
    vec![
        page("output", "output", Place::Runs, &output()),
        page("output", "output-empty", Place::Runs, &empty),
        page("grid", "grid", Place::Runs, &grid(40, &GridQuery::default())),
        page("grid", "grid-failed", Place::Runs, &grid(1_000, &failed)),
        page("grid", "grid-none", Place::Runs, &grid(3, &none)),
        page("host-log", "host-log", Place::Runs, &host_log()),
        page("compare", "compare", Place::Runs, &compare(true)),
        page("compare", "compare-none", Place::Runs, &compare(false)),
        page("groups", "groups", Place::Runs, &groups()),
    ]
}

fn link(words: &str) -> Option<Link> {
    Some(Link { href: "/runs/x?lines=1-1500".to_owned(), words: words.to_owned() })
}

fn output() -> OutputPage {
    OutputPage {
        run: RUN.to_owned(),
        title: "Disk full on a web host".to_owned(),
        step: "largest".to_owned(),
        step_name: "List the ten largest directories".to_owned(),
        host: "web-3".to_owned(),
        outcome: "exit 1".to_owned(),
        tone: "bad",
        started: Some(Moment::new(NOW_MS - 60_000, NOW_MS)),
        started_ms: Some(NOW_MS - 60_000),
        lasted: Some("4.2 s".to_owned()),
        words: "1,204 lines".to_owned(),
        command: "du -xh --max-depth=2 \"$mount\"".to_owned(),
        attempts: vec![AttemptTab {
            href: "?attempt=1".to_owned(),
            words: "attempt 1".to_owned(),
            outcome: "exit 1".to_owned(),
            current: true,
        }],
        hosts: vec![HostTab {
            href: "/runs/x".to_owned(),
            host: "web-3".to_owned(),
            mark: "✗",
            tone: "bad",
            state: "failed",
            current: true,
        }],
        hosts_more: 12,
        many_hosts: true,
        attempt: Some("1".to_owned()),
        here: "/runs/x".to_owned(),
        search: SearchForm { text: "error".to_owned(), pattern: true, exact: false },
        downloads: Some(downloads()),
        share: "/runs/x/share".to_owned(),
        may_share: true,
        found: Some(found()),
        note: None,
        dropped: Some("900 lines in the middle were not kept.".to_owned()),
        states: Some(States {
            line: 12,
            words: "All 58 states of line 12".to_owned(),
            states: vec![State { html: "10%".to_owned() }, State { html: "100%".to_owned() }],
        }),
        ways: Ways {
            first: link("First"),
            earlier: link("Lines 1–1500"),
            later: link("Lines 2701–4200"),
            last: link("Last"),
        },
        trouble: link("Last sign of trouble: line 8"),
        trouble_line: Some(8),
        prefix: String::new(),
        marked: Some(7),
        part: OutputPart {
            first: 1,
            last: 1_200,
            next: 1_201,
            total: 1_204,
            finished: true,
            chunks: chunks(runs::lines(1_200)),
            ..OutputPart::default()
        },
        empty: "It wrote nothing.".to_owned(),
        live: false,
        seq: 42,
    }
}

fn downloads() -> Downloads {
    Downloads {
        text: "/file?as=txt".to_owned(),
        log: "/file?as=log".to_owned(),
        json: "/file?as=json".to_owned(),
        raw: "/api/v1/raw".to_owned(),
        raw_stdout: "/api/v1/raw?stream=stdout".to_owned(),
        raw_stderr: "/api/v1/raw?stream=stderr".to_owned(),
    }
}

fn found() -> Found {
    Found {
        words: "1 of 12 lines hold “error”".to_owned(),
        wrong: false,
        hits: vec![FoundLine { href: "?lines=3-3#L3".to_owned(), number: 3, text: "rm: cannot".to_owned() }],
        listed: true,
        numbers: "3,8".to_owned(),
        next: link("Next"),
        previous: link("Previous"),
        go_on: link("Search on from there"),
    }
}

fn grid(hosts: usize, asked: &GridQuery) -> GridPage {
    let names: Vec<String> = (1..=hosts).map(|number| format!("web-{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut view = runs::of_hosts(&names);
    let current = view.steps.iter_mut().find(|step| step.actions.len() > 1).expect("one of them is worked");
    for (position, cell) in current.cells.iter_mut().enumerate() {
        cell.state = match position % 5 {
            0 => CellStateName::Succeeded,
            1 => CellStateName::Running,
            2 if position % 2 == 0 => CellStateName::Failed,
            2 => CellStateName::Unknown,
            3 => CellStateName::Waiting,
            _ => CellStateName::Pending,
        };
        cell.detail = (cell.state == CellStateName::Failed).then(|| "exit 1: expected now_pct < 90".to_owned());
    }
    GridPage::new(&view, asked)
}

fn host_log() -> HostLogPage {
    let step = |number: u64, mark, tone, state, open: bool| HostStep {
        id: format!("step-{number}"),
        number: number.to_string(),
        name: "Measure how full the filesystem is".to_owned(),
        mark,
        tone,
        state,
        lasted: Some("0.4 s".to_owned()),
        detail: open.then(|| "exit 1: expected now_pct < 90".to_owned()),
        body: "df -P \"$mount\"".to_owned(),
        open,
        href: (number < 3).then(|| "/runs/x/steps/measure/hosts/web-3?attempt=1".to_owned()),
        outcome: "exit 0".to_owned(),
        words: if number < 3 { "1,204 lines" } else { "" }.to_owned(),
        earlier: open.then(|| "1,164 earlier lines".to_owned()),
        prefix: format!("s{number}-"),
        chunks: if number < 3 { chunks(runs::lines(40)) } else { Vec::new() },
    };
    HostLogPage {
        run: RUN.to_owned(),
        title: "Disk full on a web host".to_owned(),
        state: "Running".to_owned(),
        tone: "run",
        host: "web-3".to_owned(),
        address: "ops@10.0.4.17:22".to_owned(),
        note: Some("left out by anna".to_owned()),
        hosts: vec![HostLink { href: "/runs/x/log?host=web-3".to_owned(), host: "web-3".to_owned(), current: true }],
        many_hosts: true,
        hosts_more: 970,
        steps: vec![
            step(1, "✓", "good", "succeeded", false),
            step(2, "✗", "bad", "failed", true),
            step(3, "○", "still", "to come", false),
        ],
        live: true,
        seq: 42,
    }
}

fn difference() -> Vec<DiffBlock> {
    let left: Vec<String> = (0..60).map(|number| format!("/dev/sda{number} is at {number} %")).collect();
    let mut right = left.clone();
    right[20] = "/dev/sda20 is at 99 % <script>".to_owned();
    right.insert(25, "one line more".to_owned());
    right.remove(40);
    blocks(side_by_side(&left, &right, &Noise::Counts).blocks)
}

fn compare(found: bool) -> ComparePage {
    let side = |words: &str| {
        let started = Moment::new(NOW_MS - 60_000, NOW_MS);
        found.then(|| Side {
            href: "/runs/x".to_owned(),
            words: words.to_owned(),
            outcome: "exit 0".to_owned(),
            started,
        })
    };
    ComparePage {
        run: RUN.to_owned(),
        title: "Disk full on a web host".to_owned(),
        step_name: "Measure how full the filesystem is".to_owned(),
        host: "web-3".to_owned(),
        here: "/runs/x/steps/measure/hosts/web-3".to_owned(),
        attempt: Some("1".to_owned()),
        options: vec![CompareOption { value: "last".to_owned(), words: "the last good run".to_owned(), chosen: true }],
        noise: true,
        left: side("web-3 · last good run"),
        right: side("web-3 · this run"),
        words: if found { "3 lines differ." } else { "There is no last good output." }.to_owned(),
        cut: found.then(|| "Too long to compare whole: these are the first 2,000 lines.".to_owned()),
        same: false,
        blocks: if found { difference() } else { Vec::new() },
    }
}

fn groups() -> GroupsPage {
    let group = |position: usize, hosts: usize, blocks: Vec<DiffBlock>| Group {
        id: format!("group-{position}"),
        count: format!("{hosts} hosts"),
        names: "web-1\nweb-2\nweb-3".to_owned(),
        names_id: format!("names-{position}"),
        names_rows: 3,
        hosts: "web-1, web-2 and 45 more".to_owned(),
        outcome: "exit 0".to_owned(),
        tone: "good",
        href: "/runs/x".to_owned(),
        compare: (position > 1).then(|| "/runs/x/compare?with=host:web-1".to_owned()),
        lines: vec!["nginx/1.26.3 <b>".to_owned(), "active".to_owned()],
        more_lines: Some("12 more lines".to_owned()),
        is_largest: position == 1,
        differs: if position > 1 { "3 lines differ from the largest group." } else { "" }.to_owned(),
        is_cut: !blocks.is_empty(),
        blocks,
    };
    GroupsPage {
        run: RUN.to_owned(),
        title: "Disk full on a web host".to_owned(),
        step: "measure".to_owned(),
        step_number: "2".to_owned(),
        step_name: "Measure how full the filesystem is".to_owned(),
        headline: "47 hosts said this, 3 differ.".to_owned(),
        noise: false,
        note: Some("It has not run on 12 hosts.".to_owned()),
        groups: vec![group(1, 47, Vec::new()), group(2, 3, difference())],
        more: Some("2 more groups of 5 hosts are not shown.".to_owned()),
        steps: link("1 This is a web host").into_iter().collect(),
    }
}

/// A run whose current step stands like this on its hosts, for the tests of the grid.
pub fn grid_run(hosts: &[(&str, &str)]) -> RunView {
    let names: Vec<&str> = hosts.iter().map(|(name, _)| *name).collect();
    let mut view = runs::of_hosts(&names);
    for host in &mut view.hosts {
        host.standing = HostStanding::Proven;
    }
    let current = view.steps.iter_mut().find(|step| step.actions.len() > 1).expect("one of them is worked");
    for (cell, (_, state)) in current.cells.iter_mut().zip(hosts) {
        cell.state = serde_json::from_value(serde_json::json!(state)).expect("a state");
    }
    view
}
