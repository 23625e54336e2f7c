//! `steadyhand user`.

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use super::{output, stderr, stdout, steadyhand};

fn user(data: &Path, arguments: &[&str]) -> Output {
    let data = data.to_str().expect("temporary folders have plain names");
    output(&[&["user"], arguments, &["--data", data]].concat())
}

fn user_typing(data: &Path, arguments: &[&str], typed: &str) -> Output {
    let data = data.to_str().expect("temporary folders have plain names");
    let mut command = steadyhand(&[&["user"], arguments, &["--data", data]].concat());
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    child.stdin.take().expect("it is piped").write_all(typed.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn listed(data: &Path) -> serde_json::Value {
    serde_json::from_slice(&user(data, &["list", "--format", "json"]).stdout).expect("it is JSON")
}

#[test]
fn an_account_is_added_listed_disabled_and_its_name_is_not_given_again() {
    let data = tempfile::tempdir().expect("a temporary directory");
    let added = user(data.path(), &["add", "anna", "--display-name", "Anna Bauer"]);
    assert!(added.status.success() && stderr(&added).contains("steadyhand user login anna"), "{}", stderr(&added));
    assert_eq!(listed(data.path())["people"][0]["signs_in_with"], "links only");
    assert!(user(data.path(), &["disable", "anna"]).status.success());
    assert_eq!(listed(data.path())["people"][0]["state"], "disabled");
    let again = user(data.path(), &["add", "anna"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("never used again"), "{}", stderr(&again));
    let link = user(data.path(), &["login", "anna"]);
    assert!(stderr(&link).contains("steadyhand user enable anna"), "{}", stderr(&link));
    assert!(user(data.path(), &["enable", "anna"]).status.success());
    let link = user(data.path(), &["login", "anna", "--base", "https://ops.example.org"]);
    assert!(stdout(&link).starts_with("https://ops.example.org/login?token=shlogin_"), "{}", stderr(&link));
    let shown = user(data.path(), &["show", "anna"]);
    assert!(stdout(&shown).contains("Anna Bauer"), "{}", stdout(&shown));
}

#[test]
fn a_password_comes_over_standard_input_and_never_stands_anywhere() {
    let data = tempfile::tempdir().expect("a temporary directory");
    let added = user_typing(data.path(), &["add", "anna", "--password"], "correct horse battery\n");
    assert!(added.status.success(), "{}", stderr(&added));
    assert_eq!(listed(data.path())["people"][0]["signs_in_with"], "password");
    let set = user_typing(data.path(), &["set-password", "anna"], "three words and more\n");
    assert!(set.status.success(), "{}", stderr(&set));
    for entry in std::fs::read_dir(data.path()).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("it can be read");
            for password in ["correct horse battery", "three words and more"] {
                assert!(!bytes.windows(password.len()).any(|part| part == password.as_bytes()), "{}", path.display());
            }
        }
    }
}

#[test]
fn what_is_no_account_name_or_no_password_is_refused_with_what_would_be_one() {
    let data = tempfile::tempdir().expect("a temporary directory");
    for (arguments, typed, says) in [
        (["add", "Anna", "--password"].as_slice(), "", "lower-case letters"),
        (&["add", "admin"], "", "break-glass"),
        (&["add", "anna", "--password"], "short\n", "at least 12 characters"),
        (&["add", "anna", "--email", "a\nb"], "", "control characters"),
        (&["disable", "nobody"], "", "steadyhand user list"),
        (&["set-password", "nobody"], "", "steadyhand user list"),
        (&["login", "nobody"], "", "steadyhand user add nobody"),
    ] {
        let refused = user_typing(data.path(), arguments, typed);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&refused).contains(says), "{arguments:?}: {}", stderr(&refused));
    }
    assert_eq!(listed(data.path())["people"], serde_json::json!([]));
}
