//! The audit log as a page.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::audit::checkpoint::Stream;
use crate::audit::entry::Kind;
use crate::audit::export::Row;
use crate::web::format::Moment;

/// Kinds of events of runs that are worth a choice of their own.
const EVENT_KINDS: &[&str] = &[
    "run-started",
    "run-ended",
    "step-confirmed",
    "step-answered",
    "step-skipped",
    "unknown-resolved",
    "stop-requested",
    "wheel-taken",
];

/// Search, entries, and how checkpoints stand.
#[derive(Debug, Clone, Serialize)]
pub struct AuditPage {
    pub standing: Standing,
    pub person: String,
    pub object: String,
    pub since: String,
    pub until: String,
    pub kinds: Vec<KindOption>,
    /// What is wrong with the query.
    pub problem: Option<String>,
    pub entries: Vec<EntryLine>,
    pub older: Option<String>,
    pub as_json: String,
    pub as_csv: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct KindOption {
    pub value: String,
    pub chosen: bool,
}

/// Every kind that one may search for, `chosen` marked; first the choice of none.
pub fn kind_options(chosen: &str) -> Vec<KindOption> {
    let own = Kind::ALL.iter().map(|kind| kind.word());
    let all = [""].into_iter().chain(own).chain(EVENT_KINDS.iter().copied());
    all.map(|value| KindOption { value: value.to_owned(), chosen: value == chosen }).collect()
}

/// How checkpoints and anchors stand.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// Of the newest checkpoint.
    pub number: Option<String>,
    pub made: Option<Moment>,
    pub key: Option<String>,
    pub anchors: Vec<AnchorLine>,
}

#[derive(Debug, Clone, Serialize)]
pub struct AnchorLine {
    pub anchor: String,
    pub tone: &'static str,
    pub standing: &'static str,
    pub words: String,
    pub at: Option<Moment>,
    pub error: Option<String>,
}

/// One entry, or one event of a run.
#[derive(Debug, Clone, Serialize)]
pub struct EntryLine {
    pub kind: String,
    pub actor: Option<String>,
    pub object: String,
    /// Where the object can be looked at.
    pub href: Option<String>,
    pub detail: Option<String>,
    pub at: Moment,
    /// `server 12`, to find it in an export.
    pub place: String,
}

impl EntryLine {
    pub fn new(row: &Row, now_ms: i64) -> Self {
        let place = match row.stream {
            Stream::Server => format!("server {}", row.seq),
            Stream::Run(_) => format!("event {}", row.seq),
        };
        Self {
            kind: row.kind.clone(),
            actor: Some(row.actor.clone()).filter(|actor| !actor.is_empty()),
            href: row.object.strip_prefix("run:").map(|run| format!("/runs/{run}")),
            object: row.object.clone(),
            detail: Some(facts(&row.detail)).filter(|facts| !facts.is_empty()),
            at: Moment::new(row.at_ms, now_ms),
            place,
        }
    }
}

/// `from 192.0.2.1 · times more 12`.
fn facts(detail: &Value) -> String {
    let fields = detail.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let fact = |(name, value): (&String, &Value)| {
        let at = name.strip_suffix("_at_ms").zip(value.as_i64());
        let at = at.and_then(|(name, at_ms)| Some((name, Timestamp::from_millisecond(at_ms).ok()?)));
        if let Some((name, at)) = at {
            return format!("{} {}", name.replace('_', " "), at.strftime("%Y-%m-%d %H:%M UTC"));
        }
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{} {value}", name.replace('_', " "))
    };
    fields.map(fact).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn facts_are_words_and_what_is_not_there_is_not_said() {
        assert_eq!(facts(&json!({"from": "::1", "times_more": 12, "run": null})), "from ::1 · times more 12");
        assert_eq!(facts(&json!({"expires_at_ms": 1_795_649_329_322_i64})), "expires 2026-11-25 23:28 UTC");
        assert_eq!(facts(&json!({})), "");
    }
}
