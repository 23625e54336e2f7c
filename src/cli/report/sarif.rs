//! For code scanning: SARIF 2.1.0, with fingerprints that survive lines moving up and down.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{CheckedFile, Report};
use crate::check::{RULES, Rule};
use crate::diagnostic::{Diagnostic, Severity, Span};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut rules = RulesOfTool::of(report);
    let mut results = Vec::new();
    for file in &report.files {
        let mut seen = BTreeMap::new();
        for diagnostic in &file.diagnostics {
            results.push(result(file, diagnostic, &mut rules, &mut seen));
        }
    }
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "steadyhand",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.descriptors,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

/// The rules that the document describes: all of ours, and the parser's that found something.
struct RulesOfTool {
    descriptors: Vec<Value>,
    index_of: BTreeMap<String, usize>,
}

impl RulesOfTool {
    fn of(report: &Report) -> Self {
        let mut rules = Self { descriptors: Vec::new(), index_of: BTreeMap::new() };
        for rule in RULES {
            rules.add(rule.name, described(rule));
        }
        for diagnostic in report.diagnostics() {
            let name = diagnostic.rule.as_str();
            let described = crate::check::rule(name).map_or_else(|| json!({"id": name}), described);
            rules.add(name, described);
        }
        rules
    }

    fn add(&mut self, name: &str, mut descriptor: Value) {
        if !self.index_of.contains_key(name) {
            descriptor["id"] = json!(name);
            self.index_of.insert(name.to_owned(), self.descriptors.len());
            self.descriptors.push(descriptor);
        }
    }
}

fn described(rule: &Rule) -> Value {
    json!({
        "id": rule.name,
        "shortDescription": {"text": rule.what},
        "fullDescription": {"text": rule.why},
        "help": {"text": format!("{}\n\nBad:\n{}\n\nGood:\n{}\n\nSource: {}", rule.why, rule.bad, rule.good, rule.source)},
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {"profile": rule.profile.name()},
    })
}

fn result(
    file: &CheckedFile,
    diagnostic: &Diagnostic,
    rules: &mut RulesOfTool,
    seen: &mut BTreeMap<(String, String), usize>,
) -> Value {
    let message = match &diagnostic.help {
        Some(help) => format!("{}: {help}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    json!({
        "ruleId": diagnostic.rule,
        "ruleIndex": rules.index_of[&diagnostic.rule],
        "level": level(diagnostic.severity),
        "message": {"text": message},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": as_uri(&diagnostic.file)},
            "region": region(file, diagnostic.span),
        }}],
        "partialFingerprints": {"steadyhandLine/v1": fingerprint(file, diagnostic, seen)},
    })
}

fn region(file: &CheckedFile, span: Span) -> Value {
    let end = Span::within(&file.text, span.end, span.end);
    json!({
        "startLine": span.line.max(1),
        "startColumn": span.column.max(1),
        "endLine": end.line.max(span.line),
        "endColumn": end.column,
    })
}

/// Of the rule and the text of the line, counted where the same stands on several lines: the number of the
/// line has no part in it.
fn fingerprint(file: &CheckedFile, diagnostic: &Diagnostic, seen: &mut BTreeMap<(String, String), usize>) -> String {
    let line = file.text.lines().nth(diagnostic.span.line.saturating_sub(1)).unwrap_or_default().trim().to_owned();
    let occurrence = seen.entry((diagnostic.rule.clone(), line.clone())).or_default();
    *occurrence += 1;
    let digest = Sha256::digest(format!("{}\0{line}\0{occurrence}", diagnostic.rule));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// A relative reference (RFC 3986): everything but unreserved characters and `/` is percent-encoded.
fn as_uri(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_relative_reference() {
        assert_eq!(as_uri("runbooks/a b/ä%.yaml"), "runbooks/a%20b/%C3%A4%25.yaml");
    }

    #[test]
    fn a_fingerprint_survives_lines_above_and_tells_equal_lines_apart() {
        let of = |text: &str, line: usize, seen: &mut BTreeMap<_, _>| {
            let file = CheckedFile { name: "a".to_owned(), text: text.to_owned(), diagnostics: Vec::new() };
            let span = Span { line, ..Span::default() };
            fingerprint(&file, &Diagnostic::new("r", Severity::Error, "a", span, "m"), seen)
        };
        let mut seen = BTreeMap::new();
        let first = of("run: x\nrun: x\n", 1, &mut seen);
        assert_ne!(first, of("run: x\nrun: x\n", 2, &mut seen));
        assert_eq!(first, of("# new\n  run: x\n", 2, &mut BTreeMap::new()));
    }
}
