//! For GitHub Actions: workflow commands that become annotations on the lines of a pull request.
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use std::io::{self, Write};

use super::{CheckedFile, Report};
use crate::diagnostic::{Diagnostic, Severity, Span};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for file in &report.files {
        for diagnostic in &file.diagnostics {
            writeln!(out, "{}", command(file, diagnostic))?;
        }
    }
    Ok(())
}

fn command(file: &CheckedFile, diagnostic: &Diagnostic) -> String {
    let kind = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let Span { line, column, .. } = diagnostic.span;
    let end = Span::within(&file.text, diagnostic.span.end, diagnostic.span.end);
    // GitHub drops columns when an annotation covers several lines.
    let columns = if end.line == line { format!(",col={column},endColumn={}", end.column) } else { String::new() };
    let message = match &diagnostic.help {
        Some(help) => format!("{}\n{help}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    format!(
        "::{kind} file={},line={line},endLine={}{columns},title={}::{}",
        property(&diagnostic.file),
        end.line.max(line),
        property(&diagnostic.rule),
        data(&message)
    )
}

/// What stands behind `::`: a line end would end the command, and begin another one of the file's choosing.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_file_cannot_begin_a_command_of_its_own() {
        let file = CheckedFile { name: "a,b:c%.yaml".to_owned(), text: "x".to_owned(), diagnostics: Vec::new() };
        let span = Span::within("x", 0, 1);
        let diagnostic =
            Diagnostic::new("rule", Severity::Info, &file.name, span, "50 %\r\n::set-env name=a::b").help("next");
        assert_eq!(
            command(&file, &diagnostic),
            "::notice file=a%2Cb%3Ac%25.yaml,line=1,endLine=1,col=1,endColumn=2,title=rule\
             ::50 %25%0D%0A::set-env name=a::b%0Anext"
        );
    }
}
