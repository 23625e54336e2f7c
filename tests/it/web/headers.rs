//! What every answer says to the browser, errors included, and that the templates need nothing else.

use reqwest::{Method, Response};
use serde_json::json;
use steadyhand::web::routes::table;

use super::doors::address;
use super::server::Server;

fn check(answer: &Response, what: &str) {
    let headers = answer.headers();
    let policies: Vec<_> = headers.get_all("content-security-policy").iter().collect();
    assert_eq!(policies.len(), 1, "{what}");
    let policy = policies[0].to_str().expect("headers are ASCII");
    let directives: Vec<&str> = policy.split(';').map(str::trim).collect();
    assert!(directives.contains(&"default-src 'none'") && directives.contains(&"frame-ancestors 'none'"), "{what}");
    assert!(directives.contains(&"base-uri 'none'"), "{what}: {policy}");
    for weak in ["unsafe", "http:", "https:", "*", "blob:", "nonce-", "strict-dynamic"] {
        assert!(!policy.contains(weak), "{what}: {policy}");
    }
    let is_page = headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    assert_eq!(directives.contains(&"sandbox"), !is_page, "{what}: only pages are pages: {policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(headers[name], value, "{what}");
    }
    assert!(headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{what}: no CORS");
    assert!(!headers.contains_key("server") && !headers.contains_key("x-powered-by"), "{what}");
}

#[tokio::test]
async fn every_route_with_every_method_and_every_error_shuts_the_doors_of_the_browser() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    for route in table() {
        for path in [address(route.path), route.path.replace("{id}", &run).replace("{*path}", "web/tour")] {
            let path = path.replace(['{', '}'], "");
            for method in [&route.method, &Method::OPTIONS, &Method::PUT, &Method::HEAD] {
                for bearer in [None, Some(server.token.as_str())] {
                    let mut request = server.bare(method.clone(), &path).header("origin", "https://evil.example");
                    request = request.header("access-control-request-method", "POST");
                    if let Some(token) = bearer {
                        request = request.bearer_auth(token);
                    }
                    let answer = request.send().await.expect("the server answers");
                    check(&answer, &format!("{method} {path} {}", bearer.is_some()));
                }
            }
        }
    }
    for path in ["/none", "/api/none", "/%00", "/assets/x/none", "/s/none"] {
        check(&server.get(path).await, path);
    }
    let huge = server.asked(Method::POST, "/api/v1/runs").json(&json!({"runbook": "x".repeat(2 * 1024 * 1024)}));
    if let Ok(answer) = huge.send().await {
        check(&answer, "a body that is too large");
    }
}

#[tokio::test]
async fn raw_output_is_text_that_no_browser_makes_a_page_of() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    let raw = server.get(&format!("/api/v1/runs/{run}/steps/look/hosts/web-1/output")).await;
    check(&raw, "raw output");
    assert_eq!(raw.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(raw.text().await.expect("it is text").contains("<script>"), "as the host wrote it");
}

/// What would need `unsafe-inline`, or would run something: found in the text of a template.
fn inline(template: &str) -> Option<String> {
    let lower = template.to_lowercase();
    for tag in lower.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default()) {
        let name = tag.split(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap_or_default();
        let is_inline = name == "style" || (name == "script" && !tag.contains(" src=\"{{frame.assets."));
        let foreign = ["iframe", "object", "embed", "base", "applet", "frame"].contains(&name);
        let attribute = tag
            .split([' ', '\n', '\t', '"', '\''])
            .any(|word| word.starts_with("style=") || word.strip_prefix("on").is_some_and(|rest| rest.contains('=')));
        if is_inline || foreign || attribute || tag.contains("javascript:") || tag.contains("srcdoc") {
            return Some(tag.to_owned());
        }
    }
    None
}

#[test]
fn no_template_holds_inline_style_or_script() {
    for bad in [
        "<p style=\"color: red\">",
        "<style>p {}</style>",
        "<script>1</script>",
        "<button onclick=\"x()\">",
        "<svg\nonload=x>",
        "<a href=\"javascript:x\">",
        "<iframe>",
    ] {
        assert!(inline(bad).is_some(), "{bad}");
    }
    assert_eq!(inline("<script src=\"{{frame.assets.script}}\" defer></script><p class=\"one\">style=</p>"), None);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/templates");
    let mut seen = 0;
    let folders = [folder.clone(), folder.join("components")];
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("the folder is there"));
    for path in entries.map(|entry| entry.expect("it can be listed").path()).filter(|path| path.is_file()) {
        let text = std::fs::read_to_string(&path).expect("a template is text");
        assert_eq!(inline(&text), None, "{}", path.display());
        // `{{{` is what a painter has made safe: the lines of output, and nothing else.
        for raw in text.match_indices("{{{").map(|(at, _)| &text[at..]) {
            assert!(raw.starts_with("{{{html}}}"), "{}: {raw:.40}", path.display());
        }
        seen += 1;
    }
    assert!(seen > 20, "the folder holds the templates");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/assets");
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        let text = std::fs::read_to_string(&path).expect("an asset is text");
        for sink in ["eval(", "new Function", "document.write", "setAttribute(\"on", "javascript:"] {
            assert!(!text.contains(sink), "{}: {sink}", path.display());
        }
    }
}
