//! The same findings for people, programs and code review.

use super::super::{output_without_reader, stderr, stdout, steadyhand};
use super::{CLEAN, TODAY, check_in, repository};

/// One error, one warning and one note, in two files; a third is clean.
fn files() -> tempfile::TempDir {
    let first = CLEAN.replace("check: df -P /", "check: df -P / > /tmp/é\n    capture: {all: {}}");
    let second = CLEAN.replace("check: df -P /", "run: systemctl restart nginx\n    undo: none");
    repository(&[("runbooks/a.yaml", &first), ("runbooks/b.yaml", &second), ("runbooks/c.yaml", CLEAN)])
}

#[test]
fn people_see_the_source_underlined_and_the_numbers_last() {
    insta::assert_snapshot!("human", stdout(&check_in(files().path(), &[])));
}

#[test]
fn programs_get_one_json_document() {
    insta::assert_snapshot!("json", stdout(&check_in(files().path(), &["--format", "json"])));
}

#[test]
fn github_gets_annotations() {
    insta::assert_snapshot!("github", stdout(&check_in(files().path(), &["--format", "github"])));
}

#[test]
fn code_scanning_gets_sarif_with_the_rules_that_it_refers_to() {
    let report = check_in(files().path(), &["--format", "sarif"]);
    let sarif: serde_json::Value = serde_json::from_slice(&report.stdout).expect("it is JSON");
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().expect("a list of results");
    assert_eq!(results.len(), 3);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("a small one");
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        assert_eq!(result["partialFingerprints"]["steadyhandLine/v1"].as_str().map(str::len), Some(64));
    }
    let mut results = run["results"].clone();
    for result in results.as_array_mut().expect("a list of results") {
        // It moves with every new rule.
        result.as_object_mut().expect("an object").remove("ruleIndex");
    }
    let pretty = serde_json::to_string_pretty(&results).expect("it is JSON");
    insta::assert_snapshot!("sarif", pretty);
}

#[test]
fn an_empty_report_is_valid_in_every_format() {
    let folder = repository(&[("runbooks/a.yaml", CLEAN)]);
    for format in ["human", "json", "sarif", "github"] {
        let report = check_in(folder.path(), &["--format", format]);
        assert_eq!(report.status.code(), Some(0), "{format}");
        match format {
            "github" => assert_eq!(stdout(&report), ""),
            "human" => assert_eq!(stdout(&report), "nothing found in 1 file\n"),
            _ => assert!(serde_json::from_slice::<serde_json::Value>(&report.stdout).is_ok(), "{format}"),
        }
    }
}

#[test]
fn colours_are_for_terminals_and_for_who_forces_them() {
    let folder = files();
    assert!(!stdout(&check_in(folder.path(), &[])).contains('\x1b'));
    let coloured_with = |name: &str| {
        let mut command = steadyhand(&["check", "--today", TODAY]);
        let report = command.env("FORCE_COLOR", "1").env(name, "1").current_dir(folder.path()).output();
        stdout(&report.expect("the program starts")).contains('\x1b')
    };
    assert!(coloured_with("FORCE_COLOR"));
    assert!(!coloured_with("NO_COLOR"));
}

#[test]
fn control_characters_of_a_file_do_not_reach_the_terminal() {
    let in_text = CLEAN.replace("Free space", "TBD \u{202e} Free space");
    let in_key = CLEAN.replace("owner", "\"ow\\e[2J\\u202Ener\"");
    let raw = CLEAN.replace("Free space", "TBD \u{1b}[2J\u{9b}2J Free space");
    let folder = repository(&[("runbooks/a.yaml", &in_text), ("runbooks/b.yaml", &in_key), ("runbooks/c.yaml", &raw)]);
    let report = check_in(folder.path(), &[]);
    assert_eq!(report.status.code(), Some(1));
    for hostile in ['\u{1b}', '\u{9b}', '\u{202e}'] {
        assert!(!stdout(&report).contains(hostile), "{hostile:?} in {:?}", stdout(&report));
    }
}

#[test]
fn a_reader_that_leaves_ends_the_check_without_a_panic() {
    let folder = files();
    let output = output_without_reader(steadyhand(&["check"]).current_dir(folder.path()));
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(141));
}
