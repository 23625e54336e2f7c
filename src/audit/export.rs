//! Entries as lines of JSON and of CSV: for the page, the API and the command line alike.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::audit::checkpoint::Stream;
use crate::id::Digest;

/// An entry of any stream, for people and programs. Of a run's event it says that it happened, not what was in it:
/// that stands in the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub stream: Stream,
    pub seq: u64,
    pub at_ms: i64,
    pub kind: String,
    /// Empty where nobody did it.
    pub actor: String,
    pub object: String,
    pub detail: Value,
    pub hash: Digest,
}

/// The first line of a CSV file.
pub const CSV_HEADER: &str = "at,stream,seq,kind,actor,object,detail,hash\r\n";

impl Row {
    /// One JSON object.
    pub fn json(&self) -> Value {
        json!({
            "stream": self.stream.to_string(), "seq": self.seq, "at_ms": self.at_ms, "at": self.at(),
            "kind": self.kind, "actor": self.actor, "object": self.object, "detail": self.detail,
            "hash": self.hash.to_string(),
        })
    }

    /// One line of RFC 4180, its end included.
    pub fn csv(&self) -> String {
        let detail = match &self.detail {
            Value::Object(facts) if facts.is_empty() => String::new(),
            detail => detail.to_string(),
        };
        let (stream, seq, hash) = (self.stream.to_string(), self.seq.to_string(), self.hash.to_string());
        let fields =
            [&self.at(), &stream, &seq, &self.kind, &self.actor, &self.object, &detail, &hash].map(|field| cell(field));
        format!("{}\r\n", fields.join(","))
    }

    /// `2026-11-23T03:12:09Z`.
    pub fn at(&self) -> String {
        Timestamp::from_millisecond(self.at_ms).unwrap_or(Timestamp::MIN).to_string()
    }
}

/// A cell that a spreadsheet takes for text: one that would begin a formula gets an apostrophe before it
/// (<https://owasp.org/www-community/attacks/CSV_Injection>; tab and return count too).
pub fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_of_a_csv_file_begins_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert!(cell(text).trim_start_matches('"').starts_with('\''), "{text:?}");
        }
        assert_eq!(cell("user:anna"), "user:anna");
        assert_eq!(cell("=a\",b"), "\"'=a\"\",b\"");
    }

    #[test]
    fn a_row_is_the_same_in_both_forms() {
        let row = Row {
            stream: Stream::Server,
            seq: 3,
            at_ms: 1_795_403_529_000,
            kind: "share-made".into(),
            actor: "user:anna".into(),
            object: "share:1".into(),
            detail: json!({ "run": "1" }),
            hash: Digest([0xab; 32]),
        };
        let hash = "ab".repeat(32);
        assert_eq!(
            row.csv(),
            format!(
                "2026-11-23T03:12:09Z,server,3,share-made,user:anna,share:1,\"{{\"\"run\"\":\"\"1\"\"}}\",{hash}\r\n"
            )
        );
        assert_eq!(row.csv().matches(',').count(), CSV_HEADER.matches(',').count());
        assert_eq!(row.json()["hash"], hash);
    }
}
