//! The audit log: what a query asks for, and how checkpoints and anchors stand.

use std::sync::Arc;

use axum::response::Response;
use uuid::Uuid;

use crate::audit::checkpoint::Checkpoint;
use crate::audit::entry::{ANONYMOUS, COMMAND_LINE, Kind, NewEntry, SERVER};
use crate::audit::export::{CSV_HEADER, Row};
use crate::audit::when;
use crate::store::StoreError;
use crate::store::audit::{Cursor, Filter, PAGE_MAX, Page};
use crate::web::authority::{Authorised, ReadAudit, TheServer};
use crate::web::format::{Moment, count};
use crate::web::problem::Problem;
use crate::web::query::Fields;
use crate::web::reading::streamed::{self, Form};
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

/// Everything that fits, newest first, a page of it in memory at a time. That it is given away is recorded before.
///
/// # Errors
/// It cannot be recorded, or the query is none.
pub async fn export(who: &Authorised<ReadAudit, TheServer>, web: &Web, asked: &Fields) -> Result<Response, Problem> {
    let (filter, form) = (filter(asked)?, Form::asked(asked)?);
    let exported = NewEntry::new(web.now_ms(), Kind::AuditExported, &*who.actor().0, SERVER);
    web.store().record(&exported.with("as", form.file("audit"))).await?;
    let given = Arc::new((web.store().clone(), filter));
    Ok(streamed::file(form, "audit", CSV_HEADER, move |place| {
        let given = Arc::clone(&given);
        async move {
            let (store, filter) = &*given;
            let page = store.list_audit(filter, place, PAGE_MAX).await?;
            let lines = page.rows.iter().map(|row| match form {
                Form::JsonLines => json_line(row),
                Form::Csv => row.csv(),
            });
            Ok::<_, StoreError>((lines.collect::<String>(), page.next))
        }
    }))
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
