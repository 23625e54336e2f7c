//! Texts as users write them, and what is refused.

use std::collections::BTreeMap;

use super::super::model::Value;
use super::*;

fn names() -> Names {
    let values = [("mount", ValueType::Text), ("used_pct", ValueType::Integer), ("token", ValueType::Secret)];
    Names { values: values.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect(), ..Names::default() }
}

fn rendered(text: &str) -> Result<String, TemplateError> {
    let values = BTreeMap::from([
        ("mount".parse().unwrap(), Value::Text("/srv <b>&{{host.name}}".to_owned())),
        ("used_pct".parse().unwrap(), Value::Integer(90)),
        ("ready".parse().unwrap(), Value::Boolean(false)),
        ("window".parse().unwrap(), Value::Duration(90_000)),
        ("long".parse().unwrap(), Value::Text("x".repeat(60_000))),
    ]);
    let labels = BTreeMap::from([("env".to_owned(), "prod".to_owned())]);
    render(text, &Scope { values: &values, host: &"web-1".parse().unwrap(), labels: &labels, outcome: None })
}

#[test]
fn values_stand_in_the_text_as_they_are_and_are_not_expanded_again() {
    for (text, expected) in [
        ("plain, { one } brace", "plain, { one } brace"),
        ("{{mount}}", "/srv <b>&{{host.name}}"),
        ("on {{ host.name }} ({{host.labels.env}})", "on web-1 (prod)"),
        ("{{used_pct}} % for {{window}}", "90 % for 1m30s"),
        ("{{#if used_pct}}full{{else}}fine{{/if}}", "full"),
        ("{{#unless ready}}not ready{{/unless}}", "not ready"),
        ("{{#if never_captured}}{{never_captured}}{{else}}unknown{{/if}}{{! why }}", "`never_captured`"),
    ] {
        match rendered(text) {
            Ok(told) => assert_eq!(told, expected, "{text}"),
            Err(error) => assert!(error.to_string().starts_with(expected), "{text}: {error}"),
        }
    }
}

#[test]
fn a_text_with_a_hole_in_it_is_not_shown() {
    assert_eq!(rendered("{{now_pct}}"), Err(TemplateError::NoValue { name: "now_pct".to_owned() }));
    assert_eq!(rendered("{{host.labels.zone}}"), Err(TemplateError::NoValue { name: "host.labels.zone".to_owned() }));
}

#[test]
fn the_output_is_bounded() {
    assert_eq!(rendered(&"{{long}}".repeat(100)), Err(TemplateError::TooLong));
}

#[test]
fn everything_beyond_names_and_if_is_refused_with_its_place() {
    let mut told = String::new();
    for text in [
        "{{moun}}",
        "{{host}}",
        "{{host.nam}}",
        "{{token}}",
        "{{{mount}}}",
        "{{&mount}}",
        "{{> part}}",
        "{{#*inline \"a\"}}{{/inline}}",
        "{{#each mount}}{{this}}{{/each}}",
        "{{lookup mount used_pct}}",
        "{{../mount}}",
        "{{@root.mount}}",
        "{{#if mount}}",
        "{{/if}}",
        "{{#if mount}}{{/unless}}",
        "{{mount",
        "{{}}",
        "{{else}}",
        "\\{{mount}}",
        "{{~mount~}}",
        "{{!-- {{x}} --}}",
        "{{{{raw}}}}x{{{{/raw}}}}",
        "{{#if (eq mount 1)}}{{/if}}",
        "{{[mount]}}",
    ] {
        for problem in check(text, &names()).expect_err(text) {
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
    let deep = format!("{}x{}", "{{#if mount}}".repeat(50), "{{/if}}".repeat(50));
    assert!(check(&deep, &names()).is_err());
    assert!(check(&"{{mount}}".repeat(5000), &names()).is_err());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(500))]
    #[test]
    fn what_passes_the_check_never_fails_for_its_syntax(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "{{", "}}", "mount", "used_pct", "#if ", "/if", "else", "{", "}", "!", "--", "\\", " ", "x", "~", "&", ">", "é", "\n",
        ]), 0..24)
    ) {
        let text = pieces.concat();
        let checked = check(&text, &names());
        let result = rendered(&text);
        if checked.is_ok() {
            proptest::prop_assert!(result.is_ok(), "{text:?} gave {result:?}");
        }
    }
}
