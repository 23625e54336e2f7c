//! An engine in this process, over a data folder.

use anyhow::Context;
use reqwest::Method;
use serde_json::Value;

use super::{Answer, Place};
use crate::cli::explain::Explain;
use crate::cli::parts::{build_engine, build_reader};
use crate::cli::settings::Settings;
use crate::engine::Engine;
use crate::environment;
use crate::id::RunId;
use crate::run::event::Actor;
use crate::run::view::RunView;
use crate::web::{Web, WebOptions};

/// What the engine is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Purpose {
    /// Runs are carried on; no other engine may work on the data meanwhile.
    Work,
    /// Only looked at: another engine may be at work.
    Read,
}

pub(super) struct Process {
    engine: Engine,
    web: Web,
    actor: Actor,
}

impl Process {
    pub async fn open(place: &Place, purpose: Purpose, settings: &Settings) -> anyhow::Result<Self> {
        let engine = match purpose {
            Purpose::Work => build_engine(&place.data, &place.repo, None, settings).await?,
            Purpose::Read => build_reader(&place.data, &place.repo).await?,
        };
        if purpose == Purpose::Work {
            engine.recover().await.explain("cannot take up earlier runs", "see the cause above")?;
        }
        let web = Web::new(engine.clone(), engine.clock().clone(), WebOptions::default());
        Ok(Self { engine, web, actor: actor() })
    }

    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let answer = self.web.answer_within(&self.actor, method, path, body).await.context("no answer came")?;
        Ok(Answer { status: answer.status, headers: answer.headers, body: answer.body })
    }

    pub async fn view(&self, run: &str) -> anyhow::Result<RunView> {
        let run: RunId = run.parse()?;
        self.engine.view(run).await?.ok_or_else(|| anyhow::anyhow!("there is no run {run}"))
    }

    pub fn changes(&self, view: &RunView) -> tokio::sync::watch::Receiver<u64> {
        let mut hints = self.engine.watch(view.id);
        // The view may be older than the watch: the first look is due at once.
        hints.mark_changed();
        hints
    }

    pub async fn close(self) {
        self.engine.drain().await;
    }
}

/// Whoever is logged in to this machine.
fn actor() -> Actor {
    let name = ["STEADYHAND_USER", "USER", "LOGNAME"].into_iter().find_map(environment::text);
    Actor(match name {
        Some(name) => format!("user:{name}"),
        None => format!("user:{}", rustix::process::getuid().as_raw()),
    })
}
