//! Diagnostics as text for people and programs. The same findings in every format.

mod github;
mod human;
mod json;
mod sarif;

use std::io;

use clap::ValueEnum;

use super::terminal::Terminal;
use crate::diagnostic::{Diagnostic, Severity};

/// The `--format` of commands that report diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum ReportFormat {
    /// Text with the source underlined
    #[default]
    Human,
    /// One JSON document
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

/// Files with what was found in them, by name.
pub(super) struct Report {
    pub(super) files: Vec<CheckedFile>,
}

pub(super) struct CheckedFile {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl ReportFormat {
    pub(super) fn write(self, report: &Report, terminal: &mut Terminal) -> io::Result<()> {
        match self {
            Self::Human => human::write(report, terminal),
            Self::Json => json::write(report, &mut terminal.out),
            Self::Sarif => sarif::write(report, &mut terminal.out),
            Self::Github => github::write(report, &mut terminal.out),
        }
    }
}

impl Report {
    pub(super) fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        self.files.iter().flat_map(|file| &file.diagnostics)
    }

    fn count(&self, severity: Severity) -> usize {
        self.diagnostics().filter(|diagnostic| diagnostic.severity == severity).count()
    }
}
