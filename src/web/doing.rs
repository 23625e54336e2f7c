//! What handlers ask the engine to do. Each takes the proof that whoever asks may.

use crate::engine::ask::{ActError, StartError, StartRequest, Started};
use crate::id::ValueName;
use crate::redact::SecretText;
use crate::run::action::Request;
use crate::run::plan::Plan;
use crate::run::view::RunView;
use crate::web::authority::{ActOnRuns, Authorised, StartRuns, TheRun, TheRunbook};
use crate::web::state::Web;

/// Follows a request for the run that was authorised.
///
/// # Errors
/// As of the engine: refused, stale, or it could not be stored.
pub async fn act(
    who: &Authorised<ActOnRuns, TheRun>,
    web: &Web,
    request: Request,
    secrets: Vec<(ValueName, SecretText)>,
) -> Result<RunView, ActError> {
    web.engine().act(who.on.id, request, secrets).await
}

/// Starts the runbook that was authorised, in the name of whoever asks, and gives its first picture. The engine asks the policy once more, about the
/// hosts that were chosen.
///
/// # Errors
/// As of the engine; nothing has happened.
pub async fn start(
    who: &Authorised<StartRuns, TheRunbook>,
    web: &Web,
    request: StartRequest,
) -> Result<(Started, Option<RunView>), StartError> {
    let started = web.engine().start(in_name_of(who, request)).await?;
    let view = web.engine().view(started.run).await?;
    Ok((started, view))
}

/// What exactly [`start`] would do. Nothing happens.
///
/// # Errors
/// As of the engine.
pub async fn plan(
    who: &Authorised<StartRuns, TheRunbook>,
    web: &Web,
    request: StartRequest,
) -> Result<Plan, StartError> {
    web.engine().dry_run(&in_name_of(who, request)).await
}

/// Whatever a handler wrote into the request: this runbook, this person.
fn in_name_of(who: &Authorised<StartRuns, TheRunbook>, request: StartRequest) -> StartRequest {
    StartRequest { runbook: who.on.path.clone(), who: who.identity.clone(), ..request }
}
