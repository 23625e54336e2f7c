//! `--list-rules` and `--explain`: the rules in their own words.

use std::io::Write;

use anyhow::bail;
use serde_json::json;

use super::super::explain::Explained;
use super::super::report::ReportFormat;
use super::super::terminal::Terminal;
use crate::check::{Finder, RULES, Rule, rule};
use crate::diagnostic::Severity;
use crate::yaml;

pub(super) fn list_rules(terminal: &mut Terminal, format: ReportFormat) -> anyhow::Result<()> {
    if format == ReportFormat::Json {
        let rules: Vec<serde_json::Value> = RULES.iter().map(as_json).collect();
        writeln!(terminal.out, "{:#}", json!({"version": 1, "rules": rules}))?;
        return Ok(());
    }
    let width = RULES.iter().map(|rule| rule.name.len()).max().unwrap_or_default();
    for rule in RULES {
        let (severity, profile) = (severity_name(rule.severity), rule.profile.name());
        writeln!(terminal.out, "{:width$}  {severity:7}  {profile:6}  {}", rule.name, rule.what)?;
    }
    Ok(())
}

pub(super) fn explain(terminal: &mut Terminal, name: &str, format: ReportFormat) -> anyhow::Result<()> {
    let Some(rule) = rule(name) else {
        let known: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        let next =
            yaml::suggestion(name, &known).unwrap_or_else(|| "`steadyhand check --list-rules` lists them".into());
        bail!(Explained::new(format!("cannot explain {name:?}: there is no such rule"), next));
    };
    if format == ReportFormat::Json {
        writeln!(terminal.out, "{:#}", as_json(rule))?;
        return Ok(());
    }
    let out = &mut terminal.out;
    writeln!(out, "{}: {}, profile {}\n", rule.name, severity_name(rule.severity), rule.profile.name())?;
    for (title, text) in [("What", rule.what), ("Why", rule.why), ("Source", rule.source)] {
        writeln!(out, "{title:8}{}", wrapped(text, 8))?;
    }
    writeln!(out)?;
    writeln!(out, "Bad:\n{}\n\nGood:\n{}\n", indented(rule.bad), indented(rule.good))?;
    match rule.finder {
        Finder::Check(_) => writeln!(out, "To accept a finding: # steadyhand: ignore[{}] the reason", rule.name)?,
        Finder::Parser => writeln!(out, "It cannot be ignored: a runbook with it does not start.")?,
        Finder::Comments => writeln!(out, "It cannot be ignored.")?,
    }
    Ok(())
}

fn as_json(rule: &Rule) -> serde_json::Value {
    json!({
        "name": rule.name,
        "severity": rule.severity,
        "profile": rule.profile.name(),
        "can_be_ignored": matches!(rule.finder, Finder::Check(_)),
        "what": rule.what,
        "why": rule.why,
        "source": rule.source,
        "bad": rule.bad,
        "good": rule.good,
    })
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// Lines of at most 100 columns, each but the first set in by `margin`.
fn wrapped(text: &str, margin: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && margin + line + 1 + word.chars().count() > 100 {
            lines.push(String::new());
        }
        let line = lines.last_mut().expect("there is one from the start");
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.join(&format!("\n{:margin$}", ""))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
