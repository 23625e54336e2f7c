//! `steadyhand run`: starts a run, shows it, asks its questions, and ends with what became of it.

mod asker;
mod dry_run;
mod exit;
pub(super) mod follow;
pub(super) mod request;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::checklist::Screen;
use super::client::{Client, Place, Problem};
use super::explain;
use super::format::DataFormat;
use super::settings::Settings;
use super::terminal::Terminal;
use asker::Asker;
pub(super) use exit::{Exit, next_command};

const AFTER_HELP: &str = "\
In a terminal the checklist is drawn live and every question is asked there. Ctrl-C offers to leave the
run or to abort it. Without a terminal, or with --no-input, the program ends when the run needs a person;
take it up again with --pick-up RUN.

Secret values come from STEADYHAND_SECRET_<NAME> or are asked for, without echo.

Exit codes:
  0  the run succeeded
  1  it failed
  2  wrong usage, or it could not be done (the message says why)
  3  a guard refused it: nothing was changed
  4  it waits for a person
  5  the outcome of a step is unknown: a person has to look
  6  it was aborted

Environment:
  STEADYHAND_TOKEN   the API token for --server";

/// Run a runbook as a guarded checklist
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Run {
    /// Path below runbooks/ without .yaml: web/disk-full
    #[arg(required_unless_present = "pick_up")]
    runbook: Option<String>,

    /// Hosts to run it on, among those that the runbook selects
    #[arg(long, value_name = "HOST,…", value_delimiter = ',', conflicts_with = "select")]
    on: Vec<String>,

    /// Hosts by labels, among those that the runbook selects: role=web,env!=prod
    #[arg(long, value_name = "SELECTOR")]
    select: Option<String>,

    /// The value of an input
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,

    /// A secret input: read from STEADYHAND_SECRET_<NAME>, or asked for
    #[arg(long, value_name = "NAME")]
    secret: Vec<String>,

    /// A branch, tag or commit of the runbooks
    #[arg(long = "ref", value_name = "REF")]
    git_ref: Option<String>,

    /// Go on by itself until something needs a person
    #[arg(long)]
    auto: bool,

    /// How many hosts it is for: stands for the confirmations of changes, and is refused if wrong
    #[arg(long, value_name = "N")]
    confirm_hosts: Option<u32>,

    /// Why it is started although a guard asks for a reason: who is on call, a window
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    /// A closed window to go on against, if you may; needs --reason
    #[arg(long, value_name = "WINDOW", requires = "reason")]
    override_window: Vec<String>,

    /// Go on from a step of an earlier run of this runbook
    #[arg(long = "continue", value_name = "RUN", requires = "from")]
    continues: Option<String>,

    /// The first step, with --continue
    #[arg(long, value_name = "STEP", requires = "continues")]
    from: Option<String>,

    /// Take up a run that was left
    #[arg(long, value_name = "RUN", conflicts_with = "runbook")]
    pick_up: Option<String>,

    /// Print what exactly would be done, and do nothing
    #[arg(long, conflicts_with = "pick_up")]
    dry_run: bool,

    /// Ask nothing: end when the run needs a person
    #[arg(long)]
    no_input: bool,

    #[command(flatten)]
    place: Place,

    /// With json, the run as it is at the end is printed, or the plan
    #[arg(long, value_enum, default_value_t)]
    format: DataFormat,
}

impl Run {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let settings = Settings::load(self.place.config.as_deref(), terminal)?;
        super::runtime()?.block_on(async {
            match self.carry_out(&settings, terminal).await {
                Err(error) if error.downcast_ref::<Problem>().is_some_and(Problem::is_guard) => {
                    explain::write(&error, terminal)?;
                    Ok(Exit::Refused.into())
                }
                other => other,
            }
        })
    }

    async fn carry_out(self, settings: &Settings, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let client = Client::open_to_work(&self.place, settings).await?;
        let done = self.with(&client, terminal).await;
        client.close().await;
        done
    }

    async fn with(&self, client: &Client, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let run = match &self.pick_up {
            Some(run) => client.resolve(run).await?,
            None => {
                let body = self.body(client, terminal).await?;
                if self.dry_run {
                    return dry_run::print(client, &body, self.format, terminal).await;
                }
                client.start(&body).await?.id
            }
        };
        let mut screen = self.screen(terminal);
        let asker = if self.may_ask() { Some(Asker::open(screen.paint())?) } else { None };
        let view = follow::follow(client, &run, asker, &mut screen, terminal).await?;
        let exit = Exit::of(&view);
        match self.format {
            DataFormat::Json => {
                serde_json::to_writer_pretty(&mut terminal.out, &view)?;
                writeln!(terminal.out)?;
            }
            DataFormat::Human => exit::say(&view, &self.place, &screen, terminal)?,
        }
        Ok(exit.into())
    }

    fn may_ask(&self) -> bool {
        !self.no_input && self.format == DataFormat::Human && io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    fn screen(&self, terminal: &Terminal) -> Screen {
        match self.format {
            DataFormat::Json => Screen::silent(),
            DataFormat::Human if self.may_ask() && terminal.out_in_colour => Screen::drawn(true),
            DataFormat::Human => Screen::lines(terminal.out_in_colour),
        }
    }

    async fn body(&self, client: &Client, terminal: &mut Terminal) -> anyhow::Result<Value> {
        let mut body = request::body(self, terminal)?;
        if let (Some(run), Some(step)) = (&self.continues, &self.from) {
            body["continues"] = serde_json::json!({"run": client.resolve(run).await?, "step": step});
        }
        Ok(body)
    }
}
