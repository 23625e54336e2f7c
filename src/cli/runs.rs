//! `steadyhand runs`: the list of runs.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use form_urlencoded::Serializer;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::checklist::one_line;
use super::client::{Client, Place};
use super::format::DataFormat;
use super::terminal::Terminal;

/// Letters of an id that tell runs apart: its beginning is the time, much the same for runs of one day.
const ID_END: usize = 8;

/// List runs, newest first
#[derive(Args)]
pub(super) struct Runs {
    /// running, waiting, paused, succeeded, failed or aborted
    #[arg(long)]
    state: Option<String>,

    /// Of this runbook: web/disk-full
    #[arg(long)]
    runbook: Option<String>,

    /// On this host
    #[arg(long)]
    host: Option<String>,

    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,

    #[command(flatten)]
    place: Place,

    #[arg(long, value_enum, default_value_t)]
    format: DataFormat,
}

#[derive(Deserialize)]
struct Listed {
    runs: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    title: String,
    state: String,
    waiting: Option<String>,
    started_by: String,
    started_at_ms: i64,
    hosts: Vec<String>,
    step_done: u32,
    step_total: u32,
}

impl Runs {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        super::runtime()?.block_on(async {
            let client = Client::open(&self.place).await?;
            let listed = self.list(&client).await;
            client.close().await;
            self.print(listed?, terminal)?;
            Ok(ExitCode::SUCCESS)
        })
    }

    async fn list(&self, client: &Client) -> anyhow::Result<Value> {
        let mut query = Serializer::new(String::new());
        query.append_pair("limit", &self.limit.to_string());
        for (name, value) in [("state", &self.state), ("runbook", &self.runbook), ("host", &self.host)] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        client.ask(Method::GET, &format!("/api/v1/runs?{}", query.finish()), None).await?.read()
    }

    fn print(&self, listed: Value, terminal: &mut Terminal) -> anyhow::Result<()> {
        if self.format == DataFormat::Json {
            serde_json::to_writer_pretty(&mut terminal.out, &listed)?;
            writeln!(terminal.out)?;
            return Ok(());
        }
        let listed: Listed = serde_json::from_value(listed)?;
        for run in &listed.runs {
            let id = &run.id[run.id.len().saturating_sub(ID_END)..];
            let steps = format!("{}/{}", run.step_done, run.step_total);
            let state = match &run.waiting {
                Some(waiting) => format!("{}: {}", run.state, one_line(waiting)),
                None => run.state.clone(),
            };
            let hosts = match run.hosts.as_slice() {
                [one] => one.clone(),
                many => format!("{} hosts", many.len()),
            };
            writeln!(
                terminal.out,
                "{id}  {}  {steps:>5}  {} on {}, by {}  {state}",
                when(run.started_at_ms),
                one_line(&run.title),
                hosts,
                one_line(&run.started_by)
            )?;
        }
        match listed.runs.first() {
            Some(run) => {
                let id = &run.id[run.id.len().saturating_sub(ID_END)..];
                writeln!(terminal.out, "next: steadyhand show {id}{}", self.place.arguments())?;
            }
            None => writeln!(terminal.out, "no runs")?,
        }
        Ok(())
    }
}

/// `2026-03-01 12:30Z`.
pub(super) fn when(at_ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(at_ms) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%MZ").to_string(),
        Err(_) => "-".to_owned(),
    }
}
