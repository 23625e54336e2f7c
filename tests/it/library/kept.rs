//! What is kept on a branch of its own, and what that must never touch.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use steadyhand::library::Kept;

use super::{Place, git_ref};

const PATH: &str = "handoffs/2026/one.md";

#[tokio::test]
async fn a_text_is_kept_on_its_branch_and_nothing_else_is_touched() {
    let place = Place::with_git();
    let head = place.git(&["rev-parse", "HEAD"]);
    place.write("staged.txt", "of a person");
    place.git(&["add", "staged.txt"]);
    let library = place.open().await;
    let branch = git_ref("handoffs");
    let kept = |text| Kept { branch: &branch, path: PATH, text, message: "handoff: anna to ben\n" };
    library.keep(&kept("first\n")).await.expect("it is kept");
    library.keep(&kept("first\n")).await.expect("again is borne");
    assert_eq!(place.git(&["rev-list", "--count", "handoffs"]), "1", "the same is no new commit");
    // What somebody else commits there stays.
    library.keep(&Kept { path: "handoffs/other.md", ..kept("other\n") }).await.expect("it is kept");
    library.keep(&kept("second\n")).await.expect("it is kept");
    assert_eq!(place.git(&["show", &format!("handoffs:{PATH}")]), "second");
    assert_eq!(place.git(&["show", "handoffs:handoffs/other.md"]), "other");
    assert_eq!(place.git(&["rev-list", "--count", "handoffs"]), "3");
    assert_eq!(place.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(place.git(&["diff", "--cached", "--name-only"]), "staged.txt", "the index of a person is as it was");
}

#[tokio::test]
async fn the_served_branch_and_a_path_that_leads_out_are_refused() {
    let place = Place::with_git();
    let library = place.open().await;
    let (main, other) = (git_ref("main"), git_ref("handoffs"));
    let kept = Kept { branch: &main, path: PATH, text: "x", message: "x" };
    let refused = library.keep(&kept).await.expect_err("what runs must not change");
    assert!(refused.to_string().contains("is served"), "{refused}");
    for path in ["../x", "/x", ".git/config", "a//b"] {
        assert!(library.keep(&Kept { branch: &other, path, ..kept.clone() }).await.is_err(), "{path}");
    }
    assert_eq!(place.git(&["branch", "--list"]), "* main");
}

#[tokio::test]
async fn keeping_starts_nothing_of_the_repository() {
    let place = Place::with_git();
    let trap = place.trap();
    for hook in ["reference-transaction", "post-index-change", "pre-commit", "post-commit", "commit-msg"] {
        let path = place.repo().join(".git/hooks").join(hook);
        fs::write(&path, format!("#!/bin/sh\n{trap}\n")).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our own file");
    }
    for (key, value) in
        [("core.fsmonitor", trap.as_str()), ("gpg.program", &trap), ("commit.gpgSign", "true"), ("core.editor", &trap)]
    {
        place.git(&["config", key, value]);
    }
    let library = place.open().await;
    let branch = git_ref("handoffs");
    library.keep(&Kept { branch: &branch, path: PATH, text: "x\n", message: "x\n" }).await.expect("it is kept");
    place.nothing_started();
}
