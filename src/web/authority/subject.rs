//! What a request is about: found from its address before its handler begins, so that the handler holds only what
//! the policy has let it have.

use std::future::Future;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use uuid::Uuid;

use crate::access::scope::{About, Scope};
use crate::engine::handoffs::scopes_of_row;
use crate::engine::policy::scope_of_row;
use crate::id::{HandoffId, HostName, RunId, RunbookPath, StepId};
use crate::store::shares::Share;
use crate::web::problem::Problem;
use crate::web::state::Web;

/// Something that permissions are about.
pub trait Subject: Sized + Send + Sync + 'static {
    /// The parameters of the address that name it. A test holds the route table to them.
    const PARAMETERS: &'static [&'static str];

    /// Whether a signed-in person whom nothing is granted yet gets an (empty) answer.
    const IS_A_LIST: bool = false;

    /// What the address names; none if there is nothing of the kind.
    fn find(parts: &mut Parts, web: &Web) -> impl Future<Output = Result<Option<Self>, Problem>> + Send;

    /// What the policy decides about; none where the handler asks it about each thing by itself ([`Each`], [`Named`]).
    fn about(&self) -> Option<About<'_>>;

    /// The answer where there is nothing, or nothing that whoever asks may know of.
    fn absent() -> Problem;
}

/// The server as a whole, or one's own account and session.
pub struct TheServer;

impl Subject for TheServer {
    const PARAMETERS: &'static [&'static str] = &[];

    async fn find(_parts: &mut Parts, _web: &Web) -> Result<Option<Self>, Problem> {
        Ok(Some(Self))
    }

    fn about(&self) -> Option<About<'_>> {
        Some(About::Server)
    }

    fn absent() -> Problem {
        Problem::not_found("there is nothing here")
    }
}

/// The session or token of one's own that `{id}` names. Whose it is, is part of the statement that ends it: there is no
/// moment between asking and doing.
pub struct OneOfMine {
    pub id: Uuid,
}

impl Subject for OneOfMine {
    const PARAMETERS: &'static [&'static str] = &["id"];

    async fn find(parts: &mut Parts, _web: &Web) -> Result<Option<Self>, Problem> {
        Ok(parameter(parts, "id").await?.parse().ok().map(|id| Self { id }))
    }

    fn about(&self) -> Option<About<'_>> {
        Some(About::Server)
    }

    fn absent() -> Problem {
        Problem::not_found("you have none of this id, or it was ended before")
    }
}

/// Lists: each thing in them is asked about by itself, through [`super::Authorised::sees`].
pub struct Each;

impl Subject for Each {
    const PARAMETERS: &'static [&'static str] = &[];
    const IS_A_LIST: bool = true;

    async fn find(_parts: &mut Parts, _web: &Web) -> Result<Option<Self>, Problem> {
        Ok(Some(Self))
    }

    fn about(&self) -> Option<About<'_>> {
        None
    }

    fn absent() -> Problem {
        Problem::not_found("there is nothing here")
    }
}

/// What the body or the query names: nothing can be read or done before [`super::Authorised::on_run`] or
/// [`super::Authorised::on_runbook`] has asked the policy about it.
pub struct Named;

impl Subject for Named {
    const PARAMETERS: &'static [&'static str] = &[];

    async fn find(_parts: &mut Parts, _web: &Web) -> Result<Option<Self>, Problem> {
        Ok(Some(Self))
    }

    fn about(&self) -> Option<About<'_>> {
        None
    }

    fn absent() -> Problem {
        Problem::not_found("there is nothing here")
    }
}

/// The run that `{id}` names.
#[derive(Debug, Clone)]
pub struct TheRun {
    pub id: RunId,
    scope: Scope,
}

impl TheRun {
    /// The run of an id in text. Anything that is no id names no run: there is nothing more to say about it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn named(text: &str, web: &Web) -> Result<Option<Self>, Problem> {
        let Ok(id) = text.parse::<RunId>() else { return Ok(None) };
        let Some(row) = web.store().run(id).await? else { return Ok(None) };
        Ok(Some(Self { id, scope: scope_of_row(&row) }))
    }
}

impl Subject for TheRun {
    const PARAMETERS: &'static [&'static str] = &["id"];

    async fn find(parts: &mut Parts, web: &Web) -> Result<Option<Self>, Problem> {
        Self::named(&parameter(parts, "id").await?, web).await
    }

    fn about(&self) -> Option<About<'_>> {
        Some(About::Run(&self.scope))
    }

    fn absent() -> Problem {
        Problem::not_found("there is no such run").next_step("The list of runs has a search.")
    }
}

/// The step of a run, on all its hosts. Whether the run has such a step shows when it is read.
#[derive(Debug, Clone)]
pub struct TheStep {
    pub run: TheRun,
    pub step: StepId,
}

impl Subject for TheStep {
    const PARAMETERS: &'static [&'static str] = &["id", "step"];

    async fn find(parts: &mut Parts, web: &Web) -> Result<Option<Self>, Problem> {
        let Some(run) = TheRun::find(parts, web).await? else { return Ok(None) };
        let Ok(step) = parameter(parts, "step").await?.parse() else { return Ok(None) };
        Ok(Some(Self { run, step }))
    }

    fn about(&self) -> Option<About<'_>> {
        self.run.about()
    }

    fn absent() -> Problem {
        Problem::not_found("there is no such run, or it has no such step")
    }
}

/// The step of a run on a host: what its output belongs to. Whether the run has such a step shows when it is read.
#[derive(Debug, Clone)]
pub struct TheCell {
    pub run: TheRun,
    pub step: StepId,
    pub host: HostName,
}

impl Subject for TheCell {
    const PARAMETERS: &'static [&'static str] = &["id", "step", "host"];

    async fn find(parts: &mut Parts, web: &Web) -> Result<Option<Self>, Problem> {
        let Some(run) = TheRun::find(parts, web).await? else { return Ok(None) };
        let (step, host) = (parameter(parts, "step").await?, parameter(parts, "host").await?);
        let (Ok(step), Ok(host)) = (step.parse(), host.parse()) else { return Ok(None) };
        Ok(Some(Self { run, step, host }))
    }

    fn about(&self) -> Option<About<'_>> {
        self.run.about()
    }

    fn absent() -> Problem {
        Problem::not_found("there is no such run, or it has no such step on such a host")
    }
}

/// The runbook at `{path}`, as it is served.
#[derive(Debug, Clone)]
pub struct TheRunbook {
    pub path: RunbookPath,
    tags: Vec<String>,
}

impl TheRunbook {
    /// The runbook of a path in text.
    ///
    /// # Errors
    /// The library cannot be read.
    pub async fn named(text: &str, web: &Web) -> Result<Option<Self>, Problem> {
        let Ok(path) = text.parse::<RunbookPath>() else { return Ok(None) };
        let snapshot = crate::web::reading::runbooks::snapshot(web).await?;
        let Some(page) = snapshot.get(&path) else { return Ok(None) };
        let tags = page.made.runbook.as_ref().map(|runbook| runbook.tags.clone()).unwrap_or_default();
        Ok(Some(Self { path, tags }))
    }
}

impl Subject for TheRunbook {
    const PARAMETERS: &'static [&'static str] = &["path"];

    async fn find(parts: &mut Parts, web: &Web) -> Result<Option<Self>, Problem> {
        Self::named(&parameter(parts, "path").await?, web).await
    }

    fn about(&self) -> Option<About<'_>> {
        Some(About::Runbook { path: &self.path, tags: &self.tags })
    }

    fn absent() -> Problem {
        Problem::not_found("there is no such runbook").next_step("The list of runbooks has a search.")
    }
}

/// The handoff that `{id}` names, by the runs that it tells of.
pub struct TheHandoff {
    pub id: HandoffId,
    scopes: Vec<Scope>,
    sides: [String; 2],
}

impl Subject for TheHandoff {
    const PARAMETERS: &'static [&'static str] = &["id"];

    async fn find(parts: &mut Parts, web: &Web) -> Result<Option<Self>, Problem> {
        let Ok(id) = parameter(parts, "id").await?.parse::<HandoffId>() else { return Ok(None) };
        let Some(row) = web.store().handoff(id).await? else { return Ok(None) };
        Ok(scopes_of_row(&row).map(|scopes| Self { id, scopes, sides: [row.sender, row.receiver] }))
    }

    fn about(&self) -> Option<About<'_>> {
        let [sender, receiver] = &self.sides;
        Some(About::Handoff { scopes: &self.scopes, sides: [sender, receiver] })
    }

    fn absent() -> Problem {
        Problem::not_found("there is no such handoff").next_step("The list of handoffs has a search.")
    }
}

/// The page (a call for somebody) that `{id}` names. Everybody who is signed in may see and answer it.
pub struct ThePage {
    pub id: Uuid,
}

impl Subject for ThePage {
    const PARAMETERS: &'static [&'static str] = &["id"];

    async fn find(parts: &mut Parts, web: &Web) -> Result<Option<Self>, Problem> {
        let Ok(id) = parameter(parts, "id").await?.parse::<Uuid>() else { return Ok(None) };
        Ok(web.store().page(id).await?.map(|row| Self { id: row.id }))
    }

    fn about(&self) -> Option<About<'_>> {
        Some(About::Server)
    }

    fn absent() -> Problem {
        Problem::not_found("there is no such page")
    }
}

/// The share link that `{id}` names, by its run.
pub struct TheShare {
    pub share: Share,
    run: TheRun,
}

impl Subject for TheShare {
    const PARAMETERS: &'static [&'static str] = &["id"];

    async fn find(parts: &mut Parts, web: &Web) -> Result<Option<Self>, Problem> {
        let Ok(id) = parameter(parts, "id").await?.parse::<Uuid>() else { return Ok(None) };
        let Some(share) = web.store().share(id).await? else { return Ok(None) };
        let run = TheRun::named(&share.share.run.to_string(), web).await?;
        Ok(run.map(|run| Self { share, run }))
    }

    fn about(&self) -> Option<About<'_>> {
        self.run.about()
    }

    fn absent() -> Problem {
        Problem::not_found("there is no such link, or it was revoked before")
    }
}

/// A parameter of the address; empty where the route has none of this name, which a test of the table finds.
async fn parameter(parts: &mut Parts, name: &str) -> Result<String, Problem> {
    let parameters = RawPathParams::from_request_parts(parts, &()).await;
    let parameters = parameters.map_err(|_| Problem::bad_request("the address is not UTF-8"))?;
    let found = parameters.iter().find(|(known, _)| *known == name);
    Ok(found.map(|(_, value)| value.to_owned()).unwrap_or_default())
}
