//! `steadyhand oncall`: who is on call, and what is wrong with the plan.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use form_urlencoded::Serializer;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::checklist::one_line;
use super::client::{Client, Place};
use super::format::DataFormat;
use super::terminal::Terminal;

const EXIT_FINDINGS: u8 = 1;

/// Who is on call
#[derive(Args)]
pub(super) struct Oncall {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Show(Show),
    Check(Check),
}

const SHOW_HELP: &str = "\
Examples:
  steadyhand oncall show                            now, as the repository here says
  steadyhand oncall show --at 2026-12-24T22:00:00Z  on Christmas Eve
  steadyhand oncall show --format json | jq -r '.rotations[].now[].holder'";

/// Show who holds each rotation, and who is next
#[derive(Args)]
#[command(after_help = SHOW_HELP)]
struct Show {
    /// As of this time: 2026-12-24, or 2026-12-24T22:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,

    #[command(flatten)]
    place: Place,

    #[arg(long, value_enum, default_value_t)]
    format: DataFormat,
}

/// Check the coming weeks for gaps and double bookings, with all calendars
///
/// Exits with 1 if there is anything to settle.
#[derive(Args)]
struct Check {
    /// How far ahead to look
    #[arg(long, value_name = "DAYS", default_value_t = 28, value_parser = clap::value_parser!(u32).range(1..=370))]
    days: u32,

    #[command(flatten)]
    place: Place,

    #[arg(long, value_enum, default_value_t)]
    format: DataFormat,
}

#[derive(Deserialize)]
struct Answered {
    at_ms: i64,
    rotations: Vec<Rotation>,
    findings: Vec<Finding>,
    feeds: Vec<Feed>,
    trouble: Option<String>,
}

#[derive(Deserialize)]
struct Rotation {
    name: String,
    title: Option<String>,
    zone: String,
    now: Vec<Shift>,
    shifts: Vec<Shift>,
}

#[derive(Deserialize)]
struct Shift {
    holder: String,
    from_ms: i64,
    to_ms: i64,
    why: Option<String>,
}

#[derive(Deserialize)]
struct Finding {
    rule: String,
    rotation: String,
    from_ms: i64,
    to_ms: i64,
    message: String,
    help: String,
}

#[derive(Deserialize)]
struct Feed {
    name: String,
    is_stale: bool,
    trouble: Option<String>,
}

impl Oncall {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        super::runtime()?.block_on(async {
            match self.what {
                What::Show(show) => show.run(terminal).await,
                What::Check(check) => check.run(terminal).await,
            }
        })
    }
}

impl Show {
    async fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let answered = ask(&self.place, self.at.as_deref(), 56).await?;
        if self.format == DataFormat::Json {
            return json(&answered, terminal);
        }
        let answered: Answered = serde_json::from_value(answered)?;
        for rotation in &answered.rotations {
            let zone = zone(&rotation.zone);
            let title = rotation.title.as_deref().unwrap_or(&rotation.name);
            writeln!(terminal.out, "{}", one_line(title))?;
            if rotation.now.is_empty() {
                writeln!(terminal.out, "  nobody is on call")?;
            }
            for shift in &rotation.now {
                let why = shift.why.as_ref().map(|why| format!(" ({})", one_line(why))).unwrap_or_default();
                let until = time(shift.to_ms, &zone);
                writeln!(terminal.out, "  {} until {until}{why}", one_line(&shift.holder))?;
            }
            let holds = |shift: &&Shift| {
                shift.from_ms > answered.at_ms && !rotation.now.iter().any(|now| now.holder == shift.holder)
            };
            if let Some(next) = rotation.shifts.iter().find(holds) {
                writeln!(terminal.out, "  next {} from {}", one_line(&next.holder), time(next.from_ms, &zone))?;
            }
        }
        if answered.rotations.is_empty() {
            writeln!(terminal.out, "no rotations: write them into oncall.yaml (format: steadyhand schema oncall)")?;
        }
        warn(&answered, terminal)?;
        if !answered.findings.is_empty() {
            writeln!(terminal.err, "to settle: steadyhand oncall check{}", self.place.arguments())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Check {
    async fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let raw = ask(&self.place, None, self.days).await?;
        let answered: Answered = serde_json::from_value(raw.clone())?;
        let wrong = !answered.findings.is_empty()
            || answered.trouble.is_some()
            || answered.feeds.iter().any(|feed| feed.is_stale);
        let code = if wrong { ExitCode::from(EXIT_FINDINGS) } else { ExitCode::SUCCESS };
        if self.format == DataFormat::Json {
            json(&raw, terminal)?;
            return Ok(code);
        }
        for finding in &answered.findings {
            let rotation = answered.rotations.iter().find(|rotation| rotation.name == finding.rotation);
            let zone = zone(rotation.map_or("UTC", |rotation| rotation.zone.as_str()));
            let (from, to) = (time(finding.from_ms, &zone), time(finding.to_ms, &zone));
            writeln!(terminal.out, "{}: {} from {from} to {to}", finding.rule, one_line(&finding.message))?;
            writeln!(terminal.out, "  help: {}", one_line(&finding.help))?;
        }
        warn(&answered, terminal)?;
        if !wrong {
            writeln!(terminal.out, "nothing to settle in the next {} days", self.days)?;
        }
        Ok(code)
    }
}

async fn ask(place: &Place, at: Option<&str>, days: u32) -> anyhow::Result<Value> {
    let client = Client::open(place).await?;
    let mut query = Serializer::new(String::new());
    query.append_pair("days", &days.to_string());
    if let Some(at) = at {
        query.append_pair("at", at);
    }
    let answered = client.ask(Method::GET, &format!("/api/v1/oncall?{}", query.finish()), None).await;
    client.close().await;
    answered?.read()
}

fn json(answered: &Value, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
    serde_json::to_writer_pretty(&mut terminal.out, answered)?;
    writeln!(terminal.out)?;
    Ok(ExitCode::SUCCESS)
}

fn warn(answered: &Answered, terminal: &mut Terminal) -> anyhow::Result<()> {
    if let Some(trouble) = &answered.trouble {
        writeln!(terminal.err, "warning: {}", one_line(trouble))?;
    }
    for feed in &answered.feeds {
        if let Some(trouble) = &feed.trouble {
            writeln!(terminal.err, "warning: the calendar {}: {}", feed.name, one_line(trouble))?;
        }
    }
    Ok(())
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// `Mon 2026-11-30 09:00 CET`.
fn time(at_ms: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
    at.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %Z").to_string()
}
