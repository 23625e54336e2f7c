//! Rules about every file under version control, and about the list of them.

use std::collections::BTreeSet;

use super::Finding;

/// Names that say nothing about what is inside.
const DRAWERS: &[&str] = &["common", "helper", "helpers", "misc", "mod", "util", "utils"];

/// Files that speak about unfinished work because it is their subject.
fn may_speak_of_markers(file: &str) -> bool {
    file.contains("todo_marker") || file.contains("todo-marker") || file.starts_with("tests/fixtures/")
}

/// Comments that put work off, and the macros that do.
pub fn markers(file: &str, text: &str) -> Vec<Finding> {
    if may_speak_of_markers(file) {
        return Vec::new();
    }
    let found = text.lines().enumerate().filter(|(_, line)| puts_work_off(file, line));
    found
        .map(|(index, _)| Finding {
            file: file.to_owned(),
            line: index + 1,
            rule: "marker",
            what_to_do: "do it now, or file it where work is tracked".to_owned(),
        })
        .collect()
}

fn puts_work_off(file: &str, line: &str) -> bool {
    let line = line.trim_start();
    let is_macro = file.starts_with("src/") && (line.contains("todo!(") || line.contains("unimplemented!("));
    let comment = ["//", "#", "<!--", "/*", "--", "*"].iter().find_map(|leader| line.strip_prefix(leader));
    let comment = comment.or_else(|| line.split_once(" // ").map(|(_, comment)| comment));
    let first_word = comment.unwrap_or("").trim_start_matches(['/', '!', '*', '-', ' ']);
    is_macro || ["TO".to_owned() + "DO", "FIX".to_owned() + "ME"].iter().any(|marker| first_word.starts_with(marker))
}

/// Files whose name says nothing.
pub fn file_names(files: &[String]) -> Vec<Finding> {
    files
        .iter()
        .filter(|file| file.ends_with(".rs"))
        .filter(|file| file.trim_end_matches(".rs").split('/').any(|part| DRAWERS.contains(&part)))
        .map(|file| Finding {
            file: file.clone(),
            line: 1,
            rule: "file-name",
            what_to_do: "name it after its one duty (`foo.rs` beside `foo/` rather than a mod.rs)".to_owned(),
        })
        .collect()
}

/// Homes and work folders of somebody's machine.
pub fn machine_paths(file: &str, text: &str) -> Vec<Finding> {
    let found = text.lines().enumerate().filter(|(_, line)| names_a_machine_path(line));
    found
        .map(|(index, _)| Finding {
            file: file.to_owned(),
            line: index + 1,
            rule: "machine-path",
            what_to_do: "use a path relative to the checkout, `~`, or one that every machine has".to_owned(),
        })
        .collect()
}

fn names_a_machine_path(line: &str) -> bool {
    let is_part_of_path = |letter: char| letter.is_alphanumeric() || "/._-~}".contains(letter);
    ["home", "root", "work"].iter().any(|folder| {
        let path = format!("/{folder}");
        line.match_indices(&path).any(|(at, _)| {
            let after = &line[at + path.len()..];
            !line[..at].ends_with(is_part_of_path)
                && !after.starts_with(|letter: char| letter.is_alphanumeric() || "._-".contains(letter))
        })
    })
}

/// Migrations that one of the two databases lacks.
pub fn migrations(files: &[String]) -> Vec<Finding> {
    let names = |dialect: &str| -> BTreeSet<&str> {
        let folder = format!("migrations/{dialect}/");
        files.iter().filter_map(|file| file.strip_prefix(&folder)).collect()
    };
    let (sqlite, postgres) = (names("sqlite"), names("postgres"));
    sqlite
        .symmetric_difference(&postgres)
        .map(|name| {
            let (there, missing) = if sqlite.contains(name) { ("sqlite", "postgres") } else { ("postgres", "sqlite") };
            Finding {
                file: format!("migrations/{there}/{name}"),
                line: 1,
                rule: "migrations",
                what_to_do: format!("write migrations/{missing}/{name} too: both databases hold the same"),
            }
        })
        .collect()
}

/// Check rules without a folder of samples.
pub fn rule_samples(files: &[String]) -> Vec<Finding> {
    files
        .iter()
        .filter_map(|file| {
            let rule = file.strip_prefix("src/check/rules/")?.strip_suffix(".rs")?;
            let samples = format!("tests/fixtures/rules/{}/", rule.replace('_', "-"));
            (!rule.contains('/') && !files.iter().any(|other| other.starts_with(&samples))).then(|| Finding {
                file: file.clone(),
                line: 1,
                rule: "rule-samples",
                what_to_do: format!("add {samples} with a good and a bad runbook"),
            })
        })
        .collect()
}

fn owned(files: &[&str]) -> Vec<String> {
    files.iter().map(|file| (*file).to_owned()).collect()
}

#[test]
fn a_comment_that_puts_work_off_is_found() {
    let marker = ["TO", "DO"].concat();
    let lines =
        [format!("// {marker}: x"), format!("x(); // {marker} x"), format!("# {marker}"), format!("/// {marker}")];
    for line in lines {
        assert_eq!(markers("src/x.rs", &line).len(), 1, "{line}");
    }
    assert_eq!(markers("src/x.rs", &["fn f() { to", "do!() }"].concat()).len(), 1);
    assert_eq!(markers("src/x.rs", &format!("//! finds {marker} in runbooks")), []);
    assert_eq!(markers("src/check/rules/todo_marker.rs", &format!("// {marker}")), []);
}

#[test]
fn a_drawer_is_found() {
    let files = ["src/util.rs", "src/web/mod.rs", "tests/it/common/x.rs", "src/utility.rs", "docs/misc.md"];
    assert_eq!(file_names(&owned(&files)).len(), 3);
}

#[test]
fn a_path_of_one_machine_is_found() {
    let slash = "/";
    for path in ["home/ada/x", "root", "root/.ssh", "work/main"] {
        assert_eq!(machine_paths("x", &format!("see \"{slash}{path}\"")).len(), 1, "{path}");
    }
    for text in ["$tmp/home/x", "~/work/x", "/homes", "at work/home", "/rooted", "tests/root/x"] {
        assert_eq!(machine_paths("x", text), [], "{text}");
    }
}

#[test]
fn a_migration_for_one_database_alone_is_found() {
    let both = ["migrations/sqlite/1.sql", "migrations/postgres/1.sql", "migrations/postgres/2.sql"];
    assert_eq!(migrations(&owned(&both[..2])), []);
    assert_eq!(migrations(&owned(&both)).len(), 1);
}

#[test]
fn a_check_rule_without_samples_is_found() {
    let files = ["src/check/rules/unused_capture.rs", "tests/fixtures/rules/unused-capture/bad.yaml"];
    assert_eq!(rule_samples(&owned(&files)), []);
    assert_eq!(rule_samples(&owned(&files[..1])).len(), 1);
}
