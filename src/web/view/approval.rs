//! A request for approval as a card: what exactly will run, where, who agrees, and the forms that answer.

use serde::Serialize;

use crate::run::approval_view::ApprovalView;
use crate::run::view::RunView;
use crate::runbook::model::Effect;
use crate::web::format::{self, Moment};
use crate::web::view::difference::LastSuccess;
use crate::web::view::tail::Tail;

#[derive(Debug, Clone, Serialize)]
pub struct ApproveNeed {
    pub prompt: String,
    /// `1 of 2 persons agree`.
    pub tally: String,
    /// What it does to which hosts.
    pub consequence: String,
    pub hosts: Vec<String>,
    pub commands: Vec<HostCommand>,
    /// `and 30 more hosts get theirs`; empty if all are shown.
    pub more: String,
    pub previews: Vec<Tail>,
    pub asked_by: String,
    pub asked: Moment,
    pub expires: Moment,
    pub from: String,
    pub votes: Vec<VoteLine>,
    pub served_text_differs: bool,
    /// What the runbook was when it last ended well; none if it never did.
    pub last_success: Option<LastSuccess>,
    pub runbook: String,
    /// Where somebody proves again who they are.
    pub confirm_href: String,
    pub button: String,
    pub tone: &'static str,
    pub may_vote: bool,
    pub may_withdraw: bool,
    /// What was typed before, when it was refused.
    pub reason: String,
    pub note: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct HostCommand {
    pub host: String,
    pub text: String,
    pub is_cut: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct VoteLine {
    pub by: String,
    pub at: Moment,
    pub note: Option<String>,
    /// Why it does not count; none if it does.
    pub why_not: Option<String>,
}

impl ApproveNeed {
    pub fn new(view: &RunView, asked: &ApprovalView, now_ms: i64, tails: &[Tail]) -> Self {
        let hosts: Vec<String> = asked.hosts.iter().map(ToString::to_string).collect();
        let place = format::names(hosts.iter().map(String::as_str));
        let verb = match asked.effect {
            Effect::Check => "Reads",
            Effect::Change => "Changes",
            Effect::Destructive => "Destroys data on",
        };
        let agree = asked.votes.iter().filter(|vote| vote.counts).count();
        Self {
            may_vote: true,
            may_withdraw: true,
            prompt: asked.prompt.clone(),
            tally: format!(
                "{agree} of {}",
                format::count(asked.persons_min as usize, "person agrees", "persons agree")
            ),
            consequence: if asked.commands.is_empty() { String::new() } else { format!("{verb} {place}.") },
            commands: asked
                .commands
                .iter()
                .map(|command| HostCommand {
                    host: command.host.to_string(),
                    text: command.text.clone(),
                    is_cut: command.is_cut,
                })
                .collect(),
            more: match asked.commands_more {
                0 => String::new(),
                more => format!("{} more get theirs.", format::count(more, "host", "hosts")),
            },
            previews: tails.iter().filter(|tail| asked.previews.contains(&tail.attempt)).cloned().collect(),
            asked_by: asked.asked_by.to_string(),
            asked: Moment::new(asked.asked_at_ms, now_ms),
            expires: Moment::new(asked.expires_at_ms, now_ms),
            from: if asked.from.is_empty() { "whoever may approve".to_owned() } else { asked.from.join(" or ") },
            votes: asked
                .votes
                .iter()
                .map(|vote| VoteLine {
                    by: vote.by.to_string(),
                    at: Moment::new(vote.at_ms, now_ms),
                    note: vote.note.clone(),
                    why_not: vote.why_not.clone(),
                })
                .collect(),
            served_text_differs: asked.served_text_differs,
            last_success: asked.since_success.as_ref().map(LastSuccess::new),
            runbook: view.runbook.clone(),
            confirm_href: format!("/account/confirm?next=/runs/{}", view.id),
            button: format!("Approve it on {place}"),
            tone: if asked.effect == Effect::Destructive { "danger" } else { "primary" },
            reason: String::new(),
            note: String::new(),
            hosts,
        }
    }
}
