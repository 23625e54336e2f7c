//! All hosts of a run and all its steps: who failed, who runs, who is done, who is still to go.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::id::{HostName, StepId};
use crate::run::plan::Part;
use crate::run::view::{CellStateName, CellView, HostStanding, HostView, RunView, StepStateName, StepView};
use crate::web::query;
use crate::web::view::output::{Link, grouped};
use crate::web::view::run::state_words;

/// Hosts of one page: with eight steps each, the page stays below 40 KB before it is compressed.
pub const HOSTS_PAGE: usize = 25;

/// Names that one page holds for copying; those of a state are fewer.
pub const NAMES_MAX: usize = 2_000;

#[derive(Debug, Clone, Serialize)]
pub struct GridPage {
    pub run: String,
    pub title: String,
    pub state: String,
    pub tone: &'static str,
    /// What the counts are about: the current step, or the run.
    pub about: String,
    pub tallies: Vec<Tally>,
    pub all: Link,
    pub q: String,
    pub chosen: &'static str,
    pub steps: Vec<GridStep>,
    pub rows: Vec<GridRow>,
    /// `Hosts 1–50 of 1,000`.
    pub shown: String,
    pub earlier: Option<Link>,
    pub later: Option<Link>,
    /// One name a line.
    pub names: String,
    pub names_words: String,
    pub names_rows: usize,
    pub live: bool,
    pub seq: u64,
}

/// How many hosts stand like this, as a link to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub href: String,
    pub mark: &'static str,
    pub tone: &'static str,
    pub number: String,
    pub word: &'static str,
    pub current: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct GridStep {
    pub number: String,
    pub name: String,
    pub mark: &'static str,
    pub tone: &'static str,
    pub state: &'static str,
    /// What its hosts said, equal ones together.
    pub groups: String,
    pub current: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct GridRow {
    pub host: String,
    pub href: String,
    pub mark: &'static str,
    pub tone: &'static str,
    pub word: &'static str,
    pub note: Option<String>,
    pub cells: Vec<GridCell>,
}

#[derive(Debug, Clone, Serialize)]
pub struct GridCell {
    pub step: String,
    pub mark: &'static str,
    pub tone: &'static str,
    pub state: &'static str,
    /// Its output, if it has run; relative to the page of the grid.
    pub href: Option<String>,
    /// The step has nothing to do on this host.
    pub none: bool,
}

/// What a reader asks the grid for.
#[derive(Debug, Clone, Default)]
pub struct GridQuery {
    pub standing: Option<Standing>,
    /// Part of a host's name.
    pub q: String,
    /// The first host, from 0.
    pub from: usize,
}

/// How a host stands. In the order in which people want to see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Failed,
    Waiting,
    Running,
    ToGo,
    Stopped,
    Done,
}

impl Standing {
    const ALL: [Self; 6] = [Self::Failed, Self::Waiting, Self::Running, Self::ToGo, Self::Stopped, Self::Done];

    /// The word of an address.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::ToGo => "to-go",
            Self::Stopped => "stopped",
            Self::Done => "done",
        }
    }

    /// Sign, class and word: never colour alone.
    fn shown(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Failed => ("✗", "bad", "failed"),
            Self::Waiting => ("◔", "wait", "waiting"),
            Self::Running => ("●", "run", "running"),
            Self::ToGo => ("○", "still", "to go"),
            Self::Stopped => ("■", "still", "stopped"),
            Self::Done => ("✓", "good", "done"),
        }
    }

    fn of_cell(state: CellStateName) -> Self {
        match state {
            CellStateName::Failed
            | CellStateName::Killed
            | CellStateName::TimedOut
            | CellStateName::Unknown
            | CellStateName::Unreachable => Self::Failed,
            CellStateName::Waiting => Self::Waiting,
            CellStateName::Starting | CellStateName::Running => Self::Running,
            CellStateName::Pending => Self::ToGo,
            CellStateName::Cancelled => Self::Stopped,
            CellStateName::Succeeded | CellStateName::Skipped => Self::Done,
        }
    }
}

/// One host with its cell of each step.
struct Row<'a> {
    name: &'a HostName,
    host: Option<&'a HostView>,
    cells: Vec<Option<&'a CellView>>,
    standing: Standing,
}

/// Cells of a step, the worst first, each state in the order of the plan.
pub fn worst_first(cells: &[CellView]) -> Vec<&CellView> {
    let mut sorted: Vec<&CellView> = cells.iter().collect();
    sorted.sort_by_key(|cell| Standing::of_cell(cell.state));
    sorted
}

impl GridPage {
    pub fn new(view: &RunView, asked: &GridQuery) -> Self {
        let rows = rows(view);
        let named = |row: &&Row<'_>| row.name.as_str().contains(asked.q.trim());
        let chosen = |row: &&Row<'_>| asked.standing.is_none_or(|standing| row.standing == standing);
        let found: Vec<&Row<'_>> = rows.iter().filter(named).filter(chosen).collect();
        let from = if asked.from < found.len() { asked.from } else { 0 };
        let page: Vec<&Row<'_>> = found.iter().skip(from).take(HOSTS_PAGE).copied().collect();
        let (state, tone) = state_words(view);
        let names: Vec<&str> = found.iter().take(NAMES_MAX).map(|row| row.name.as_str()).collect();
        let to = from + page.len();
        Self {
            run: view.id.to_string(),
            title: view.title.clone(),
            state,
            tone,
            about: about(view),
            tallies: tallies(view, &rows, asked),
            all: Link { href: address(view, None, &asked.q, 0), words: format!("all {}", grouped(rows.len() as u64)) },
            q: asked.q.clone(),
            chosen: asked.standing.map_or("", Standing::name),
            steps: view.steps.iter().map(|step| GridStep::new(view, step)).collect(),
            rows: page.iter().map(|row| GridRow::new(view, row)).collect(),
            shown: match found.len() {
                0 => "No host is like this.".to_owned(),
                all if page.len() == all => format!("{} of {} hosts, the worst first", all, rows.len()),
                all => format!("Hosts {}–{to} of {}, the worst first", from + 1, grouped(all as u64)),
            },
            earlier: (from > 0).then(|| Link {
                href: address(view, asked.standing, &asked.q, from.saturating_sub(HOSTS_PAGE)),
                words: "Worse ones".to_owned(),
            }),
            later: (to < found.len()).then(|| Link {
                href: address(view, asked.standing, &asked.q, to),
                words: format!("The next {}", (found.len() - to).min(HOSTS_PAGE)),
            }),
            names_words: match names.len() {
                1 => "Name of this host".to_owned(),
                all if all < found.len() => format!("Names of the first {all} of these {} hosts", found.len()),
                all => format!("Names of these {all} hosts"),
            },
            names_rows: names.len().clamp(2, 12),
            names: names.join("\n"),
            live: view.ended_at_ms.is_none(),
            seq: view.seq,
        }
    }
}

/// Every host of the run, the worst first; the server itself too, where a step runs once.
fn rows(view: &RunView) -> Vec<Row<'_>> {
    let row = |name, host| Row { name, host, cells: vec![None; view.steps.len()], standing: Standing::ToGo };
    let mut names: Vec<&HostName> = view.hosts.iter().map(|host| &host.name).collect();
    let mut by_host: BTreeMap<&HostName, Row<'_>> =
        view.hosts.iter().map(|host| (&host.name, row(&host.name, Some(host)))).collect();
    for (position, step) in view.steps.iter().enumerate() {
        for cell in &step.cells {
            let of_host = by_host.entry(&cell.host).or_insert_with(|| {
                names.push(&cell.host);
                row(&cell.host, None)
            });
            of_host.cells[position] = Some(cell);
        }
    }
    let current = view.current.as_ref().filter(|_| view.ended_at_ms.is_none());
    let current = current.and_then(|id| view.steps.iter().position(|step| step.id == *id));
    let mut rows: Vec<Row<'_>> = names.into_iter().filter_map(|name| by_host.remove(name)).collect();
    for row in &mut rows {
        row.standing = standing(row, current);
    }
    rows.sort_by_key(|row| row.standing);
    rows
}

/// How a host stands in the current step; over all steps once the run has ended. What failed anywhere has failed.
fn standing(row: &Row<'_>, current: Option<usize>) -> Standing {
    match row.host.map(|host| host.standing) {
        Some(HostStanding::Refused | HostStanding::Unreachable) => return Standing::Failed,
        Some(HostStanding::Dropped) => return Standing::Stopped,
        Some(HostStanding::Proven | HostStanding::Unproven) | None => {}
    }
    let of = |cell: &&CellView| Standing::of_cell(cell.state);
    let all: Vec<Standing> = row.cells.iter().flatten().map(of).collect();
    if all.contains(&Standing::Failed) {
        return Standing::Failed;
    }
    match current.and_then(|position| row.cells[position]) {
        Some(cell) => Standing::of_cell(cell.state),
        None => all.into_iter().min().unwrap_or(Standing::ToGo),
    }
}

fn about(view: &RunView) -> String {
    let current = view.current.as_ref().filter(|_| view.ended_at_ms.is_none());
    match current.and_then(|id| view.steps.iter().find(|step| step.id == *id)) {
        Some(step) => format!("{}: {}", number(step), step.name),
        None => "All steps".to_owned(),
    }
}

fn tallies(view: &RunView, rows: &[Row<'_>], asked: &GridQuery) -> Vec<Tally> {
    let tally = |standing: Standing| {
        let number = rows.iter().filter(|row| row.standing == standing).count();
        let (mark, tone, word) = standing.shown();
        let href = address(view, Some(standing), &asked.q, 0);
        let current = asked.standing == Some(standing);
        (number > 0 || current).then(|| Tally { href, mark, tone, number: grouped(number as u64), word, current })
    };
    Standing::ALL.into_iter().filter_map(tally).collect()
}

fn address(view: &RunView, standing: Option<Standing>, q: &str, from: usize) -> String {
    let mut fields = Vec::new();
    fields.extend(standing.map(|standing| ("state", standing.name().to_owned())));
    fields.extend((!q.is_empty()).then(|| ("q", q.to_owned())));
    fields.extend((from > 0).then(|| ("from", from.to_string())));
    match query::encode(fields) {
        query if query.is_empty() => format!("/runs/{}/grid", view.id),
        query => format!("/runs/{}/grid?{query}", view.id),
    }
}

/// Sign, class and word of a step on a host: signs that a fixed width and a copy into a message keep.
pub fn cell_state(state: CellStateName) -> (&'static str, &'static str, &'static str) {
    match state {
        CellStateName::Pending => ("○", "still", "to go"),
        CellStateName::Skipped => ("–", "still", "skipped"),
        CellStateName::Waiting => ("◔", "wait", "waiting"),
        CellStateName::Starting => ("●", "run", "starting"),
        CellStateName::Running => ("●", "run", "running"),
        CellStateName::Unreachable => ("!", "bad", "unreachable"),
        CellStateName::Succeeded => ("✓", "good", "succeeded"),
        CellStateName::Failed => ("✗", "bad", "failed"),
        CellStateName::Killed => ("✗", "bad", "killed"),
        CellStateName::TimedOut => ("✗", "bad", "timed out"),
        CellStateName::Cancelled => ("■", "still", "stopped"),
        CellStateName::Unknown => ("?", "bad", "unknown"),
    }
}

fn step_state(state: StepStateName) -> (&'static str, &'static str, &'static str) {
    match state {
        StepStateName::Pending => ("○", "still", "to come"),
        StepStateName::Current => ("●", "run", "now"),
        StepStateName::Succeeded => ("✓", "good", "done"),
        StepStateName::Skipped => ("–", "still", "skipped"),
        StepStateName::Failed => ("✗", "bad", "failed"),
        StepStateName::Cancelled => ("■", "still", "stopped"),
        StepStateName::Unknown => ("?", "bad", "unknown"),
    }
}

/// `3`, or `P1` for a precondition.
pub fn number(step: &StepView) -> String {
    match step.part {
        Part::Step => step.number.to_string(),
        Part::Precondition => format!("P{}", step.number),
    }
}

/// The page on which equal outputs of a step stand together.
pub fn groups_page(view: &RunView, step: &StepId) -> String {
    format!("/runs/{}/steps/{step}/groups", view.id)
}

/// The page with all steps of one host.
pub fn host_page(view: &RunView, host: &HostName) -> String {
    format!("/runs/{}/log?{}", view.id, query::encode([("host", host.as_str())]))
}

impl GridStep {
    fn new(view: &RunView, step: &StepView) -> Self {
        let (mark, tone, state) = step_state(step.state);
        Self {
            number: number(step),
            name: step.name.clone(),
            mark,
            tone,
            state,
            groups: groups_page(view, &step.id),
            current: view.current.as_ref() == Some(&step.id) && view.ended_at_ms.is_none(),
        }
    }
}

impl GridRow {
    fn new(view: &RunView, row: &Row<'_>) -> Self {
        let (mark, tone, word) = row.standing.shown();
        let failed = row.cells.iter().flatten().find(|cell| Standing::of_cell(cell.state) == Standing::Failed);
        let note = row.host.and_then(|host| host.note.clone());
        Self {
            host: row.name.to_string(),
            href: host_page(view, row.name),
            mark,
            tone,
            word,
            note: note.or_else(|| failed.and_then(|cell| cell.detail.clone())),
            cells: view.steps.iter().zip(&row.cells).map(|(step, cell)| GridCell::new(step, *cell)).collect(),
        }
    }
}

impl GridCell {
    fn new(step: &StepView, cell: Option<&CellView>) -> Self {
        let (mark, tone, state) = cell.map_or(("·", "still", "not here"), |cell| cell_state(cell.state));
        let has_run = cell.filter(|cell| !cell.attempts.is_empty());
        Self {
            step: number(step),
            mark,
            tone,
            state,
            // From the address of the grid on, so that four hundred of them stay small.
            href: has_run.map(|cell| format!("steps/{}/hosts/{}", step.id, cell.host)),
            none: cell.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::view::samples::grid_run as run;

    fn names(page: &GridPage) -> Vec<&str> {
        page.rows.iter().map(|row| row.host.as_str()).collect()
    }

    #[test]
    fn the_worst_hosts_come_first_and_each_state_is_counted() {
        let page = GridPage::new(
            &run(&[("a", "succeeded"), ("b", "pending"), ("c", "failed"), ("d", "running")]),
            &GridQuery::default(),
        );
        assert_eq!(names(&page), ["c", "d", "b", "a"]);
        let counts: Vec<String> = page.tallies.iter().map(|tally| format!("{} {}", tally.number, tally.word)).collect();
        assert_eq!(counts, ["1 failed", "1 running", "1 to go", "1 done"]);
        assert_eq!(page.names, "c\nd\nb\na");
    }

    #[test]
    fn a_filter_keeps_the_hosts_of_one_state_and_one_name() {
        let view = run(&[("web-1", "failed"), ("web-2", "failed"), ("db-1", "failed"), ("web-3", "running")]);
        let asked = GridQuery { standing: Standing::named("failed"), q: "web".to_owned(), from: 0 };
        let page = GridPage::new(&view, &asked);
        assert_eq!(names(&page), ["web-1", "web-2"]);
        assert_eq!(page.names, "web-1\nweb-2", "what is copied is what is shown");
        let counts: Vec<&str> = page.tallies.iter().map(|tally| tally.number.as_str()).collect();
        assert_eq!(counts, ["3", "1"], "counts are of all hosts");
        assert_eq!(Standing::named("nonsense"), None);
    }

    #[test]
    fn a_thousand_hosts_come_page_by_page() {
        let names: Vec<String> = (0..1_000).map(|number| format!("web-{number:04}")).collect();
        let hosts: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "pending")).collect();
        let view = run(&hosts);
        let page = GridPage::new(&view, &GridQuery { from: 975, ..GridQuery::default() });
        assert_eq!((page.rows.len(), page.shown.as_str()), (25, "Hosts 976–1000 of 1,000, the worst first"));
        assert!(page.later.is_none() && page.earlier.is_some());
        let beyond = GridPage::new(&view, &GridQuery { from: 5_000, ..GridQuery::default() });
        assert_eq!(beyond.rows[0].host, "web-0000", "an address past the end shows the beginning");
    }

    #[test]
    fn what_failed_in_an_earlier_step_has_failed() {
        let mut view = run(&[("a", "succeeded"), ("b", "succeeded")]);
        view.steps[0].cells[1].state = CellStateName::Unknown;
        assert_eq!(names(&GridPage::new(&view, &GridQuery::default())), ["b", "a"]);
    }
}
