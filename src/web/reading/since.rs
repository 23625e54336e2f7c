//! What changed in a runbook since it last ended well: what people who are asked to approve it want to see.

use std::collections::BTreeMap;

use crate::access::policy::Permission;
use crate::access::scope::About;
use crate::difference::difference;
use crate::engine::policy::scope_of_row;
use crate::library::GitRef;
use crate::run::approval_view::{FileChange, SinceSuccess};
use crate::run::plan::{Plan, PlannedAction};
use crate::run::view::{Need, RunView};
use crate::store::runs::{Filter, RunRow};
use crate::web::authority::{Authorised, TheRun};
use crate::web::problem::Problem;
use crate::web::state::Web;

/// Puts beside a request for approval what its reader may see of what changed.
///
/// # Errors
/// The store cannot be read.
pub async fn told_to<P>(who: &Authorised<P, TheRun>, web: &Web, view: &mut RunView) -> Result<(), Problem> {
    if !matches!(view.waiting, Some(Need::Approve(_))) {
        return Ok(());
    }
    let since = since_success(who, web, view).await?;
    if let Some(Need::Approve(asked)) = &mut view.waiting {
        asked.since_success = since;
    }
    Ok(())
}

/// None if there is no such run, or its reader may not see it.
async fn since_success<P>(
    who: &Authorised<P, TheRun>,
    web: &Web,
    view: &RunView,
) -> Result<Option<SinceSuccess>, Problem> {
    let runbook = view.runbook.parse().ok();
    let filter = Filter { state: Some("succeeded".to_owned()), runbook, ..Filter::default() };
    let row = web.store().list_runs(&filter, None, 1).await?.runs.pop();
    let may_see = |row: &RunRow| who.may(Permission::ReadRuns, About::Run(&scope_of_row(row)));
    let Some(row) = row.filter(may_see) else { return Ok(None) };
    let (then, now) = (web.engine().seen(row.id).await?, web.engine().seen(view.id).await?);
    let (Some(then), Some(now)) = (then, now) else { return Ok(None) };
    let (then, now) = (&then.state.plan, &now.state.plan);
    let may_read = who.may(Permission::ReadRunbooks, About::Runbook { path: &now.runbook, tags: &now.tags });
    Ok(Some(SinceSuccess {
        run: row.id,
        commit: row.commit,
        text_differs: then.text_digest != now.text_digest,
        files: if may_read { changed_files(web, then, now).await } else { Vec::new() },
    }))
}

async fn changed_files(web: &Web, then: &Plan, now: &Plan) -> Vec<FileChange> {
    let mut files = Vec::new();
    if then.text_digest != now.text_digest {
        let file = format!("{}.yaml", now.runbook);
        files.push(match (text_of(web, then).await, text_of(web, now).await) {
            (Some(old), Some(new)) => compared(file, &old, &new),
            (None, _) => without(file, "its text of then is not in the repository any more"),
            (Some(_), None) => without(file, "the text of this run is not in the repository any more"),
        });
    }
    let (old, new) = (scripts(then), scripts(now));
    for (file, text) in &new {
        let before = old.get(file).copied().unwrap_or_default();
        if before != *text {
            files.push(compared((*file).to_owned(), before, text));
        }
    }
    for (file, text) in old.iter().filter(|(file, _)| !new.contains_key(*file)) {
        files.push(compared((*file).to_owned(), text, ""));
    }
    files
}

/// The files that its steps run, as the plan froze them.
fn scripts(plan: &Plan) -> BTreeMap<&str, &str> {
    let scripts = plan.steps.iter().filter_map(|step| match &step.action {
        PlannedAction::Script { file, text, .. } => Some((file.as_str(), text.as_str())),
        PlannedAction::Command { .. }
        | PlannedAction::Manual { .. }
        | PlannedAction::Pause { .. }
        | PlannedAction::Until { .. } => None,
    });
    scripts.collect()
}

/// The text that a plan was made from, if the repository still has it: the digest says that it is that one.
async fn text_of(web: &Web, plan: &Plan) -> Option<String> {
    let library = web.engine().library();
    let at: Option<GitRef> = plan.commit.as_deref().map(str::parse).transpose().ok()?;
    let revision = library.resolve(at.as_ref()).await.ok()?;
    let file = library.read(&revision, &plan.runbook).await.ok()?;
    if file.digest() != plan.text_digest {
        return None;
    }
    String::from_utf8(file.bytes).ok()
}

fn compared(file: String, old: &str, new: &str) -> FileChange {
    match difference(old, new) {
        Ok(difference) => FileChange { file, difference: Some(difference), note: None },
        Err(too_long) => without(file, &too_long.to_string()),
    }
}

fn without(file: String, note: &str) -> FileChange {
    FileChange { file, difference: None, note: Some(note.to_owned()) }
}
