//! `steadyhand init`, through the real program.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn steadyhand(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steadyhand"));
    // An account without a git configuration.
    command.env("HOME", folder).env_remove("XDG_CONFIG_HOME").env("GIT_CONFIG_NOSYSTEM", "1");
    command.args(arguments).current_dir(folder).output().expect("the program starts")
}

fn git(arguments: &[&str], folder: &Path) -> String {
    let output = Command::new("git").args(arguments).current_dir(folder).output().expect("git starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is text")
}

#[test]
fn a_new_repository_passes_check_and_is_committed_by_an_account_without_a_name() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let made = steadyhand(&["init", "ops"], folder.path());
    let said = String::from_utf8_lossy(&made.stdout).into_owned();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(said.contains("and committed it") && said.contains("  cd ops\n  steadyhand check"), "{said}");
    let repository = folder.path().join("ops");
    let checked = steadyhand(&["check", "--profile", "oncall", "--fail-on", "info"], &repository);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    assert_eq!(git(&["status", "--porcelain"], &repository), "");
    assert_eq!(git(&["log", "--format=%an"], &repository), "steadyhand\n");
    for file in ["README.md", ".gitignore", "inventory.yaml", ".steadyhand/runbook.schema.json"] {
        assert!(git(&["ls-files"], &repository).lines().any(|line| line == file), "{file}");
    }
}

#[test]
fn the_commit_is_by_whoever_git_knows() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    fs::write(folder.path().join(".gitconfig"), "[user]\nname = Anna\nemail = anna@example.org\n").expect("it is new");
    assert!(steadyhand(&["init", "ops"], folder.path()).status.success());
    assert_eq!(git(&["log", "--format=%an"], &folder.path().join("ops")), "Anna\n");
}

#[test]
fn a_folder_that_holds_something_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    fs::write(folder.path().join("notes"), "mine").expect("it is new");
    let refused = steadyhand(&["init", "."], folder.path());
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("it is not empty") && said.contains("new or empty"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1);
}

#[test]
fn without_git_a_plain_folder_is_written() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_steadyhand"));
    let made = command.args(["init", "ops"]).current_dir(folder.path()).env("PATH", "/nowhere").output();
    let made = made.expect("the program starts");
    assert!(made.status.success());
    assert!(String::from_utf8_lossy(&made.stdout).contains("git is not here"));
    assert!(folder.path().join("ops/runbooks/first-steps.yaml").exists());
}
