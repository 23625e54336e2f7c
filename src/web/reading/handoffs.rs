//! Handoffs: one picture, lists, and the figures about all of them.

use std::collections::BTreeMap;

use crate::access::policy::Permission;
use crate::access::scope::About;
use crate::engine::handoffs::{about_row, scopes_of_row};
use crate::engine::policy::scope_of_row;
use crate::handoff::checks;
use crate::handoff::form::{self, FormError};
use crate::handoff::measures::{Figure, Observed, figures};
use crate::handoff::state::{Phase, State};
use crate::handoff::view::{HandoffView, view};
use crate::id::{HandoffId, RunId};
use crate::library::LibraryError;
use crate::store::handoffs::{Cursor, Filter, HandoffRow, HeldRun, PAGE_MAX, Page};
use crate::store::runs::{Filter as RunFilter, RunRow};
use crate::web::authority::{Asks, Authorised, Each, Subject, TheHandoff, TheRun};
use crate::web::problem::Problem;
use crate::web::reading::visible;
use crate::web::state::Web;

/// Handoffs that the figures are about: the newest of the last ninety days.
const MEASURED_MAX: u32 = 200;
pub const MEASURED_DAYS: i64 = 90;
const DAY_MS: i64 = 86_400_000;

/// Runs that a receiver started in one shift, as far as surprises are counted.
const STARTED_MAX: u32 = 50;

/// The handoff that was authorised.
///
/// # Errors
/// It cannot be read.
pub async fn state<P: Asks>(who: &Authorised<P, TheHandoff>, web: &Web) -> Result<State, Problem> {
    web.engine().handoff(who.on.id).await?.ok_or_else(TheHandoff::absent)
}

/// Its picture. What does not hold is looked for while its sender writes: it asks many questions of the world.
///
/// # Errors
/// It cannot be read.
pub async fn picture<P: Asks>(who: &Authorised<P, TheHandoff>, web: &Web) -> Result<HandoffView, Problem> {
    let state = state(who, web).await?;
    let writes = matches!(state.phase, Phase::Draft | Phase::Amended(_)) && state.is_sender(who.actor());
    let findings = if writes {
        let may = |permission, about: About<'_>| who.may(permission, about);
        let world = web.engine().handoff_world(&state, &may).await?;
        checks::check(&state, &world)
    } else {
        Vec::new()
    };
    let mut picture = view(&state, &findings);
    // Facts that belong to no item are about runs that decide nothing about the whole: each by itself.
    let mut seen = Vec::new();
    for fact in std::mem::take(&mut picture.facts) {
        if may_see(who, web, fact.evidence.run).await? {
            seen.push(fact);
        }
    }
    picture.facts = seen;
    Ok(picture)
}

async fn may_see<P: Asks>(who: &Authorised<P, TheHandoff>, web: &Web, run: RunId) -> Result<bool, Problem> {
    let row = web.store().run(run).await?;
    Ok(row.is_some_and(|row| who.may(Permission::ReadRuns, About::Run(&scope_of_row(&row)))))
}

/// How the runs of a handoff that was authorised are now.
///
/// # Errors
/// They cannot be read.
pub async fn runs_now<P: Asks>(
    _who: &Authorised<P, TheHandoff>,
    web: &Web,
    picture: &HandoffView,
) -> Result<BTreeMap<RunId, RunRow>, Problem> {
    let mut rows = BTreeMap::new();
    let runs: Vec<RunId> = picture.items.iter().flat_map(|line| line.item.runs.iter().copied()).collect();
    for run in runs {
        if let Some(row) = web.store().run(run).await? {
            rows.insert(run, row);
        }
    }
    Ok(rows)
}

/// The picture of another handoff, if whoever asks may read it as well.
///
/// # Errors
/// There is none, or they may not.
pub async fn other<P: Asks>(who: &Authorised<P, TheHandoff>, web: &Web, id: &str) -> Result<HandoffView, Problem> {
    let id: HandoffId = id.parse().map_err(|_| TheHandoff::absent())?;
    let row = web.store().handoff(id).await?.ok_or_else(TheHandoff::absent)?;
    let scopes = scopes_of_row(&row).ok_or_else(TheHandoff::absent)?;
    if !who.may(Permission::ReadHandoffs, about_row(&row, &scopes)) {
        return Err(TheHandoff::absent());
    }
    let state = web.engine().handoff(id).await?.ok_or_else(TheHandoff::absent)?;
    Ok(view(&state, &[]))
}

/// Handoffs of the same two sides before this one, newest first: to compare with.
///
/// # Errors
/// The store cannot be read.
pub async fn before<P: Asks>(
    who: &Authorised<P, TheHandoff>,
    web: &Web,
    picture: &HandoffView,
) -> Result<Vec<HandoffRow>, Problem> {
    let person = Some(picture.shift.outgoing.person().to_owned());
    let filter = Filter { person, ..Filter::default() };
    let page = web.store().list_handoffs(&filter, None, PAGE_MAX).await?;
    let may = |row: &HandoffRow| {
        row.id != picture.id
            && scopes_of_row(row).is_some_and(|scopes| who.may(Permission::ReadHandoffs, about_row(row, &scopes)))
    };
    Ok(page.handoffs.into_iter().filter(may).take(10).collect())
}

/// A page of the handoffs that whoever asks may read, newest first.
///
/// # Errors
/// The store cannot be read.
pub async fn list<P: Asks>(
    who: &Authorised<P, Each>,
    web: &Web,
    filter: &Filter,
    cursor: Option<Cursor>,
    limit: u32,
) -> Result<Page, Problem> {
    let read = |place, count| async move {
        let page = web.store().list_handoffs(filter, place, count).await?;
        Ok::<_, Problem>((page.handoffs, page.next))
    };
    let sees = |row: &HandoffRow| scopes_of_row(row).is_some_and(|scopes| who.sees(about_row(row, &scopes)));
    let (handoffs, next) = visible::page(limit.clamp(1, PAGE_MAX), cursor, read, sees, Cursor::after).await?;
    Ok(Page { handoffs, next })
}

/// Who holds the run that was authorised, by the newest handoff that has it; none if none has, or if whoever asks may
/// not read that one.
///
/// # Errors
/// The store cannot be read.
pub async fn holder<P: Asks>(who: &Authorised<P, TheRun>, web: &Web) -> Result<Option<HeldRun>, Problem> {
    let Some(held) = web.store().holder_of_run(who.on.id).await? else { return Ok(None) };
    let Some(row) = web.store().handoff(held.handoff).await? else { return Ok(None) };
    let may = scopes_of_row(&row).is_some_and(|scopes| who.may(Permission::ReadHandoffs, about_row(&row, &scopes)));
    Ok(Some(held).filter(|_| may))
}

/// The handoff as Markdown, by a template of the served repository or one of ours.
///
/// # Errors
/// There is no such template, or it cannot be used.
pub async fn markdown<P: Asks>(
    who: &Authorised<P, TheHandoff>,
    web: &Web,
    name: Option<&str>,
) -> Result<String, Problem> {
    let name = name.unwrap_or(form::DEFAULT);
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if name.is_empty() || name.len() > 60 || !name.chars().all(is_plain) {
        return Err(Problem::bad_request("a form is named by letters, digits, `_` and `-`"));
    }
    let picture = picture(who, web).await?;
    let template = template(web, name).await?;
    form::markdown(name, &template, &picture).map_err(|error: FormError| Problem::refused(error.to_string()))
}

async fn template(web: &Web, name: &str) -> Result<String, Problem> {
    let served = web.engine().library().resolve(None).await?;
    match web.engine().library().file(&served, &format!("{}/{name}.hbs", form::FOLDER)).await {
        Ok(file) => {
            String::from_utf8(file.bytes).map_err(|_| Problem::refused(format!("the form {name} is not UTF-8")))
        }
        Err(LibraryError::NoFile { .. }) => {
            let own = form::OWN.iter().find(|(known, _)| *known == name);
            let known: Vec<&str> = form::OWN.iter().map(|(known, _)| *known).collect();
            own.map(|(_, text)| (*text).to_owned()).ok_or_else(|| {
                let known = known.join(", ");
                Problem::not_found(format!(
                    "there is no form {name}: there are {known}, and handoffs/*.hbs of the repository"
                ))
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// The figures about the handoffs of the last ninety days that whoever asks may read.
///
/// # Errors
/// The store cannot be read.
pub async fn measures<P: Asks>(who: &Authorised<P, Each>, web: &Web) -> Result<(Vec<Figure>, usize), Problem> {
    let filter = Filter { since_ms: Some(web.now_ms() - MEASURED_DAYS * DAY_MS), ..Filter::default() };
    let page = list(who, web, &filter, None, MEASURED_MAX).await?;
    let mut all = Vec::new();
    for row in &page.handoffs {
        let Some(state) = web.engine().handoff(row.id).await? else { continue };
        let started = started_after(who, web, &state).await?;
        all.push(Observed { state, started });
    }
    Ok((figures(&all), all.len()))
}

/// What the receiver started in the shift that followed, which is taken to be as long as the one before.
async fn started_after<P: Asks>(
    who: &Authorised<P, Each>,
    web: &Web,
    state: &State,
) -> Result<Vec<crate::id::RunbookPath>, Problem> {
    let shift = &state.shift;
    let filter = RunFilter {
        person: Some(shift.incoming.person().to_owned()),
        since_ms: Some(shift.ends_ms),
        until_ms: Some(shift.ends_ms + (shift.ends_ms - shift.starts_ms)),
        ..RunFilter::default()
    };
    let page = web.store().list_runs(&filter, None, STARTED_MAX).await?;
    let sees = |row: &RunRow| who.may(Permission::ReadRuns, About::Run(&scope_of_row(row)));
    Ok(page.runs.into_iter().filter(sees).map(|row| row.runbook).collect())
}
