//! Rules about Rust files: docs, size, unwrapping, attributes.

use super::Finding;
use super::source::{RustFile, braces, line_of, words};

/// Lines of production code in a file. Most are far below; here a reader loses the thread.
const FILE_LINES_MAX: usize = 500;

/// Lines of a function, from `fn` to its brace.
const FUNCTION_LINES_MAX: usize = 70;

/// Functions that may be longer, and how long: one `match` over every event or field, an arm each, whose being
/// exhaustive is what a reader comes for. Cut in two, neither half would show it.
const LONG_FUNCTIONS: &[(&str, &str, usize)] = &[("src/run/apply.rs", "apply", 160)];

fn lines_max(file: &RustFile, after_fn: &str) -> usize {
    let name = after_fn.trim_start().split(|letter: char| !letter.is_alphanumeric() && letter != '_').next();
    let long = LONG_FUNCTIONS.iter().find(|(path, long, _)| *path == file.path && Some(*long) == name);
    long.map_or(FUNCTION_LINES_MAX, |(_, _, lines)| *lines)
}

fn finding(file: &RustFile, line: usize, rule: &'static str, what_to_do: impl Into<String>) -> Finding {
    Finding { file: file.path.clone(), line, rule, what_to_do: what_to_do.into() }
}

/// Files that do not open with `//!`.
pub fn module_docs(file: &RustFile) -> Vec<Finding> {
    let duty = file.text.lines().find(|line| !line.trim().is_empty());
    if duty.and_then(|line| line.strip_prefix("//! ")).is_some_and(|duty| duty.len() > 8) {
        return Vec::new();
    }
    vec![finding(file, 1, "module-doc", "open the file with `//!` and a sentence that states its duty")]
}

/// Files with too much production code.
pub fn file_size(file: &RustFile) -> Vec<Finding> {
    if file.production_lines <= FILE_LINES_MAX || !file.is_production() {
        return Vec::new();
    }
    let lines = file.production_lines;
    let what_to_do = format!("{lines} lines of production code, at most {FILE_LINES_MAX}: give a duty its own file");
    vec![finding(file, FILE_LINES_MAX + 1, "file-size", what_to_do)]
}

/// Functions that are too long.
pub fn function_size(file: &RustFile) -> Vec<Finding> {
    let code = &file.production;
    words(code, "fn")
        .filter_map(|at| {
            let open = at + code[at..].find(['{', ';'])?;
            let body = (code.as_bytes()[open] == b'{').then(|| braces(code, open))?;
            let lines = code[at..body.end].matches('\n').count() + 1;
            let lines_max = lines_max(file, &code[at + 2..]);
            (lines > lines_max).then(|| {
                let what_to_do = format!("{lines} lines, at most {lines_max}: move the leaves out of it");
                finding(file, line_of(code, at), "function-size", what_to_do)
            })
        })
        .collect()
}

/// `unwrap()` outside tests.
pub fn unwraps(file: &RustFile) -> Vec<Finding> {
    let what_to_do = "return an error, or `expect(\"why this holds\")` where only our own bug could break it";
    let places = file.production.match_indices(".unwrap()");
    places.map(|(at, _)| finding(file, line_of(&file.production, at), "unwrap", what_to_do)).collect()
}

/// Attributes that silence something.
pub fn attributes(file: &RustFile) -> Vec<Finding> {
    let rules = [
        ("#[allow", "allow", "write `#[expect(…, reason = \"…\")]`, which complains once it is not needed any more"),
        ("#![allow", "allow", "write `#![expect(…, reason = \"…\")]`, which complains once it is not needed any more"),
        ("#[ignore", "ignore", "a test runs, or it is removed"),
    ];
    let places = rules.iter().flat_map(|(text, rule, what_to_do)| {
        file.code.match_indices(text).map(move |(at, _)| (at, *rule, *what_to_do))
    });
    let mut findings: Vec<Finding> =
        places.map(|(at, rule, what_to_do)| finding(file, line_of(&file.code, at), rule, what_to_do)).collect();
    for (at, _) in file.code.match_indices("[expect(") {
        let end = at + file.code[at..].find(']').unwrap_or(0);
        if !file.code[at..end].contains("reason") {
            findings.push(finding(file, line_of(&file.code, at), "expect", "say why: `reason = \"…\"`"));
        }
    }
    findings
}

/// Handlers that use the store by themselves: for sessions, accounts and links that carry their own secret, which no
/// grant is about.
const STORE_USERS: &[&str] =
    &["src/web/pages/account", "src/web/pages/answer.rs", "src/web/pages/login", "src/web/pages/shared.rs"];

/// Handlers that reach around the proof of authorisation.
pub fn handlers(file: &RustFile) -> Vec<Finding> {
    if !file.path.starts_with("src/web/pages/") && !file.path.starts_with("src/web/api/") {
        return Vec::new();
    }
    let ways = [
        (".engine()", "ask through `web::reading` or `web::doing`, which take the `Authorised` that proves it may be"),
        (".store()", "ask through `web::reading` or `web::sharing`, which take the `Authorised` that proves it may be"),
        ("Path(", "take the id from the `Authorised`: one from the address was not asked about"),
    ];
    let free = STORE_USERS.iter().any(|path| file.path.starts_with(path));
    let found = ways.iter().filter(|_| !free).flat_map(|(way, what_to_do)| {
        let places = file.production.match_indices(way).filter(|(at, _)| {
            let before = file.production[..*at].chars().next_back();
            *way != "Path(" || !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
        });
        places.map(|(at, _)| finding(file, line_of(&file.production, at), "handler", *what_to_do))
    });
    found.collect()
}

#[test]
fn a_handler_that_reaches_around_its_proof_is_found() {
    for text in
        ["fn f() { web.engine().view(id) }", "fn f() { web.store().run(id) }", "fn f(Path(id): Path<String>) {}"]
    {
        assert_eq!(handlers(&RustFile::read("src/web/api/x.rs", text)).len(), 1, "{text}");
        assert_eq!(handlers(&RustFile::read("src/web/reading/x.rs", text)), []);
    }
    assert_eq!(
        handlers(&RustFile::read("src/web/pages/x.rs", "fn f() { RunbookPath(x); runs::view(&who, &web) }")),
        []
    );
}

#[test]
fn a_file_without_its_duty_is_found() {
    for text in ["", "fn main() {}", "//! it", "// a comment that is not a doc"] {
        assert_eq!(module_docs(&RustFile::read("src/x.rs", text)).len(), 1, "{text:?}");
    }
    assert_eq!(module_docs(&RustFile::read("src/x.rs", "\n//! Does one thing.\n")), []);
}

#[test]
fn a_file_of_501_lines_is_found_and_its_tests_do_not_count() {
    let long = "//! x\n".repeat(501);
    assert_eq!(file_size(&RustFile::read("src/x.rs", &long)).len(), 1);
    let tested = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", "//! x\n".repeat(500), "\n".repeat(900));
    assert_eq!(file_size(&RustFile::read("src/x.rs", &tested)), []);
}

#[test]
fn a_function_of_71_lines_is_found() {
    let function = |lines: usize| format!("fn f()\n{{\n{}}}\n", "a();\n".repeat(lines - 3));
    assert_eq!(function_size(&RustFile::read("src/x.rs", &function(71))).len(), 1);
    assert_eq!(function_size(&RustFile::read("src/x.rs", &function(70))), []);
}

#[test]
fn an_unwrap_is_found_in_code_and_not_in_tests_or_text() {
    assert_eq!(unwraps(&RustFile::read("src/x.rs", "\nfn f() { g().unwrap(); }"))[0].line, 2);
    let fine = "// .unwrap()\nfn f() { \".unwrap()\" }\n#[cfg(test)]\nmod tests { fn g() { h().unwrap() } }";
    assert_eq!(unwraps(&RustFile::read("src/x.rs", fine)), []);
    assert_eq!(unwraps(&RustFile::read("tests/it/x.rs", "fn f() { g().unwrap(); }")), []);
}

#[test]
fn silenced_lints_and_tests_are_found_everywhere() {
    for text in ["#[allow(dead_code)]", "#![allow(x)]", "#[test]\n#[ignore]", "#[ignore = \"slow\"]", "#[expect(x)]"] {
        assert_eq!(attributes(&RustFile::read("tests/it/x.rs", text)).len(), 1, "{text}");
    }
    assert_eq!(attributes(&RustFile::read("src/x.rs", "#[expect(dead_code, reason = \"later\")]\nfn f() {}")), []);
}
