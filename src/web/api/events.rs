//! The event stream of a run: what is stored, with its number; a reconnect is the same read from that number on.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::run::event::Event;
use crate::web::authority::{Authorised, ReadRuns, TheRun};
use crate::web::limits::{EVENTS_PAGE, KEEP_ALIVE_SECONDS, VIEWER_PATIENCE_SECONDS};
use crate::web::problem::Problem;
use crate::web::query::QueryFields;
use crate::web::reading::runs;
use crate::web::state::Web;
use crate::web::watchers::Watching;

/// Events between the reader of the store and a connection; a slow viewer costs this much memory and no more.
const QUEUE_MAX: usize = 16;

/// Hints of one burst of output are told as one.
const BURST: Duration = Duration::from_millis(150);

/// How often an open stream asks whether its viewer may still look: a revoked session or grant ends it this soon.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// How often a run that is not live here is looked at: another server may carry it, or it is being taken up.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Follows a run. `event` carries a stored event, with its number as id; `output` says that output arrived (read it
/// from there); `end` says that nothing more will come.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/events", tag = "runs",
    params(
        ("id" = String, Path), ("after" = Option<u64>, Query, description = "The last event that you have"),
        ("Last-Event-ID" = Option<String>, Header),
    ),
    responses(
        (status = 200, description = "The events", content_type = "text/event-stream", body = String),
        (status = 503, description = "Too many viewers: ask for the run every few seconds instead"),
    )
)]
pub async fn stream(
    who: Authorised<ReadRuns, TheRun>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let from_header = parts.headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let after = from_header.or(asked.filled("after").and_then(|after| after.parse().ok())).unwrap_or(0);
    let place = web.limits().viewer();
    let place = place.ok_or_else(|| Problem::unavailable("too many viewers; ask for the run every few seconds"))?;
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    let watching = web.watchers().come(who.on.id, who.actor());
    tokio::spawn(Viewer { web, who, after, sender, parts, _place: place, _watching: watching }.follow());
    let events = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|sent| (Ok::<_, Infallible>(sent), receiver))
    });
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(KEEP_ALIVE_SECONDS));
    // Proxies that buffer answers would hold events back.
    Ok(([("x-accel-buffering", "no")], Sse::new(events).keep_alive(keep_alive)).into_response())
}

/// One open stream. Ends when its viewer goes, is too slow, the run ends or the server ends.
struct Viewer {
    web: Web,
    who: Authorised<ReadRuns, TheRun>,
    after: u64,
    sender: mpsc::Sender<Sent>,
    /// The request, to ask again whether its sender may still look.
    parts: Parts,
    _place: OwnedSemaphorePermit,
    /// Others see that they look on.
    _watching: Watching,
}

/// Why following goes no further.
struct Over;

impl Viewer {
    async fn follow(mut self) {
        let stopping = self.web.stopping().clone();
        let (web, mut parts) = (self.web.clone(), self.parts.clone());
        let no_longer_allowed = async {
            loop {
                tokio::time::sleep(ASK_AGAIN).await;
                if Authorised::<ReadRuns, TheRun>::from_request_parts(&mut parts, &web).await.is_err() {
                    return;
                }
            }
        };
        let (viewer_gone, ended) = (self.sender.clone(), self.until_over());
        tokio::select! {
            _ = ended => {}
            () = no_longer_allowed => {}
            () = viewer_gone.closed() => {}
            () = stopping.cancelled() => {}
        }
    }

    async fn until_over(&mut self) -> Result<(), Over> {
        loop {
            // Subscribed before reading, so that nothing falls between the two.
            let mut hint = runs::watch(&self.who, &self.web);
            let told = self.tell_events().await?;
            if hint.has_changed().is_err() || told.ended {
                self.end_if_over().await?;
                tokio::time::sleep(LOOK_AGAIN).await;
                continue;
            }
            while hint.changed().await.is_ok() {
                tokio::time::sleep(BURST).await;
                hint.borrow_and_update();
                let told = self.tell_events().await?;
                if told.events == 0 {
                    self.send(Sent::default().event("output").data("{}")).await?;
                }
                if told.ended {
                    break;
                }
            }
        }
    }

    async fn tell_events(&mut self) -> Result<Told, Over> {
        let mut told = Told { events: 0, ended: false };
        if runs::is_up_to_date(&self.who, &self.web, self.after) {
            return Ok(told);
        }
        loop {
            let page = runs::events(&self.who, &self.web, self.after, EVENTS_PAGE).await.map_err(|failed| {
                tracing::warn!(run.id = %self.who.on.id, error = failed.detail, "a stream ends: its events cannot be read");
                Over
            })?;
            let full = page.len() as u64 >= u64::from(EVENTS_PAGE);
            for numbered in page {
                let data = serde_json::json!({"seq": numbered.seq, "at_ms": numbered.at_ms, "event": numbered.event});
                let sent = Sent::default().event("event").id(numbered.seq.to_string()).data(data.to_string());
                self.send(sent).await?;
                self.after = numbered.seq;
                told.events += 1;
                told.ended |= matches!(numbered.event, Event::RunEnded { .. });
            }
            if !full {
                return Ok(told);
            }
        }
    }

    async fn end_if_over(&mut self) -> Result<(), Over> {
        match runs::view(&self.who, &self.web).await {
            Ok(view) if view.ended_at_ms.is_none() => Ok(()),
            _ => {
                self.send(Sent::default().event("end").data("{}")).await?;
                Err(Over)
            }
        }
    }

    async fn send(&self, sent: Sent) -> Result<(), Over> {
        self.sender.send_timeout(sent, Duration::from_secs(VIEWER_PATIENCE_SECONDS)).await.map_err(|_| Over)
    }
}

struct Told {
    events: usize,
    ended: bool,
}
