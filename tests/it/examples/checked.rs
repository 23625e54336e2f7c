//! The examples are what the rules for runbooks ask for.

use std::fs;
use std::path::Path;

use jiff::civil::date;
use steadyhand::check::{ParsedText, Policy, Profile, check_parsed};
use steadyhand::diagnostic::Diagnostic;
use steadyhand::runbook::available::not_yet_available;
use steadyhand::runbook::parse::parse;

/// Every runbook under `runbooks/`: its path there without `.yaml`, and its text.
pub fn examples() -> Vec<(String, Vec<u8>)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
    let mut found = Vec::new();
    let mut folders = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder can be listed") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(name) = path.strip_prefix(&top).expect("it is below").to_str() {
                let name = name.strip_suffix(".yaml").unwrap_or_else(|| panic!("{name} is no runbook"));
                found.push((name.to_owned(), fs::read(&path).expect("a file can be read")));
            }
        }
    }
    found.sort();
    found
}

/// As of a fixed day, so that the passing of `review_by` fails nobody's build.
fn problems(name: &str, text: &[u8]) -> Vec<Diagnostic> {
    let file = format!("runbooks/{name}.yaml");
    let parsed = parse(&name.parse().expect("a valid runbook path"), &file, text);
    let policy = Policy { profile: Profile::Oncall, today: date(2026, 11, 23) };
    let runbook = parsed.runbook.as_ref();
    let found = check_parsed(ParsedText { runbook, source: &parsed.source, file: &file, bytes: text }, policy);
    if let Some(runbook) = runbook {
        assert_eq!(not_yet_available(runbook), Vec::<String>::new(), "{name} can be started");
    }
    parsed.diagnostics.into_iter().chain(found).collect()
}

#[test]
fn every_example_passes_every_check_without_a_finding() {
    let examples = examples();
    assert!(examples.len() >= 5, "only {} examples were found", examples.len());
    for (name, text) in examples {
        assert_eq!(problems(&name, &text), [], "{name}");
    }
}

#[test]
fn the_readmes_runbook_passes_every_check() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("it is there");
    let runbook = readme.split_once("```yaml\n").and_then(|(_, rest)| rest.split_once("```")).expect("it shows one").0;
    assert_eq!(problems("web/nginx-down", runbook.as_bytes()), []);
}
