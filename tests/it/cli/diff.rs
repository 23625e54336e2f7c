//! `steadyhand diff` over real commits: what a reviewer is told, and what stops a pull request.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::{stderr, stdout, steadyhand};

const RUNBOOK: &str = "\
steadyhand: 1
name: Restart the web server
summary: Restarts nginx. About a minute.
hosts: {select: role=web}
steps:
  - id: restart
    name: Restart it
    run: systemctl restart nginx
    guard:
      - {check: nginx -t}
    verify: {check: systemctl is-active nginx, every: 1s, for: 10s}
";

const INVENTORY: &str = "\
steadyhand: 1
hosts:
  web-1: {address: 10.0.0.1, user: ops, labels: {role: web}}
  web-2: {address: 10.0.0.2, user: ops, labels: {role: spare}}
";

/// A repository with one commit, tagged `before`.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    git(folder.path(), &["init", "--quiet", "--initial-branch=main"]);
    fs::create_dir_all(folder.path().join("runbooks/web")).expect("a folder can be made");
    write(folder.path(), "runbooks/web/restart.yaml", RUNBOOK);
    write(folder.path(), "inventory.yaml", INVENTORY);
    commit(folder.path(), "before");
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("a file can be written");
}

fn commit(folder: &Path, tag: &str) {
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", tag]);
    git(folder, &["tag", tag]);
}

fn git(folder: &Path, arguments: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git starts");
    assert!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn diff(folder: &Path, arguments: &[&str]) -> Output {
    steadyhand(&["diff"]).args(arguments).current_dir(folder).output().expect("the program starts")
}

#[test]
fn a_loosened_guard_is_told_and_denied_and_a_kept_one_passes() {
    let folder = repository();
    let place = folder.path();
    write(place, "runbooks/web/restart.yaml", &RUNBOOK.replace("    guard:\n      - {check: nginx -t}\n", ""));
    commit(place, "loosened");
    let told = diff(place, &["before..loosened", "--deny", "more-dangerous"]);
    assert_eq!(told.status.code(), Some(1), "{}", stderr(&told));
    let expected = "\
runbooks/web/restart.yaml
  ! more dangerous  step restart: the guard \"nginx -t\" is gone
                    (it held the step back)
1 more dangerous, 0 the same, 0 safer
";
    assert_eq!(stdout(&told), expected);
    let comment = diff(place, &["before..loosened", "--format", "markdown"]);
    assert_eq!(comment.status.code(), Some(0), "only --deny denies");
    assert!(stdout(&comment).contains("**1 more dangerous**"), "{}", stdout(&comment));
    write(place, "runbooks/web/restart.yaml", &RUNBOOK.replace("About a minute", "A minute or so"));
    commit(place, "mended");
    let passed = diff(place, &["before..mended", "--deny", "more-dangerous"]);
    assert_eq!(passed.status.code(), Some(0), "{}", stdout(&passed));
    let same = diff(place, &["mended..mended"]);
    assert_eq!(stdout(&same), "Nothing is other than it was in what it means.\n");
}

#[test]
fn a_label_in_the_inventory_widens_a_runbook_that_was_not_touched() {
    let folder = repository();
    let place = folder.path();
    write(place, "inventory.yaml", &INVENTORY.replace("role: spare", "role: web"));
    commit(place, "wider");
    let told = diff(place, &["before..wider", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON");
    assert_eq!(found["counts"]["more_dangerous"], 1, "{found}");
    let file = &found["files"][1];
    assert_eq!((file["file"].as_str(), file["fate"].as_str()), (Some("runbooks/web/restart.yaml"), Some("untouched")));
    assert_eq!(file["changes"][0]["what"], "reaches 1 → 2 hosts: also web-2");
}

#[test]
fn nothing_of_either_commit_is_started_unless_asked() {
    let folder = repository();
    let place = folder.path();
    let mark = place.join("started");
    let script = format!("#!/bin/sh\ntouch '{}'\nprintf '{{}}'\n", mark.display());
    write(place, "hosts.sh", &script);
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(place.join("hosts.sh"), executable).expect("our own file");
    write(place, "inventory.yaml", &format!("{INVENTORY}from:\n  - {{command: [./hosts.sh]}}\n"));
    commit(place, "programs");
    let told = diff(place, &["before..programs"]);
    assert_eq!(told.status.code(), Some(0), "{}", stderr(&told));
    assert!(stderr(&told).contains("left out"), "{}", stderr(&told));
    assert!(!mark.exists(), "a program of the commit was started");
    assert!(diff(place, &["before..programs", "--programs"]).status.success());
    assert!(mark.exists(), "it is started when asked");
}

#[test]
fn what_cannot_be_compared_says_why_and_what_to_do() {
    let folder = repository();
    for (arguments, told) in [
        (["before"].as_slice(), "two dots between them"),
        (&["before..nowhere"], "nowhere"),
        (&["--repo", "/nowhere", "before..before"], "cannot open the repository"),
        (&["before..--upload-pack=x"], "--upload-pack"),
    ] {
        let refused = diff(folder.path(), arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&refused).contains(told), "{arguments:?}: {}", stderr(&refused));
    }
    let plain = tempfile::tempdir().expect("a temporary folder");
    let refused = diff(plain.path(), &["a..b"]);
    assert!(stderr(&refused).contains("not a git repository"), "{}", stderr(&refused));
}
