//! Whether the server lives, and whether it can do its work; for load balancers, so it tells nothing else.

use axum::extract::State;
use axum::http::StatusCode;

use crate::web::state::Web;

/// `GET /livez`: the process answers.
pub async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the store answers and new runs are taken.
pub async fn ready(State(web): State<Web>) -> (StatusCode, &'static str) {
    if web.engine().is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    match web.store().setting("readyz").await {
        Ok(_) => (StatusCode::OK, "ok\n"),
        Err(failed) => {
            tracing::warn!(error = %failed, "the store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n")
        }
    }
}
