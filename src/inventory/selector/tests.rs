//! The parser against examples of the Kubernetes documentation, and against a naive evaluator.

use proptest::prelude::*;

use super::*;

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn matches(selector: &str, pairs: &[(&str, &str)]) -> bool {
    Selector::parse(selector).unwrap_or_else(|error| panic!("{selector}: {error}")).matches(&labels(pairs))
}

#[test]
fn each_operator_means_what_it_means_in_kubernetes() {
    let web = [("role", "web"), ("env", "prod"), ("empty", "")];
    for selector in [
        "role=web",
        "role==web",
        "role = web",
        "role!=db",
        "missing!=db",
        "env in (prod,staging)",
        "env in( staging , prod )",
        "env notin (dev)",
        "missing notin (dev)",
        "role",
        "!missing",
        "! missing",
        "empty=",
        "empty in (,x)",
        "empty in (x,)",
        "role=web,env in (prod,staging),!missing",
        "role\n=\tweb",
    ] {
        assert!(matches(selector, &web), "{selector} does not match");
    }
    for selector in ["role=db", "missing=db", "env notin (prod)", "!role", "missing", "role=web,env=dev", "role!=web"] {
        assert!(!matches(selector, &web), "{selector} matches");
    }
    assert!(matches("x=in", &[("x", "in")]), "`in` is a word in a value's place");
    assert!(matches("x in (in,notin)", &[("x", "notin")]));
    assert!(matches("example.org/role=web", &[("example.org/role", "web")]));
}

#[test]
fn a_wrong_selector_says_where_and_what_to_write() {
    for (selector, at, message) in [
        ("", 0..0, "empty"),
        ("  ", 2..2, "empty"),
        ("role=web,", 9..9, "missing at the end"),
        ("role=web env=prod", 9..12, "`,` or the end"),
        ("env in prod", 7..11, "`(` is missing"),
        ("env in (prod", 12..12, "`)` is missing"),
        ("env in (", 8..8, "`)` is missing"),
        ("env in (prod staging)", 13..20, "`,` or `)`"),
        ("env in ()", 8..9, "empty"),
        ("cpu>4", 3..4, "not an operator"),
        ("role=web||role=db", 5..14, "not a label value"),
        ("role and web", 5..8, "not an operator"),
        ("!role=web", 5..6, "`,` or the end"),
        ("=web", 0..1, "label key"),
        ("in (a)", 0..2, "label key"),
        ("role=\"web\"", 5..10, "not a label value"),
        ("-role=web", 0..5, "not a label key"),
        ("röle=web", 0..5, "not a label key"),
        ("a/b/c=web", 0..5, "not a label key"),
        ("role=(web)", 5..6, "value was expected"),
    ] {
        let error = Selector::parse(selector).expect_err(selector);
        assert_eq!(error.at, at, "{selector:?}: {error}");
        assert!(error.message.contains(message), "{selector:?}: {error}");
        assert!(error.help.is_some(), "{selector:?}");
    }
    assert!(Selector::parse(&"a,".repeat(SELECTOR_BYTES_MAX)).is_err());
}

/// One requirement as written, and a direct reading of it.
#[derive(Debug, Clone)]
struct Written {
    key: String,
    operator: usize,
    values: Vec<String>,
}

impl Written {
    fn text(&self, gap: &str) -> String {
        let Self { key, operator, values } = self;
        // `()` is refused; the list that holds only the empty value is `(,)`.
        let list = if values.concat().is_empty() { ",".to_owned() } else { values.join(&format!("{gap},{gap}")) };
        match operator {
            0 => format!("{key}{gap}={gap}{}", values[0]),
            1 => format!("{key}{gap}=={gap}{}", values[0]),
            2 => format!("{key}{gap}!={gap}{}", values[0]),
            3 => format!("{key} in{gap}({gap}{list}{gap})"),
            4 => format!("{key} notin{gap}({gap}{list}{gap})"),
            5 => format!("{gap}{key}{gap}"),
            _ => format!("!{gap}{key}"),
        }
    }

    fn naive(&self, pairs: &[(String, String)]) -> bool {
        let has = |value: &String| pairs.contains(&(self.key.clone(), value.clone()));
        match self.operator {
            0 | 1 => has(&self.values[0]),
            2 => !has(&self.values[0]),
            3 => self.values.iter().any(has),
            4 => !self.values.iter().any(has),
            5 => pairs.iter().any(|(key, _)| *key == self.key),
            _ => pairs.iter().all(|(key, _)| *key != self.key),
        }
    }
}

fn written() -> impl Strategy<Value = Written> {
    ("[a-c]", 0..7usize, prop::collection::vec("[x-z]|in|", 1..4)).prop_map(|(key, operator, values)| Written {
        key,
        operator,
        values,
    })
}

proptest! {
    #[test]
    fn a_selector_agrees_with_a_naive_reading_of_it(
        requirements in prop::collection::vec(written(), 1..5),
        labels in prop::collection::btree_map("[a-c]", "[x-z]|in|", 0..4),
        gap in "[ \t\n]{0,2}",
    ) {
        let text = requirements.iter().map(|written| written.text(&gap)).collect::<Vec<_>>().join(",");
        let pairs: Vec<_> = labels.clone().into_iter().collect();
        let selector = Selector::parse(&text).map_err(|error| TestCaseError::fail(format!("{text:?}: {error}")))?;
        prop_assert_eq!(selector.matches(&labels), requirements.iter().all(|written| written.naive(&pairs)), "{}", text);
        prop_assert_eq!(Selector::parse(&selector.to_string()), Ok(selector));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[a-c=!<>(),in é\"-]{0,24}|\\PC{0,40}") {
        if let Err(error) = Selector::parse(&text) {
            prop_assert!(text.get(error.at).is_some());
        }
    }
}
