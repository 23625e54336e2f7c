//! What reading refuses, and what it keeps.

use std::fmt::Write as _;

use super::*;

fn problems(text: &[u8]) -> String {
    let mut told = String::new();
    for problem in read("f.yaml", text).diagnostics {
        let Span { line, column, start, end } = problem.span;
        let help = problem.help.unwrap_or_default();
        writeln!(told, "{line}:{column} [{start}..{end}] {}: {} ({help})", problem.rule, problem.message).unwrap();
    }
    told
}

#[test]
fn everything_that_our_files_do_not_use_is_refused_with_its_place() {
    let cases: &[(&str, &[u8])] = &[
        ("duplicate key", b"a: 1\nb: 2\na: 3\n"),
        ("anchor and alias", b"a: &x 1\nb: *x\nc: *y\n"),
        ("merge key", b"a:\n  <<: {b: 1}\n  c: 2\n"),
        ("tags", b"a: !!str 1\nb: !env X\n"),
        ("tab as indentation", b"a:\n\tb: 1\n"),
        ("tab before a value", b"a:\t1\n"),
        ("second document", b"a: 1\n---\nb: 2\n"),
        ("byte order mark", b"\xef\xbb\xbfa: 1\n"),
        ("NUL", b"a: \"x\0\"\n"),
        ("invalid UTF-8", b"a: 1\nb: \xff\n"),
        ("unclosed list", b"a: [1, 2\n"),
        ("unclosed quote", b"a: \"x\n"),
        ("colon in a plain text", b"a: b: c\n"),
        ("list as key", b"? [1, 2]\n: x\n"),
        ("missing key", b": x\n"),
        ("bad indentation", b"a:\n  b: 1\n c: 2\n"),
        ("backtick", b"a: `x`\n"),
        ("percent", b"a: %x\n"),
        ("unknown escape", b"a: \"\\d\"\n"),
    ];
    let told: String = cases.iter().fold(String::new(), |mut told, (name, text)| {
        write!(told, "# {name}\n{}", problems(text)).unwrap();
        told
    });
    insta::assert_snapshot!(told);
}

#[test]
fn depth_size_and_node_count_are_bounded() {
    let deep = format!("{}1{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX));
    assert_eq!(problems(deep.as_bytes()), "");
    let too_deep = format!("a: 1\nb: {deep}\nb: 2\n");
    assert_eq!(
        problems(too_deep.as_bytes()),
        "2:35 [39..40] syntax: nested more than 32 deep (flatten it)\n\
         3:1 [74..75] syntax: \"b\" is given twice (it was given on line 2 already: keep one)\n"
    );
    for brackets in ["[", "{", "- ", "? ", "[{a: "] {
        let text = brackets.repeat(BYTES_MAX / brackets.len());
        assert!(problems(text.as_bytes()).contains("nested more than 32 deep"), "{brackets}");
    }
    assert!(problems(&vec![b'#'; BYTES_MAX + 1]).contains("more than 256 KiB"));
    assert!(problems("[,".repeat(3).as_bytes()).contains("syntax"));
    let many = "- 1\n".repeat(NODES_MAX + 1);
    assert!(problems(many.as_bytes()).contains("more than 20000 keys and values"));
}

#[test]
fn one_file_has_a_bounded_number_of_diagnostics() {
    let text = "a: 1\n".repeat(5000);
    assert_eq!(read("f.yaml", text.as_bytes()).diagnostics.len(), DIAGNOSTICS_MAX);
}

#[test]
fn tabs_inside_texts_and_comments_are_kept() {
    let text = "a: \"x\ty\" # a\tb\nb: |\n  x\n  \ty\nc: x\ty\n#\tz\n";
    assert_eq!(problems(text.as_bytes()), "");
    let root = read("f.yaml", text.as_bytes()).root.unwrap();
    let Some(Node { kind: Kind::Scalar(scalar), .. }) = root.get("b") else { panic!("b is no scalar") };
    assert_eq!(scalar.text, "x\n\ty\n");
}

#[test]
fn spans_cover_exactly_the_text_of_each_value() {
    let text = "a:   1.10  # why\nb: {c: [x, 'y'], d: \"é\"}\ne:\n  - f\n  - g: h\n\n# end\ni: |\n  one\n  two\n\nj: >-\n  x\n";
    let document = read("f.yaml", text.as_bytes());
    assert_eq!(document.diagnostics, []);
    let root = document.root.unwrap();
    let slice = |node: &Node| text[node.span.start..node.span.end].to_owned();
    let told: Vec<String> = ["a", "b", "e", "i", "j"].iter().map(|key| slice(root.get(key).unwrap())).collect();
    assert_eq!(told, ["1.10", "{c: [x, 'y'], d: \"é\"}", "- f\n  - g: h", "one\n  two", "x"]);
    assert_eq!(
        root.to_json(),
        serde_json::json!({"a": 1.1, "b": {"c": ["x", "y"], "d": "é"}, "e": ["f", {"g": "h"}], "i": "one\ntwo\n", "j": "x"})
    );
    let comments: Vec<(&str, usize)> =
        document.comments.iter().map(|comment| (comment.text.as_str(), comment.span.line)).collect();
    assert_eq!(comments, [(" why", 1), (" end", 7)]);
}

#[test]
fn an_empty_text_is_an_empty_mapping() {
    for text in ["", "\n", "# only a comment\n", "---\n"] {
        let document = read("f.yaml", text.as_bytes());
        assert_eq!(document.diagnostics, []);
        let kind = document.root.unwrap().kind;
        assert!(matches!(&kind, Kind::Mapping(entries) if entries.is_empty()), "{text:?} gave {kind:?}");
    }
}

#[test]
fn a_slip_of_the_keyboard_gets_a_suggestion_and_another_word_does_not() {
    let known = ["timeout", "expect", "run", "check", "name"];
    assert_eq!(nearest("timeuot", &known), Some("timeout"));
    assert_eq!(nearest("Expect", &known), Some("expect"));
    assert_eq!(nearest("chekc", &known), Some("check"));
    assert_eq!(nearest("image", &known), None);
    assert_eq!(nearest(&"x".repeat(10_000), &known), None);
}
