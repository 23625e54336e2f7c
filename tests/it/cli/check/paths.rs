//! Which files are read, and how the program ends.

use std::os::unix::fs::symlink;
use std::process::Command;

use super::super::{stderr, stdout};
use super::{CLEAN, check_in, repository};

fn with_marker() -> String {
    CLEAN.replace("summary: Free", "summary: TBD Free")
}

#[test]
fn a_clean_repository_exits_with_0() {
    let folder = repository(&[("runbooks/a.yaml", CLEAN), ("runbooks/web/b.yaml", CLEAN), ("other/c.yaml", "x: [")]);
    let report = check_in(folder.path(), &[]);
    assert_eq!(stdout(&report), "nothing found in 2 files\n");
    assert_eq!(report.status.code(), Some(0));
}

#[test]
fn findings_exit_with_1_and_those_below_the_limit_with_0() {
    let changed = CLEAN.replace("check: df -P /", "run: systemctl restart nginx\n    undo: none");
    let folder = repository(&[("runbooks/a.yaml", &changed)]);
    assert_eq!(check_in(folder.path(), &[]).status.code(), Some(1));
    assert_eq!(check_in(folder.path(), &["--fail-on", "error"]).status.code(), Some(0));
    assert_eq!(check_in(folder.path(), &["--format", "sarif"]).status.code(), Some(0));
    assert_eq!(check_in(folder.path(), &["--format", "github"]).status.code(), Some(1));
}

#[test]
fn a_file_is_named_relative_to_where_the_check_was_started() {
    let folder = repository(&[("runbooks/web/a.yaml", &with_marker())]);
    let whole = folder.path().canonicalize().expect("the folder exists").join("runbooks/web/a.yaml");
    let whole = whole.to_str().expect("its path is UTF-8");
    for path in [".", "./runbooks", "runbooks/web", "runbooks/web/a.yaml", "./runbooks//web/a.yaml", whole] {
        let report = check_in(folder.path(), &[path, "--format", "github"]);
        assert!(stdout(&report).starts_with("::error file=runbooks/web/a.yaml,line=3,"), "{path}: {}", stdout(&report));
    }
}

#[test]
fn a_file_that_is_named_twice_is_checked_once() {
    let folder = repository(&[("runbooks/a.yaml", CLEAN)]);
    assert_eq!(stdout(&check_in(folder.path(), &[".", "runbooks/a.yaml"])), "nothing found in 1 file\n");
}

#[test]
fn nothing_to_check_exits_with_2_and_says_where_it_looked() {
    let folder = repository(&[("notes/a.yaml", CLEAN)]);
    let report = check_in(folder.path(), &["notes"]);
    assert_eq!(report.status.code(), Some(2));
    assert_eq!(
        stderr(&report),
        "error: nothing to check: no runbooks in notes\n\
         help: runbooks are `runbooks/**/*.yaml` below the folder; name a file to check it wherever it is\n"
    );
}

#[test]
fn a_path_that_is_not_there_exits_with_2_and_is_named() {
    let folder = repository(&[]);
    let report = check_in(folder.path(), &["gone.yaml"]);
    assert_eq!(report.status.code(), Some(2));
    assert!(stderr(&report).starts_with("error: cannot check gone.yaml: No such file"), "{}", stderr(&report));
}

#[test]
fn an_unreadable_file_exits_with_2_after_the_others_were_checked() {
    let folder = repository(&[("runbooks/a.yaml", &with_marker())]);
    // A link to itself cannot be read by anyone, not even by root.
    symlink("b.yaml", folder.path().join("runbooks/b.yaml")).expect("the link is made");
    let report = check_in(folder.path(), &[]);
    assert_eq!(report.status.code(), Some(2));
    assert!(stdout(&report).contains("todo-marker"), "{}", stdout(&report));
    assert!(stderr(&report).contains("cannot read runbooks/b.yaml: "), "{}", stderr(&report));
}

#[test]
fn a_link_that_leads_out_is_not_followed() {
    let outside = repository(&[("secret.yaml", "password: 1")]);
    let folder = repository(&[("runbooks/a.yaml", CLEAN)]);
    symlink(outside.path().join("secret.yaml"), folder.path().join("runbooks/out.yaml")).expect("the link is made");
    symlink(outside.path(), folder.path().join("runbooks/folder")).expect("the link is made");
    symlink("a.yaml", folder.path().join("runbooks/same.yaml")).expect("the link is made");
    let report = check_in(folder.path(), &[]);
    assert_eq!(report.status.code(), Some(1));
    assert!(stdout(&report).contains("this link leads out of the repository"), "{}", stdout(&report));
    assert!(!stdout(&report).contains("password"), "{}", stdout(&report));
    assert!(stdout(&report).contains("1 error in 1 of 3 files"), "{}", stdout(&report));
}

#[test]
fn a_file_that_could_never_be_named_is_a_finding() {
    let folder = repository(&[("runbooks/my runbook.yaml", CLEAN), ("runbooks/other.yml", CLEAN)]);
    let report = check_in(folder.path(), &[]);
    assert_eq!(report.status.code(), Some(1));
    assert_eq!(stdout(&report).matches("error[file-name]").count(), 2, "{}", stdout(&report));
}

#[test]
fn a_pipe_among_the_runbooks_is_not_waited_for() {
    let folder = repository(&[("runbooks/a.yaml", CLEAN)]);
    let status = Command::new("mkfifo").arg(folder.path().join("runbooks/pipe.yaml")).status();
    assert!(status.expect("mkfifo starts").success());
    assert_eq!(stdout(&check_in(folder.path(), &[])), "nothing found in 1 file\n");
}

#[test]
fn a_file_over_the_limit_is_refused() {
    let folder = repository(&[("runbooks/a.yaml", &"# filler\n".repeat(100_000))]);
    let report = check_in(folder.path(), &[]);
    assert_eq!(report.status.code(), Some(1), "{}", stderr(&report));
}

#[test]
fn an_endless_file_is_not_read_to_its_end() {
    let report = check_in(repository(&[]).path(), &["/dev/zero"]);
    assert_eq!(report.status.code(), Some(1), "{}", stderr(&report));
}

#[test]
fn the_inventory_of_a_repository_is_checked_too() {
    let inventory = "steadyhand: 1\nhosts:\n  web-1: {prot: 22}\n";
    let folder = repository(&[("runbooks/a.yaml", CLEAN), ("inventory.yaml", inventory)]);
    for arguments in [[].as_slice(), &["."], &["inventory.yaml"]] {
        let report = check_in(folder.path(), arguments);
        assert_eq!(report.status.code(), Some(1), "{arguments:?}");
        assert!(stdout(&report).contains("inventory.yaml:3:"), "{}", stdout(&report));
    }
}
