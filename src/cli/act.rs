//! `steadyhand act`: does one thing to a run.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::checklist::{Screen, standing};
use super::client::{Client, Place, Problem};
use super::format::DataFormat;
use super::run::{Exit, follow, next_command, request};
use super::settings::Settings;
use super::terminal::Terminal;
use crate::run::view::{Need, RunView};

/// How long a run that was just taken up may take to say what it waits for.
const SETTLE_MAX: Duration = Duration::from_secs(30);

const AFTER_HELP: &str = "\
What each action takes:
  confirm    --typed, when the run asks for it
  answer     --set for each question
  done, undo-done
  retry      --host, else all that failed
  skip       --reason; --host, else all
  resolve    --resolution, --note; --host
  stop       --reason; --host, else all
  pause, resume, take-wheel
  abort, undo                --reason
  drop-host                  --host, --reason
  supply-secrets             --secret for each
  approve    --note; reject  --reason (people only, within 15 minutes of a login: see the run's page)
  withdraw, ask-again
  override-window            --reason

STEP is the one that the run waits at, unless given. Without --server the run is then carried on in this
process until it ends or needs a person again.

Exit codes: 0 done, 2 could not be done, 3 the run refused it (the message says why)";

/// Confirm, answer, retry, skip, stop and the like, on a run
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Act {
    /// The run's id, or at least 6 letters of its beginning or end
    run: String,

    #[arg(value_enum)]
    action: Action,

    /// The step's id
    step: Option<String>,

    /// A host
    #[arg(long)]
    host: Vec<String>,

    /// What a confirmation asks to be typed: a number, a host's name, a phrase
    #[arg(long, value_name = "TEXT")]
    typed: Option<String>,

    /// An answer of a manual step
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,

    /// A secret to give again: read from STEADYHAND_SECRET_<NAME>, or asked for
    #[arg(long, value_name = "NAME")]
    secret: Vec<String>,

    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    /// What to remember with it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,

    /// What became of a step whose outcome is unknown
    #[arg(long, value_enum)]
    resolution: Option<Resolved>,

    #[command(flatten)]
    place: Place,

    #[arg(long, value_enum, default_value_t)]
    format: DataFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    Confirm,
    Answer,
    Done,
    Retry,
    Skip,
    Resolve,
    Stop,
    Pause,
    Resume,
    Abort,
    TakeWheel,
    DropHost,
    SupplySecrets,
    Undo,
    UndoDone,
    Approve,
    Reject,
    Withdraw,
    AskAgain,
    OverrideWindow,
}

#[derive(Clone, Copy, ValueEnum)]
enum Resolved {
    Completed,
    DidNotRun,
    Partly,
    Stop,
}

impl Act {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let settings = Settings::load(self.place.config.as_deref(), terminal)?;
        super::runtime()?.block_on(async {
            let client = Client::open_to_work(&self.place, &settings).await?;
            let done = self.with(&client, terminal).await;
            client.close().await;
            match done {
                Err(error) if error.downcast_ref::<Problem>().is_some_and(Problem::is_refusal) => {
                    super::explain::write(&error, terminal)?;
                    Ok(Exit::Refused.into())
                }
                other => other.map(|()| ExitCode::SUCCESS),
            }
        })
    }

    async fn with(&self, client: &Client, terminal: &mut Terminal) -> anyhow::Result<()> {
        let run = client.resolve(&self.run).await?;
        let view = self.settled(client, &run).await?;
        let mut view = client.act(&view, self.body(&view, terminal)?).await?;
        let mut screen = match self.format {
            DataFormat::Json => Screen::silent(),
            DataFormat::Human => Screen::lines(terminal.out_in_colour),
        };
        if !client.is_remote() {
            view = follow::follow(client, &run, None, &mut screen, terminal).await?;
        }
        if self.format == DataFormat::Json {
            serde_json::to_writer_pretty(&mut terminal.out, &view)?;
            writeln!(terminal.out)?;
        } else {
            writeln!(terminal.out, "{}\nnext: {}", standing(&view, screen.paint()), next_command(&view, &self.place))?;
        }
        Ok(())
    }

    /// The run, once it says what it waits for: one that this process has just taken up looks at its hosts first.
    async fn settled(&self, client: &Client, run: &str) -> anyhow::Result<RunView> {
        let mut view = client.view(run).await?;
        let at_once = matches!(self.action, Action::Stop | Action::Pause | Action::Abort | Action::TakeWheel);
        if client.is_remote() || at_once {
            return Ok(view);
        }
        let settling = async {
            let mut changes = client.changes(&view);
            while view.waiting.is_none() && view.ended_at_ms.is_none() {
                changes.next().await;
                view = client.view(run).await?;
            }
            anyhow::Ok(())
        };
        // A run that still works after this time refuses by itself, with its reason.
        if let Ok(settled) = tokio::time::timeout(SETTLE_MAX, settling).await {
            settled?;
        }
        Ok(view)
    }

    fn body(&self, view: &RunView, terminal: &mut Terminal) -> anyhow::Result<Value> {
        let mut body = Map::new();
        let name = self.action.to_possible_value();
        let name = name.as_ref().map_or("", |name| name.get_name());
        body.insert("action".to_owned(), json!(name));
        match self.action {
            Action::Pause | Action::Resume | Action::TakeWheel => {}
            Action::Abort | Action::Undo => self.reason(&mut body)?,
            Action::DropHost => {
                body.insert("host".to_owned(), json!(self.one_host(view)?));
                self.reason(&mut body)?;
            }
            Action::SupplySecrets => {
                let may_ask = io::stdin().is_terminal() && io::stdout().is_terminal();
                body.insert("secrets".to_owned(), json!(request::secrets(&self.secret, may_ask, terminal)?));
            }
            Action::Approve | Action::Withdraw | Action::AskAgain => {
                body.insert("step".to_owned(), json!(self.step));
                body.insert("note".to_owned(), json!(self.note));
            }
            Action::Reject => {
                body.insert("step".to_owned(), json!(self.step));
                self.reason(&mut body)?;
            }
            Action::OverrideWindow => {
                body.insert("step".to_owned(), json!(self.step(view)?));
                self.reason(&mut body)?;
            }
            Action::Confirm | Action::Answer | Action::Done | Action::UndoDone => self.of_step(&mut body, view)?,
            Action::Retry | Action::Skip | Action::Resolve | Action::Stop => self.of_step(&mut body, view)?,
        }
        Ok(Value::Object(body))
    }

    fn of_step(&self, body: &mut Map<String, Value>, view: &RunView) -> anyhow::Result<()> {
        body.insert("step".to_owned(), json!(self.step(view)?));
        match self.action {
            Action::Confirm => {
                body.insert("typed".to_owned(), json!(self.typed));
            }
            Action::Answer => {
                body.insert("values".to_owned(), json!(request::pairs(&self.set)?));
                body.insert("note".to_owned(), json!(self.note));
            }
            Action::Done | Action::UndoDone => {
                body.insert("note".to_owned(), json!(self.note));
            }
            Action::Resolve => {
                let Some(resolution) = self.resolution else {
                    anyhow::bail!("say what became of it: --resolution completed, did-not-run, partly or stop");
                };
                body.insert("resolution".to_owned(), json!(resolution.wire()));
                body.insert("host".to_owned(), json!(self.one_host(view)?));
                body.insert("note".to_owned(), json!(self.note.clone().unwrap_or_default()));
            }
            _ => {
                body.insert("hosts".to_owned(), json!(self.host));
                if self.action != Action::Retry {
                    self.reason(body)?;
                }
            }
        }
        Ok(())
    }

    fn reason(&self, body: &mut Map<String, Value>) -> anyhow::Result<()> {
        let Some(reason) = &self.reason else {
            anyhow::bail!("say why: --reason TEXT");
        };
        body.insert("reason".to_owned(), json!(reason));
        Ok(())
    }

    fn step(&self, view: &RunView) -> anyhow::Result<String> {
        let waited_at = view.waiting.as_ref().and_then(step_of).or(view.current.as_ref().map(ToString::to_string));
        let step = self.step.clone().or(waited_at);
        step.ok_or_else(|| anyhow::anyhow!("say which step: the run waits at none"))
    }

    fn one_host(&self, view: &RunView) -> anyhow::Result<String> {
        match (self.host.as_slice(), &view.waiting) {
            ([host], _) => Ok(host.clone()),
            ([], Some(Need::ResolveUnknown { host, .. })) if self.action == Action::Resolve => Ok(host.to_string()),
            _ => anyhow::bail!("say on which host: --host NAME, once"),
        }
    }
}

/// The step that a need is about.
fn step_of(need: &Need) -> Option<String> {
    match need {
        Need::Confirm { step, .. }
        | Need::Answer { step, .. }
        | Need::Decide { step, .. }
        | Need::ResolveUnknown { step, .. }
        | Need::AskAgain { step, .. }
        | Need::Window { step, .. }
        | Need::ManualUndo { step, .. } => Some(step.to_string()),
        Need::Approve(asked) => Some(asked.step.to_string()),
        Need::ReachHosts { .. }
        | Need::Secrets { .. }
        | Need::Storage { .. }
        | Need::Lock { .. }
        | Need::Resume { .. } => None,
    }
}

impl Resolved {
    fn wire(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::DidNotRun => "did_not_run",
            Self::Partly => "partly",
            Self::Stop => "stop",
        }
    }
}
