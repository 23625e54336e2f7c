//! What a person should have seen before they answer: the last lines of previews and of what failed.

use std::io::Write;

use form_urlencoded::byte_serialize;
use reqwest::Method;
use serde::Deserialize;

use super::Question;
use crate::cli::checklist::cell_line;
use crate::id::{AttemptId, HostName, StepId};
use crate::run::view::{CellView, StepView};
use crate::web::ansi::{Keep, Painter};

/// The last lines that are shown of an attempt; all of it is behind `steadyhand output`.
const TAIL_LINES: usize = 12;

/// Hosts whose output is shown before a question.
const HOSTS_MAX: usize = 5;

#[derive(Deserialize)]
struct Lines {
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

impl Question<'_> {
    pub(super) async fn show_previews(&mut self, previews: &[AttemptId]) -> anyhow::Result<()> {
        let all: Vec<(&StepView, &CellView, AttemptId)> = cells(self.view.steps.as_slice())
            .flat_map(|(step, cell)| cell.attempts.iter().map(move |attempt| (step, cell, attempt.id)))
            .filter(|(.., attempt)| previews.contains(attempt))
            .collect();
        for (step, cell, attempt) in all.into_iter().take(HOSTS_MAX) {
            writeln!(self.terminal.out, "preview on {}:", cell.host)?;
            self.tail(&step.id, &cell.host, Some(attempt)).await?;
        }
        Ok(())
    }

    pub(super) async fn show_failures(&mut self, step: &StepId, hosts: &[HostName]) -> anyhow::Result<()> {
        let found = cells(self.view.steps.as_slice());
        let found: Vec<(&StepView, &CellView)> =
            found.filter(|(of, cell)| of.id == *step && hosts.contains(&cell.host)).collect();
        for (_, cell) in found.into_iter().take(HOSTS_MAX) {
            writeln!(self.terminal.out, "{}", cell_line(cell, self.asker.paint))?;
            if !cell.attempts.is_empty() {
                self.tail(step, &cell.host, None).await?;
            }
        }
        Ok(())
    }

    async fn tail(&mut self, step: &StepId, host: &HostName, attempt: Option<AttemptId>) -> anyhow::Result<()> {
        let attempt = attempt.map(|attempt| format!("?attempt={attempt}")).unwrap_or_default();
        let host: String = byte_serialize(host.as_str().as_bytes()).collect();
        let path = format!("/api/v1/runs/{}/steps/{step}/hosts/{host}/output/lines{attempt}", self.view.id);
        let lines: Lines = match self.client.ask(Method::GET, &path, None).await?.read() {
            Ok(lines) => lines,
            // It is shown for convenience: a question must not fail for want of it.
            Err(error) => return self.say(&format!("    (its output cannot be shown: {error:#})")),
        };
        let keep = if self.asker.paint.in_colour { Keep::Colours } else { Keep::Nothing };
        let mut painter = Painter::new();
        let first = lines.lines.len().saturating_sub(TAIL_LINES);
        for line in &lines.lines[first..] {
            writeln!(self.terminal.out, "    {}", painter.plain(line.text.as_bytes(), keep))?;
        }
        Ok(())
    }
}

fn cells(steps: &[StepView]) -> impl Iterator<Item = (&StepView, &CellView)> {
    steps.iter().flat_map(|step| step.cells.iter().map(move |cell| (step, cell)))
}
