//! How long a request may take, and how much of it may come: somebody who sends slowly holds a connection, memory and
//! a task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout, timeout_at};

use crate::web::client::Client;
use crate::web::limits::URL_BYTES_MAX;
use crate::web::problem::Problem;
use crate::web::state::Web;

/// The layer.
pub async fn keep(State(web): State<Web>, client: Client, request: Request, next: Next) -> Response {
    if let Err(problem) = web.rates().address(client.address) {
        return problem.into_response();
    }
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if address > URL_BYTES_MAX {
        return Problem::of_status(StatusCode::URI_TOO_LONG).into_response();
    }
    let bounds = web.options().bounds;
    let late = Arc::new(AtomicBool::new(false));
    let request = match *request.method() {
        Method::GET | Method::HEAD => request,
        _ => request.map(|body| until(Instant::now() + bounds.body_read, body, Arc::clone(&late))),
    };
    let answered = timeout(bounds.request, next.run(request)).await;
    match answered {
        Ok(_) if late.load(Ordering::Relaxed) => {
            Problem::too_slow("its body did not come to its end in time, and nothing was done").into_response()
        }
        Ok(response) => response,
        Err(_) => Problem::unavailable("no answer was ready in time; look whether what was asked for has been done")
            .into_response(),
    }
}

/// `body`, which fails at `deadline`. Never cut short there instead: half a form may say something else.
fn until(deadline: Instant, body: Body, late: Arc<AtomicBool>) -> Body {
    Body::from_stream(bounded(deadline, body.into_data_stream().map(|bytes| bytes.map_err(BoxError::from)), late))
}

fn bounded<S>(deadline: Instant, bytes: S, late: Arc<AtomicBool>) -> impl Stream<Item = Result<Bytes, BoxError>> + Send
where
    S: Stream<Item = Result<Bytes, BoxError>> + Send + Unpin,
{
    stream::unfold(Some((bytes, late)), move |rest| async move {
        let (mut bytes, late) = rest?;
        match timeout_at(deadline, bytes.next()).await {
            Ok(Some(part)) => Some((part, Some((bytes, late)))),
            Ok(None) => None,
            Err(elapsed) => {
                late.store(true, Ordering::Relaxed);
                Some((Err(elapsed.into()), None))
            }
        }
    })
}
