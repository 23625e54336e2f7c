//! `# steadyhand: ignore[rule] reason`.

use super::{CLEAN, check_in, found, repository};

/// The step begins on line 7 of the file.
const TELL: &str = "  - id: tell\n    name: Tell the team\n";

fn found_in(steps: &str) -> Vec<(String, u64)> {
    let head = CLEAN.split("steps:").next().expect("it has steps");
    found_in_file(&format!("{head}steps:\n{steps}"))
}

fn found_in_file(text: &str) -> Vec<(String, u64)> {
    let folder = repository(&[("a.yaml", text)]);
    found(&check_in(folder.path(), &["a.yaml", "--format", "json", "--profile", "oncall"]))
}

#[test]
fn a_comment_on_the_line_before_ignores() {
    assert_eq!(found_in(&format!("{TELL}    # steadyhand: ignore[todo-marker] the board\n    manual: TODO\n")), []);
}

#[test]
fn comments_may_stand_together_before_a_line() {
    let comments = "    # steadyhand: ignore[todo-marker] the board\n    # and another word\n\n";
    assert_eq!(found_in(&format!("{TELL}{comments}    manual: TODO\n")), []);
}

#[test]
fn a_comment_at_the_end_of_the_line_ignores() {
    assert_eq!(found_in(&format!("{TELL}    manual: TODO # steadyhand: ignore[todo-marker] the board\n")), []);
}

#[test]
fn a_comment_holds_for_all_lines_of_the_value_that_begins_there_and_for_no_more() {
    let rest = "\n      First\n      TODO\n    why: TODO\n";
    let before = format!("{TELL}    # steadyhand: ignore[todo-marker] the board\n    manual: |{rest}");
    assert_eq!(found_in(&before), [("todo-marker".to_owned(), 13)]);
    let behind = format!("{TELL}    manual: | # steadyhand: ignore[todo-marker] the board{rest}");
    assert_eq!(found_in(&behind), [("todo-marker".to_owned(), 12)]);
}

#[test]
fn a_comment_before_the_first_key_holds_for_the_file() {
    let text = format!("# steadyhand: ignore[owner-missing, review-overdue] a sample\n{CLEAN}");
    let text = text.replace("owner: team:web\n", "").replace("review_by: 2027-03-01\n", "");
    assert_eq!(found_in_file(&text), []);
}

#[test]
fn a_comment_ignores_only_the_rules_that_it_names() {
    let step = format!("{TELL}    manual: TODO # steadyhand: ignore[effect-understated] another rule\n");
    let rules: Vec<String> = found_in(&step).into_iter().map(|(rule, _)| rule).collect();
    assert_eq!(rules, ["todo-marker", "unused-ignore"]);
}

#[test]
fn without_a_reason_nothing_is_ignored() {
    let step = format!("{TELL}    manual: TODO # steadyhand: ignore[todo-marker]  \n");
    assert_eq!(found_in(&step), [("todo-marker".to_owned(), 9), ("ignore-without-reason".to_owned(), 9)]);
}

#[test]
fn what_looks_like_a_comment_inside_a_value_ignores_nothing() {
    for value in [
        "|\n      # steadyhand: ignore[todo-marker] shell\n      TODO\n",
        "\"x # steadyhand: ignore[todo-marker] text TODO\"\n",
        "'x # steadyhand: ignore[todo-marker] text TODO'\n",
        "x#steadyhand ignore[todo-marker] text TODO\n",
    ] {
        let rules: Vec<String> =
            found_in(&format!("{TELL}    manual: {value}")).into_iter().map(|(rule, _)| rule).collect();
        assert_eq!(rules, ["todo-marker"], "{value}");
    }
}

#[test]
fn what_the_parser_reports_cannot_be_ignored() {
    let step = "  - id: look\n    name: Look\n    check: df {{x}} # steadyhand: ignore[template-in-command] no\n";
    let rules: Vec<String> = found_in(step).into_iter().map(|(rule, _)| rule).collect();
    assert!(rules.contains(&"template-in-command".to_owned()), "{rules:?}");
    assert!(rules.contains(&"unused-ignore".to_owned()), "{rules:?}");
}
