//! A write with a session's cookie must come from this server's own pages.
//!
//! Browsers send cookies along with what other sites' pages ask for. tower-http's layer refuses what says that it
//! comes from elsewhere; this one also refuses what does not say where it comes from, which only a program sends
//! (programs have tokens) or a browser that somebody made silent. Bearer tokens are not concerned: no browser adds one
//! by itself.

use axum::extract::Request;
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::web::client::Client;
use crate::web::cookies;
use crate::web::names;
use crate::web::problem::Problem;

/// The layer.
pub async fn keep(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let by_cookie = !request.headers().contains_key(header::AUTHORIZATION) && cookies::has_session(request.headers());
    if reads || !by_cookie || is_own(&request) {
        return next.run(request).await;
    }
    refused().into_response()
}

/// What a page of another site is answered.
pub fn refused() -> Problem {
    Problem::forbidden("the request came from another site's page; open this server's own page and try there")
}

fn is_own(request: &Request) -> bool {
    let headers = request.headers();
    let one = |name: &str| -> Option<Option<&str>> {
        let mut values = headers.get_all(name).iter();
        let first = values.next()?;
        // Two of them, or one that is no text, are nobody's own.
        Some(first.to_str().ok().filter(|_| values.next().is_none()))
    };
    let fetch_site = one("sec-fetch-site");
    if fetch_site.is_some_and(|site| site != Some("same-origin")) {
        return false;
    }
    match one("origin") {
        // Our pages let nobody know where one came from (`Referrer-Policy`): their forms have no origin to tell, but
        // the browser vouches for them all the same.
        Some(Some("null")) | None => fetch_site.is_some(),
        Some(Some(origin)) => own_origins(request).iter().any(|own| own == origin),
        Some(None) => false,
    }
}

/// As the request's own address says, which `names` has found to be ours, and as the public address says.
fn own_origins(request: &Request) -> Vec<String> {
    let client = request.extensions().get::<Client>();
    let scheme = if client.is_some_and(|client| client.is_https) { "https" } else { "http" };
    let asked = names::asked(request.uri(), request.headers()).map(|name| format!("{scheme}://{name}"));
    let public = request.extensions().get::<names::PublicOrigin>().map(|public| public.0.clone());
    asked.into_iter().chain(public).collect()
}
