//! Windows that a runbook names and that the repository's `oncall.yaml` does not have: its runs could never start.

use std::path::{Path, PathBuf};

use super::read_bounded;
use crate::diagnostic::{Diagnostic, Severity};
use crate::id::RunbookPath;
use crate::oncall;
use crate::runbook::model::RunGuard;
use crate::runbook::parse::parse;
use crate::yaml::suggestion;

/// Findings about a runbook file. One that lies in no repository has no windows to be compared with.
pub(super) fn unknown(file: &Path, shown: &str, path: &RunbookPath, bytes: &[u8]) -> Vec<Diagnostic> {
    let parsed = parse(path, shown, bytes);
    let (Some(runbook), Some(oncall)) = (&parsed.runbook, oncall_of(file)) else { return Vec::new() };
    // Where there is no such file, there are no windows; what is wrong in it is told as its own.
    let known = read_bounded(&oncall).map(|bytes| oncall::parse(oncall::FILE, &bytes).windows).unwrap_or_default();
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    let named = runbook.guards.iter().enumerate().filter_map(|(index, guard)| match guard {
        RunGuard::OnlyDuring(name) | RunGuard::NotDuring(name) => Some((index, name)),
        RunGuard::OnCall(_) | RunGuard::Lock(_) => None,
    });
    let unknown = named.filter(|(_, name)| !known.contains_key(*name)).map(|(index, name)| {
        let span = parsed.source.span(&format!("guards[{index}]")).value;
        let message = format!("{} has no window {name:?}, so no run of this can start", oncall::FILE);
        let help = suggestion(name, &names).unwrap_or_else(|| format!("write the window in {}", oncall::FILE));
        Diagnostic::new("window-unknown", Severity::Error, shown, span, message).help(help)
    });
    unknown.collect()
}

/// Beside the `runbooks/` that the file lies in.
fn oncall_of(file: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(file).ok()?;
    let runbooks = whole.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "runbooks"))?;
    Some(runbooks.parent()?.join(oncall::FILE))
}
