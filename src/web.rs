//! The web server: pages, the HTTP API and live streams.
//!
//! A request passes the layers of `dress`, finds its row in the table of `routes`, proves by `authority` that it
//! may, and reaches a handler in `pages` or `api`. A handler does five things: extract, authorise, ask the engine
//! or read the store, build a `view`, render. Pages are complete without JavaScript; what is live is the same
//! parts drawn again.

mod action_form;
pub mod ansi;
mod api;
mod assets;
mod authority;
mod doing;
mod dress;
mod format;
mod health;
mod limits;
mod page;
mod pages;
mod problem;
mod query;
mod reading;
pub mod routes;
mod sharing;
mod state;
mod templates;
mod view;
mod within;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::{CsrfLayer, ProtectionError};

pub use state::{Web, WebOptions};
pub use within::Answer;

use problem::Problem;

/// How long open requests may take after the server was told to end.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// The whole web side as a router.
pub fn router(web: Web) -> Router {
    routes::router()
        .layer(CsrfLayer::new().with_rejection_response(|_: ProtectionError| {
            Problem::forbidden("the request came from another site's page; open this server's own page and try there")
                .into_response()
        }))
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(web.clone(), dress::dress))
        // Its default leaves out event streams, which must not wait for a full buffer.
        .layer(CompressionLayer::new())
        .with_state(web)
}

/// Serves until `shutdown`, then lets open requests end.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, web: Web, shutdown: CancellationToken) -> std::io::Result<()> {
    let stopping = web.stopping().clone();
    let service = router(web).into_make_service_with_connect_info::<SocketAddr>();
    let told = {
        let (shutdown, stopping) = (shutdown.clone(), stopping.clone());
        async move {
            shutdown.cancelled().await;
            stopping.cancel();
        }
    };
    let serving = axum::serve(listener, service).with_graceful_shutdown(told);
    let given_up = async {
        stopping.cancelled().await;
        tokio::time::sleep(DRAIN_MAX).await;
    };
    tokio::select! {
        ended = serving => ended,
        () = given_up => Ok(()),
    }
}
