//! Each rule on its fixtures: `tests/fixtures/rules/RULE/{bad,good}.yaml`.

use std::path::PathBuf;

use steadyhand::check::RULES;

use super::super::{output, stderr, stdout};
use super::{check_in, found};

fn fixtures(rule: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rules").join(rule)
}

#[test]
fn every_rule_has_a_bad_and_a_good_fixture_and_every_fixture_a_rule() {
    for rule in RULES {
        for name in ["bad.yaml", "good.yaml"] {
            assert!(fixtures(rule.name).join(name).is_file(), "tests/fixtures/rules/{}/{name} is missing", rule.name);
        }
    }
    for folder in fixtures("").read_dir().expect("the fixtures are there") {
        let name = folder.expect("the folder can be read").file_name().into_string().expect("its name is UTF-8");
        assert!(RULES.iter().any(|rule| rule.name == name), "tests/fixtures/rules/{name} belongs to no rule");
    }
}

#[test]
fn a_bad_fixture_is_reported_exactly_so() {
    for rule in RULES {
        let report = check_in(&fixtures(rule.name), &["bad.yaml", "--profile", "oncall", "--fail-on", "info"]);
        insta::assert_snapshot!(rule.name, stdout(&report));
        assert_eq!(report.status.code(), Some(1), "{}", rule.name);
    }
}

#[test]
fn a_bad_fixture_breaks_its_own_rule_alone() {
    for rule in RULES {
        let report = check_in(&fixtures(rule.name), &["bad.yaml", "--profile", "oncall", "--format", "json"]);
        let others = found(&report).into_iter().filter(|(found, _)| found.split('[').next() != Some(rule.name));
        assert_eq!(others.collect::<Vec<_>>(), [], "{}", rule.name);
    }
}

#[test]
fn nothing_is_found_in_a_good_fixture() {
    for rule in RULES {
        let report = check_in(&fixtures(rule.name), &["good.yaml", "--profile", "oncall", "--fail-on", "info"]);
        assert_eq!(stdout(&report), "nothing found in 1 file\n", "{}", rule.name);
        assert_eq!(report.status.code(), Some(0), "{}", rule.name);
    }
}

#[test]
fn a_profile_has_the_rules_of_those_before_it_and_no_others() {
    let of = |profile: &str| {
        let bad =
            "owner-missing/bad.yaml todo-marker/bad.yaml effect-understated/bad.yaml template-in-command/bad.yaml";
        let mut arguments: Vec<&str> = bad.split(' ').collect();
        arguments.extend(["--format", "json", "--profile", profile]);
        let report = check_in(&fixtures(""), &arguments);
        let mut rules: Vec<String> = found(&report).into_iter().map(|(rule, _)| rule).collect();
        rules.sort();
        rules.dedup();
        rules
    };
    assert_eq!(of("min"), ["template-in-command"]);
    assert_eq!(of("basic"), ["template-in-command", "todo-marker"]);
    assert_eq!(of("safety"), ["effect-understated", "template-in-command", "todo-marker"]);
    assert_eq!(of("oncall"), ["effect-understated", "owner-missing", "template-in-command", "todo-marker"]);
}

#[test]
fn rules_are_listed_and_explained() {
    let list = output(&["check", "--list-rules"]);
    for rule in RULES {
        assert!(stdout(&list).lines().any(|line| line.starts_with(rule.name)), "{}", rule.name);
        let explained = output(&["check", "--explain", rule.name]);
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [rule.what, rule.why, rule.source, rule.bad, rule.good] {
            assert!(words(stdout(&explained)).contains(&words(part)), "{}", rule.name);
        }
    }
    insta::assert_snapshot!("explain", stdout(&output(&["check", "--explain", "timeout-missing"])));
}

#[test]
fn an_unknown_rule_is_not_explained_and_the_nearest_one_is_named() {
    let report = output(&["check", "--explain", "timeout-mising"]);
    assert_eq!(report.status.code(), Some(2));
    assert!(stderr(&report).contains("timeout-missing"), "{}", stderr(&report));
}
