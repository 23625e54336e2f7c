//! The copy that a share link shows. A stored format with its own version: it outlives changes of the pictures.

use serde::{Deserialize, Serialize};

use super::Scope;
use crate::engine::output::{PageLimits, Row};
use crate::redact::detect;
use crate::run::event::Purpose;
use crate::run::outcome::Stream;
use crate::run::view::{AttemptView, CellView, RunView, StepView};
use crate::web::limits::{SHARE_BYTES_MAX, SHARE_LINES_MAX};
use crate::web::problem::Problem;
use crate::web::reading::output;
use crate::web::state::Web;
use crate::web::view::run::state_words;
use crate::web::view::step::{StepLine, purpose_words};

/// The version of the stored form.
pub const SNAPSHOT_VERSION: u32 = 1;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    pub version: u32,
    pub taken_at_ms: i64,
    pub run: String,
    pub title: String,
    pub runbook: String,
    pub commit: Option<String>,
    pub state: String,
    pub tone: String,
    pub started_at_ms: i64,
    pub hosts: Vec<String>,
    pub steps: Vec<SnapshotStep>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SnapshotStep {
    pub name: String,
    pub mark: String,
    pub tone: String,
    pub state: String,
    pub command: String,
    pub cells: Vec<SnapshotCell>,
    pub outputs: Vec<SharedOutput>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SnapshotCell {
    pub host: String,
    pub outcome: String,
}

/// Lines of one attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SharedOutput {
    pub title: String,
    pub outcome: String,
    /// What is not here, in words.
    pub note: Option<String>,
    pub rows: Vec<SnapshotRow>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SnapshotRow {
    pub line: u64,
    pub ms: u64,
    pub stderr: bool,
    pub continues: bool,
    /// Bytes that are not UTF-8 are replaced: a share link is for people to read.
    pub text: String,
}

/// Takes the copy.
///
/// # Errors
/// When output cannot be read.
pub async fn take(web: &Web, view: &RunView, scope: &Scope, now_ms: i64) -> Result<Snapshot, Problem> {
    let mut budget = SHARE_BYTES_MAX;
    let mut steps = Vec::new();
    for step in &view.steps {
        let included = match scope {
            Scope::Run => true,
            Scope::Step { step: asked } | Scope::Output { step: asked, .. } => *asked == step.id,
        };
        if included {
            steps.push(take_step(web, view, step, scope, &mut budget).await?);
        }
    }
    let (state, tone) = state_words(view);
    Ok(Snapshot {
        version: SNAPSHOT_VERSION,
        taken_at_ms: now_ms,
        run: view.id.to_string(),
        title: view.title.clone(),
        runbook: view.runbook.clone(),
        commit: view.commit.clone(),
        state,
        tone: tone.to_owned(),
        started_at_ms: view.started_at_ms,
        hosts: view.hosts.iter().map(|host| host.name.to_string()).collect(),
        steps,
    })
}

async fn take_step(
    web: &Web,
    view: &RunView,
    step: &StepView,
    scope: &Scope,
    budget: &mut usize,
) -> Result<SnapshotStep, Problem> {
    let line = StepLine::new(view, step);
    let mut shared = SnapshotStep {
        name: step.name.clone(),
        mark: line.mark.to_owned(),
        tone: line.tone.to_owned(),
        state: line.state.to_owned(),
        command: step.body.clone(),
        cells: Vec::new(),
        outputs: Vec::new(),
    };
    for (cell, seen) in step.cells.iter().zip(&line.cells) {
        let (attempt, lines) = match scope {
            Scope::Output { host, attempt, lines, .. } if *host == cell.host => {
                (find(cell, |one| one.id == *attempt), *lines)
            }
            Scope::Output { .. } => continue,
            Scope::Run | Scope::Step { .. } => (find(cell, |one| one.purpose == Purpose::Main), None),
        };
        let outcome = [Some(seen.state.to_owned()), cell.detail.clone(), Some(seen.values.clone())];
        let outcome: Vec<String> = outcome.into_iter().flatten().filter(|words| !words.is_empty()).collect();
        shared.cells.push(SnapshotCell { host: cell.host.to_string(), outcome: outcome.join(" · ") });
        if let Some(attempt) = attempt {
            shared.outputs.push(take_output(web, cell, attempt, lines, budget).await?);
        }
    }
    Ok(shared)
}

/// The newest attempt of a kind.
fn find(cell: &CellView, wanted: impl Fn(&AttemptView) -> bool) -> Option<&AttemptView> {
    cell.attempts.iter().rev().find(|attempt| wanted(attempt))
}

async fn take_output(
    web: &Web,
    cell: &CellView,
    attempt: &AttemptView,
    lines: Option<(u64, u64)>,
    budget: &mut usize,
) -> Result<SharedOutput, Problem> {
    let reader = output::reader(web, attempt.id);
    let rows_max = usize::try_from(SHARE_LINES_MAX).unwrap_or(usize::MAX);
    let limits = PageLimits { rows_max, bytes_max: *budget };
    let total = reader.summary().await?.map_or(0, |summary| summary.lines);
    let page = match lines {
        Some((from, to)) => reader.lines(from, to, limits).await?,
        None => reader.tail(SHARE_LINES_MAX, limits).await?,
    };
    *budget = budget.saturating_sub(page.rows.iter().map(|row| row.bytes.len()).sum());
    let title = match attempt.purpose {
        Purpose::Main => cell.host.to_string(),
        Purpose::Preview | Purpose::Guard(_) | Purpose::Verify | Purpose::Undo => {
            format!("{} · {}", cell.host, purpose_words(attempt.purpose))
        }
    };
    Ok(SharedOutput {
        title,
        outcome: attempt.outcome.clone(),
        note: note(&page.rows, total),
        rows: page.rows.into_iter().map(SnapshotRow::from).collect(),
    })
}

fn note(rows: &[Row], total: u64) -> Option<String> {
    let (first, last) = (rows.first()?.line, rows.last()?.line);
    (first > 1 || last < total).then(|| format!("lines {first}–{last} of {total}"))
}

impl From<Row> for SnapshotRow {
    fn from(row: Row) -> Self {
        Self {
            line: row.line,
            ms: row.ms,
            stderr: row.stream == Stream::Stderr,
            continues: row.continues,
            text: String::from_utf8_lossy(&row.bytes).into_owned(),
        }
    }
}

impl SnapshotRow {
    /// The row as the drawing of output takes it.
    pub fn row(&self) -> Row {
        Row {
            line: self.line,
            ms: self.ms,
            stream: if self.stderr { Stream::Stderr } else { Stream::Stdout },
            bytes: self.text.clone().into_bytes(),
            continues: self.continues,
            continued: false,
        }
    }
}

impl Snapshot {
    /// What looks like a secret: where, and of what kind.
    pub fn findings(&self) -> Vec<(String, &'static str)> {
        let mut findings = Vec::new();
        for step in &self.steps {
            for found in detect(step.command.as_bytes()) {
                findings.push((format!("the command of “{}”", step.name), found.kind));
            }
            for cell in &step.cells {
                for found in detect(cell.outcome.as_bytes()) {
                    findings.push((format!("“{}” on {}", step.name, cell.host), found.kind));
                }
            }
            for output in &step.outputs {
                findings.extend(output.findings());
            }
        }
        findings
    }

    /// All of it as plain text.
    pub fn plain(&self) -> String {
        let mut text = format!("{} ({}), run {}\n", self.title, self.state, self.run);
        for step in &self.steps {
            text.push_str(&format!("\n== {} ({})\n$ {}\n", step.name, step.state, step.command));
            for output in &step.outputs {
                text.push_str(&format!("-- {}: {}\n", output.title, output.outcome));
                output.rows.iter().for_each(|row| text.push_str(&row.text));
                if !text.ends_with('\n') {
                    text.push('\n');
                }
            }
        }
        text
    }
}

impl SharedOutput {
    /// Both streams as one text and each alone: a secret that the other stream interrupts is found too.
    fn findings(&self) -> Vec<(String, &'static str)> {
        let mut findings = Vec::new();
        for wanted in [None, Some(false), Some(true)] {
            let mut text = Vec::new();
            let mut starts = Vec::new();
            for row in self.rows.iter().filter(|row| wanted.is_none_or(|stderr| row.stderr == stderr)) {
                starts.push((text.len(), row.line));
                text.extend_from_slice(row.text.as_bytes());
            }
            for found in detect(&text) {
                let at = starts.partition_point(|(start, _)| *start <= found.place.bytes.start);
                let line = at.checked_sub(1).map_or(0, |index| starts[index].1);
                let finding = (format!("{}, line {line}", self.title), found.kind);
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_the_line_and_the_kind_and_not_the_secret() {
        let row =
            |line, text: &str| SnapshotRow { line, ms: 0, stderr: false, continues: false, text: text.to_owned() };
        let output = SharedOutput {
            title: "web-1".to_owned(),
            outcome: "exit 0".to_owned(),
            note: None,
            rows: vec![row(41, "fine\n"), row(42, "key AKIAIOSFODNN7EXAMPLE\n"), row(43, "fine\n")],
        };
        assert_eq!(output.findings(), [("web-1, line 42".to_owned(), "AWS access key")]);
    }
}
