//! `steadyhand init`: a small working repository to begin with.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::explain::{Explain, Explained};
use super::first_commit::{self, FirstCommit};
use super::terminal::{Terminal, without_controls};
use crate::clock::{Clock, System};
use crate::{access, inventory, runbook};

const AFTER_HELP: &str = "\
Writes an inventory whose one host is this machine, a first runbook that passes `steadyhand check`, who may do
what (access.yaml), the schemas that editors complete with, and a README, and commits them where git is there.

Exit codes: 0 written, 2 could not be written (the message says why)";

/// Files of the new repository that are the same for everybody.
const FILES: [(&str, &str); 4] = [
    ("access.yaml", include_str!("init/access.yaml")),
    ("README.md", include_str!("init/README.md")),
    (".gitignore", include_str!("init/gitignore")),
    ("inventory.yaml", include_str!("init/inventory.yaml")),
];

const RUNBOOK: (&str, &str) = ("runbooks/first-steps.yaml", include_str!("init/first-steps.yaml"));

/// Stands in the runbook where the day of its review belongs.
const REVIEW_DAY: &str = "REVIEW_DAY";

/// The review of the first runbook is due after this.
const REVIEW_MONTHS: i32 = 6;

/// Write a small working repository: an inventory and a first runbook
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Init {
    /// Folder to write to; made if it is not there, refused if it is not empty
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Init {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let folder = &self.folder;
        refuse_what_is_there(folder)?;
        write(folder)
            .explain(format!("cannot write to {}", folder.display()), "check the folder's owner and rights")?;
        let committed = super::runtime()?.block_on(first_commit::make(folder, "A first runbook and an inventory"));
        let committed = match committed {
            Ok(FirstCommit::Made) => "and committed it".to_owned(),
            Ok(FirstCommit::NoGit) => "git is not here, so it is a plain folder".to_owned(),
            Err(error) => format!("it is not committed: {error:#}"),
        };
        let shown = without_controls(&folder.display().to_string());
        let quoted = shlex::try_quote(&shown).unwrap_or(shown.as_str().into());
        writeln!(
            terminal.out,
            "Wrote a runbook repository to {shown}; {committed}.\n\nNext:\n  cd {quoted}\n  steadyhand check    \
             what is wrong with the runbooks: nothing, yet\n  steadyhand serve    pages on http://127.0.0.1:7878; it \
             prints a login link"
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

fn refuse_what_is_there(folder: &Path) -> anyhow::Result<()> {
    let next = "name a folder that is new or empty";
    match fs::read_dir(folder).map(Iterator::count) {
        Ok(0) => Ok(()),
        Ok(_) => Err(Explained::new(format!("cannot write to {}: it is not empty", folder.display()), next).into()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).explain(format!("cannot write to {}", folder.display()), next),
    }
}

fn write(folder: &Path) -> anyhow::Result<()> {
    for below in ["runbooks", ".steadyhand"] {
        fs::create_dir_all(folder.join(below))?;
    }
    for (path, text) in FILES {
        fs::write(folder.join(path), text)?;
    }
    // In six months, in UTC: a day more or less is nothing here.
    let today = System::start().now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let review = today.saturating_add(jiff::Span::new().months(REVIEW_MONTHS));
    fs::write(folder.join(RUNBOOK.0), RUNBOOK.1.replace(REVIEW_DAY, &review.to_string()))?;
    for (name, schema) in
        [("runbook", runbook::schema()), ("inventory", inventory::schema()), ("access", access::schema())]
    {
        fs::write(folder.join(format!(".steadyhand/{name}.schema.json")), format!("{schema:#}\n"))?;
    }
    Ok(())
}
