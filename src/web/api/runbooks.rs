//! Runbooks as the server serves them.

use axum::Json;
use axum::extract::State;

use super::wire::{InputBody, RunbookBody, RunbookItem, RunbookList, StepBody};
use crate::library::Page;
use crate::runbook::model::{Input, Step};
use crate::runbook::parse::Parsed;
use crate::runbook::search;
use crate::web::authority::{Authorised, Each, ReadRunbooks, TheRunbook};
use crate::web::problem::Problem;
use crate::web::query::QueryFields;
use crate::web::reading::runbooks;
use crate::web::state::Web;

/// Lists runbooks.
#[utoipa::path(
    get, path = "/api/v1/runbooks", tag = "runbooks",
    params(("q" = Option<String>, Query, description = "Words in the name, path, tags, alerts, owner, summary, steps or commands; what fits best comes first")),
    responses((status = 200, description = "The runbooks", body = RunbookList))
)]
pub async fn list(
    who: Authorised<ReadRunbooks, Each>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Json<RunbookList>, Problem> {
    let snapshot = runbooks::seen(&who, &web).await?;
    let words = search::words(asked.first("q").unwrap_or_default());
    let hit = |page: &Page<Parsed>| search::find(&search::fields(&page.path, page.made.runbook.as_ref()), &words);
    let mut found: Vec<_> = snapshot.pages.iter().filter_map(|page| Some((hit(page)?.score, page))).collect();
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    Ok(Json(RunbookList {
        commit: snapshot.revision.commit().map(|commit| commit.id.to_string()),
        runbooks: found.into_iter().map(|(_, page)| item(page)).collect(),
    }))
}

fn item(page: &Page<Parsed>) -> RunbookItem {
    let runbook = page.made.runbook.as_ref();
    RunbookItem {
        path: page.path.to_string(),
        url: format!("/runbooks/{}", page.path),
        name: runbook.map(|runbook| runbook.name.clone()),
        summary: runbook.map(|runbook| runbook.summary.clone()),
        owner: runbook.and_then(|runbook| runbook.owner.as_ref()).map(runbooks::owner),
        tags: runbook.map(|runbook| runbook.tags.clone()).unwrap_or_default(),
        broken: runbook.is_none(),
        problems: page.made.diagnostics.len(),
    }
}

/// A runbook, its inputs and steps, and what is wrong with it.
#[utoipa::path(
    get, path = "/api/v1/runbooks/{path}", tag = "runbooks", params(("path" = String, Path, description = "`web/disk-full`")),
    responses((status = 200, description = "The runbook", body = RunbookBody), (status = 404, description = "No such runbook"))
)]
pub async fn show(
    who: Authorised<ReadRunbooks, TheRunbook>,
    State(web): State<Web>,
) -> Result<Json<RunbookBody>, Problem> {
    let (book, revision) = runbooks::one(&who, &web).await?;
    let runbook = book.made.runbook.as_ref();
    Ok(Json(RunbookBody {
        runbook: item(&book),
        commit: revision.commit().map(|commit| commit.id.to_string()),
        inputs: runbook.map(|runbook| runbook.inputs.iter().map(input).collect()).unwrap_or_default(),
        steps: runbook.map(|runbook| runbook.steps.iter().map(step).collect()).unwrap_or_default(),
        diagnostics: book.made.diagnostics.clone(),
    }))
}

fn input(input: &Input) -> InputBody {
    InputBody {
        name: input.name.to_string(),
        description: input.description.clone(),
        required: input.required && input.default.is_none() && input.from_secret.is_none(),
        default: input.default.as_ref().map(runbooks::value_text),
        hint: runbooks::input_hint(input),
    }
}

fn step(step: &Step) -> StepBody {
    StepBody {
        id: step.id.to_string(),
        name: step.name.clone(),
        effect: runbooks::effect(&step.action),
        body: runbooks::step_text(step).body,
    }
}
