//! The rules of the house that a machine can see. Each finding says where, which rule, and what to do; each
//! check is shown to be able to fail, on bad samples beside it.

mod layers;
mod rust_rules;
mod source;
mod text_rules;

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use source::RustFile;

/// Something that breaks a rule of the house.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    file: String,
    /// From 1.
    line: usize,
    rule: &'static str,
    what_to_do: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}: {}", self.file, self.line, self.rule, self.what_to_do)
    }
}

fn assert_tidy(findings: &[Finding]) {
    let report: String = findings.iter().map(|finding| format!("\n  {finding}")).collect();
    assert!(findings.is_empty(), "{} to tidy:{report}\n", findings.len());
}

/// The files under version control and new ones that are not ignored, relative to the repository's top.
fn tracked_files() -> Vec<String> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listing = Command::new("git")
        // A checkout may belong to another account, in a container say; reading its file names is harmless.
        .args(["-c", "safe.directory=*"])
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(top)
        .output()
        .expect("git starts");
    assert!(listing.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listing.stderr));
    let listing = String::from_utf8(listing.stdout).expect("file names here are UTF-8");
    let mut files: Vec<String> = listing.split_terminator('\0').map(str::to_owned).collect();
    files.retain(|file| top.join(file).is_file());
    files.sort();
    files.dedup();
    files
}

/// A file's text; `None` for pictures and the like.
fn text_of(file: &str) -> Option<String> {
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("a listed file can be read");
    String::from_utf8(bytes).ok()
}

fn rust_files() -> Vec<RustFile> {
    let files: Vec<RustFile> = tracked_files()
        .into_iter()
        .filter(|file| file.ends_with(".rs"))
        .map(|file| RustFile::read(&file, &text_of(&file).expect("Rust source is UTF-8")))
        .collect();
    assert!(files.iter().any(|file| file.path == "src/lib.rs"), "the listing holds the sources");
    files
}

fn check_all(check: impl Fn(&RustFile) -> Vec<Finding>) {
    assert_tidy(&rust_files().iter().flat_map(check).collect::<Vec<_>>());
}

fn check_all_texts(check: impl Fn(&str, &str) -> Vec<Finding>) {
    let findings = tracked_files().into_iter().flat_map(|file| match text_of(&file) {
        Some(text) => check(&file, &text),
        None => Vec::new(),
    });
    assert_tidy(&findings.collect::<Vec<_>>());
}

#[test]
fn modules_use_only_what_their_layer_may_use() {
    check_all(layers::modules);
}

#[test]
fn each_library_is_used_only_in_its_place() {
    check_all(layers::libraries);
    assert_tidy(&layers::one_file_each(&rust_files()));
}

#[test]
fn the_core_does_no_input_output_and_knows_no_time() {
    check_all(layers::core_is_pure);
}

#[test]
fn each_file_opens_with_its_duty() {
    check_all(rust_rules::module_docs);
}

#[test]
fn files_and_functions_are_short() {
    check_all(rust_rules::file_size);
    check_all(rust_rules::function_size);
}

#[test]
fn handlers_reach_what_was_authorised_and_nothing_else() {
    check_all(rust_rules::handlers);
}

#[test]
fn production_code_never_unwraps() {
    check_all(rust_rules::unwraps);
}

#[test]
fn lints_are_expected_with_a_reason_and_no_test_is_ignored() {
    check_all(rust_rules::attributes);
}

#[test]
fn nothing_is_left_to_be_done_in_comments() {
    check_all_texts(text_rules::markers);
}

#[test]
fn no_file_is_a_drawer() {
    assert_tidy(&text_rules::file_names(&tracked_files()));
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    check_all_texts(text_rules::machine_paths);
}

#[test]
fn each_migration_exists_for_both_databases() {
    assert_tidy(&text_rules::migrations(&tracked_files()));
}

#[test]
fn each_check_rule_has_its_samples() {
    assert_tidy(&text_rules::rule_samples(&tracked_files()));
}
