//! The example of the format, and files that are wrong.

use super::*;

fn parsed(text: &str) -> Parsed {
    parse(&"web/disk-full".parse().unwrap(), "runbooks/web/disk-full.yaml", text.as_bytes())
}

#[test]
fn parsing_of_an_empty_text_names_what_is_missing() {
    let messages: Vec<String> = parsed("").diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect();
    assert_eq!(
        messages,
        [
            "field \"steadyhand\" is missing",
            "field \"name\" is missing",
            "field \"summary\" is missing",
            "field \"steps\" is missing"
        ]
    );
}

/// Every runbook that must parse: the fixtures, and the examples that users start from.
fn good_runbooks() -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("tests/fixtures/runbooks/good"), root.join("runbooks")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                found.push((
                    path.file_name().unwrap().to_string_lossy().into_owned(),
                    std::fs::read_to_string(&path).unwrap(),
                ));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_good_runbook_parses_without_a_word() {
    for (file, text) in good_runbooks() {
        let parsed = parsed(&text);
        assert_eq!(parsed.diagnostics, [], "{file}");
        assert!(parsed.runbook.is_some(), "{file}");
    }
}

#[test]
fn the_whole_example_of_the_format_means_what_it_says() {
    let text = include_str!("../../../tests/fixtures/runbooks/good/whole-example.yaml");
    let parsed = parsed(text);
    let runbook = parsed.runbook.unwrap();
    assert_eq!(
        super::super::available::not_yet_available(&runbook),
        ["escalate", "steps[4] \"serving\": on_failure: escalate"]
    );
    let run = parsed.source.span("steps[3].run").value;
    assert_eq!(&text[run.start..run.end], "cd /srv/app/releases && ls -1t | tail -n +4 | xargs -r rm -rf --");
    insta::assert_debug_snapshot!(runbook);
}
