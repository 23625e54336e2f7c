//! Output over pages and API: any range, links to lines, search, bytes from an offset.

use reqwest::{Method, StatusCode};
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
    assert!(page.contains("q=LINE+77&amp;lines=770#L770\">770</a>"));
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

#[tokio::test]
async fn a_pattern_is_searched_in_all_of_the_output_and_leads_from_hit_to_hit() {
    let server = Server::start().await;
    let run = long(&server, 4_000, "hunter22").await;
    let path = format!("/runs/{run}/steps/talk/hosts/web-1");
    let page = server.page(&format!("{path}?q=^line+[0-9]77$&re=1&attempt=1")).await;
    assert!(page.contains("9 lines hold “^line [0-9]77$”"), "177, 277, … 977");
    assert!(page.contains("data-numbers=\"177,277,377,477,577,677,777,877,977\""));
    let next = server.page(&format!("{path}?q=^line+[0-9]77$&re=1&find=next&line=500")).await;
    assert!(next.contains("5 of 9 lines hold") && next.contains("<span class=\"l m h\" id=\"L577\""), "{next}");
    let previous = server.page(&format!("{path}?q=^line+[0-9]77$&re=1&find=previous&line=500")).await;
    assert!(previous.contains("<span class=\"l m h\" id=\"L477\""));
    let none = server.page(&format!("{path}?q=^line+[0-9]77$&re=1&find=next&line=2000")).await;
    assert!(none.contains("Nothing more behind line 2000"));
    let wrong = server.page(&format!("{path}?q=a(&re=1")).await;
    assert!(wrong.contains("Cannot look for this: it is not a pattern"));
    let case = server.page(&format!("{path}?q=LINE+77&case=1")).await;
    assert!(case.contains("0 lines hold"));
}

#[tokio::test]
async fn a_search_with_many_hits_says_where_it_was_cut_and_goes_on_from_there() {
    let server = Server::start().await;
    let run = long(&server, 60_000, "hunter22").await;
    let path = format!("/runs/{run}/steps/talk/hosts/web-1");
    let page = server.page(&format!("{path}?q=line")).await;
    assert!(page.contains("not searched further"), "{}", &page[..4_000]);
    let way = page.split("href=\"").find(|part| part.contains("&amp;after=")).expect("there is a way on");
    let way = way.split('"').next().expect("it ends").replace("&amp;", "&");
    let rest = server.page(&way).await;
    assert!(rest.contains("lines hold") && !rest.contains("0 lines hold"));
}

#[tokio::test]
async fn the_script_of_the_page_gets_what_is_new_and_only_that() {
    let server = Server::start().await;
    let run = long(&server, 4_000, "hunter22").await;
    let path = format!("/runs/{run}/steps/talk/hosts/web-1/lines");
    let part = server.page(&format!("{path}?next=4000")).await;
    assert!(part.contains("data-first=\"4000\" data-last=\"4001\" data-next=\"4002\" data-total=\"4001\""), "{part}");
    assert!(part.contains("data-finished") && part.contains("id=\"L4001\"") && !part.contains("id=\"L3999\""));
    let late = server.page(&format!("{path}?next=10")).await;
    assert!(late.contains("data-first=\"2502\"") && late.contains("data-skipped=\"2492\""), "only the last page of it");
    let count = server.page(&format!("{path}?next=10&count=1")).await;
    assert!(count.contains("data-total=\"4001\"") && !count.contains("<pre"));
    let range = server.page(&format!("{path}?from=7&to=9")).await;
    assert!(range.contains("data-first=\"7\" data-last=\"9\""));
    assert_eq!(server.get(&format!("{path}?next=x")).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn output_comes_as_a_file_in_three_forms_whole_or_in_part() {
    let server = Server::start().await;
    let run = long(&server, 12_000, "hunter22").await;
    let path = format!("/runs/{run}/steps/talk/hosts/web-1/file");
    let page = server.page(path.trim_end_matches("/file")).await;
    for form in ["txt", "log", "json"] {
        assert!(page.contains(&format!("&amp;as={form}\" download")), "the page leads to .{form}");
    }
    let answer = server.get(&format!("{path}?as=txt")).await;
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"talk-web-1-1.txt\"");
    let text = answer.text().await.expect("it is text");
    assert_eq!(text.lines().count(), 12_001, "all of it, whatever fits into one piece");
    assert!(
        text.starts_with("line 1\nline 2\n") && text.ends_with("hidden [redacted: secret]\n"),
        "{}",
        &text[text.len() - 80..]
    );
    // As browsers ask for it; an answer that is not whole is an error.
    let packed = server.asked(Method::GET, &format!("{path}?as=txt&lines=2-3")).header("accept-encoding", "gzip");
    let packed = packed.send().await.expect("it answers");
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert!(!packed.bytes().await.expect("it comes to its end").is_empty());
    let log = server.get(&format!("{path}?as=log&lines=2-3")).await.text().await.expect("it is text");
    assert!(log.lines().all(|line| line.contains("Z out line ")) && log.lines().count() == 2, "{log}");
    let json: serde_json::Value = server.get(&format!("{path}?as=json")).await.json().await.expect("it is JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(12_001));
    assert_eq!((json[6]["line"].clone(), json[6]["text"].clone()), (json!(7), json!("line 7")));
    let none: serde_json::Value =
        server.get(&format!("{path}?as=json&lines=90000-90001")).await.json().await.expect("it is JSON");
    assert_eq!(none, json!([]));
    assert_eq!(server.get(&format!("{path}?as=exe")).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(server.get(&format!("{path}?lines=x")).await.status(), StatusCode::BAD_REQUEST);
    let session = server.session().await;
    let recorded = server.send(Method::GET, "/audit?kind=output-downloaded", &session, &[]).await;
    let recorded = recorded.text().await.expect("it is text");
    assert!(recorded.contains("attempt:"), "giving bytes away is recorded: {recorded}");
}

#[tokio::test]
async fn the_grid_and_the_log_of_a_host_lead_to_the_output() {
    let server = Server::start().await;
    let run = server.tour(&["web-1", "web-2"]).await;
    let grid = server.page(&format!("/runs/{run}/grid")).await;
    assert!(grid.contains("href=\"steps/look/hosts/web-1\""), "{grid}");
    assert!(grid.contains("2 of 2 hosts, the worst first"));
    let one = server.page(&format!("/runs/{run}/grid?q=web-2")).await;
    assert!(one.contains("web-2</span>") && !one.contains("web-1</span>"));
    let log = server.page(&format!("/runs/{run}/log?host=web-2")).await;
    assert!(log.contains("id=\"s1-L1\"") && log.contains("first line"), "{log}");
    assert_eq!(server.get(&format!("/runs/{run}/log?host=none")).await.status(), StatusCode::NOT_FOUND);
}
