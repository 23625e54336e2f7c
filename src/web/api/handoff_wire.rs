//! Bodies of the API about handoffs. The picture itself (`handoff::view`) goes out as it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A wish to begin a handoff.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only its schema is used: the body is read by the type that forms share")]
pub struct HandoffBeginBody {
    /// The account of the receiver.
    pub to: String,
    /// Of the sender; whoever asks unless said.
    pub from: Option<String>,
    pub rotation: Option<String>,
    /// When the receiver's shift begins, with its zone: `2026-11-25 08:00 Europe/Berlin`; in an hour unless said.
    pub boundary: Option<String>,
    /// One sentence: the handoff is offered at once, and the rest is owed.
    pub emergency: Option<String>,
}

/// Something a person does to a handoff: `{"action": "read-item", "item": "web.disk", "text": "…", "decision": "accept"}`.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only its schema is used: the fields that each action takes are read by its own type")]
pub struct HandoffActionBody {
    /// The sender: overview, add-item, item, dismiss, hide-fact, refresh, send, quiet, withdraw, answer, settle, object,
    /// void. The receiver: read-item, question, recap, return, accept, take-unbriefed. Whoever holds an item:
    /// action-done, action-due, action-owner. Anybody who may write handoffs: comment.
    pub action: String,
    /// What the sender saw; a record that was saved since answers 409.
    pub revision: Option<u32>,
    /// SHA-256 of the record: what is signed, and what is accepted.
    pub digest: Option<String>,
    pub item: Option<String>,
    /// What is written: a text; with `item`, an object of title, severity (unstable, watcher, stable), severity_basis,
    /// statement, tried, assessment, plan, decision, actions [{text, owner, due, runbook, done}], contingencies [{if,
    /// then, runbook, page}].
    #[schema(value_type = Object)]
    pub text: Option<serde_json::Value>,
    pub title: Option<String>,
    pub overview: Option<String>,
    pub upcoming: Option<String>,
    /// accept, decline or question.
    pub decision: Option<String>,
    /// The question, or why it is declined.
    pub words: Option<String>,
    pub reason: Option<String>,
    /// Why it is signed all the same, by the name of each check: `{"Q6:web.disk": "…"}`.
    pub reasons: Option<BTreeMap<String, String>>,
    /// The number of a question that is answered.
    pub question: Option<u32>,
    /// The place of an action in its item, from 0.
    pub number: Option<u32>,
    pub due: Option<String>,
    pub owner: Option<String>,
    /// With `accept`: the whole in the receiver's own words.
    pub recap: Option<String>,
}

/// A lead passes an item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForceBody {
    pub item: String,
    /// The account that holds it from now on.
    pub to: String,
    pub reason: String,
}

/// A handoff in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct HandoffItem {
    pub id: String,
    /// Its page.
    pub url: String,
    pub rotation: Option<String>,
    pub from: String,
    pub to: String,
    pub phase: String,
    /// What is overdue, in words.
    pub overdue: Option<String>,
    pub overview: String,
    pub items: u32,
    pub unstable: u32,
    pub watcher: u32,
    pub begun_ms: i64,
    pub boundary_ms: i64,
    pub acknowledged_ms: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct HandoffList {
    pub handoffs: Vec<HandoffItem>,
    /// Give it as `cursor` to go on; none on the last page.
    pub next: Option<String>,
}
