//! What people do to runs.

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::wire::{ActionBody, Body};
use crate::engine::ask::ActError;
use crate::id::{InvalidId, ValueName};
use crate::redact::SecretText;
use crate::run::action::{Action, Refusal};
use crate::run::view::RunView;
use crate::web::authority::{ActOnRuns, Approve, Authorised, TheRun};
use crate::web::doing;
use crate::web::problem::Problem;
use crate::web::reading::runs;
use crate::web::state::Web;

/// Does something to a run. When it answers 200, it is stored.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/actions", tag = "runs", params(("id" = String, Path)), request_body = ActionBody,
    responses(
        (status = 200, description = "The run afterwards", body = Object),
        (status = 409, description = "The step has changed since `seq`; `run` is the run as it is now"),
        (status = 422, description = "Refused, with the reason"),
    )
)]
pub async fn act(
    who: Authorised<ActOnRuns, TheRun>,
    State(web): State<Web>,
    Body(body): Body<Value>,
) -> Result<Json<RunView>, Problem> {
    let (seen_seq, secrets, action) = read(body)?;
    answered(doing::act(&who, &web, seen_seq, action, secrets).await, &who, &web).await
}

/// Says yes or no to what a run asks of others. Never by a token; within 15 minutes of a login.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/approvals", tag = "runs", params(("id" = String, Path)), request_body = ActionBody,
    responses(
        (status = 200, description = "The run afterwards", body = Object),
        (status = 403, description = "Whoever asks may not approve this run"),
        (status = 409, description = "Something else is asked for since `seq`; `run` is the run as it is now"),
        (status = 422, description = "Refused, with the reason"),
    )
)]
pub async fn approve(
    who: Authorised<Approve, TheRun>,
    State(web): State<Web>,
    Body(body): Body<Value>,
) -> Result<Json<RunView>, Problem> {
    let (seen_seq, _, action) = read(body)?;
    answered(doing::speak(&who, &web, seen_seq, action).await, &who, &web).await
}

async fn answered<P>(
    done: Result<RunView, ActError>,
    who: &Authorised<P, TheRun>,
    web: &Web,
) -> Result<Json<RunView>, Problem> {
    match done {
        Ok(view) => Ok(Json(runs::as_seen_by(who, web, view).await?)),
        Err(error @ ActError::Refused(Refusal::Stale { .. })) => {
            Err(Problem::from(error).with_run(runs::view(who, web).await?))
        }
        Err(error) => Err(error.into()),
    }
}

type Read = (u64, Vec<(ValueName, SecretText)>, Action);

/// `seq` and `secrets` stand beside what the action itself takes.
fn read(body: Value) -> Result<Read, Problem> {
    let Value::Object(mut fields) = body else {
        return Err(Problem::bad_request("the body is an object with action and seq"));
    };
    let seq = fields.remove("seq").and_then(|seq| seq.as_u64());
    let seq = seq.ok_or_else(|| Problem::bad_request("seq is the number of the last event that you saw"))?;
    let secrets = match fields.remove("secrets") {
        None => Vec::new(),
        Some(given) => secrets(given)?,
    };
    let action = serde_json::from_value(Value::Object(fields));
    let action = action.map_err(|error| Problem::bad_request(format!("the action cannot be read: {error}")))?;
    Ok((seq, secrets, action))
}

fn secrets(given: Value) -> Result<Vec<(ValueName, SecretText)>, Problem> {
    // The reason of serde would quote the value.
    let given: std::collections::BTreeMap<String, String> =
        serde_json::from_value(given).map_err(|_| Problem::bad_request("secrets are names with texts"))?;
    let named = given.into_iter().map(|(name, value)| Ok((name.try_into()?, SecretText::new(value))));
    Ok(named.collect::<Result<_, InvalidId>>()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_event_that_was_seen_and_the_action_come_in_one_object() {
        let (seq, secrets, action) =
            read(json!({"action": "confirm", "step": "restart", "typed": "web-1", "seq": 12})).expect("it is complete");
        assert_eq!((seq, secrets.len()), (12, 0));
        assert!(matches!(action, Action::Confirm { typed: Some(typed), .. } if typed == "web-1"));
    }

    #[test]
    fn a_secret_never_comes_back_in_a_message() {
        for wrong in [
            json!({"action": "supply-secrets", "seq": 1, "secrets": "hunter2"}),
            json!({"action": "supply-secrets", "seq": 1, "secrets": {"A B": "hunter2"}}),
        ] {
            let problem = read(wrong).err().expect("it is refused");
            assert!(!problem.detail.contains("hunter2"), "{}", problem.detail);
        }
    }
}
