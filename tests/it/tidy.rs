//! The rules of the house that a machine can see. Each failure says where, which rule, and what to do.

use std::path::Path;
use std::process::Command;

/// The files under version control and new ones that are not ignored, relative to the repository's top.
fn tracked_files() -> Vec<String> {
    let listing = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("git starts");
    assert!(listing.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listing.stderr));
    let listing = String::from_utf8(listing.stdout).expect("file names here are UTF-8");
    let mut files: Vec<String> = listing.split_terminator('\0').map(str::to_owned).collect();
    files.retain(|file| Path::new(env!("CARGO_MANIFEST_DIR")).join(file).is_file());
    files.sort();
    files.dedup();
    files
}

#[test]
fn the_house_is_under_version_control() {
    assert!(tracked_files().iter().any(|file| file == "Cargo.toml"));
}
