//! What people ask of a handoff, from the forms of its pages and from JSON: the same verbs.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::handoff::record::LINES_MAX;
use crate::id::ItemKey;
use crate::web::query::Fields;

/// One request about a handoff.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Asked {
    Overview {
        revision: u32,
        overview: String,
        #[serde(default)]
        upcoming: String,
    },
    AddItem {
        revision: u32,
        title: String,
    },
    Item {
        revision: u32,
        item: ItemKey,
        text: Box<ItemText>,
    },
    Dismiss {
        revision: u32,
        item: ItemKey,
        reason: String,
    },
    HideFact {
        revision: u32,
        item: ItemKey,
        fact: String,
        reason: String,
    },
    /// Fetches the facts again.
    Refresh,
    /// Signs and offers. `reasons`: why, by the name of each check that does not hold.
    Send {
        digest: String,
        #[serde(default)]
        reasons: BTreeMap<String, String>,
    },
    /// Nothing happened: writes that, signs and offers.
    Quiet {
        revision: u32,
        overview: String,
    },
    Withdraw {
        reason: String,
    },
    Answer {
        question: u32,
        text: String,
    },
    Settle {
        item: ItemKey,
    },
    Object {
        item: ItemKey,
        reason: String,
    },
    /// One item: what the receiver heard, and what they do about it.
    ReadItem {
        item: ItemKey,
        #[serde(default)]
        text: String,
        decision: Option<Word>,
        /// The question, or why it is declined.
        #[serde(default)]
        words: String,
    },
    Question {
        item: Option<ItemKey>,
        text: String,
    },
    Recap {
        text: String,
    },
    Return {
        reason: String,
    },
    /// "I have these."
    Accept {
        digest: String,
        #[serde(default)]
        recap: String,
    },
    TakeUnbriefed,
    ActionDone {
        item: ItemKey,
        number: u32,
    },
    ActionDue {
        item: ItemKey,
        number: u32,
        due: String,
    },
    ActionOwner {
        item: ItemKey,
        number: u32,
        owner: String,
    },
    Comment {
        text: String,
    },
    Void {
        reason: String,
    },
}

/// What the receiver does about an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    Accept,
    Decline,
    Question,
}

/// What a person writes of an item.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItemText {
    pub title: String,
    /// `unstable`, `watcher`, `stable`; empty: not judged yet.
    pub severity: String,
    pub severity_basis: String,
    pub statement: String,
    pub tried: String,
    pub assessment: String,
    pub plan: String,
    pub decision: String,
    pub actions: Vec<ActionText>,
    pub contingencies: Vec<ContingencyText>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ActionText {
    pub text: String,
    pub owner: String,
    /// `2026-11-25 07:30 Europe/Berlin`
    pub due: String,
    /// `web/disk-full mount=/var`
    pub runbook: String,
    pub done: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContingencyText {
    #[serde(rename = "if")]
    pub condition: String,
    pub then: String,
    pub runbook: String,
    pub page: String,
}

/// A wish to begin a handoff.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BeginText {
    /// The account of the receiver.
    pub to: String,
    /// Of the sender; whoever asks unless said.
    pub from: String,
    pub rotation: String,
    /// When the receiver's shift begins: `2026-11-25 08:00 Europe/Berlin`; in an hour unless said.
    pub boundary: String,
    /// One sentence: what is happening. The handoff is offered at once, and the rest is owed.
    pub emergency: String,
}

/// Reads a form of a handoff's page.
///
/// # Errors
/// In words, when something is missing or not what it should be.
pub fn read(form: &Fields) -> Result<Asked, String> {
    let text = |name: &str| form.first(name).unwrap_or_default().to_owned();
    let number = |name: &str| form.filled(name).and_then(|text| text.parse().ok());
    let revision = || number("revision").ok_or("the form does not say which revision was seen; reload the page");
    Ok(match form.first("action").unwrap_or_default() {
        "overview" => Asked::Overview { revision: revision()?, overview: text("overview"), upcoming: text("upcoming") },
        "add-item" => Asked::AddItem { revision: revision()?, title: text("title") },
        "item" => Asked::Item { revision: revision()?, item: item(form)?, text: Box::new(item_text(form)) },
        "dismiss" => Asked::Dismiss { revision: revision()?, item: item(form)?, reason: text("reason") },
        "hide-fact" => {
            let (fact, reason) = (text("fact"), text("reason"));
            Asked::HideFact { revision: revision()?, item: item(form)?, fact, reason }
        }
        "refresh" => Asked::Refresh,
        "send" => {
            let reasons = form.below("why.").map(|(name, why)| (name.to_owned(), why.to_owned()));
            Asked::Send { digest: text("digest"), reasons: reasons.collect() }
        }
        "quiet" => Asked::Quiet { revision: revision()?, overview: text("overview") },
        "withdraw" => Asked::Withdraw { reason: text("reason") },
        "answer" => Asked::Answer { question: number("question").ok_or("which question?")?, text: text("text") },
        "settle" => Asked::Settle { item: item(form)? },
        "object" => Asked::Object { item: item(form)?, reason: text("reason") },
        "read-item" => Asked::ReadItem {
            item: item(form)?,
            text: text("text"),
            decision: word(form.filled("decision"))?,
            words: text("words"),
        },
        "question" => Asked::Question { item: None, text: text("text") },
        "recap" => Asked::Recap { text: text("text") },
        "return" => Asked::Return { reason: text("reason") },
        "accept" => Asked::Accept { digest: text("digest"), recap: text("recap") },
        "take-unbriefed" => Asked::TakeUnbriefed,
        "action-done" => Asked::ActionDone { item: item(form)?, number: number("number").ok_or("which action?")? },
        "comment" => Asked::Comment { text: text("text") },
        "void" => Asked::Void { reason: text("reason") },
        other => return Err(format!("there is no action “{}”", other.chars().take(40).collect::<String>())),
    })
}

/// Reads the form that begins a handoff.
pub fn begin(form: &Fields) -> BeginText {
    let text = |name: &str| form.filled(name).unwrap_or_default().to_owned();
    BeginText {
        to: text("to"),
        from: text("from"),
        rotation: text("rotation"),
        boundary: text("boundary"),
        emergency: text("emergency"),
    }
}

fn word(text: Option<&str>) -> Result<Option<Word>, String> {
    match text {
        None => Ok(None),
        Some("accept") => Ok(Some(Word::Accept)),
        Some("decline") => Ok(Some(Word::Decline)),
        Some("question") => Ok(Some(Word::Question)),
        Some(_) => Err("a decision is accept, decline or question".to_owned()),
    }
}

fn item(form: &Fields) -> Result<ItemKey, String> {
    let text = form.filled("item").ok_or("the form does not say which item")?;
    text.parse().map_err(|error: crate::id::InvalidId| error.to_string())
}

/// Rows that nothing was written into are left out.
fn item_text(form: &Fields) -> ItemText {
    let text = |name: &str| form.first(name).unwrap_or_default().to_owned();
    let action = |at: usize| {
        let field = |name: &str| text(&format!("a{at}.{name}"));
        let done = form.first(&format!("a{at}.done")).is_some();
        ActionText { text: field("text"), owner: field("owner"), due: field("due"), runbook: field("runbook"), done }
    };
    let contingency = |at: usize| {
        let field = |name: &str| text(&format!("c{at}.{name}"));
        ContingencyText { condition: field("if"), then: field("then"), runbook: field("runbook"), page: field("page") }
    };
    let is_written = |text: &str| !text.trim().is_empty();
    ItemText {
        title: text("title"),
        severity: text("severity"),
        severity_basis: text("severity_basis"),
        statement: text("statement"),
        tried: text("tried"),
        assessment: text("assessment"),
        plan: text("plan"),
        decision: text("decision"),
        actions: (0..=LINES_MAX)
            .map(action)
            .filter(|line| [&line.text, &line.owner, &line.due, &line.runbook].into_iter().any(|text| is_written(text)))
            .collect(),
        contingencies: (0..=LINES_MAX)
            .map(contingency)
            .filter(|line| {
                [&line.condition, &line.then, &line.runbook, &line.page].into_iter().any(|text| is_written(text))
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_form_and_the_same_in_json_ask_the_same() {
        let form = fields(&[
            ("action", "item"),
            ("revision", "3"),
            ("item", "web.disk"),
            ("title", "Disk"),
            ("severity", "watcher"),
            ("a0.text", "clean"),
            ("a0.owner", "ben"),
            ("a1.text", " "),
            ("c0.if", "above 95 %"),
        ]);
        let json = serde_json::json!({
            "action": "item", "revision": 3, "item": "web.disk",
            "text": {"title": "Disk", "severity": "watcher", "actions": [{"text": "clean", "owner": "ben"}],
                     "contingencies": [{"if": "above 95 %"}]},
        });
        assert_eq!(read(&form), Ok(serde_json::from_value(json).expect("it fits")));
        assert!(read(&fields(&[("action", "item"), ("item", "x")])).is_err(), "no revision");
        assert!(read(&fields(&[("action", "explode")])).is_err());
    }
}
