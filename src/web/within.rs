//! Requests of the process that holds the engine itself. The command line without a server asks the very handlers
//! that a server would, so that both roads answer alike.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use tower::ServiceExt;

use crate::access::identity::Identity;
use crate::run::event::Actor;
use crate::web::routes;
use crate::web::state::Web;

/// The largest answer: what one page of raw output may hold, and room around it.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Who asks from within. Only this process can put it on a request: nothing that comes over a socket carries one.
#[derive(Clone)]
pub(super) struct Insider(pub Identity);

/// What a handler answered.
pub struct Answer {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Web {
    /// Asks a handler of the API, as `actor` who holds this process.
    ///
    /// # Errors
    /// The address is not one, or the answer is too large.
    pub async fn answer_within(
        &self,
        actor: &Actor,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Answer, axum::Error> {
        self.answer_to(Identity::within(actor.clone()), method, path, body).await
    }

    /// Asks a handler as somebody of whom this process knows who they are.
    ///
    /// # Errors
    /// As [`Web::answer_within`].
    pub async fn answer_to(
        &self,
        identity: Identity,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Answer, axum::Error> {
        let request = Request::builder().method(method).uri(path).extension(Insider(identity));
        let request = match body {
            Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let request = request.map_err(axum::Error::new)?;
        let answered = routes::router().with_state(self.clone()).oneshot(request).await;
        let (parts, body) = match answered {
            Ok(response) => response.into_parts(),
            Err(never) => match never {},
        };
        let body = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await?;
        Ok(Answer { status: parts.status, headers: parts.headers, body: body.into() })
    }
}
