//! What events do to approvals and to the windows that a step waits for.

use super::CorruptLog;
use crate::id::{HostName, StepId};
use crate::run::approval::{Approval, Binding, ClosedWindow, Standing, Vote};
use crate::run::asking;
use crate::run::event::Actor;
use crate::run::state::State;

type Applied = Result<(), CorruptLog>;

impl State {
    pub(super) fn request_approval(
        &mut self,
        step: &StepId,
        hosts: &[HostName],
        by: &Actor,
        binding: &Binding,
        expires_at_ms: i64,
    ) -> Applied {
        if self.is_asked(step) {
            return Err(self.corrupt("an approval is asked for while one is"));
        }
        let index = self.touch(step)?;
        // A new request covers everything that has not begun: nothing goes on by the word of before.
        self.steps[index].cells.iter_mut().for_each(|cell| cell.approved = false);
        self.approval = Some(Approval {
            step: step.clone(),
            hosts: hosts.to_vec(),
            asked_by: by.clone(),
            binding: binding.clone(),
            asked_at_ms: self.at_ms,
            asked_seq: self.seq,
            expires_at_ms,
            shown: asking::shown(self, index, hosts),
            votes: Vec::new(),
            standing: Standing::Asked,
        });
        Ok(())
    }

    pub(super) fn give_approval(&mut self, step: &StepId, by: &Actor, note: Option<&String>) -> Applied {
        let at_ms = self.at_ms;
        self.asked(step)?.votes.push(Vote { by: by.clone(), at_ms, note: note.cloned(), lapsed: None });
        self.touch(step).map(drop)
    }

    pub(super) fn lapse(&mut self, step: &StepId, by: &Actor, why: &str) -> Applied {
        let nothing = self.corrupt("no approval was asked for");
        let approval = self.approval.as_mut().filter(|approval| approval.step == *step).ok_or(nothing)?;
        for vote in approval.votes.iter_mut().filter(|vote| vote.by == *by) {
            vote.lapsed.get_or_insert_with(|| why.to_owned());
        }
        self.touch(step).map(drop)
    }

    pub(super) fn end_approval(&mut self, step: &StepId, standing: Standing) -> Applied {
        let index = self.touch(step)?;
        let nothing = self.corrupt("no approval was asked for");
        let approval = self.approval.as_mut().filter(|approval| approval.step == *step).ok_or(nothing)?;
        approval.standing = standing;
        self.steps[index].cells.iter_mut().for_each(|cell| cell.approved = false);
        Ok(())
    }

    pub(super) fn use_approval(&mut self, step: &StepId, hosts: &[HostName]) -> Applied {
        self.asked(step)?.standing = Standing::Used;
        self.each_cell(step, hosts, |cell, _| cell.approved = true)?;
        self.touch(step).map(drop)
    }

    pub(super) fn ask_again(&mut self, step: &StepId, by: &Actor) -> Applied {
        self.lay_hand_on(step, by)?;
        self.touch(step)?;
        self.approval = None;
        Ok(())
    }

    pub(super) fn hold(&mut self, step: &StepId, windows: &[ClosedWindow]) -> Applied {
        let index = self.step_position(step)?;
        self.steps[index].changed_seq = self.seq;
        self.held = Some(windows.to_vec());
        Ok(())
    }

    pub(super) fn free(&mut self, step: &StepId) -> Applied {
        let index = self.step_position(step)?;
        self.steps[index].changed_seq = self.seq;
        self.held = None;
        Ok(())
    }

    pub(super) fn override_windows(&mut self, step: &StepId, by: &Actor) -> Applied {
        self.lay_hand_on(step, by)?;
        let index = self.step_position(step)?;
        let held = self.held.clone().unwrap_or_default();
        self.steps[index].windows_overridden.extend(held);
        self.free(step)
    }

    /// What was asked for and waited for was about the step before.
    pub(super) fn forget_word(&mut self) {
        self.approval = None;
        self.approval_seq = self.seq;
        self.held = None;
    }

    fn is_asked(&self, step: &StepId) -> bool {
        self.approval.as_ref().is_some_and(|asked| asked.step == *step && asked.standing == Standing::Asked)
    }

    fn asked(&mut self, step: &StepId) -> Result<&mut Approval, CorruptLog> {
        let nothing = self.corrupt("no approval is asked for");
        self.approval.as_mut().filter(|asked| asked.step == *step && asked.standing == Standing::Asked).ok_or(nothing)
    }

    fn touch(&mut self, step: &StepId) -> Result<usize, CorruptLog> {
        let index = self.step_position(step)?;
        self.steps[index].changed_seq = self.seq;
        self.approval_seq = self.seq;
        Ok(index)
    }
}
