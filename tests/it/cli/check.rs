//! `steadyhand check`: what it finds, how it says so, and how it ends.

mod ignores;
mod paths;
mod reports;
mod rules;
mod schedule;

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

/// Dates in fixtures are written for this day.
const TODAY: &str = "2026-11-23";

/// Nothing is found in it, in any profile.
const CLEAN: &str = "\
steadyhand: 1
name: Disk full on a web host
summary: Free space on one web host. About 10 minutes.
owner: team:web
review_by: 2027-03-01
steps:
  - id: look
    name: Measure how full the filesystem is
    check: df -P /
";

/// Runs `steadyhand check` in `folder`.
fn check_in(folder: &Path, arguments: &[&str]) -> Output {
    super::steadyhand(&["check", "--today", TODAY])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

/// A repository with these files.
fn repository(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("the file is in a folder")).expect("the folder is made");
        fs::write(path, text).expect("the file is written");
    }
    folder
}

/// The rules of what was found, each with its line, in the order of the report.
fn found(output: &Output) -> Vec<(String, u64)> {
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let diagnostics = report["diagnostics"].as_array().expect("a list of diagnostics");
    diagnostics
        .iter()
        .map(|diagnostic| {
            let rule = diagnostic["rule"].as_str().expect("a rule").to_owned();
            (rule, diagnostic["span"]["line"].as_u64().expect("a line"))
        })
        .collect()
}
