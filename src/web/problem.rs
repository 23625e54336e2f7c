//! What went wrong, as RFC 9457 problem details: JSON in the API, the same words on a page.
//!
//! A handler returns a [`Problem`]; the layer of `web::dress` knows whether a page or a program asked, and draws it.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::engine::ask::{ActError, EngineError, StartError};
use crate::engine::handoffs::HandoffActError;
use crate::handoff::decide as handoff;
use crate::id::InvalidId;
use crate::run::action::Refusal;
use crate::run::view::RunView;
use crate::web::templates::RenderFailed;

/// One problem.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// A stable name, `urn:steadyhand:problem:…`; none for what a status says by itself.
    #[serde(rename = "type", serialize_with = "urn")]
    pub kind: Option<&'static str>,
    pub title: &'static str,
    pub status: u16,
    /// What happened, on what, and what to do now.
    pub detail: String,
    /// The number of the request, to find it in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<Box<str>>,
    /// The run as it is now: a stale request can be asked again at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Box<RunView>>,
    /// One entry an input that does not fit, or a place in a file.
    #[serde(skip_serializing_if = "<[ProblemEntry]>::is_empty")]
    pub errors: Box<[ProblemEntry]>,
    #[serde(skip)]
    pub next_step: Option<&'static str>,
    /// When to ask again.
    #[serde(skip)]
    pub retry_after_seconds: Option<u16>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ProblemEntry {
    /// `inputs.mount`, `runbooks/web/disk.yaml:12:3`.
    pub pointer: String,
    pub detail: String,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: Some(kind),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            instance: None,
            run: None,
            errors: Box::default(),
            next_step: None,
            retry_after_seconds: None,
        }
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request could not be understood", detail)
    }

    pub fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "sign-in",
            "Sign in first",
            "send `Authorization: Bearer TOKEN`; `steadyhand token create NAME` on the server makes one",
        )
    }

    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "You may not do this", detail)
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is nothing here", detail)
    }

    pub fn refused(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", "Refused", detail)
    }

    pub fn stale(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "stale", "The run has moved on", detail)
    }

    /// `what` came too often; the same may be asked again after `wait`.
    pub fn too_many(what: &str, wait: Duration) -> Self {
        let seconds = u16::try_from(wait.as_secs().saturating_add(1)).unwrap_or(u16::MAX);
        let detail = format!("too many {what}; ask again in {seconds} s");
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many tries", detail);
        Self { retry_after_seconds: Some(seconds), ..problem }
    }

    /// The request is not for this server.
    pub fn misdirected(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::MISDIRECTED_REQUEST, "not-this-server", "This is not that server", detail)
    }

    /// The rest of the request did not come in time.
    pub fn too_slow(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "The request took too long", detail)
    }

    /// The headers that belong to this problem, whoever draws it.
    pub fn mark(&self, headers: &mut HeaderMap) {
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code() == StatusCode::REQUEST_TIMEOUT {
            // What else comes on this connection would be the rest of the body.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }

    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not now", detail)
    }

    /// What must be in the audit log could not be put there, so it was not done.
    pub fn not_recorded(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not-recorded", "Not done: it could not be recorded", detail)
            .next_step("Try again; if it stays so, the server's log says why the database takes no entry.")
    }

    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server failed", detail)
    }

    /// A problem for what the framework refused by itself (no such route, wrong method, body too large).
    pub fn of_status(status: StatusCode) -> Self {
        let title = status.canonical_reason().unwrap_or("Refused");
        let detail = match status {
            StatusCode::NOT_FOUND => "no page and no API has this address",
            StatusCode::METHOD_NOT_ALLOWED => "this address does not take this method",
            StatusCode::PAYLOAD_TOO_LARGE => "the request's body is larger than the server takes",
            StatusCode::URI_TOO_LONG => "the address is longer than the server takes",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "send the body as application/json",
            _ => "the server does not take this request",
        };
        let title = if status == StatusCode::NOT_FOUND { "There is nothing here" } else { title };
        Self { kind: None, ..Self::new(status, "", title, detail) }
    }

    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status.as_u16();
        self
    }

    #[must_use]
    pub fn with_run(mut self, run: RunView) -> Self {
        self.run = Some(Box::new(run));
        self
    }

    #[must_use]
    pub fn next_step(mut self, next_step: &'static str) -> Self {
        self.next_step = Some(next_step);
        self
    }

    /// The HTTP status.
    pub fn code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

fn urn<S: serde::Serializer>(kind: &Option<&'static str>, serializer: S) -> Result<S::Ok, S::Error> {
    match kind {
        Some(kind) => serializer.collect_str(&format_args!("urn:steadyhand:problem:{kind}")),
        None => serializer.serialize_str("about:blank"),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response =
            (self.code(), [(header::CONTENT_TYPE, "application/problem+json")], Json(&self)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.code() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        self.mark(response.headers_mut());
        response.extensions_mut().insert(self);
        response
    }
}

impl From<InvalidId> for Problem {
    fn from(invalid: InvalidId) -> Self {
        Self::bad_request(invalid.to_string())
    }
}

impl From<RenderFailed> for Problem {
    fn from(failed: RenderFailed) -> Self {
        let cause = std::error::Error::source(&failed).map(ToString::to_string).unwrap_or_default();
        tracing::error!(%cause, "{failed}");
        Self::internal("the page could not be drawn; the run is not touched by this")
    }
}

impl From<EngineError> for Problem {
    fn from(failed: EngineError) -> Self {
        tracing::error!(error = %failed, "a request failed inside the server");
        Self::internal(failed.to_string())
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        let detail = error.to_string();
        match error {
            StartError::NoSuchRunbook { .. } => Self::not_found(detail),
            StartError::Broken { diagnostics, .. } => {
                let errors = diagnostics
                    .iter()
                    .map(|found| ProblemEntry {
                        pointer: format!("{}:{}:{}", found.file, found.span.line, found.span.column),
                        detail: found.message.clone(),
                    })
                    .collect();
                Self { errors, ..Self::refused(detail) }
            }
            StartError::Inputs(inputs) => {
                let errors = inputs
                    .into_iter()
                    .map(|(name, reason)| ProblemEntry { pointer: format!("inputs.{name}"), detail: reason })
                    .collect();
                Self { errors, ..Self::refused(detail) }
            }
            StartError::Hosts(_)
            | StartError::NotYetAvailable { .. }
            | StartError::Guard(_)
            | StartError::Windows { .. } => Self::refused(detail),
            StartError::NotAllowed(_) => Self::forbidden(detail),
            StartError::Draining => Self::unavailable(detail),
            StartError::InvalidId(invalid) => invalid.into(),
            StartError::Engine(failed) => failed.into(),
        }
    }
}

impl From<HandoffActError> for Problem {
    fn from(error: HandoffActError) -> Self {
        let detail = error.to_string();
        match error {
            HandoffActError::NoSuchHandoff(_) => Self::not_found(detail),
            HandoffActError::Refused(handoff::Refusal::Stale) => Self::stale(detail),
            HandoffActError::Refused(handoff::Refusal::Checks(findings)) => {
                let entry = |found: &crate::handoff::checks::Finding| ProblemEntry {
                    pointer: found.name(),
                    detail: found.text.clone(),
                };
                Self { errors: findings.iter().map(entry).collect(), ..Self::refused(detail) }
            }
            HandoffActError::Refused(handoff::Refusal::Incomplete(missing)) => {
                let entry =
                    |lack: &handoff::Missing| ProblemEntry { pointer: "missing".to_owned(), detail: lack.to_string() };
                Self { errors: missing.iter().map(entry).collect(), ..Self::refused(detail) }
            }
            HandoffActError::Refused(
                handoff::Refusal::NotYours(_) | handoff::Refusal::NotNow(_) | handoff::Refusal::Wrong(_),
            ) => Self::refused(detail),
            HandoffActError::Engine(failed) => failed.into(),
        }
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        let detail = error.to_string();
        match error {
            ActError::NoSuchRun(_) => Self::not_found(detail),
            ActError::Refused(Refusal::Stale { .. }) => Self::stale(detail),
            ActError::Refused(Refusal::ConfirmWhoYouAre | Refusal::NotNow(_) | Refusal::Wrong(_)) => {
                Self::refused(detail)
            }
            ActError::Engine(failed) => failed.into(),
        }
    }
}
