//! One runbook as text that reads without running it, and the texts that it had before.

use axum::extract::State;

use crate::access::policy::Permission;
use crate::runbook::model::Runbook;
use crate::web::authority::{Authorised, ReadRunbooks, Subject, TheRunbook};
use crate::web::format::{self, Moment};
use crate::web::page::{Page, Place};
use crate::web::problem::Problem;
use crate::web::query::QueryFields;
use crate::web::reading::{book, books, runbooks, runs};
use crate::web::state::Web;
use crate::web::view::lists::DiagnosticLine;
use crate::web::view::runbook::{InputNote, RunbookPage, TextPage, VersionLine};

/// Runs below a runbook.
const RECENT: usize = 5;

/// `GET /runbooks/{path}`; with `?at=COMMIT` its text as that commit has it.
pub async fn show(
    who: Authorised<ReadRunbooks, TheRunbook>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    if let Some(at) = asked.filled("at") {
        return text(&who, &web, at).await;
    }
    let (served, revision) = runbooks::one(&who, &web).await?;
    let mut page = match &served.made.runbook {
        Some(runbook) => {
            let hosts = runbooks::hosts(&who, &web, runbook, &revision).await?;
            describe(runbook, hosts.map(|hosts| hosts.map(|hosts| hosts.len())))
        }
        None => RunbookPage { name: served.path.to_string(), ..RunbookPage::default() },
    };
    page.path = served.path.to_string();
    let may_start = who.on.about().is_some_and(|about| who.may(Permission::StartRuns, about));
    page.startable = served.made.runbook.is_some() && may_start;
    page.starters = who.policy().starters(who.on.about()).into_iter().map(ToString::to_string).collect();
    page.problems = format::count(served.made.diagnostics.len(), "finding", "findings");
    page.diagnostics = served.made.diagnostics.iter().map(DiagnosticLine::new).collect();
    page.commit = revision.commit().map(|commit| commit.id.short().to_owned());
    let now_ms = web.now_ms();
    let past = book::past(&who, &web).await?;
    page.share = past.share();
    page.usual = past.usual_ms().map(format::duration);
    page.runs = past.runs.iter().take(RECENT).map(|row| runs::line(row, now_ms)).collect();
    let known = book::known(&who, &web, served.made.runbook.as_ref(), &revision).await?;
    page.last_success = books::moment(known.last_success_ms, now_ms);
    page.last_failure = books::moment(known.last_failure_ms, now_ms);
    page.changed = books::moment(known.versions.first().map(|commit| commit.time.as_millisecond()), now_ms);
    page.needs_reason = known.freshness.as_ref().filter(|known| known.needs_reason()).map(|known| known.against());
    page.badges = known.freshness.as_ref().map(books::badges).unwrap_or_default();
    page.versions = known
        .versions
        .iter()
        .map(|commit| VersionLine {
            commit: commit.id.short().to_owned(),
            author: commit.author.clone(),
            when: Moment::new(commit.time.as_millisecond(), now_ms),
            subject: commit.subject.clone(),
            href: format!("/runbooks/{}?at={}", served.path, commit.id),
        })
        .collect();
    Page::new("runbook", &who.frame(Place::Runbooks, page.name.clone()), &page)
}

async fn text(who: &Authorised<ReadRunbooks, TheRunbook>, web: &Web, at: &str) -> Result<Page, Problem> {
    let version = book::version(who, web, at).await?;
    let page = TextPage {
        path: who.on.path.to_string(),
        commit: version.commit.id.short().to_owned(),
        author: version.commit.author,
        when: Moment::new(version.commit.time.as_millisecond(), web.now_ms()),
        subject: version.commit.subject,
        newest: version.newest,
        text: version.text,
    };
    let title = format!("{} at {}", page.path, page.commit);
    Page::new("runbook-text", &who.frame(Place::Runbooks, title), &page)
}

fn describe(runbook: &Runbook, hosts: Option<Result<usize, String>>) -> RunbookPage {
    RunbookPage {
        name: runbook.name.clone(),
        summary: runbook.summary.clone(),
        places: match (&runbook.hosts, hosts) {
            (Some(chosen), Some(Ok(count))) => runbooks::selection_words(chosen, count),
            (_, Some(Err(reason))) => reason,
            (None, _) | (_, None) => "runs on the server itself".to_owned(),
        },
        risk: runbooks::effect_words(runbooks::strongest(runbook)).1,
        risks: book::risks(runbook),
        asks: book::asks(runbook),
        inputs: runbook
            .inputs
            .iter()
            .map(|input| InputNote {
                name: input.name.to_string(),
                label: input.description.clone(),
                hint: runbooks::input_hint(input),
            })
            .collect(),
        preconditions: runbook.preconditions.iter().map(runbooks::precondition_text).collect(),
        steps: runbook.steps.iter().map(runbooks::step_text).collect(),
        owner: runbook.owner.as_ref().map(runbooks::owner),
        review_by: runbook.review_by.map(|date| date.to_string()),
        expires: runbook.expires.map(|date| date.to_string()),
        tags: runbook.tags.iter().map(|tag| book::tag(tag)).collect(),
        alerts: runbook.alerts.join(", "),
        ..RunbookPage::default()
    }
}
