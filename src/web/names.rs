//! Which names the server answers to. A page of another site can have its own name lead to this server's address
//! (DNS rebinding) and would then be of the same origin as our pages; but the browser still sends that name.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::web::client::Connection;
use crate::web::problem::Problem;
use crate::web::state::Web;

/// The origin of the public address, for layers that have no server at hand.
#[derive(Clone)]
pub struct PublicOrigin(pub String);

/// The layer.
pub async fn keep(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let public = web.options().public_origin();
    let local = request.extensions().get::<Connection>().map(|connection| connection.local.ip());
    let Some(asked) = asked(request.uri(), request.headers()) else {
        return Problem::bad_request("the request names no host, or two").into_response();
    };
    if !is_own(&asked, public.as_deref(), local) {
        return Problem::misdirected(
            "the request asks for a host that is no name of this server; it answers to its public address, to the \
             address that it listens on and, on the same machine, to localhost (its public address is set with \
             --public-url when it is started)",
        )
        .into_response();
    }
    // HTTP/2 has it in the address alone; links that are passed on are made of `Host`.
    if let Ok(host) = HeaderValue::from_str(asked.as_str()) {
        request.headers_mut().entry(header::HOST).or_insert(host);
    }
    if let Some(public) = public {
        request.extensions_mut().insert(PublicOrigin(public));
    }
    next.run(request).await
}

/// The host and port that a request asks for, if it says so once: in its address (HTTP/2) or in `Host`.
pub fn asked(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let mut told = headers.get_all(header::HOST).iter();
    let host = told.next().map(|host| host.to_str().ok().and_then(|host| host.parse::<Authority>().ok()));
    if told.next().is_some() {
        return None;
    }
    let name = match (uri.authority().cloned(), host) {
        (Some(name), None) | (None, Some(Some(name))) => name,
        (Some(name), Some(Some(host))) if name == host => name,
        (Some(_) | None, Some(_)) | (None, None) => return None,
    };
    (!name.as_str().contains('@')).then_some(name)
}

/// Ports are not compared: tunnels and containers change them, and rebinding is about names.
fn is_own(asked: &Authority, public: Option<&str>, local: Option<IpAddr>) -> bool {
    let host = asked.host();
    let public = public.and_then(|origin| origin.split_once("://")?.1.parse::<Authority>().ok());
    if public.is_some_and(|public| public.host().eq_ignore_ascii_case(host)) {
        return true;
    }
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.is_ok_and(|address| {
        let address = address.to_canonical();
        address.is_loopback() || local.is_some_and(|local| local.to_canonical() == address)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(host: &str) -> bool {
        let host = host.parse().expect("a host");
        is_own(&host, Some("https://ops.example.org"), Some("192.0.2.1".parse().expect("an address")))
    }

    #[test]
    fn the_server_answers_to_its_own_names_and_to_no_other() {
        for own in ["ops.example.org", "OPS.example.org:8443", "localhost:1", "127.0.0.1", "[::1]:7878", "192.0.2.1:80"]
        {
            assert!(answers(own), "{own}");
        }
        for other in [
            "evil.example",
            "ops.example.org.evil.example",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "192.0.2.2",
            "xops.example.org",
            "ops.example.org.",
            "0.0.0.0",
        ] {
            assert!(!answers(other), "{other}");
        }
    }

    #[test]
    fn a_request_that_names_two_hosts_names_none() {
        let headers = |hosts: &[&'static str]| {
            hosts.iter().map(|host| (header::HOST, HeaderValue::from_static(host))).collect::<HeaderMap>()
        };
        let mut two = HeaderMap::new();
        two.append(header::HOST, HeaderValue::from_static("localhost"));
        two.append(header::HOST, HeaderValue::from_static("evil.example"));
        let plain = Uri::from_static("/x");
        let whole = Uri::from_static("http://localhost/x");
        assert!(asked(&plain, &two).is_none());
        assert!(asked(&plain, &HeaderMap::new()).is_none());
        assert!(asked(&whole, &headers(&["evil.example"])).is_none());
        assert!(asked(&plain, &headers(&["user@localhost"])).is_none());
        assert!(asked(&whole, &headers(&["localhost"])).is_some() && asked(&whole, &HeaderMap::new()).is_some());
    }
}
