//! The runbooks: found by search, and each as text that reads without running it.

use axum::extract::State;

use crate::access::policy::Permission;
use crate::library::Page as BookPage;
use crate::runbook::model::Runbook;
use crate::runbook::parse::Parsed;
use crate::web::authority::{Authorised, Each, ReadRunbooks, Subject, TheRunbook};
use crate::web::format;
use crate::web::page::{Page, Place};
use crate::web::problem::Problem;
use crate::web::query::QueryFields;
use crate::web::reading::{runbooks, runs};
use crate::web::state::Web;
use crate::web::view::lists::{BookLine, DiagnosticLine, RunbooksPage};
use crate::web::view::runbook::{InputNote, RunbookPage};

/// Runs below a runbook.
const RECENT: usize = 5;

/// `GET /runbooks?q=`
pub async fn list(
    who: Authorised<ReadRunbooks, Each>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let snapshot = runbooks::seen(&who, &web).await?;
    let query = asked.first("q").unwrap_or_default();
    let found: Vec<_> =
        snapshot.pages.iter().filter(|page| runbooks::speaks_of(&page.path, &page.made, query)).collect();
    let today = web.clock().now().strftime("%Y-%m-%d").to_string();
    let page = RunbooksPage {
        query: query.to_owned(),
        words: format!("{} of {}", found.len(), format::count(snapshot.pages.len(), "runbook", "runbooks")),
        commit: snapshot.revision.commit().map(|commit| commit.id.short().to_owned()),
        empty: found.is_empty().then(|| match query {
            "" => "There is no runbook yet: files below runbooks/ that end in .yaml become runbooks.".to_owned(),
            _ => format!("No runbook speaks of “{query}”."),
        }),
        books: found.into_iter().map(|page| book_line(page, &today)).collect(),
    };
    Page::new("runbooks", &who.frame(Place::Runbooks, "Runbooks"), &page)
}

fn book_line(page: &BookPage<Parsed>, today: &str) -> BookLine {
    let runbook = page.made.runbook.as_ref();
    BookLine {
        path: page.path.to_string(),
        name: runbook.map_or_else(|| page.path.to_string(), |runbook| runbook.name.clone()),
        summary: runbook.map(|runbook| runbook.summary.clone()).unwrap_or_default(),
        owner: runbook.and_then(|runbook| runbook.owner.as_ref()).map(runbooks::owner),
        tags: runbook.map(|runbook| runbook.tags.clone()).unwrap_or_default(),
        overdue: runbook.and_then(|runbook| overdue(runbook, today)),
        broken: runbook.is_none(),
        problems: format::count(page.made.diagnostics.len(), "problem", "problems"),
        diagnostics: if runbook.is_none() { runbooks::diagnostics(&page.made) } else { Vec::new() },
    }
}

/// ISO dates compare as texts.
fn overdue(runbook: &Runbook, today: &str) -> Option<String> {
    let past = |date: &jiff::civil::Date| date.to_string().as_str() < today;
    if let Some(expires) = runbook.expires.filter(past) {
        return Some(format!("expired {expires}"));
    }
    runbook.review_by.filter(past).map(|review_by| format!("review was due {review_by}"))
}

/// `GET /runbooks/{path}`
pub async fn show(who: Authorised<ReadRunbooks, TheRunbook>, State(web): State<Web>) -> Result<Page, Problem> {
    let (book, revision) = runbooks::one(&who, &web).await?;
    let mut page = match &book.made.runbook {
        Some(runbook) => {
            let hosts = runbooks::hosts(&who, &web, runbook, &revision).await?;
            describe(runbook, hosts.map(|hosts| hosts.map(|hosts| hosts.len())))
        }
        None => RunbookPage { name: book.path.to_string(), ..RunbookPage::default() },
    };
    page.path = book.path.to_string();
    let may_start = who.on.about().is_some_and(|about| who.may(Permission::StartRuns, about));
    page.startable = book.made.runbook.is_some() && may_start;
    page.problems = format::count(book.made.diagnostics.len(), "finding", "findings");
    page.diagnostics = book.made.diagnostics.iter().map(DiagnosticLine::new).collect();
    page.commit = revision.commit().map(|commit| commit.id.short().to_owned());
    page.runs = recent(&who, &web).await?;
    Page::new("runbook", &who.frame(Place::Runbooks, page.name.clone()), &page)
}

async fn recent(
    who: &Authorised<ReadRunbooks, TheRunbook>,
    web: &Web,
) -> Result<Vec<crate::web::view::lists::RunLine>, Problem> {
    let runs = runs::of_runbook(who, web, RECENT).await?;
    Ok(runs.iter().map(|row| runs::line(row, web.now_ms())).collect())
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
        tags: runbook.tags.join(", "),
        alerts: runbook.alerts.join(", "),
        ..RunbookPage::default()
    }
}
