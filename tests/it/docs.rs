//! The documents at the repository's top say what is so.

use std::fs;
use std::path::Path;

const DOCUMENTS: &[&str] = &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document(name: &str) -> String {
    fs::read_to_string(top().join(name)).expect("the document is there")
}

/// The texts between `open` and `close`, within a line.
fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().flat_map(move |line| line.split(open).skip(1).filter_map(move |rest| Some(rest.split_once(close)?.0)))
}

/// What stands between backticks, within a line.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn each_link_of_the_documents_leads_somewhere() {
    let mut links = 0;
    for name in DOCUMENTS {
        let text = document(name);
        for link in between(&text, "](", ")").filter(|link| !link.contains("://")) {
            links += 1;
            assert!(top().join(link).exists(), "{name} links to {link}, which is not there");
        }
    }
    assert!(links > 8, "only {links} links were found");
}

#[test]
fn each_folder_and_file_that_the_documents_name_exists() {
    let mut paths = 0;
    for name in DOCUMENTS {
        let text = document(name);
        let named = code_spans(&text).filter(|path| path.starts_with("src/") || path.starts_with("tests/"));
        for path in named.filter(|path| !path.contains(['<', '{', ' '])) {
            paths += 1;
            let found = [path.to_owned(), format!("{path}.rs"), format!("{}.rs", path.trim_end_matches('/'))];
            assert!(found.iter().any(|path| top().join(path).exists()), "{name} names {path}, which is not there");
        }
    }
    assert!(paths > 20, "only {paths} paths were found");
}

#[test]
fn each_make_target_that_the_documents_name_is_in_the_makefile() {
    let makefile = document("Makefile");
    let mut targets = 0;
    for name in DOCUMENTS {
        let text = document(name);
        let quoted = code_spans(&text).filter_map(|code| code.strip_prefix("make ")?.split(' ').next());
        for target in quoted.chain(text.lines().filter_map(|line| line.strip_prefix("make "))) {
            targets += 1;
            assert!(makefile.contains(&format!("\n{target}:")), "{name} names `make {target}`, which is not there");
        }
    }
    assert!(targets > 5, "only {targets} targets were found");
}

#[test]
fn each_subcommand_that_the_documents_name_is_there() {
    let command = steadyhand::cli::command();
    let mut named = 0;
    for name in DOCUMENTS {
        let text = document(name);
        for subcommand in code_spans(&text).filter_map(|code| code.strip_prefix("steadyhand ")?.split(' ').next()) {
            named += 1;
            assert!(command.find_subcommand(subcommand).is_some(), "{name} names `steadyhand {subcommand}`");
        }
    }
    assert!(named > 3, "only {named} subcommands were found");
}

#[test]
fn the_readme_stays_short() {
    assert!(document("README.md").lines().count() < 120);
}

#[test]
fn each_promise_of_security_md_names_a_test_that_is_there() {
    let text = document("SECURITY.md");
    let (_, table) = text.split_once("## What is promised, and the test that would fail").expect("it has the table");
    let sources: String = rust_sources(&top().join("src")) + &rust_sources(&top().join("tests"));
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 15, "only {} promises were found", rows.len());
    for row in rows {
        let tests = row.split('|').nth(2).expect("a row has two columns");
        let named: Vec<&str> = code_spans(tests).collect();
        assert!(!named.is_empty(), "no test: {row}");
        for name in named.into_iter().filter(|name| !name.contains('/')) {
            assert!(sources.contains(&format!("fn {name}(")), "SECURITY.md names {name}, which is not there");
        }
    }
}

fn rust_sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "node_modules") {
            text += &rust_sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(&path).expect("Rust source is UTF-8");
        }
    }
    text
}

/// What reviewers copy into their own repositories calls the program as it is.
#[test]
fn each_call_in_the_templates_for_reviewers_is_one_that_the_program_takes() {
    let mut calls = 0;
    for name in [".pre-commit-hooks.yaml", "action.yml", "docs/review/gitlab-ci.yml"] {
        let text = document(name);
        for call in text.lines().filter_map(|line| Some(line.split_once("steadyhand ")?.1)) {
            let mut words = call.split(['>', '|']).next().unwrap_or_default().split_whitespace();
            let subcommand = words.next().unwrap_or_default();
            let Some(found) = steadyhand::cli::command().find_subcommand(subcommand).cloned() else { continue };
            calls += 1;
            for option in words.filter_map(|word| word.strip_prefix("--")) {
                let is_known = found.get_arguments().any(|argument| argument.get_long() == Some(option));
                assert!(is_known, "{name}: steadyhand {subcommand} has no --{option}");
            }
        }
    }
    assert!(calls >= 7, "only {calls} calls were found");
}
