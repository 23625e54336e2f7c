//! `steadyhand check`: what is wrong with runbooks, for people, programs and code review.

mod documentation;
mod files;
mod schedule;
mod windows;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::explain::{self, Explain, Explained};
use super::report::{CheckedFile, Report, ReportFormat};
use super::terminal::Terminal;
use crate::check::{Policy, Profile, check_runbook};
use crate::clock::{Clock, System};
use crate::diagnostic::{Diagnostic, Severity};
use crate::{access, config, environment, inventory, yaml};

use files::{FileKind, FoundFile};

const EXIT_FINDINGS: u8 = 1;

const AFTER_HELP: &str = "\
Examples:
  steadyhand check                                   every runbook of the repository here
  steadyhand check runbooks/web/disk-full.yaml       one file
  steadyhand check --format github                   annotations in a pull request
  steadyhand check --format sarif > results.sarif    for code scanning
  steadyhand check --explain effect-understated      what a rule wants, and why

Ignoring a finding: a comment in the file, on the line before it or at the end of its line,
or before the first key for the whole file. The reason is required.
  # steadyhand: ignore[change-unverified] the next runbook reads it back

Exit codes:
  0  nothing found at or above --fail-on (SARIF: whatever was found)
  1  findings
  2  could not check: wrong usage, nothing to check, an unreadable file";

/// Check runbooks and say what is wrong with them
///
/// Checks files, or a repository: all of `runbooks/**/*.yaml`, and `inventory.yaml`. A file that is named and ends in
/// `server.yaml` is a server's configuration.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Check {
    /// Runbooks, an `inventory.yaml`, a `server.yaml`, or folders with `runbooks/` in them
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Findings of this weight and above make the exit code 1
    #[arg(long, value_enum, default_value_t = FailOn::Warning, value_name = "SEVERITY")]
    fail_on: FailOn,
    /// How strict to be; each profile has the rules of those before it
    #[arg(long, value_enum, default_value_t = ProfileName::Safety)]
    profile: ProfileName,
    /// Judge `review_by` and the like as of this day instead of today
    #[arg(long, value_name = "DATE")]
    today: Option<Date>,
    /// Print every rule with its severity and profile, and check nothing
    #[arg(long, conflicts_with_all = ["explain", "paths"])]
    list_rules: bool,
    /// Print what a rule finds, why, and an example, and check nothing
    #[arg(long, value_name = "RULE", conflicts_with = "paths")]
    explain: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Info,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ProfileName {
    /// It can be run at all
    Min,
    /// It can be read under stress
    Basic,
    /// It does no more than it says
    Safety,
    /// A team can rely on it at night
    Oncall,
}

impl Check {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        if self.list_rules {
            documentation::list_rules(terminal, self.format)?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(name) = &self.explain {
            documentation::explain(terminal, name, self.format)?;
            return Ok(ExitCode::SUCCESS);
        }
        self.check(terminal)
    }

    fn check(&self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let found = files::find(&self.paths)?;
        let mut report = Report { files: found.refused };
        let mut unreadable = found.unreadable;
        for file in &found.files {
            match read_bounded(&file.path) {
                Ok(bytes) => report.files.push(self.check_file(file, &bytes)),
                Err(error) => unreadable.push((file.shown.clone(), error)),
            }
        }
        report.files.sort_by(|one, other| one.name.cmp(&other.name));
        self.format.write(&report, terminal)?;
        terminal.out.flush()?;
        let any_unreadable = !unreadable.is_empty();
        for (name, error) in unreadable {
            let explained = Err::<(), _>(error).explain(format!("cannot read {name}"), "everything else was checked");
            explain::write(&explained.expect_err("it was made from an error"), terminal)?;
        }
        Ok(self.exit_code(&report, any_unreadable))
    }

    fn check_file(&self, file: &FoundFile, bytes: &[u8]) -> CheckedFile {
        let policy = Policy { profile: self.profile.into(), today: self.today.unwrap_or_else(today) };
        let diagnostics = match &file.kind {
            FileKind::Runbook(path) => {
                let mut found = check_runbook(path, &file.shown, bytes, policy).diagnostics;
                found.append(&mut windows::unknown(&file.path, &file.shown, path, bytes));
                found
            }
            FileKind::Inventory => check_inventory(file, bytes),
            FileKind::Access => access::parse(&file.shown, bytes).diagnostics,
            FileKind::Server => config::parse(&file.shown, bytes, &base_of(file)).diagnostics,
            FileKind::Oncall => schedule::check(file, bytes, policy.today),
        };
        CheckedFile { name: file.shown.clone(), text: String::from_utf8_lossy(bytes).into_owned(), diagnostics }
    }

    fn exit_code(&self, report: &Report, any_unreadable: bool) -> ExitCode {
        let fail_on = Severity::from(self.fail_on);
        if any_unreadable {
            ExitCode::from(super::EXIT_ERROR)
        } else if self.format != ReportFormat::Sarif && report.diagnostics().any(|found| found.severity >= fail_on) {
            ExitCode::from(EXIT_FINDINGS)
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// One byte more than is allowed, so that the parser can say that the file is too long, whatever its length.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(yaml::BYTES_MAX).expect("the limit fits in 64 bits") + 1;
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What can be said without asking the sources that the inventory names.
fn check_inventory(file: &FoundFile, bytes: &[u8]) -> Vec<Diagnostic> {
    inventory::parse(&file.shown, bytes, &base_of(file)).check()
}

/// What paths in a file are relative to.
fn base_of(file: &FoundFile) -> inventory::Base {
    let whole = std::path::absolute(&file.path).unwrap_or_else(|_| file.path.clone());
    let folder = whole.parent().unwrap_or(Path::new("/")).to_owned();
    inventory::Base { folder, home: environment::os_text("HOME").map(PathBuf::from) }
}

/// The day where the reader is: it is their calendar that says whether a review is due.
fn today() -> Date {
    System::start().now().to_zoned(TimeZone::system()).date()
}

fn nothing_to_check(paths: &[PathBuf]) -> anyhow::Result<()> {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    bail!(Explained::new(
        format!("nothing to check: no runbooks in {}", names.join(", ")),
        "runbooks are `runbooks/**/*.yaml` below the folder; name a file to check it wherever it is",
    ))
}

impl From<FailOn> for Severity {
    fn from(fail_on: FailOn) -> Self {
        match fail_on {
            FailOn::Error => Self::Error,
            FailOn::Warning => Self::Warning,
            FailOn::Info => Self::Info,
        }
    }
}

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::Min => Self::Min,
            ProfileName::Basic => Self::Basic,
            ProfileName::Safety => Self::Safety,
            ProfileName::Oncall => Self::Oncall,
        }
    }
}
