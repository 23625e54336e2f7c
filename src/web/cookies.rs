//! The cookies that the server sets, and the names under which it takes them back.
//!
//! Over https a session's cookie is `__Host-…`: a browser takes it only with `Secure`, for the whole of this host and
//! from this host, so that a neighbour's sub-domain can neither read nor plant one. `Lax`, not `Strict`: a link to a
//! run in a chat must open for somebody who has signed in; writes are refused by `own_pages` whatever the browser sends.

use axum::http::HeaderMap;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use uuid::Uuid;

use crate::web::client::Client;

const SESSION: &str = "steadyhand_session";
const SESSION_HTTPS: &str = "__Host-steadyhand_session";

/// A share link's has the path of that link, so that two links do not mix; `__Host-` would forbid the path.
const SHARE: &str = "steadyhand_share";
const SHARE_HTTPS: &str = "__Secure-steadyhand_share";

/// Somebody's between two answers of signing in; sent nowhere but there.
const STEP: &str = "steadyhand_login";
const STEP_HTTPS: &str = "__Secure-steadyhand_login";
const STEP_PATH: &str = "/login";

/// The cookie of a session whose secret is `text`.
pub fn session(client: Client, text: String) -> Cookie<'static> {
    built(session_name(client), text, "/".to_owned(), client)
}

/// What a browser forgets its session by.
pub fn session_gone(client: Client) -> Cookie<'static> {
    built(session_name(client), String::new(), "/".to_owned(), client)
}

/// The secret of the session that a request came with.
pub fn session_text(jar: &CookieJar, client: Client) -> Option<&str> {
    jar.get(session_name(client)).map(Cookie::value)
}

/// The cookie of a half login.
pub fn step(client: Client, text: String) -> Cookie<'static> {
    built(step_name(client), text, STEP_PATH.to_owned(), client)
}

/// What a browser forgets its half login by.
pub fn step_gone(client: Client) -> Cookie<'static> {
    built(step_name(client), String::new(), STEP_PATH.to_owned(), client)
}

/// The secret of the half login that a request came with.
pub fn step_text(jar: &CookieJar, client: Client) -> Option<&str> {
    jar.get(step_name(client)).map(Cookie::value)
}

/// Whether a request came with a session's cookie of any kind, good or bad.
pub fn has_session(headers: &HeaderMap) -> bool {
    let jar = CookieJar::from_headers(headers);
    jar.get(SESSION).is_some() || jar.get(SESSION_HTTPS).is_some()
}

/// The cookie that the link of share `id` is swapped for.
pub fn share(client: Client, id: Uuid, text: String) -> Cookie<'static> {
    built(share_name(client), text, format!("/shared/{id}"), client)
}

/// The secret of the share that a request came with.
pub fn share_text(jar: &CookieJar, client: Client) -> Option<&str> {
    jar.get(share_name(client)).map(Cookie::value)
}

/// Over https only the name that plain HTTP cannot set is taken.
fn session_name(client: Client) -> &'static str {
    if client.is_https { SESSION_HTTPS } else { SESSION }
}

fn step_name(client: Client) -> &'static str {
    if client.is_https { STEP_HTTPS } else { STEP }
}

fn share_name(client: Client) -> &'static str {
    if client.is_https { SHARE_HTTPS } else { SHARE }
}

fn built(name: &'static str, text: String, path: String, client: Client) -> Cookie<'static> {
    let cookie = Cookie::build((name, text)).path(path).http_only(true).same_site(SameSite::Lax);
    cookie.secure(client.is_https).build()
}
