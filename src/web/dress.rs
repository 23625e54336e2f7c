//! What every answer gets: a request number, a log line without secrets, headers that shut doors, and problems
//! drawn for whoever asked.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use crate::access::secret;
use crate::entropy;
use crate::web::client::{Client, Connection};
use crate::web::page::{Frame, Page};
use crate::web::problem::Problem;
use crate::web::state::Web;
use crate::web::view::login::LoginPage;
use crate::web::view::share::ProblemPage;

/// No inline script or style, nothing from elsewhere, nobody may frame us.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is no page is never to be one, whatever a browser makes of its bytes: no script, no form, an origin of nobody.
const CONTENT_SECURITY_POLICY_RAW: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; sandbox";

/// A year. Not for sub-domains: they may be somebody else's.
const STRICT_TRANSPORT_SECURITY: &str = "max-age=31536000";

/// The outermost layer.
pub async fn dress(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let client = request.extensions().get::<Connection>().map(|it| Client::of(it, request.headers(), web.options()));
    if let Some(client) = client {
        request.extensions_mut().insert(client);
    }
    let request_id = entropy::fresh_uuid(web.now_ms());
    let began_ms = web.clock().monotonic_ms();
    let method = request.method().clone();
    let is_api = request.uri().path().starts_with("/api/");
    // The pattern, never the address itself: that may hold a share link's token.
    let route = request.extensions().get::<MatchedPath>().map_or("(none)".to_owned(), |path| path.as_str().to_owned());
    let next_page = request.uri().path_and_query().map(|address| address.as_str().to_owned()).unwrap_or_default();
    let mut response = next.run(request).await;
    if let Some(problem) = problem_of(&response) {
        response = draw(&web, problem, is_api, request_id, &next_page, response);
    }
    shut_doors(response.headers_mut());
    if client.is_some_and(|client| client.is_https) {
        let value = HeaderValue::from_static(STRICT_TRANSPORT_SECURITY);
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response.headers_mut().insert(REQUEST_ID, text(&request_id.to_string()));
    let took_ms = web.clock().monotonic_ms() - began_ms;
    tracing::info!(%method, route, status = response.status().as_u16(), took_ms, request.id = %request_id, "answered");
    response
}

/// The problem that an answer carries, also when the framework refused by itself.
fn problem_of(response: &Response) -> Option<Problem> {
    let status = response.status();
    if let Some(problem) = response.extensions().get::<Problem>() {
        return Some(problem.clone());
    }
    let plain =
        response.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let ours = status == StatusCode::SERVICE_UNAVAILABLE;
    ((status.is_client_error() || status.is_server_error()) && plain && !ours).then(|| Problem::of_status(status))
}

fn draw(
    web: &Web,
    mut problem: Problem,
    is_api: bool,
    request_id: Uuid,
    next_page: &str,
    original: Response,
) -> Response {
    problem.instance = Some(format!("urn:uuid:{request_id}").into());
    if is_api {
        let allow = original.headers().get(header::ALLOW).cloned();
        let mut response = problem.into_response();
        allow.map(|allow| response.headers_mut().insert(header::ALLOW, allow));
        return response;
    }
    let status = problem.code();
    let page = if status == StatusCode::UNAUTHORIZED {
        // Whoever pasted a secret into an address does not get it back in a page.
        let next = if secret::may_hold_one(next_page) { "" } else { next_page };
        Page::new("login", &Frame::public("Sign in"), &LoginPage::new(web.provider_label(), next))
    } else {
        let view = ProblemPage {
            title: problem.title.to_owned(),
            detail: problem.detail.clone(),
            next_step: problem.next_step.map(str::to_owned),
            request_id: Some(request_id.to_string()),
        };
        Page::new("problem", &Frame::public(problem.title), &view)
    };
    let mut response = match page {
        Ok(page) => page.status(status).into_response(),
        Err(failed) => failed.into_response(),
    };
    problem.mark(response.headers_mut());
    response
}

fn shut_doors(headers: &mut axum::http::HeaderMap) {
    let is_page = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let policy = if is_page { CONTENT_SECURITY_POLICY } else { CONTENT_SECURITY_POLICY_RAW };
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Assets are named by their content and may be kept; everything else tells about runs.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("a UUID is visible ASCII")
}
