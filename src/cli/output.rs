//! `steadyhand output`: what a step wrote on a host.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use form_urlencoded::Serializer;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::client::{Client, Place};
use super::format::DataFormat;
use super::terminal::Terminal;
use crate::run::view::{CellView, RunView, StepStateName, StepView};
use crate::web::ansi::{Keep, Painter};

/// How often output that still grows is asked for.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// A line that is longer is drawn in parts.
const LINE_BYTES_MAX: usize = 64 * 1024;

const AFTER_HELP: &str = "\
In a pipe the bytes are those of the host, secrets masked. On a terminal only colours are kept.";

/// Print what a step wrote on a host
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Output {
    /// The run's id, or at least 6 letters of its beginning or end
    run: String,

    /// The step's id [default: the one that failed, or else the newest]
    step: Option<String>,

    /// The host [default: the only one, or the first that failed]
    #[arg(long)]
    host: Option<String>,

    /// The number of the attempt, or its id [default: the newest]
    #[arg(long, value_name = "N")]
    attempt: Option<String>,

    /// Go on until nothing more will come
    #[arg(long, conflicts_with = "lines")]
    follow: bool,

    /// Only these lines: 120-135
    #[arg(long, value_name = "A-B")]
    lines: Option<String>,

    /// Only this stream
    #[arg(long, value_enum, conflicts_with = "lines")]
    stream: Option<OneStream>,

    #[command(flatten)]
    place: Place,

    /// With json, lines with their numbers, times and streams
    #[arg(long, value_enum, default_value_t)]
    format: DataFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum OneStream {
    Stdout,
    Stderr,
}

#[derive(Deserialize)]
struct Lines {
    lines: Vec<Line>,
    next: Option<u64>,
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

impl Output {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        super::runtime()?.block_on(async {
            let client = Client::open(&self.place).await?;
            let done = self.print(&client, terminal).await;
            client.close().await;
            done?;
            Ok(ExitCode::SUCCESS)
        })
    }

    async fn print(&self, client: &Client, terminal: &mut Terminal) -> anyhow::Result<()> {
        let run = client.resolve(&self.run).await?;
        let view = client.view(&run).await?;
        let step = step(&view, self.step.as_deref())?;
        let cell = cell(step, self.host.as_deref())?;
        let path = format!("/api/v1/runs/{run}/steps/{}/hosts/{}/output", step.id, cell.host);
        let mut query = Serializer::new(String::new());
        if let Some(attempt) = &self.attempt {
            query.append_pair("attempt", attempt);
        }
        if self.lines.is_some() || self.format == DataFormat::Json {
            return self.print_lines(client, &path, query.finish(), terminal).await;
        }
        match self.stream {
            Some(OneStream::Stdout) => query.append_pair("stream", "stdout"),
            Some(OneStream::Stderr) => query.append_pair("stream", "stderr"),
            None => &mut query,
        };
        self.print_bytes(client, &path, &query.finish(), terminal).await
    }

    async fn print_bytes(
        &self,
        client: &Client,
        path: &str,
        query: &str,
        terminal: &mut Terminal,
    ) -> anyhow::Result<()> {
        let mut drawn = io::stdout().is_terminal().then(|| Drawn::new(terminal.out_in_colour));
        let mut offset = 0_u64;
        loop {
            let path = format!("{path}?{query}&offset={offset}");
            let answer = client.ask(Method::GET, &path, None).await?.followed()?;
            let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
            let next = header("x-output-next-offset").and_then(|next| next.parse().ok());
            let finished = header("x-output-finished") == Some("true");
            match &mut drawn {
                Some(drawn) => drawn.write(&answer.body, terminal)?,
                None => terminal.out.write_all(&answer.body)?,
            }
            terminal.out.flush()?;
            offset = next.context("the answer does not say where to go on")?;
            if !answer.body.is_empty() {
                continue;
            }
            if finished || !self.follow {
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        match &mut drawn {
            Some(drawn) => Ok(drawn.end(terminal)?),
            None => Ok(()),
        }
    }

    async fn print_lines(
        &self,
        client: &Client,
        path: &str,
        query: String,
        terminal: &mut Terminal,
    ) -> anyhow::Result<()> {
        let (mut from, to) = match self.lines.as_deref().map(range) {
            Some(Some(range)) => range,
            Some(None) => anyhow::bail!("--lines is a number or a range: 120-135"),
            None => (1, u64::MAX),
        };
        let mut painter = Painter::new();
        let mut all: Vec<Value> = Vec::new();
        loop {
            let path = format!("{path}/lines?{query}&from={from}&to={to}");
            let mut page: Value = client.ask(Method::GET, &path, None).await?.read()?;
            let read = Lines::deserialize(&page)?;
            if self.format == DataFormat::Json {
                if let Some(lines) = page["lines"].as_array_mut() {
                    all.append(lines);
                }
            } else {
                let keep = if terminal.out_in_colour { Keep::Colours } else { Keep::Nothing };
                for line in &read.lines {
                    writeln!(terminal.out, "{}", painter.plain(line.text.as_bytes(), keep))?;
                }
            }
            match read.next {
                Some(next) if next <= to && !read.lines.is_empty() => from = next,
                Some(_) | None => break,
            }
        }
        if self.format == DataFormat::Json {
            serde_json::to_writer_pretty(&mut terminal.out, &all)?;
            writeln!(terminal.out)?;
        }
        Ok(())
    }
}

/// Bytes on a terminal: nothing of them but text and colours arrives there.
struct Drawn {
    painter: Painter,
    keep: Keep,
    line: Vec<u8>,
}

impl Drawn {
    fn new(in_colour: bool) -> Self {
        let keep = if in_colour { Keep::Colours } else { Keep::Nothing };
        Self { painter: Painter::new(), keep, line: Vec::new() }
    }

    fn write(&mut self, bytes: &[u8], terminal: &mut Terminal) -> io::Result<()> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") || self.line.len() > LINE_BYTES_MAX {
                let text = self.painter.plain(&std::mem::take(&mut self.line), self.keep);
                writeln!(terminal.out, "{text}")?;
            }
        }
        Ok(())
    }

    fn end(&mut self, terminal: &mut Terminal) -> io::Result<()> {
        if self.line.is_empty() {
            return Ok(());
        }
        let text = self.painter.plain(&std::mem::take(&mut self.line), self.keep);
        writeln!(terminal.out, "{text}")
    }
}

/// The step that is named; or else the one that failed, or else the newest that wrote anything.
pub(super) fn step<'a>(view: &'a RunView, named: Option<&str>) -> anyhow::Result<&'a StepView> {
    let found = match named {
        Some(name) => view.steps.iter().find(|step| step.id.as_str() == name),
        None => {
            let is_failed = |step: &&StepView| matches!(step.state, StepStateName::Failed | StepStateName::Unknown);
            let has_run = |step: &&StepView| step.cells.iter().any(|cell| !cell.attempts.is_empty());
            view.steps.iter().find(is_failed).or_else(|| view.steps.iter().rev().find(has_run))
        }
    };
    let ids: Vec<&str> = view.steps.iter().map(|step| step.id.as_str()).collect();
    found.ok_or_else(|| match named {
        Some(name) => anyhow::anyhow!("the run has no step {name}; its steps are {}", ids.join(", ")),
        None => anyhow::anyhow!("no step of the run has run yet"),
    })
}

/// The host that is named; or else the only one, or the first where the step is in trouble.
pub(super) fn cell<'a>(step: &'a StepView, named: Option<&str>) -> anyhow::Result<&'a CellView> {
    let found = match (named, step.cells.as_slice()) {
        (Some(name), cells) => cells.iter().find(|cell| cell.host.as_str() == name),
        (None, [only]) => Some(only),
        (None, cells) => cells.iter().find(|cell| super::checklist::is_trouble(cell.state)),
    };
    let hosts: Vec<&str> = step.cells.iter().map(|cell| cell.host.as_str()).collect();
    found.ok_or_else(|| match named {
        Some(name) => anyhow::anyhow!("step {} does not run on {name}; its hosts are {}", step.id, hosts.join(", ")),
        None => anyhow::anyhow!("step {} runs on {}: choose one with --host", step.id, hosts.join(", ")),
    })
}

/// `120-135`, `120`.
fn range(text: &str) -> Option<(u64, u64)> {
    let number = |part: &str| part.trim().parse::<u64>().ok().filter(|line| *line > 0);
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (number(from)?, number(to)?);
    (from <= to).then_some((from, to))
}
