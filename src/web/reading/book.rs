//! One runbook: how dangerous it is at a glance, what its runs have shown, and the texts that it had before.

use crate::library::{Commit, GitRef, Revision};
use crate::runbook::freshness::{Freshness, Known};
use crate::runbook::model::{Action, Approval, Effect, PaceLimit, RunGuard, Runbook};
use crate::store::runs::RunRow;
use crate::web::authority::{Authorised, Subject, TheRunbook};
use crate::web::format;
use crate::web::problem::Problem;
use crate::web::query;
use crate::web::reading::{runbooks, runs};
use crate::web::state::Web;
use crate::web::view::books::Facet;
use crate::web::view::runbook::RiskLine;

/// Runs that the share of successes and the usual time are taken from: the last ones, or old faults count for ever.
const JUDGED: usize = 20;

/// Texts of before that a page leads to.
const VERSIONS_MAX: usize = 50;

/// The last runs of a runbook, among those that whoever asks may see.
pub struct Past {
    pub runs: Vec<RunRow>,
}

/// # Errors
/// The store cannot be read.
pub async fn past<P>(who: &Authorised<P, TheRunbook>, web: &Web) -> Result<Past, Problem> {
    Ok(Past { runs: runs::of_runbook(who, web, JUDGED).await? })
}

impl Past {
    /// `18 of its last 20 runs succeeded`; none while none has ended.
    pub fn share(&self) -> Option<String> {
        let ended: Vec<_> = self.runs.iter().filter(|row| row.ended_at_ms.is_some()).collect();
        let good = ended.iter().filter(|row| row.state == "succeeded").count();
        match ended.len() {
            0 => None,
            1 => Some(if good == 1 { "Its only run succeeded" } else { "Its only run did not succeed" }.to_owned()),
            count => Some(format!("{good} of its last {count} runs succeeded")),
        }
    }

    /// The middle one of how long those took that succeeded, in milliseconds.
    pub fn usual_ms(&self) -> Option<i64> {
        let good = self.runs.iter().filter(|row| row.state == "succeeded");
        let mut lasted: Vec<i64> = good.filter_map(|row| Some(row.ended_at_ms? - row.started_at_ms)).collect();
        lasted.sort_unstable();
        lasted.get(lasted.len() / 2).copied()
    }
}

/// What is known of a runbook besides its text.
pub struct KnownOf {
    /// None for one that does not parse.
    pub freshness: Option<Freshness>,
    pub last_success_ms: Option<i64>,
    pub last_failure_ms: Option<i64>,
    /// The commits that changed it, newest first.
    pub versions: Vec<Commit>,
}

/// # Errors
/// The store or the library cannot be read.
pub async fn known<P>(
    who: &Authorised<P, TheRunbook>,
    web: &Web,
    runbook: Option<&Runbook>,
    revision: &Revision,
) -> Result<KnownOf, Problem> {
    let path = &who.on.path;
    let versions = web.engine().library().history(revision, path, VERSIONS_MAX).await?;
    let proof = web.store().proofs(std::slice::from_ref(path)).await?.pop();
    let last_success_ms = proof.as_ref().and_then(|proof| proof.last_success_ms);
    let changed_ms = versions.first().map(|commit| commit.time.as_millisecond());
    let judge = |runbook: &Runbook| {
        let (review_by, expires) = (runbook.review_by, runbook.expires);
        Freshness::judge(&Known { review_by, expires, last_success_ms, changed_ms }, web.now_ms())
    };
    let last_failure_ms = proof.and_then(|proof| proof.last_failure_ms);
    Ok(KnownOf { freshness: runbook.map(judge), last_success_ms, last_failure_ms, versions })
}

/// The verdict that a start goes by.
///
/// # Errors
/// The store or the library cannot be read.
pub async fn freshness(web: &Web, runbook: &Runbook, revision: &Revision) -> Result<Freshness, Problem> {
    web.engine().freshness(runbook, revision).await.map_err(|failed| Problem::internal(failed.to_string()))
}

/// A text that the runbook had.
pub struct Version {
    pub commit: Commit,
    /// It is the one that is served.
    pub newest: bool,
    pub text: String,
}

/// The text at a commit, by its full id. Only commits that lead to what is served and changed this runbook: whoever
/// pushes a branch has shown it to nobody yet.
///
/// # Errors
/// There is no such version, or the library cannot be read.
pub async fn version<P>(who: &Authorised<P, TheRunbook>, web: &Web, at: &str) -> Result<Version, Problem> {
    let (_, served) = runbooks::one(who, web).await?;
    let (library, path) = (web.engine().library(), &who.on.path);
    let versions = library.history(&served, path, VERSIONS_MAX).await?;
    let newest = versions.first().is_some_and(|commit| commit.id.as_str() == at);
    let known = versions.into_iter().find(|commit| commit.id.as_str() == at);
    let commit = known.ok_or_else(|| TheRunbook::absent().next_step("The runbook's page lists its versions."))?;
    let git_ref: GitRef = commit.id.as_str().parse().expect("a commit id is a ref");
    let revision = library.resolve(Some(&git_ref)).await?;
    let file = library.read(&revision, path).await?;
    Ok(Version { commit, newest, text: String::from_utf8_lossy(&file.bytes).into_owned() })
}

/// How many steps do what, the most dangerous first.
pub fn risks(runbook: &Runbook) -> Vec<RiskLine> {
    let by_hand = |action: &Action| matches!(action, Action::Manual { .. });
    let of = |effect: Effect| {
        let steps = runbook.steps.iter().filter(|step| !by_hand(&step.action));
        steps.filter(|step| runbooks::effect(&step.action) == effect).count()
    };
    let hands = runbook.steps.iter().filter(|step| by_hand(&step.action)).count();
    [
        (of(Effect::Destructive), "destroys", "destroys something", "destroy something"),
        (of(Effect::Change), "changes", "changes something", "change something"),
        (of(Effect::Check), "reads", "only reads", "only read"),
        (hands, "hand", "is done by hand", "are done by hand"),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, class, one, many)| RiskLine {
        class,
        count: count.to_string(),
        words: format!("{} {}", if count == 1 { "step" } else { "steps" }, if count == 1 { one } else { many }),
    })
    .collect()
}

/// The link to all runbooks of a tag.
pub fn tag(tag: &str) -> Facet {
    let href = format!("/runbooks?{}", query::encode([("tag", tag)]));
    Facet { words: tag.to_owned(), count: String::new(), href, current: false }
}

/// What stands between a person and a run of it, a sentence each.
pub fn asks(runbook: &Runbook) -> Vec<String> {
    let mut asks = Vec::new();
    asks.extend(runbook.guards.iter().filter_map(|guard| match guard {
        RunGuard::OnCall(true) => Some("For who is on call; others say why they start it".to_owned()),
        RunGuard::OnCall(false) => None,
        RunGuard::OnlyDuring(window) => Some(format!("Changes only during the window {window}")),
        RunGuard::NotDuring(window) => Some(format!("Changes nothing during the window {window}")),
        RunGuard::Lock(lock) => Some(format!("Holds the lock {lock} on each host: one run at a time")),
    }));
    asks.extend(runbook.approval.as_ref().map(|approval| format!("Before step 1, {}", approved(approval))));
    let steps = runbook.steps.iter().enumerate().filter_map(|(index, step)| Some((index + 1, step.approval.as_ref()?)));
    asks.extend(steps.map(|(number, approval)| format!("Before step {number}, {}", approved(approval))));
    let max = runbook.hosts.as_ref().and_then(|hosts| hosts.max);
    asks.extend(max.map(|max| format!("At most {} at once", format::count(max as usize, "host", "hosts"))));
    if runbook.pace == PaceLimit::StepOnly {
        asks.push("Never goes on by itself: each changing step waits for its driver".to_owned());
    }
    asks
}

fn approved(approval: &Approval) -> String {
    let count = match approval.min {
        1 => "another person approves".to_owned(),
        count => format!("{count} other persons approve"),
    };
    let from: Vec<String> = approval.from.iter().map(runbooks::owner).collect();
    if from.is_empty() { count } else { format!("{count} (of {})", from.join(", ")) }
}
