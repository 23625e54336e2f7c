//! What people say to a request for approval, and the driver's ways on when it came to nothing.

use super::Draft;
use super::person::{Answer, said};
use crate::id::StepId;
use crate::run::action::{Refusal, Request};
use crate::run::approval::{self, Approval, Standing};
use crate::run::event::{Event, PauseReason};
use crate::run::plan::PlannedApproval;

/// The request that somebody speaks to.
struct Asked {
    index: usize,
    rule: PlannedApproval,
    approval: Approval,
}

impl Draft<'_> {
    pub(super) fn approve(&mut self, step: Option<&StepId>, note: Option<&String>, request: &Request) -> Answer {
        let asked = self.asked(step, request.seen_seq)?;
        approval::may_answer(&self.state, asked.index, &asked.rule, &request.by, &request.who)?;
        approval::stepped_up(&request.who, self.now_ms)?;
        let person = request.by.person();
        if asked.approval.votes.iter().any(|vote| vote.by.person() == person && vote.lapsed.is_none()) {
            return Err(Refusal::NotNow(format!("{person} has approved this already; one person counts once")));
        }
        let note = note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
        self.emit(Event::ApprovalGiven { step: asked.approval.step, by: request.by.clone(), note });
        Ok(())
    }

    pub(super) fn reject(&mut self, step: Option<&StepId>, reason: &str, request: &Request) -> Answer {
        let asked = self.asked(step, request.seen_seq)?;
        approval::may_answer(&self.state, asked.index, &asked.rule, &request.by, &request.who)?;
        let reason = said(reason, "say why you do not agree: the driver reads it")?;
        let (step, by) = (asked.approval.step, request.by.clone());
        self.emit(Event::ApprovalRejected { step: step.clone(), by: by.clone(), reason });
        if self.state.pause.is_none() {
            self.emit(Event::RunPaused { why: PauseReason::ApprovalRejected(step), by: Some(by) });
        }
        Ok(())
    }

    pub(super) fn withdraw(&mut self, step: Option<&StepId>, request: &Request) -> Answer {
        let asked = self.asked(step, request.seen_seq)?;
        let person = request.by.person();
        let gave = asked.approval.votes.iter().any(|vote| vote.by.person() == person);
        if !gave && request.by != self.state.driver {
            return Err(Refusal::NotNow("only who approved it or drives the run may withdraw it".to_owned()));
        }
        self.emit(Event::ApprovalWithdrawn { step: asked.approval.step, by: request.by.clone() });
        Ok(())
    }

    pub(super) fn ask_again(&mut self, step: Option<&StepId>, request: &Request) -> Answer {
        let (index, approval) = self.approval_at(step)?;
        match &approval.standing {
            Standing::Rejected { .. } | Standing::Withdrawn { .. } | Standing::Expired | Standing::Voided(_) => {}
            Standing::Asked => return Err(Refusal::NotNow("it is asked for already".to_owned())),
            Standing::Used => return Err(Refusal::NotNow("it was used already".to_owned())),
        }
        let (step, by) = (self.state.plan.steps[index].id.clone(), request.by.clone());
        self.emit(Event::ApprovalAskedAgain { step: step.clone(), by: by.clone() });
        let paused_for_it = matches!(
            self.state.pause.as_ref().map(|pause| &pause.why),
            Some(PauseReason::ApprovalRejected(rejected)) if *rejected == step
        );
        if paused_for_it {
            self.emit(Event::RunResumed { by: Some(by) });
        }
        Ok(())
    }

    pub(super) fn override_window(&mut self, index: usize, reason: &str, request: &Request) -> Answer {
        if !request.who.may_override_windows {
            return Err(Refusal::NotNow(format!("{} may not go on against a window", request.by)));
        }
        if self.state.held.is_none() {
            return Err(Refusal::NotNow("no window holds this step".to_owned()));
        }
        let reason = said(reason, "say why it cannot wait for the window: it is kept with the run")?;
        let step = self.state.plan.steps[index].id.clone();
        self.emit(Event::WindowOverridden { step, by: request.by.clone(), reason });
        Ok(())
    }

    /// The request that stands open, if the person has seen it.
    fn asked(&self, step: Option<&StepId>, seen_seq: u64) -> Result<Asked, Refusal> {
        let (index, approval) = self.approval_at(step)?;
        if seen_seq < approval.asked_seq {
            return Err(Refusal::Stale { seen: seen_seq, now: approval.asked_seq });
        }
        match &approval.standing {
            Standing::Asked if approval.expires_at_ms <= self.now_ms => {
                return Err(Refusal::NotNow("its time is over; the driver may ask again".to_owned()));
            }
            Standing::Asked => {}
            Standing::Used => return Err(Refusal::NotNow("it was used already".to_owned())),
            Standing::Rejected { by, .. } => return Err(Refusal::NotNow(format!("{by} has rejected it"))),
            Standing::Withdrawn { by } => return Err(Refusal::NotNow(format!("{by} has withdrawn it"))),
            Standing::Expired => return Err(Refusal::NotNow("its time is over".to_owned())),
            Standing::Voided(what) => {
                return Err(Refusal::NotNow(format!(
                    "it is void: changed since it was asked for: {}",
                    what.join(", ")
                )));
            }
        }
        let rule = self.state.plan.steps[index].approval.clone();
        let rule = rule.ok_or_else(|| Refusal::NotNow("this step needs nobody's approval".to_owned()))?;
        Ok(Asked { index, rule, approval })
    }

    fn approval_at(&self, step: Option<&StepId>) -> Result<(usize, Approval), Refusal> {
        let nothing = || Refusal::NotNow("no approval is asked for now".to_owned());
        let index = self.state.worked().ok_or_else(nothing)?;
        let current = &self.state.plan.steps[index].id;
        if let Some(step) = step.filter(|step| *step != current) {
            return Err(Refusal::NotNow(format!("step {step} is not the current one; {current} is")));
        }
        let approval = approval::of_step(&self.state, index).cloned().ok_or_else(nothing)?;
        Ok((index, approval))
    }
}
