//! `steadyhand token`.

use std::path::Path;

use super::{output, stderr, stdout};

fn token(data: &Path, arguments: &[&str]) -> std::process::Output {
    let data = data.to_str().expect("temporary folders have plain names");
    output(&[&["token"], arguments, &["--data", data]].concat())
}

fn listed(data: &Path) -> serde_json::Value {
    let listed = token(data, &["list", "--format", "json"]);
    serde_json::from_slice(&listed.stdout).expect("it is JSON")
}

#[test]
fn a_new_token_stands_alone_on_standard_output_and_nowhere_else() {
    let data = tempfile::tempdir().expect("a temporary directory");
    let created = token(data.path(), &["create", "deploy", "--expires", "12h"]);
    assert!(created.status.success(), "{}", stderr(&created));
    let text = stdout(&created).strip_suffix('\n').expect("one line");
    assert!(text.starts_with("shtoken_") && !text.contains(char::is_whitespace), "{text}");
    let list = token(data.path(), &["list"]);
    assert!(stdout(&list).contains("deploy") && !stdout(&list).contains(text), "{}", stdout(&list));
    let found = &listed(data.path())["tokens"][0];
    let lasts_ms = found["expires_at_ms"].as_i64().unwrap() - found["created_at_ms"].as_i64().unwrap();
    assert_eq!(lasts_ms, 12 * 3_600_000);
}

#[test]
fn a_revoked_token_is_listed_as_revoked_and_cannot_be_revoked_again() {
    let data = tempfile::tempdir().expect("a temporary directory");
    token(data.path(), &["create", "deploy"]);
    assert!(token(data.path(), &["revoke", "deploy"]).status.success());
    assert_eq!(listed(data.path())["tokens"][0]["state"], "revoked");
    let again = token(data.path(), &["revoke", "deploy"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("token list"), "{}", stderr(&again));
}

#[test]
fn two_tokens_of_one_name_are_revoked_by_their_ids() {
    let data = tempfile::tempdir().expect("a temporary directory");
    token(data.path(), &["create", "ci"]);
    token(data.path(), &["create", "ci"]);
    let unclear = token(data.path(), &["revoke", "ci"]);
    assert!(stderr(&unclear).contains("2 tokens are called \"ci\""), "{}", stderr(&unclear));
    let id = listed(data.path())["tokens"][1]["id"].as_str().expect("an id").to_owned();
    assert!(token(data.path(), &["revoke", &id]).status.success());
    let states = listed(data.path());
    assert_eq!([&states["tokens"][0]["state"], &states["tokens"][1]["state"]], ["valid", "revoked"]);
}

#[test]
fn what_is_no_name_or_no_time_is_refused_with_what_would_be_one() {
    let data = tempfile::tempdir().expect("a temporary directory");
    for (arguments, says) in [
        (["create", "a b", "--expires", "1d"].as_slice(), "letters, digits"),
        (&["create", "a\nb", "--expires", "1d"], "letters, digits"),
        (&["create", "a", "--expires", "soon"], "90s, 15m, 12h or 90d"),
        (&["create", "a", "--expires", "0d"], "90s, 15m, 12h or 90d"),
        (&["login", "--user", "a b", "--base=http://x"], "letters, digits"),
        (&["login", "--user", "nobody", "--base=http://x"], "steadyhand user add nobody"),
        (&["create", "a", "--owner", "nobody"], "steadyhand user list"),
        (&["create", "a", "--scope", "approve"], "read-runs"),
        (&["create", "a", "--on", "("], "selector"),
    ] {
        let refused = token(data.path(), arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&refused).contains(says), "{arguments:?}: {}", stderr(&refused));
    }
    assert_eq!(listed(data.path())["tokens"], serde_json::json!([]));
}

#[test]
fn a_login_link_leads_to_the_server_that_is_named() {
    let data = tempfile::tempdir().expect("a temporary directory");
    let link = token(data.path(), &["login", "--base", "https://ops.example.org/"]);
    assert!(stdout(&link).starts_with("https://ops.example.org/login?token=shlogin_"), "{}", stdout(&link));
}

#[test]
fn a_token_of_a_person_says_whose_it_is_and_what_it_may_do() {
    let data = tempfile::tempdir().expect("a temporary directory");
    let folder = data.path().to_str().expect("temporary folders have plain names");
    assert!(output(&["user", "add", "anna", "--data", folder]).status.success());
    let scope = ["--owner", "anna", "--scope", "read-runs", "start-runs", "--runbooks", "web/**", "--on", "role=web"];
    let created = token(data.path(), &[&["create", "ci"], scope.as_slice()].concat());
    assert!(created.status.success(), "{}", stderr(&created));
    let found = listed(data.path())["tokens"][0].clone();
    assert_eq!(found["actor"], "user:anna/ci");
    assert_eq!(found["may"], "read runs, start runs · web/** · hosts with role in (web)");
}
