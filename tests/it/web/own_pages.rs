//! Writes by cookie come from the server's own pages: every writing route of the table, tried from everywhere else.

use reqwest::{Method, Response, StatusCode};
use steadyhand::web::WebOptions;
use steadyhand::web::routes::{Route, table};

use super::doors::address;
use super::server::Server;

fn writing() -> Vec<Route> {
    let writes = |route: &Route| !matches!(route.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let routes: Vec<Route> = table().into_iter().filter(writes).collect();
    assert!(routes.len() >= 8, "the table holds the routes");
    routes
}

/// What a form of another page can send.
const KINDS: [&str; 4] =
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "application/json"];

/// Sent by a client that itself says nothing of where a request comes from.
async fn write(server: &Server, route: &Route, kind: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = server.silent().request(route.method.clone(), server.url(&address(route.path)));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.header("content-type", kind).body("action=abort&seq=1").send().await.expect("the server answers")
}

#[tokio::test]
async fn a_write_by_cookie_is_refused_unless_it_says_that_it_comes_from_our_own_page() {
    let server = Server::start().await;
    let session = server.session().await;
    let port = server.address.port();
    let own = format!("http://127.0.0.1:{port}");
    let other_port = format!("http://127.0.0.1:{}", port.wrapping_add(1));
    let other_scheme = format!("https://127.0.0.1:{port}");
    let beside = format!("http://evil.127.0.0.1:{port}");
    let elsewhere: Vec<Vec<(&str, &str)>> = vec![
        vec![],
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
        vec![("origin", "")],
        vec![("origin", &beside)],
        vec![("origin", &other_port)],
        vec![("origin", &other_scheme)],
        vec![("origin", &own), ("origin", "https://evil.example")],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("sec-fetch-site", "none")],
        vec![("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
        vec![("sec-fetch-site", "cross-site"), ("origin", &own)],
        vec![("sec-fetch-site", "cross-site"), ("origin", "null")],
        vec![("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
        vec![("referer", &own)],
    ];
    for route in writing() {
        for from in &elsewhere {
            for kind in KINDS {
                let mut headers = from.clone();
                headers.push(("cookie", &session));
                let answer = write(&server, &route, kind, &headers).await;
                assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{} {} {from:?} {kind}", route.method, route.path);
            }
        }
    }
    let still = server.silent().get(server.url("/")).header("cookie", &session).send().await.expect("it answers");
    assert_eq!(still.status(), StatusCode::OK, "nobody was signed out");
}

#[tokio::test]
async fn our_own_page_and_bearer_tokens_are_not_concerned() {
    let server = Server::start().await;
    let own = format!("http://{}", server.address);
    let bearer = format!("Bearer {}", server.token);
    let mut session = server.session().await;
    for route in writing().iter().filter(|route| route.path != "/logout") {
        // Some of them end it, and one address signs in a few times a minute only.
        let alive = server.silent().get(server.url("/")).header("cookie", &session).send().await;
        if alive.expect("the server answers").status() != StatusCode::OK {
            session = server.session().await;
        }
        for headers in [
            vec![("cookie", session.as_str()), ("origin", own.as_str())],
            vec![("cookie", session.as_str()), ("sec-fetch-site", "same-origin")],
            vec![("cookie", session.as_str()), ("sec-fetch-site", "same-origin"), ("origin", own.as_str())],
            vec![("cookie", session.as_str()), ("sec-fetch-site", "same-origin"), ("origin", "null")],
            vec![("authorization", bearer.as_str())],
        ] {
            let answer = write(&server, route, "application/json", &headers).await;
            // One's own account opens for no token, wherever the request comes from.
            let never = route.path.starts_with("/account") && headers[0].0 == "authorization";
            let refused = answer.status() == StatusCode::FORBIDDEN;
            assert_eq!(refused, never, "{} {} {headers:?}", route.method, route.path);
        }
    }
}

#[tokio::test]
async fn behind_a_proxy_that_rewrites_the_host_the_public_address_is_our_own() {
    let public_url = Some("https://ops.example.org".to_owned());
    let server = Server::start_with(WebOptions { public_url, ..WebOptions::default() }).await;
    let session = server.session().await;
    for (origin, expected) in [("https://ops.example.org", false), ("http://ops.example.org", true)] {
        let route = writing().into_iter().find(|route| route.path.ends_with("/revoke")).expect("it is in the table");
        let headers = [("cookie", session.as_str()), ("origin", origin)];
        let answer = write(&server, &route, KINDS[0], &headers).await;
        assert_eq!(answer.status() == StatusCode::FORBIDDEN, expected, "{origin}");
    }
}

#[tokio::test]
async fn nobody_is_signed_in_from_another_site_s_page() {
    let server = Server::start().await;
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("origin", "null")] {
        let link = server.login_link().await;
        let form = server.silent().post(server.url("/login")).header(name, value);
        let form = form.header("content-type", KINDS[0]).body(format!("token={link}"));
        let answer = form.send().await.expect("it answers");
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}: {value}");
        assert!(!answer.headers().contains_key("set-cookie"));
    }
}
