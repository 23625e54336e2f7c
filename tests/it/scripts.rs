//! The shell scripts of this repository.

use std::path::Path;
use std::process::Command;

const SCRIPTS: &[&str] = &[".ci/run", "scripts/e2e", "scripts/setup", "src/cli/demo/prepare-host.sh"];

fn in_the_repository(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

#[test]
fn shellcheck_finds_nothing_in_our_scripts() {
    let output = in_the_repository("shellcheck").args(SCRIPTS).output().expect("shellcheck starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn setup_refuses_a_mode_that_it_does_not_know() {
    let output = in_the_repository("scripts/setup").arg("tests").output().expect("the script starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("usage: scripts/setup"));
}

#[test]
fn setup_does_nothing_where_all_is_there() {
    let output = in_the_repository("scripts/setup").arg("test").output().expect("the script starts");
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn setup_without_root_prints_the_exact_command_and_fails() {
    let empty = tempfile::tempdir().expect("a temporary directory");
    // A machine with a shell, Rust and nothing else, for an account that is not root.
    for program in ["bash", "cat", "dirname", "apt-get"] {
        link(program, &empty.path().join(program));
    }
    std::fs::write(empty.path().join("id"), "#!/bin/sh\necho 1000\n").expect("it can be written");
    std::fs::write(empty.path().join("cargo"), "#!/bin/sh\n").expect("it can be written");
    for program in ["id", "cargo"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(empty.path().join(program), mode).expect("it is ours");
    }
    let script =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/setup")).expect("it is there");
    // What Debian keeps outside an ordinary PATH is hidden as well.
    let script = script.replace("PATH=$PATH:/usr/sbin:/sbin", "");
    let copy = empty.path().join("setup");
    std::fs::write(&copy, script).expect("it can be written");
    let output =
        Command::new(find("bash")).arg(&copy).arg("test").env("PATH", empty.path()).output().expect("bash starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("sudo apt-get update && sudo apt-get install --no-install-recommends -y git gcc"), "{said}");
    assert!(said.contains("openssh-server"), "{said}");
}

fn find(program: &str) -> std::path::PathBuf {
    let path = std::env::var_os("PATH").expect("tests have a PATH");
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.exists());
    found.unwrap_or_else(|| panic!("no {program} here"))
}

fn link(program: &str, to: &Path) {
    std::os::unix::fs::symlink(find(program), to).expect("a new link");
}
