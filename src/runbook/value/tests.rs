//! What each kind of input takes.

use super::*;

fn input(kind: InputKind) -> Input {
    Input {
        name: "x".parse().unwrap(),
        description: String::new(),
        kind,
        default: None,
        required: true,
        pattern: None,
        min: None,
        max: None,
        from_alert: None,
        from_secret: None,
    }
}

#[test]
fn texts_arrive_byte_for_byte() {
    for text in ["", " a ", "it's $(rm -rf /) `x` \"q\"\n\n", "𝄞 é\u{202e}", "-n"] {
        assert_eq!(parse_input(&input(InputKind::String), text), Ok(Value::Text(text.to_owned())));
        assert_eq!(shell_text(&Value::Text(text.to_owned())), text);
    }
    let longest = "x".repeat(VALUE_BYTES_MAX);
    assert!(parse_input(&input(InputKind::String), &longest).is_ok());
    assert_eq!(parse_input(&input(InputKind::String), &(longest + "x")), Err(InvalidValue::TooLong));
    assert_eq!(parse_input(&input(InputKind::String), "a\0b"), Err(InvalidValue::Nul));
}

#[test]
fn each_kind_takes_its_own_texts_only() {
    let choice = InputKind::Choice(vec!["a".to_owned(), "b c".to_owned()]);
    for (kind, good, bad) in [
        (InputKind::Integer, vec!["5", "-3", " 7 "], vec!["", "5.0", "x", "1e3", "99999999999999999999"]),
        (InputKind::Number, vec!["5", "0.5", "1e3"], vec!["", "x", "nan", "inf", "1e999"]),
        (InputKind::Boolean, vec!["true", "false"], vec!["", "yes", "1", "True"]),
        (InputKind::Duration, vec!["5m", "1h30m"], vec!["", "5", "5 m", "-1s"]),
        (choice, vec!["a", "b c"], vec!["", "A", "c"]),
    ] {
        for text in good {
            assert!(parse_input(&input(kind.clone()), text).is_ok(), "{kind:?} refused {text:?}");
        }
        for text in bad {
            assert!(parse_input(&input(kind.clone()), text).is_err(), "{kind:?} took {text:?}");
        }
    }
}

#[test]
fn a_pattern_is_for_the_whole_value() {
    let named = Input { pattern: Some("/[a-z/]*|x".to_owned()), ..input(InputKind::String) };
    for (text, taken) in
        [("/srv", true), ("x", true), ("/srv; rm", false), ("xx", false), ("/srv\n", false), ("", false)]
    {
        assert_eq!(parse_input(&named, text).is_ok(), taken, "{text:?}");
    }
    let commented = Input { pattern: Some("(?x)a # comment".to_owned()), ..input(InputKind::String) };
    assert!(parse_input(&commented, "b").is_err());
    assert!(whole_pattern("a)(b").is_err());
    assert!(whole_pattern(&"(x{1000}){1000}".repeat(3)).is_err());
    assert!(whole_pattern(&"(".repeat(500)).is_err());
}

#[test]
fn numbers_keep_their_bounds() {
    let bounded = Input { min: Some(1.0), max: Some(10.0), ..input(InputKind::Integer) };
    assert_eq!(parse_input(&bounded, "0"), Err(InvalidValue::TooSmall { number: 0.0, min: 1.0 }));
    assert_eq!(parse_input(&bounded, "11"), Err(InvalidValue::TooGreat { number: 11.0, max: 10.0 }));
    assert_eq!(parse_input(&bounded, "10"), Ok(Value::Integer(10)));
}

#[test]
fn json_is_taken_as_what_it_is() {
    let integer = input(InputKind::Integer);
    assert_eq!(input_from_json(&integer, &5.into()), Ok(Value::Integer(5)));
    assert_eq!(input_from_json(&integer, &"5".into()), Ok(Value::Integer(5)));
    assert!(input_from_json(&integer, &true.into()).is_err());
    assert!(input_from_json(&integer, &serde_json::Value::Null).is_err());
    assert_eq!(to_json(&Value::Duration(90_000)), "1m30s");
}

#[test]
fn a_refused_secret_does_not_stand_in_its_message() {
    let secret = Input { pattern: Some("[a-z]+".to_owned()), ..input(InputKind::Secret) };
    let error = parse_input(&secret, "hunter2").unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn an_empty_answer_is_no_answer() {
    let ask = Ask {
        name: "x".parse().unwrap(),
        description: String::new(),
        kind: InputKind::String,
        pattern: None,
        min: None,
        max: None,
    };
    assert_eq!(parse_answer(&ask, " \n"), Err(InvalidValue::Missing));
    assert_eq!(parse_answer(&ask, "ok"), Ok(Value::Text("ok".to_owned())));
}
