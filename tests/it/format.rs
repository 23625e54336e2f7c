//! Parser and JSON Schema held against the same good and bad runbooks, and against thousands of broken ones.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jsonschema::Validator;
use steadyhand::runbook::{self, Parsed};
use steadyhand::yaml;

mod broken;

fn fixtures(folder: &str) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = vec![root.join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                files.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

fn parsed(name: &str, text: &[u8]) -> Parsed {
    runbook::parse(&"web/test".parse().unwrap(), &format!("{name}.yaml"), text)
}

/// Made once: it compiles every pattern of the schema.
static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::draft7::new(&runbook::schema()).expect("the schema is a draft-07 schema"));

/// What the schema says of a text; `None` where the text is no YAML that an editor could show it.
fn schema_accepts(text: &[u8]) -> Option<bool> {
    Some(VALIDATOR.is_valid(&yaml::read("f.yaml", text).root?.to_json()))
}

#[test]
fn parser_and_schema_take_every_good_runbook() {
    let good = [fixtures("tests/fixtures/runbooks/good"), fixtures("runbooks")].concat();
    assert!(good.len() >= 20);
    for (name, text) in good {
        let parsed = parsed(&name, &text);
        assert_eq!(parsed.diagnostics, [], "{name}");
        assert!(parsed.runbook.is_some(), "{name}");
        let json = yaml::read("f.yaml", &text).root.unwrap().to_json();
        let errors: Vec<String> =
            VALIDATOR.iter_errors(&json).map(|error| format!("{}: {error}", error.instance_path)).collect();
        assert_eq!(errors, [] as [String; 0], "{name}");
    }
}

#[test]
fn parser_and_schema_refuse_every_bad_runbook() {
    let bad = fixtures("tests/fixtures/runbooks/bad");
    assert!(bad.len() >= 60);
    for (name, text) in bad {
        let parsed = parsed(&name, &text);
        assert!(parsed.runbook.is_none(), "{name} was taken");
        assert!(!parsed.diagnostics.is_empty(), "{name} was refused without a word");
        let beyond_schema = text.starts_with(b"# beyond-schema: ");
        // Faults of the YAML itself never reach a schema as such.
        if text.starts_with(b"# beyond-schema: yaml") {
            continue;
        }
        if let Some(accepted) = schema_accepts(&text) {
            assert_eq!(accepted, beyond_schema, "{name}: what the schema says");
        }
    }
}

#[test]
fn each_bad_runbook_gets_exactly_these_words() {
    for (name, text) in fixtures("tests/fixtures/runbooks/bad") {
        insta::with_settings!({ snapshot_path => "../fixtures/runbooks/bad/snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name.clone(), told(&name, &text));
        });
    }
}

/// Each diagnostic with the text that it points at.
fn told(name: &str, text: &[u8]) -> String {
    let mut told = String::new();
    let source = String::from_utf8_lossy(text);
    for diagnostic in parsed(name, text).diagnostics {
        let span = diagnostic.span;
        let shown = source.get(span.start..span.end).unwrap_or("?").lines().next().unwrap_or_default();
        writeln!(told, "{}:{} {} `{shown}`", span.line, span.column, diagnostic.rule).unwrap();
        writeln!(told, "    {}", diagnostic.message).unwrap();
        if let Some(help) = diagnostic.help {
            writeln!(told, "    help: {help}").unwrap();
        }
    }
    told
}

#[test]
fn the_schema_allows_no_field_that_it_does_not_name() {
    fn look(schema: &serde_json::Value, path: &str) {
        if schema.get("properties").is_some() && !path.ends_with("/then") {
            assert!(schema.get("additionalProperties").is_some(), "{path} is open");
        }
        match schema {
            serde_json::Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| look(value, &format!("{path}/{name}")));
            }
            serde_json::Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, value)| look(value, &format!("{path}/{index}")));
            }
            _ => {}
        }
    }
    look(&runbook::schema(), "");
}
