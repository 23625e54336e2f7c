//! What the client commands talk to: a server over HTTP, or an engine in their own process. Both are asked the same
//! requests of the API and answer the same bodies, so a command knows only one way.

mod answer;
mod http;
mod local;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::parts::DataOptions;
use super::settings::Settings;
use crate::environment;
use crate::run::plan::Plan;
use crate::run::view::RunView;

pub(super) use answer::{Answer, Problem};
use http::Server;
use local::Process;
use local::Purpose;

/// Pages of runs that are searched for an abbreviated id; 200 runs each.
const SEARCHED_PAGES_MAX: usize = 25;

/// Letters that an abbreviated id needs.
const ABBREVIATION_MIN: usize = 6;

/// Whom to talk to.
#[derive(Args, Clone, Debug)]
pub(super) struct Place {
    /// Talk to this server [default: work in this process, on --data]
    #[arg(long, value_name = "URL", env = "STEADYHAND_SERVER")]
    pub server: Option<String>,

    #[command(flatten)]
    pub data: DataOptions,

    /// Folder with inventory.yaml and runbooks/, when there is no --server
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub repo: PathBuf,

    /// Configuration file with the secrets that runbooks use by name, when there is no --server
    #[arg(long, value_name = "FILE", env = "STEADYHAND_CONFIG")]
    pub config: Option<PathBuf>,
}

impl Place {
    /// The arguments that lead to the same place, for commands that are suggested: ` --data DIR`, or nothing.
    pub fn arguments(&self) -> String {
        let said = |name: &str, value: &str| environment::text(name).as_deref() == Some(value);
        let mut given: Vec<(&str, String)> = Vec::new();
        if let Some(server) = &self.server {
            if !said("STEADYHAND_SERVER", server) {
                given.push(("--server", server.clone()));
            }
        } else {
            let data = self.data.data.iter().map(|data| data.display().to_string());
            given.extend(data.filter(|data| !said("STEADYHAND_DATA", data)).map(|data| ("--data", data)));
            let config = self.config.iter().map(|config| config.display().to_string());
            given.extend(config.filter(|file| !said("STEADYHAND_CONFIG", file)).map(|file| ("--config", file)));
            if self.repo.as_os_str() != "." {
                given.push(("--repo", self.repo.display().to_string()));
            }
        }
        // Only a NUL cannot be quoted, and no argument holds one.
        let quoted = |value: &str| shlex::try_quote(value).map_or_else(|_| value.to_owned(), Into::into);
        given.iter().map(|(name, value)| format!(" {name} {}", quoted(value))).collect()
    }
}

/// Somebody who answers for runs.
pub(super) struct Client {
    road: Road,
}

enum Road {
    Http(Server),
    Local(Process),
}

/// What a start answers.
#[derive(Debug, Deserialize)]
pub(super) struct Started {
    pub id: String,
}

/// What exactly a start would do.
#[derive(Debug, Deserialize)]
pub(super) struct Planned {
    pub digest: String,
    pub plan: Plan,
}

impl Client {
    /// Opens the road that `place` names, to look only.
    pub async fn open(place: &Place) -> anyhow::Result<Self> {
        Self::open_for(place, Purpose::Read, &Settings::default()).await
    }

    /// Opens the road that `place` names, to carry runs on.
    pub async fn open_to_work(place: &Place, settings: &Settings) -> anyhow::Result<Self> {
        Self::open_for(place, Purpose::Work, settings).await
    }

    async fn open_for(place: &Place, purpose: Purpose, settings: &Settings) -> anyhow::Result<Self> {
        let road = match &place.server {
            Some(url) => Road::Http(Server::new(url)?),
            None => Road::Local(Process::open(place, purpose, settings).await?),
        };
        Ok(Self { road })
    }

    /// Whether runs go on when this process ends.
    pub fn is_remote(&self) -> bool {
        matches!(self.road, Road::Http(_))
    }

    /// Asks one request of the API.
    ///
    /// # Errors
    /// No answer came. A refusal is an answer.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        match &self.road {
            Road::Http(server) => server.ask(method, path, body).await,
            Road::Local(process) => process.ask(method, path, body).await,
        }
    }

    /// Starts a run.
    pub async fn start(&self, body: &Value) -> anyhow::Result<Started> {
        self.ask(Method::POST, "/api/v1/runs", Some(body)).await?.read()
    }

    /// Says what a start would do, as it came and as a plan.
    pub async fn plan(&self, body: &Value) -> anyhow::Result<(Value, Planned)> {
        let raw: Value = self.ask(Method::POST, "/api/v1/plans", Some(body)).await?.read()?;
        let planned = serde_json::from_value(raw.clone()).context("the server answers a plan of another version")?;
        Ok((raw, planned))
    }

    /// The picture of a run.
    pub async fn view(&self, run: &str) -> anyhow::Result<RunView> {
        match &self.road {
            Road::Http(server) => server.ask(Method::GET, &format!("/api/v1/runs/{run}"), None).await?.read(),
            Road::Local(process) => process.view(run).await,
        }
    }

    /// Does something to a run; `action` has all but the number of the last event seen.
    pub async fn act(&self, view: &RunView, mut action: Value) -> anyhow::Result<RunView> {
        action["seq"] = json!(view.seq);
        // Answering a request is another right than working the run, and has its own door.
        let door = match action["action"].as_str() {
            Some("approve" | "reject") => "approvals",
            _ => "actions",
        };
        self.ask(Method::POST, &format!("/api/v1/runs/{}/{door}", view.id), Some(&action)).await?.read()
    }

    /// What changes a run from now on.
    pub fn changes(&self, view: &RunView) -> Changes<'_> {
        match &self.road {
            Road::Http(server) => Changes::Http(Box::new(server.changes(view))),
            Road::Local(process) => Changes::Local(process.changes(view)),
        }
    }

    /// The full id of a run that is named by it or by the beginning or the end of it.
    pub async fn resolve(&self, named: &str) -> anyhow::Result<String> {
        if named.parse::<crate::id::RunId>().is_ok() {
            return Ok(named.to_owned());
        }
        let part: String = named.to_lowercase();
        let fits = part.chars().all(|letter| letter.is_ascii_hexdigit() || letter == '-');
        anyhow::ensure!(
            fits && part.len() >= ABBREVIATION_MIN,
            "`{named}` is no run: give its id, or at least {ABBREVIATION_MIN} letters of its beginning or end"
        );
        let mut found = self.ids_with(&part).await?;
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => anyhow::bail!("there is no run whose id begins or ends with {named}"),
            count => anyhow::bail!("{count} runs have an id that begins or ends with {named}: {}", found.join(", ")),
        }
    }

    async fn ids_with(&self, part: &str) -> anyhow::Result<Vec<String>> {
        let bare = part.replace('-', "");
        let mut found = Vec::new();
        let mut cursor = String::new();
        for _ in 0..SEARCHED_PAGES_MAX {
            let path = format!("/api/v1/runs?limit=200{cursor}");
            let page: Page = self.ask(Method::GET, &path, None).await?.read()?;
            let ids = page.runs.into_iter().map(|run| run.id);
            found.extend(ids.filter(|id| {
                let id = id.replace('-', "");
                id.starts_with(&bare) || id.ends_with(&bare)
            }));
            match page.next {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        Ok(found)
    }

    /// Ends: what arrived is stored, commands on the hosts go on.
    pub async fn close(self) {
        if let Road::Local(process) = self.road {
            process.close().await;
        }
    }
}

#[derive(Deserialize)]
struct Page {
    runs: Vec<PageRun>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct PageRun {
    id: String,
}

/// Tells when a run has changed. A hint: look at the run again.
pub(super) enum Changes<'a> {
    Http(Box<http::Events<'a>>),
    Local(tokio::sync::watch::Receiver<u64>),
}

impl Changes<'_> {
    /// How long to wait for a hint before looking without one.
    const LOOK_ANYWAY: Duration = Duration::from_secs(2);
    /// How often a run that gives no hints is looked at.
    const WITHOUT_HINTS: Duration = Duration::from_millis(300);

    /// Returns when the run has changed, or after a while.
    pub async fn next(&mut self) {
        let hint = async {
            match self {
                Self::Http(events) => events.next().await,
                Self::Local(hints) => hints.changed().await.is_ok(),
            }
        };
        if matches!(tokio::time::timeout(Self::LOOK_ANYWAY, hint).await, Ok(false)) {
            tokio::time::sleep(Self::WITHOUT_HINTS).await;
        }
    }
}
