//! The policy in force: `access.yaml` as the library serves it. Never as another ref has it, or whoever may push a
//! branch could grant themselves anything.

use std::sync::Arc;

use super::Engine;
use super::ask::{StartError, StartRequest};
use super::choosing::{Sight, denied_words};
use crate::access::grant::Policy;
use crate::access::identity::Reach;
use crate::access::policy::{Because, Permission, decide};
use crate::access::scope::{About, Scope};
use crate::access::{self, ParsedPolicy};
use crate::audit::entry::{Kind, NewEntry, SERVER};
use crate::id::Digest;
use crate::library::{LibraryError, Revision};
use crate::run::plan::{Authority, Plan};
use crate::runbook::parse::parse;
use crate::store::StoreError;
use crate::store::runs::RunRow;

/// A change of the file is in force after this. Requests in between share one look at the repository.
pub const POLICY_AGE_MAX_MS: u64 = 1_000;

/// Under this name the text of the last good file is kept, for the day on which somebody commits a broken one.
const LAST_GOOD: &str = "access/last-good";

/// The policy, and whether it is the newest one.
#[derive(Debug, Clone)]
pub struct InForce {
    pub policy: Arc<Policy>,
    /// Why an earlier policy (or none) is in force: for admins.
    pub trouble: Option<String>,
}

/// The last look.
#[derive(Debug, Clone)]
pub(super) struct Looked {
    at_ms: u64,
    in_force: InForce,
}

impl Engine {
    /// The policy in force, at most [`POLICY_AGE_MAX_MS`] old.
    pub async fn policy(&self) -> InForce {
        let mut looked = self.shared.policy.lock().await;
        let now_ms = self.shared.clock.monotonic_ms();
        if let Some(looked) = looked.as_ref().filter(|looked| now_ms.saturating_sub(looked.at_ms) < POLICY_AGE_MAX_MS) {
            return looked.in_force.clone();
        }
        let in_force = self.look_at_policy(looked.as_ref().map(|looked| &looked.in_force)).await;
        *looked = Some(Looked { at_ms: now_ms, in_force: in_force.clone() });
        in_force
    }

    /// The policy as the repository has it now.
    pub async fn policy_now(&self) -> InForce {
        let mut looked = self.shared.policy.lock().await;
        let in_force = self.look_at_policy(looked.as_ref().map(|looked| &looked.in_force)).await;
        *looked = Some(Looked { at_ms: self.shared.clock.monotonic_ms(), in_force: in_force.clone() });
        in_force
    }

    async fn look_at_policy(&self, before: Option<&InForce>) -> InForce {
        let read = async {
            let revision = self.shared.library.resolve(None).await?;
            self.shared.library.file(&revision, access::FILE).await
        };
        let in_force = match read.await {
            Ok(file) => self.parsed_policy(&file.bytes, before).await,
            // Taking the file away is a change like any other: nobody has anything any more.
            Err(LibraryError::NoFile { .. } | LibraryError::NoCommit { .. }) => self.no_policy(before).await,
            Err(error) => self.last_good(format!("access.yaml cannot be read: {error}")).await,
        };
        let news = before.is_none_or(|before| before.policy.digest != in_force.policy.digest);
        if let Some(trouble) = in_force.trouble.as_ref().filter(|_| news || before.is_some_and(|b| b.trouble.is_none()))
        {
            tracing::error!("{trouble}");
        } else if news {
            tracing::info!(policy = in_force.policy.digest.short(), "access.yaml is in force");
        }
        in_force
    }

    async fn no_policy(&self, before: Option<&InForce>) -> InForce {
        let nobody = Policy::nobody();
        if before.is_none_or(|before| before.policy.digest != nobody.digest)
            && let Err(error) = self.keep("").await
        {
            return self.last_good(format!("that access.yaml is gone cannot be recorded: {error}")).await;
        }
        InForce { policy: Arc::new(nobody), trouble: None }
    }

    async fn parsed_policy(&self, bytes: &[u8], before: Option<&InForce>) -> InForce {
        let ParsedPolicy { policy, diagnostics } = access::parse(access::FILE, bytes);
        let Some(policy) = policy else {
            let first = diagnostics.first().map(|found| format!("line {}: {}", found.span.line, found.message));
            let what = first.unwrap_or_default();
            let count = diagnostics.len();
            return self.last_good(format!("access.yaml has {count} problems, the first in {what}")).await;
        };
        if before.is_none_or(|before| before.policy.digest != policy.digest)
            && let Err(error) = self.keep(&String::from_utf8_lossy(bytes)).await
        {
            // A policy whose coming nobody can look up later does not come.
            return self.last_good(format!("the new access.yaml cannot be recorded: {error}")).await;
        }
        InForce { policy: Arc::new(policy), trouble: None }
    }

    /// A typing mistake must not lock everybody out at night: the last good file goes on.
    async fn last_good(&self, trouble: String) -> InForce {
        let kept = match self.shared.store.setting(LAST_GOOD).await {
            Ok(kept) => kept.and_then(|kept| access::parse(access::FILE, kept.value.as_bytes()).policy),
            Err(error) => {
                tracing::error!(%error, "the last good access.yaml cannot be read");
                None
            }
        };
        let (policy, means) = match kept {
            Some(policy) => (policy, "the one before it stays in force; `steadyhand check` names all problems"),
            None => {
                (Policy::nobody(), "nobody but the server's command line lets in; `steadyhand check` names them all")
            }
        };
        InForce { policy: Arc::new(policy), trouble: Some(format!("{trouble}: {means}")) }
    }

    /// Records a policy that is another than the last, then keeps it. A crash between the two records it once more.
    async fn keep(&self, text: &str) -> Result<(), StoreError> {
        let kept = self.shared.store.setting(LAST_GOOD).await?;
        if kept.as_ref().map_or("", |kept| kept.value.as_str()) == text {
            return Ok(());
        }
        let changed = NewEntry::new(self.shared.clock.wall_ms(), Kind::PolicyChanged, SERVER, access::FILE);
        let digest = Digest::of(text.as_bytes()).to_string();
        self.shared.store.record(&changed.with("digest", digest)).await?;
        // None: another server has kept the same one meanwhile.
        self.shared.store.set_setting(LAST_GOOD, kept.map_or(0, |kept| kept.version), text).await?;
        Ok(())
    }

    /// Whether whoever asks may start this runbook as `revision` has it. Decided before a byte of that revision is read,
    /// by the tags that the served runbook has: they are given where it is another one.
    ///
    /// # Errors
    /// They may not.
    pub(super) async fn authorise_revision(
        &self,
        request: &StartRequest,
        served: &Revision,
        revision: &Revision,
    ) -> Result<Option<Vec<String>>, StartError> {
        if served.commit().map(|commit| &commit.id) == revision.commit().map(|commit| &commit.id) {
            return Ok(None);
        }
        let path = &request.runbook;
        let tags = match self.shared.library.read(served, path).await {
            Ok(file) => parse(path, &file.path, &file.bytes).runbook.map(|runbook| runbook.tags).unwrap_or_default(),
            Err(LibraryError::NoFile { .. }) => Vec::new(),
            Err(error) => return Err(super::start::unreadable(error)),
        };
        let policy = self.policy_now().await.policy;
        for permission in [Permission::StartRuns, Permission::UseOtherRefs] {
            decide(&policy, &request.who, permission, About::Runbook { path, tags: &tags })
                .map_err(|denied| StartError::NotAllowed(denied.to_string()))?;
        }
        Ok(Some(tags))
    }

    /// Whether whoever asks may start this plan on each of its hosts.
    pub(super) async fn authorise_start(&self, request: &StartRequest, plan: &Plan) -> Result<Authority, StartError> {
        if matches!(request.who.reach, Reach::Scoped(_)) && plan.asks_others() {
            return Err(StartError::NotAllowed(format!(
                "others must agree to what this runbook does, and {} belongs to nobody: it does not say who else is \
                 another. Start it with a token that has an owner (`steadyhand token create --owner`), or signed in",
                request.who.actor
            )));
        }
        let policy = self.policy_now().await.policy;
        let scope = scope_of(plan);
        let sight = Sight { policy: &policy, who: &request.who, runbook: &plan.runbook, tags: &plan.tags };
        let may = |permission| {
            let decided = decide(&policy, &request.who, permission, About::Run(&scope));
            decided.map_err(|denied| StartError::NotAllowed(denied_words(&sight, &plan.hosts, &denied)))
        };
        let because = may(Permission::StartRuns)?;
        let is_another = plan.commit.is_some() && request.git_ref.is_some() && {
            let served = self.shared.library.resolve(None).await.map_err(super::start::unreadable)?;
            served.commit().map(|commit| commit.id.as_str()) != plan.commit.as_deref()
        };
        if is_another {
            may(Permission::UseOtherRefs)?;
        }
        Ok(Authority { policy: policy.digest, by: words(&policy, &because) })
    }
}

/// What decides who may see and touch a run of this plan.
pub fn scope_of(plan: &Plan) -> Scope {
    Scope::of(&plan.runbook, &plan.tags, plan.hosts.iter().chain(&plan.delegates))
}

/// What decides who may see and touch the run of a row. One of before there were roles has no known hosts.
pub fn scope_of_row(row: &RunRow) -> Scope {
    let unknown = || Scope { runbook: row.runbook.clone(), tags: Vec::new(), hosts: Vec::new() };
    serde_json::from_str(&row.scope).unwrap_or_else(|_| unknown())
}

/// Why somebody may, as the plan keeps it.
fn words(policy: &Policy, because: &Because) -> Vec<String> {
    match because {
        Because::Own => vec!["their own".to_owned()],
        Because::BreakGlass => vec!["the server's own command line".to_owned()],
        Because::Scopes => vec!["the scopes of the token".to_owned()],
        Because::Grants(lines) => policy
            .grants
            .iter()
            .filter(|grant| lines.contains(&grant.line))
            .map(|grant| format!("access.yaml:{}: {grant}", grant.line))
            .collect(),
    }
}
