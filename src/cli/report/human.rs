//! For people: each finding under the text that it is about, and a last line with the numbers.

use std::io::{self, Write};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::super::terminal::{Terminal, without_controls};
use super::{CheckedFile, Report};
use crate::diagnostic::{Diagnostic, Severity, Span};

pub(super) fn write(report: &Report, terminal: &mut Terminal) -> io::Result<()> {
    let renderer = if terminal.out_in_colour { Renderer::styled() } else { Renderer::plain() };
    for file in &report.files {
        for diagnostic in &file.diagnostics {
            writeln!(terminal.out, "{}\n", drawn(&renderer, file, diagnostic))?;
        }
    }
    writeln!(terminal.out, "{}", summary(report))
}

fn drawn(renderer: &Renderer, file: &CheckedFile, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    // The places are those of the bytes; where a file was not UTF-8, the text is a little different.
    let span = Span::within(&file.text, diagnostic.span.start, diagnostic.span.end);
    let title = level.primary_title(without_controls(&diagnostic.message)).id(diagnostic.rule.as_str());
    let source = Snippet::source(without_controls(&file.text))
        .path(without_controls(&file.name))
        .annotation(AnnotationKind::Primary.span(span.start..span.end));
    let mut group = title.element(source);
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(without_controls(help)));
    }
    renderer.render(&[group])
}

fn summary(report: &Report) -> String {
    let counts = [
        (report.count(Severity::Error), "error", "errors"),
        (report.count(Severity::Warning), "warning", "warnings"),
        (report.count(Severity::Info), "info", "infos"),
    ];
    let found: Vec<String> = counts
        .iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| counted(*number, one, many))
        .collect();
    if found.is_empty() {
        return format!("nothing found in {}", counted(report.files.len(), "file", "files"));
    }
    let files = report.files.iter().filter(|file| !file.diagnostics.is_empty()).count();
    let checked = if files == report.files.len() { String::new() } else { format!(" of {}", report.files.len()) };
    if checked.is_empty() {
        format!("{} in {}", found.join(", "), counted(files, "file", "files"))
    } else {
        format!("{} in {files}{checked} files", found.join(", "))
    }
}

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
