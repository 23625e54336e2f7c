//! Output over pages and API: any range, links to lines, search, bytes from an offset.

use reqwest::StatusCode;
use serde_json::json;

use super::server::Server;

async fn long(server: &Server, lines: u32, secret: &str) -> String {
    let body =
        json!({"runbook": "web/long", "hosts": ["web-1"], "inputs": {"lines": lines}, "secrets": {"secret": secret}});
    let (status, started) = server.post("/api/v1/runs", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{started}");
    let run = started["id"].as_str().expect("a run has an id").to_owned();
    server.until(&run, |view| view["waiting"]["for"] == "confirm").await;
    run
}

#[tokio::test]
async fn the_last_lines_come_first_and_any_range_opens_by_its_link() {
    let server = Server::start().await;
    let run = long(&server, 4_000, "hunter22").await;
    let path = format!("/runs/{run}/steps/talk/hosts/web-1");
    let page = server.page(&path).await;
    assert!(page.contains("id=\"L4001\"") && !page.contains("id=\"L2000\""), "the last 1,500 lines");
    assert!(page.contains("Lines 1002–2501"), "a plain link leads to earlier ones");
    let range = server.page(&format!("{path}?lines=120-122")).await;
    assert!(range.contains("<span class=\"l m\" id=\"L120\""));
    assert!(range.contains("<span class=\"l m\" id=\"L122\""));
    assert!(!range.contains("<span class=\"l m\" id=\"L123\""));
    let beyond = server.page(&format!("{path}?from=99999999")).await;
    assert!(beyond.contains("id=\"L4001\""), "an address past the end shows the end");
}

#[tokio::test]
async fn a_search_finds_lines_that_are_not_on_the_page() {
    let server = Server::start().await;
    let run = long(&server, 4_000, "hunter22").await;
    let page = server.page(&format!("/runs/{run}/steps/talk/hosts/web-1?q=LINE+77&attempt=1")).await;
    assert!(page.contains("#L77\">77</a>"), "it leads to the line");
    assert!(page.contains("lines=770&amp;q=LINE+77#L770\">770</a>"));
    let none = server.page(&format!("/runs/{run}/steps/talk/hosts/web-1?q=nothing+of+it")).await;
    assert!(none.contains("0 lines hold"));
}

#[tokio::test]
async fn bytes_are_read_from_an_offset_and_say_where_to_go_on() {
    let server = Server::start().await;
    let run = long(&server, 3, "hunter22").await;
    let path = format!("/api/v1/runs/{run}/steps/talk/hosts/web-1/output");
    let whole = server.get(&path).await.text().await.expect("it is text");
    assert!(whole.starts_with("line 1\nline 2\nline 3\n"));
    let part = server.get(&format!("{path}?offset=7&limit=7&stream=stdout")).await;
    assert_eq!(part.headers()["x-output-next-offset"], "14");
    assert_eq!(part.headers()["x-output-finished"], "true");
    assert_eq!(part.text().await.expect("it is text"), "line 2\n");
    let none = server.get(&format!("{path}?stream=stderr")).await.text().await.expect("it is text");
    assert_eq!(none, "");
    assert_eq!(server.get(&format!("{path}?stream=x")).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(server.get(&format!("{path}?offset=-1")).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn lines_come_by_number() {
    let server = Server::start().await;
    let run = long(&server, 10, "hunter22").await;
    let path = format!("/api/v1/runs/{run}/steps/talk/hosts/web-1/output/lines");
    let lines = server.json(&format!("{path}?from=2&to=3")).await;
    assert_eq!(lines["lines"][0]["text"], "line 2");
    assert_eq!(lines["lines"][1]["line"], 3);
    assert_eq!(lines["lines"].as_array().map(Vec::len), Some(2));
    assert_eq!(lines["total"], 11);
    assert_eq!(lines["lines"][0]["stream"], "stdout");
}

#[tokio::test]
async fn a_secret_input_is_on_no_page_and_in_no_answer() {
    let server = Server::start().await;
    let run = long(&server, 3, "hunter22").await;
    for path in [
        format!("/runs/{run}"),
        format!("/runs/{run}/parts"),
        format!("/runs/{run}/steps/talk/hosts/web-1"),
        format!("/runs/{run}/share"),
        format!("/api/v1/runs/{run}"),
        format!("/api/v1/runs/{run}/steps/talk/hosts/web-1/output"),
        format!("/api/v1/runs/{run}/steps/talk/hosts/web-1/output/lines"),
    ] {
        let text = server.get(&path).await.text().await.expect("it is text");
        assert!(!text.contains("hunter22"), "{path}");
    }
    let raw = server.get(&format!("/api/v1/runs/{run}/steps/talk/hosts/web-1/output")).await;
    assert!(raw.text().await.expect("it is text").contains("hidden [redacted"), "it was printed, and masked");
}
