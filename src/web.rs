//! The web server: pages, the HTTP API and live streams.
//!
//! A connection gets a seat (`listen`, `seats`). A request passes the layers below, each of which refuses one kind of
//! attack (`names`, `rates`, `patience`, `own_pages`) and all of which are dressed by `dress`, finds its row in the table of `routes`, proves by `authority` that it
//! may, and reaches a handler in `pages` or `api`. A handler does five things: extract, authorise, ask the engine
//! or read the store, build a `view`, render. Pages are complete without JavaScript; what is live is the same
//! parts drawn again.

mod action_form;
pub mod ansi;
mod api;
mod assets;
mod authority;
mod client;
mod cookies;
mod doing;
mod dress;
mod format;
mod handoff_form;
mod health;
mod limits;
mod listen;
mod names;
mod own_pages;
mod page;
mod pages;
mod passwords;
mod patience;
mod problem;
mod proof;
mod query;
mod rates;
mod reading;
mod recording;
pub mod routes;
mod seats;
mod sharing;
mod stalled;
mod state;
mod templates;
mod tls;
mod view;
mod visit;
mod watchers;
mod within;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::{CsrfLayer, ProtectionError};

pub use client::Client;
pub use limits::Bounds;
pub use listen::{ListenError, Listening};
pub use state::{Web, WebOptions};
pub use tls::{Tls, TlsError, TlsFiles};
pub use within::Answer;

/// The whole web side as a router.
pub fn router(web: Web) -> Router {
    let mut same_site = CsrfLayer::new();
    if let Some(origin) = web.options().public_origin() {
        same_site = same_site.add_trusted_origin(origin).expect("a public address of another form is refused at start");
    }
    routes::router()
        .layer(same_site.with_rejection_response(|_: ProtectionError| own_pages::refused().into_response()))
        .layer(middleware::from_fn(own_pages::keep))
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(web.clone(), patience::keep))
        .layer(middleware::from_fn_with_state(web.clone(), names::keep))
        .layer(middleware::from_fn_with_state(web.clone(), dress::dress))
        // Its default leaves out event streams, which must not wait for a full buffer.
        .layer(CompressionLayer::new())
        .with_state(web)
}

/// Serves until `shutdown`, then lets open requests end: https where there is a certificate.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    web: Web,
    tls: Option<Tls>,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let counting = tokio::spawn(recording::write_counts(web.clone()));
    let served = listen::serve(listener, router(web.clone()), &web, tls, shutdown).await;
    web.stopping().cancel();
    // It writes what is left; a panic in it is in the log already.
    let _ = counting.await;
    served
}
