//! Share links: what one holds, how it is made, when it opens. A link shows a copy that was taken when it was
//! made, so that it never shows what came later.

mod snapshot;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::policy::Permission;
use crate::access::secret::{self, Door};
use crate::access::session::{SHARE_MAX_MS, SHARE_MS};
use crate::entropy;
use crate::id::{AttemptId, HostName, StepId};
use crate::run::view::RunView;
use crate::store::shares::{NewShare, Share};
use crate::web::authority::{Authorised, ShareOutput, Subject, TheRun, TheShare};
use crate::web::problem::{Problem, ProblemEntry};
use crate::web::state::Web;

pub use snapshot::{SNAPSHOT_VERSION, SharedOutput, Snapshot, SnapshotRow, SnapshotStep};

/// Letters of a label.
const LABEL_MAX: usize = 120;

/// What of a run is shown. A stored format, inside [`StoredScope`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Run,
    Step { step: StepId },
    Output { step: StepId, host: HostName, attempt: AttemptId, lines: Option<(u64, u64)> },
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredScope {
    version: u32,
    scope: Scope,
}

/// A wish to share something.
pub struct ShareRequest {
    pub scope: Scope,
    pub label: String,
    /// How long it is to work; a day unless said.
    pub lasts_ms: Option<i64>,
    pub requires_login: bool,
}

/// A link that was made. The token is nowhere else.
pub struct Made {
    pub id: Uuid,
    pub token: String,
    pub expires_at_ms: i64,
    pub requires_login: bool,
    pub label: String,
}

/// Why nothing was shared.
pub enum NotShared {
    /// Something in it looks like a secret: place and kind, never the thing itself.
    LooksSecret(Vec<(String, &'static str)>),
    Problem(Problem),
}

impl From<Problem> for NotShared {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<NotShared> for Problem {
    fn from(refused: NotShared) -> Self {
        match refused {
            NotShared::Problem(problem) => problem,
            NotShared::LooksSecret(findings) => {
                let errors = findings
                    .into_iter()
                    .map(|(place, kind)| ProblemEntry { pointer: place, detail: format!("looks like a {kind}") });
                let mut problem = Problem::refused(
                    "nothing was shared: something in it looks like a secret; share a range of lines without it",
                );
                problem.errors = errors.collect();
                problem
            }
        }
    }
}

/// Takes a copy of what is asked for and makes a link to it.
///
/// # Errors
/// When it looks like a secret, there is nothing of the kind, or it cannot be stored.
pub async fn share(
    who: &Authorised<ShareOutput, TheRun>,
    web: &Web,
    view: &RunView,
    asked: ShareRequest,
) -> Result<Made, NotShared> {
    let by = who.actor();
    let may = |permission| who.on.about().is_some_and(|about| who.may(permission, about));
    if !may(Permission::ReadRuns) || !may(Permission::ReadOutput) {
        return Err(Problem::forbidden("only who may read the run and its output may share it").into());
    }
    let now_ms = web.now_ms();
    let lasts_ms = asked.lasts_ms.unwrap_or(SHARE_MS);
    if !(60_000..=SHARE_MAX_MS).contains(&lasts_ms) {
        return Err(Problem::refused("a link works for a minute at least and 7 days at most").into());
    }
    let snapshot = snapshot::take(web, view, &asked.scope, now_ms).await?;
    let findings = snapshot.findings();
    if !findings.is_empty() {
        return Err(NotShared::LooksSecret(findings));
    }
    let token = secret::text(Door::Share, entropy::fresh_token());
    let stored = StoredScope { version: 1, scope: asked.scope.clone() };
    let label: String = asked.label.trim().chars().take(LABEL_MAX).collect();
    let share = NewShare {
        id: entropy::fresh_uuid(now_ms),
        token_hash: secret::hash(Door::Share, &token).expect("a fresh secret has the form of its door"),
        run: view.id,
        scope: serde_json::to_string(&stored).expect("a scope is plain data"),
        label: if label.is_empty() { format!("{}: {}", view.title, words(view, &asked.scope)) } else { label },
        created_by: by.to_string(),
        created_at_ms: now_ms,
        expires_at_ms: now_ms + lasts_ms,
        requires_login: asked.requires_login || web.options().shares_require_login,
    };
    let bytes = serde_json::to_vec(&snapshot).expect("a snapshot is plain data");
    web.store().create_share(&share, bytes.into()).await.map_err(Problem::from)?;
    tracing::info!(run.id = %view.id, share.id = %share.id, by = %by, "a share link was made");
    Ok(Made {
        id: share.id,
        token,
        expires_at_ms: share.expires_at_ms,
        requires_login: share.requires_login,
        label: share.label,
    })
}

/// The links of the run that was authorised, oldest first.
///
/// # Errors
/// When the store cannot be read.
pub async fn of_run(who: &Authorised<ShareOutput, TheRun>, web: &Web) -> Result<Vec<Share>, Problem> {
    Ok(web.store().shares_of_run(who.on.id).await?)
}

/// Ends the link that was authorised. False when it was ended before.
///
/// # Errors
/// When it cannot be stored.
pub async fn revoke(who: &Authorised<ShareOutput, TheShare>, web: &Web) -> Result<bool, Problem> {
    let share = &who.on.share.share;
    let revoked = web.store().revoke_share(share.id, &who.actor().0, web.now_ms()).await?;
    tracing::info!(run.id = %share.run, share.id = %share.id, by = %who.actor(), "a share link was revoked");
    Ok(revoked)
}

/// The share that a token opens now; `None` alike for unknown, expired and revoked ones.
///
/// # Errors
/// When the store cannot be read.
pub async fn open(web: &Web, token: &str) -> Result<Option<Share>, Problem> {
    let Some(hash) = secret::hash(Door::Share, token) else { return Ok(None) };
    let found = web.store().share_by_token(hash).await?;
    Ok(found.filter(|share| share.is_open(web.now_ms())))
}

/// What a stored scope says, in words; of a run that is at hand, with its own names.
pub fn stored_words(view: &RunView, stored: &str) -> String {
    match serde_json::from_str::<StoredScope>(stored) {
        Ok(stored) => words(view, &stored.scope),
        Err(_) => "made by another version".to_owned(),
    }
}

/// `the run`, `step measure on web-1, lines 1-20`.
pub fn words(view: &RunView, scope: &Scope) -> String {
    let name = |id: &StepId| {
        view.steps.iter().find(|step| step.id == *id).map_or_else(|| id.to_string(), |step| step.name.clone())
    };
    match scope {
        Scope::Run => "the run".to_owned(),
        Scope::Step { step } => format!("“{}”", name(step)),
        Scope::Output { step, host, lines: None, .. } => format!("“{}” on {host}", name(step)),
        Scope::Output { step, host, lines: Some((from, to)), .. } => {
            format!("“{}” on {host}, lines {from}–{to}", name(step))
        }
    }
}

/// The scope that names of a form or an API body mean.
///
/// # Errors
/// There is no such step, host or attempt, or the lines are no range.
pub fn scope(
    view: &RunView,
    step: Option<&str>,
    host: Option<&str>,
    attempt: Option<&str>,
    lines: Option<&str>,
) -> Result<Scope, Problem> {
    let Some(step) = step else { return Ok(Scope::Run) };
    let Some(host) = host else {
        let step: StepId = step.parse()?;
        if !view.steps.iter().any(|candidate| candidate.id == step) {
            return Err(Problem::refused(format!("the run has no step {step}")));
        }
        return Ok(Scope::Step { step });
    };
    let none = |_| Problem::not_found("the run has no such step on such a host");
    let (step, host) = (step.parse().map_err(none)?, host.parse().map_err(none)?);
    let (step, cell) = crate::web::reading::output::cell(view, &step, &host)?;
    let attempt = crate::web::reading::output::attempt(cell, attempt)?
        .ok_or_else(|| Problem::refused("the step has not run there, so there is nothing to share"))?;
    let lines = match lines {
        None => None,
        Some(text) => {
            let range = crate::web::reading::output::range(text);
            Some(range.ok_or_else(|| Problem::refused("lines are given as 120-135"))?)
        }
    };
    Ok(Scope::Output { step: step.id.clone(), host: cell.host.clone(), attempt: attempt.id, lines })
}

/// `1h`, `24h`, `7d` in milliseconds.
pub fn lasting(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let factor: i64 = match unit {
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<i64>().ok().filter(|number| *number > 0)?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lasting_is_a_number_and_a_unit() {
        assert_eq!(lasting("24h"), Some(86_400_000));
        assert_eq!(lasting("7d"), Some(604_800_000));
        for wrong in ["", "h", "0h", "-1h", "1y", "9223372036854775807d", "é"] {
            assert_eq!(lasting(wrong), None, "{wrong}");
        }
    }
}
