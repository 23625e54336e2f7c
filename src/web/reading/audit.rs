//! The audit log: what a query asks for, and how checkpoints and anchors stand.

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use uuid::Uuid;

use crate::audit::checkpoint::Checkpoint;
use crate::audit::entry::{ANONYMOUS, COMMAND_LINE, Kind, NewEntry, SERVER};
use crate::audit::export::{CSV_HEADER, Row};
use crate::audit::when;
use crate::store::Store;
use crate::store::audit::{Cursor, Filter, PAGE_MAX, Page};
use crate::web::authority::{Authorised, ReadAudit, TheServer};
use crate::web::format::{Moment, count};
use crate::web::problem::Problem;
use crate::web::query::Fields;
use crate::web::state::Web;
use crate::web::view::audit::{AnchorLine, Standing};

/// The filter that a query asks for. A bare name is a person's, a bare id a run's.
///
/// # Errors
/// A time in it is none.
pub fn filter(asked: &Fields) -> Result<Filter, Problem> {
    let moment = |name: &str| {
        let text = asked.filled(name);
        let wrong = |text: &str| Problem::bad_request(format!("{name}={text} is no time: write 2026-11-23"));
        text.map(|text| when::milliseconds(text).ok_or_else(|| wrong(text))).transpose()
    };
    Ok(Filter {
        actor: asked.filled("person").map(actor),
        kind: asked.filled("kind").map(str::to_owned),
        object: asked.filled("object").map(object),
        since_ms: moment("since")?,
        until_ms: moment("until")?,
    })
}

fn actor(text: &str) -> String {
    let whole = text.contains(':') || [ANONYMOUS, COMMAND_LINE, SERVER].contains(&text);
    if whole { text.to_owned() } else { format!("user:{text}") }
}

fn object(text: &str) -> String {
    match text.parse::<Uuid>() {
        Ok(run) => format!("run:{run}"),
        Err(_) => text.to_owned(),
    }
}

/// A page of the log, newest first.
///
/// # Errors
/// The store cannot be read.
pub async fn list(
    _who: &Authorised<ReadAudit, TheServer>,
    web: &Web,
    filter: &Filter,
    cursor: Option<Cursor>,
    limit: u32,
) -> Result<Page, Problem> {
    Ok(web.store().list_audit(filter, cursor, limit).await?)
}

/// How checkpoints and anchors stand.
///
/// # Errors
/// The store cannot be read.
pub async fn standing(_who: &Authorised<ReadAudit, TheServer>, web: &Web) -> Result<Standing, Problem> {
    let now_ms = web.now_ms();
    let last = web.store().last_checkpoint().await?;
    let made = last.as_ref().and_then(|last| Checkpoint::parse(&last.text).ok());
    let anchors = web.store().anchor_states().await?.into_iter().map(|state| {
        let waiting = usize::try_from(state.waiting).unwrap_or(usize::MAX);
        let sent = match state.sent_last {
            0 => "nothing there yet".to_owned(),
            number => format!("there up to checkpoint {number}"),
        };
        let words = if waiting == 0 { sent } else { format!("{sent}; {} waiting", count(waiting, "one", "more")) };
        AnchorLine {
            anchor: state.anchor,
            tone: if state.last_error.is_some() { "bad" } else { "good" },
            standing: if state.last_error.is_some() { "fails" } else { "works" },
            words,
            at: state.sent_at_ms.map(|at_ms| Moment::new(at_ms, now_ms)),
            error: state.last_error,
        }
    });
    Ok(Standing {
        number: last.as_ref().map(|last| last.number.to_string()),
        made: made.map(|made| Moment::new(made.at_ms, now_ms)),
        key: last.as_ref().map(|last| last.key.to_string()),
        anchors: anchors.collect(),
    })
}

/// In which form everything is given away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    JsonLines,
    Csv,
}

/// Everything that fits, newest first, a page of it in memory at a time. That it is given away is recorded before.
///
/// # Errors
/// It cannot be recorded, or the query is none.
pub async fn export(who: &Authorised<ReadAudit, TheServer>, web: &Web, asked: &Fields) -> Result<Response, Problem> {
    let filter = filter(asked)?;
    let (form, kind, name) = match asked.filled("format") {
        None | Some("json") => (Form::JsonLines, "application/x-ndjson", "audit.jsonl"),
        Some("csv") => (Form::Csv, "text/csv; charset=utf-8", "audit.csv"),
        Some(_) => return Err(Problem::bad_request("format is json or csv")),
    };
    let exported = NewEntry::new(web.now_ms(), Kind::AuditExported, &*who.actor().0, SERVER);
    web.store().record(&exported.with("as", name)).await?;
    let begin = Export { store: web.store().clone(), filter, form, next: Next::First };
    // Fused: what compresses an answer asks once more behind its end.
    let body = stream::unfold(begin, |export| async {
        match export.next {
            Next::Done => None,
            Next::First | Next::After(_) => Some(export.page().await),
        }
    });
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, Body::from_stream(body.fuse())).into_response())
}

struct Export {
    store: Store,
    filter: Filter,
    form: Form,
    next: Next,
}

enum Next {
    First,
    After(Cursor),
    Done,
}

impl Export {
    /// The text of the next page. A failure cuts the answer off, so that nobody takes a part for the whole.
    async fn page(mut self) -> (Result<Bytes, crate::store::StoreError>, Self) {
        let (cursor, mut text) = match self.next {
            Next::First if self.form == Form::Csv => (None, CSV_HEADER.to_owned()),
            Next::After(cursor) => (Some(cursor), String::new()),
            Next::First | Next::Done => (None, String::new()),
        };
        let page = match self.store.list_audit(&self.filter, cursor, PAGE_MAX).await {
            Ok(page) => page,
            Err(error) => {
                self.next = Next::Done;
                return (Err(error), self);
            }
        };
        for row in &page.rows {
            match self.form {
                Form::JsonLines => text.push_str(&json_line(row)),
                Form::Csv => text.push_str(&row.csv()),
            }
        }
        self.next = page.next.map_or(Next::Done, Next::After);
        (Ok(Bytes::from(text)), self)
    }
}

fn json_line(row: &Row) -> String {
    format!("{}\n", row.json())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_a_person_and_a_bare_id_a_run() {
        assert_eq!(actor("anna"), "user:anna");
        assert_eq!(actor("token:ci"), "token:ci");
        assert_eq!(actor("anonymous"), "anonymous");
        assert_eq!(object("0198c5a07d3e7c119d5b6c6f0a4f6c01"), "run:0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01");
        assert_eq!(object("share:x"), "share:x");
    }
}
