//! Conditions as users write them, wrong ones, and hostile ones.

use std::collections::BTreeMap;

use super::super::scope::{Outcome, ValueType};
use super::*;

fn names() -> Names {
    let values = [
        ("used_pct", ValueType::Integer),
        ("error_rate", ValueType::Number),
        ("mount", ValueType::Text),
        ("ready", ValueType::Boolean),
        ("window", ValueType::Duration),
        ("token", ValueType::Secret),
    ];
    Names {
        values: values.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect(),
        later: BTreeMap::from([("now_pct".to_owned(), "journal".to_owned())]),
        outcome: true,
    }
}

fn evaluated(text: &str, stdout: &str) -> Result<bool, ConditionError> {
    let values = BTreeMap::from([
        ("used_pct".parse().unwrap(), Value::Integer(90)),
        ("error_rate".parse().unwrap(), Value::Number(0.5)),
        ("mount".parse().unwrap(), Value::Text("/srv".to_owned())),
        ("ready".parse().unwrap(), Value::Boolean(true)),
        ("window".parse().unwrap(), Value::Duration(90_000)),
    ]);
    let labels = BTreeMap::from([("env".to_owned(), "prod".to_owned())]);
    let host = "web-1".parse().unwrap();
    let outcome = Some(Outcome { exit: 0, stdout, stderr: "" });
    evaluate(&Condition(text.to_owned()), &Scope { values: &values, host: &host, labels: &labels, outcome })
}

#[test]
fn conditions_as_users_write_them_pass_the_check_and_hold() {
    for text in [
        "used_pct >= 85",
        "used_pct > 85.5 && error_rate < 1",
        "exit == 0",
        "exit in [0, 1]",
        "!(exit != 0) || false",
        "ready",
        "ready == true",
        "mount == '/srv' && mount.startsWith(\"/\")",
        "mount.matches('^/s.v$')",
        "host.name == \"web-1\" && host.labels.env == 'prod'",
        "host.labels['env'] != 'dev'",
        "has(host.labels.env) && !has(host.labels.zone)",
        "'env' in host.labels",
        "stdout.contains('ok') && stderr == ''",
        "size(stdout) > 0",
        "json.ok && json.items.size() == 3",
        "json.items.all(item, item > 0)",
        "json.items.exists(item, item == 2) && json.items[0] == 1",
        "json.name == null || json.ratio < 1",
        "window > duration('1m') && window == duration(\"1m30s\")",
        "used_pct - 80 == 10 && (used_pct > 0 ? ready : false)",
        "int(\"5\") + used_pct == 95",
        "\"a\\\"b\" != 'x'",
    ] {
        assert_eq!(check(text, &names()), Ok(()), "{text}");
        let stdout = r#"{"ok": true, "items": [1, 2, 3], "name": null, "ratio": 0.5}"#;
        assert_eq!(evaluated(text, stdout), Ok(true), "{text}");
    }
}

#[test]
fn what_is_wrong_with_a_condition_is_told_with_its_place() {
    let mut told = String::new();
    for text in [
        "used_pc >= 85",
        "used_pct >= 85 && now_pct < 3",
        "used_pct",
        "used_pct >= '85'",
        "mount > 5",
        "mount && ready",
        "used_pct = 85",
        "used_pct >=",
        "",
        "(used_pct > 1",
        "shell('rm -rf /')",
        "mount.replace('a', 'b') == ''",
        "host.nam == 'x'",
        "host == 'x'",
        "token == 'x'",
        "json.items.map(x, x * 2) == [2]",
        "json.a.all(x, json.b.exists(y, y == x))",
        "json.a.all(x, stdout.contains(x))",
        "window > 30",
        "window > duration('1d')",
        "used_pct + error_rate > 1.0",
        "{'a': 1}.a == 1",
        "b'x' == b'y'",
        "exit in 5",
        "used_pct == true",
    ] {
        let problems = check(text, &names()).expect_err(text);
        for problem in problems {
            let at = &text[problem.part.clone()];
            told += &format!(
                "{text}\n  [{at}] {}: {} ({})\n",
                problem.kind.rule(),
                problem.message,
                problem.help.unwrap_or_default()
            );
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_missing_value_is_an_error_with_a_clear_text_and_neither_true_nor_false() {
    for (text, stdout, told) in [
        ("json.nope == 1", "{}", "there is no `nope` in what `json.nope == 1` looks at"),
        ("json.a == 1", "no json", "`json` needs stdout to be JSON: expected ident at line 1 column 2"),
        ("now_pct > 1", "", "`now_pct` has no value: the step that captures it did not run, or captured nothing"),
        ("host.labels.zone == 'a'", "", "there is no `zone` in what `host.labels.zone == 'a'` looks at"),
        ("json.a", r#"{"a": 5}"#, "`json.a` gives a int, not true or false"),
        (
            "json.a < 1",
            r#"{"a": "x"}"#,
            "`json.a < 1` cannot be evaluated: found no matching overload for '_<_' applied to '(string, int)'",
        ),
        ("1 / (used_pct - 90) == 1", "", "`1 / (used_pct - 90) == 1` cannot be evaluated: division by zero"),
        (
            "9223372036854775807 + used_pct > 0",
            "",
            "`9223372036854775807 + used_pct > 0` cannot be evaluated: the number is out of range",
        ),
    ] {
        assert_eq!(evaluated(text, stdout).unwrap_err().to_string(), told, "{text}");
    }
}

#[test]
fn hostile_conditions_are_refused_without_a_panic() {
    let deep = format!("{}1{} == 1", "(".repeat(400), ")".repeat(400));
    for text in [
        deep.as_str(),
        &"!".repeat(900),
        &"-".repeat(900),
        &"a?".repeat(450),
        &"a ? b : ".repeat(100),
        &"a.".repeat(450),
        &"[".repeat(13),
        &"x".repeat(100_000),
        &format!("mount{}", ".a()".repeat(200)),
        &format!("{}1 == 1", "1+".repeat(400)),
        &format!("json{} == 1", "[0]".repeat(300)),
        &format!("json{} == 1", ".a".repeat(480)),
        &format!("[{}1] == [1]", "1,".repeat(450)),
        "\"\\u{110000}\"",
        "\"\\ud800\" == ''",
        "'",
        "\u{0}",
        "é == 1",
        "`a` == 1",
        "/* x",
        "9999999999999999999999 == 1",
        "1e999999 == 1.0",
        "mount.matches('(')",
    ] {
        let checked = check(text, &names());
        let result = evaluated(text, "{}");
        assert!(checked.is_err() || result.is_err() || result == Ok(true) || result == Ok(false), "{text}");
    }
    assert_eq!(check(&vec!["ready"; 80].join(" && "), &names()), Ok(()));
    assert_eq!(evaluated(&vec!["ready"; 80].join(" && "), ""), Ok(true));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
    #[test]
    fn no_text_makes_a_condition_panic(text in "[a-z0-9_ ().&|!<>=+*/%?:'\"\\[\\]{},\\\\é-]{0,60}") {
        if check(&text, &names()).is_ok() {
            let _either = evaluated(&text, "{\"a\": [1]}");
        }
    }
}
