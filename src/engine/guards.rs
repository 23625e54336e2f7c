//! The guards of a whole run, at its start: who is on call, and windows. Windows are looked at again right before each
//! changing step; locks are taken with the start itself.

use super::Engine;
use super::ask::{EngineError, StartError, StartRequest, with_causes};
use super::look;
use crate::access::policy::{Permission, decide};
use crate::access::scope::{About, Scope};
use crate::inventory::target::Target;
use crate::oncall;
use crate::run::approval::ClosedWindow;
use crate::run::plan::{PlannedWindow, WindowRule};
use crate::run::words;
use crate::runbook::model::{RunGuard, Runbook};

/// What the guards say of a start.
#[derive(Debug, Default)]
pub struct AtStart {
    /// Windows that are closed and that the starter goes on against.
    pub overridden: Vec<String>,
    /// Why it is started although a guard asks for a reason.
    pub reason: Option<String>,
    /// Why it may not be started now.
    pub refusal: Option<StartError>,
}

impl Engine {
    /// Asks the guards about a run on these hosts and delegates.
    ///
    /// # Errors
    /// A guard names a window that nobody has written down, or what it needs cannot be read.
    pub(super) async fn guards_at_start(
        &self,
        runbook: &Runbook,
        request: &StartRequest,
        targets: &[Target],
    ) -> Result<AtStart, StartError> {
        let (who, by) = (&request.who, &request.who.actor);
        let reason = request.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        let mut at_start = AtStart::default();
        let on_call_only = runbook.guards.contains(&RunGuard::OnCall(true));
        if on_call_only && !self.is_on_call(who).await? {
            match reason {
                Some(reason) => at_start.reason = Some(reason.to_owned()),
                None => {
                    let why =
                        format!("this runbook is for who is on call, and {by} is not: say why you start it (a reason)");
                    at_start.refusal = Some(StartError::Guard(why));
                }
            }
        }
        let closed = self.closed_windows(runbook).await?;
        if closed.is_empty() {
            return Ok(at_start);
        }
        let why: Vec<String> = closed.iter().map(words::window).collect();
        let why = why.join("; ");
        let scope = Scope::of(&runbook.path, &runbook.tags, targets);
        let policy = self.policy_now().await.policy;
        let may_override = decide(&policy, who, Permission::OverrideWindows, About::Run(&scope)).is_ok();
        let closed: Vec<String> = closed.into_iter().map(|window| window.name).collect();
        let is_named = closed.iter().all(|name| request.override_windows.contains(name));
        if !may_override {
            let why = format!("{why}; start it then ({by} may not go on against a window)");
            at_start.refusal = Some(StartError::Windows { why, to_override: Vec::new() });
            return Ok(at_start);
        }
        match reason {
            Some(reason) if is_named => {
                at_start.reason = Some(reason.to_owned());
                at_start.overridden = closed;
            }
            _ => {
                let names = closed.join(", ");
                let why = format!("{why}; start it then, or go on against it by its name ({names}) and with a reason");
                at_start.refusal = Some(StartError::Windows { why, to_override: closed });
            }
        }
        Ok(at_start)
    }

    /// From what is served now, whichever commit the run is of: no branch is without a freeze.
    async fn closed_windows(&self, runbook: &Runbook) -> Result<Vec<ClosedWindow>, StartError> {
        let planned = runbook.guards.iter().filter_map(|guard| match guard {
            RunGuard::OnlyDuring(name) => Some((name, WindowRule::Only)),
            RunGuard::NotDuring(name) => Some((name, WindowRule::Not)),
            RunGuard::OnCall(_) | RunGuard::Lock(_) => None,
        });
        let planned: Vec<PlannedWindow> =
            planned.map(|(name, rule)| PlannedWindow { name: name.clone(), rule, overridden: false }).collect();
        if planned.is_empty() {
            return Ok(Vec::new());
        }
        let unreadable = |error: &dyn std::error::Error| StartError::Engine(EngineError::Library(with_causes(error)));
        let served = self.shared.library.resolve(None).await.map_err(|error| unreadable(&error))?;
        let known = look::windows(&self.shared.library, &served).await.map_err(|error| unreadable(&error))?;
        if let Some(unknown) = planned.iter().find(|window| !known.windows.contains_key(&window.name)) {
            return Err(StartError::Guard(format!(
                "this runbook names the window {}, and {} has none of that name: write it there or mend what is wrong in \
                 the file",
                unknown.name,
                oncall::FILE
            )));
        }
        Ok(known.closed(&planned, self.shared.clock.wall_ms()))
    }
}
