//! `steadyhand diff`: what a change makes more dangerous.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::explain::{Explain, Explained};
use super::terminal::{Terminal, without_controls};
use crate::library::snapshot::{Reader, Sources};
use crate::library::{GitRef, Library, Revision};
use crate::review::{self, Change, Fate, FileReview, PieceKind, Rating, Review};

const EXIT_DENIED: u8 = 1;

const AFTER_HELP: &str = "\
Examples:
  steadyhand diff main..HEAD                          what this branch changes in meaning
  steadyhand diff v1..v2 --format markdown            a comment for a pull request
  steadyhand diff origin/main..HEAD --deny more-dangerous     for CI

Compares runbooks, their scripts, inventory.yaml, access.yaml and oncall.yaml as they are committed, and the hosts
that each runbook reaches. Nothing of either commit is started; hosts that a program lists are left out unless you
say --programs, which is for commits that you trust.

What only reads or is only wording is the same. What takes away a hold, widens whom or what is reached, or replaces
a command that changes something, is more dangerous: the text alone cannot show the opposite.

Exit codes: 0 compared, 1 something is rated as --deny names, 2 could not be compared (the message says why)";

/// Say what a change makes more dangerous, for its reviewer
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Diff {
    /// Two branches, tags or commits: main..HEAD
    #[arg(value_name = "OLD..NEW", value_parser = two_refs)]
    refs: (GitRef, GitRef),
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: DiffFormat,
    /// Make the exit code 1 when a change has this rating
    #[arg(long, value_enum, value_name = "RATING")]
    deny: Option<Denied>,
    /// Also start the programs that the two inventories name
    #[arg(long)]
    programs: bool,
    /// Folder of the repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum DiffFormat {
    /// Text for people
    #[default]
    Human,
    /// A comment on a pull request
    Markdown,
    /// One JSON document
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Denied {
    MoreDangerous,
}

fn two_refs(text: &str) -> Result<(GitRef, GitRef), String> {
    let (old, new) = text.split_once("..").ok_or("write two refs with two dots between them: main..HEAD")?;
    let new = new.trim_start_matches('.');
    let parsed = |text: &str| {
        let text = if text.is_empty() { "HEAD" } else { text };
        text.parse::<GitRef>().map_err(|error| error.to_string())
    };
    Ok((parsed(old)?, parsed(new)?))
}

impl Diff {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let review = super::runtime()?.block_on(self.review())?;
        match self.format {
            DiffFormat::Human => human(terminal, &review)?,
            DiffFormat::Markdown => write!(terminal.out, "{}", review::markdown(&review))?,
            DiffFormat::Json => {
                let counts = json!({
                    "more_dangerous": review.count(Rating::MoreDangerous), "same": review.count(Rating::Same),
                    "safer": review.count(Rating::Safer),
                });
                let whole =
                    json!({ "version": 1, "counts": counts, "files": review.files, "left_out": review.left_out });
                writeln!(terminal.out, "{whole}")?;
            }
        }
        for left_out in &review.left_out {
            writeln!(terminal.err, "note: {}", without_controls(left_out))?;
        }
        let is_denied = self.deny.is_some() && review.count(Rating::MoreDangerous) > 0;
        Ok(if is_denied { ExitCode::from(EXIT_DENIED) } else { ExitCode::SUCCESS })
    }

    async fn review(&self) -> anyhow::Result<Review> {
        let next = "name a folder with a git repository: --repo DIR";
        let library = Library::open(&self.repo).await.explain("cannot open the repository", next)?;
        if !library.has_git() {
            let what = format!("{} is not a git repository: there are no two commits to compare", self.repo.display());
            return Err(Explained::new(what, next).into());
        }
        let reader = Reader::default();
        let sources = if self.programs { Sources::Loaded } else { Sources::LeftOut };
        let read = async |git_ref: &GitRef| -> anyhow::Result<_> {
            let next = "name branches, tags or commits that are here; in CI fetch both";
            let revision: Revision = library.resolve(Some(git_ref)).await.explain("cannot compare", next)?;
            let what = || format!("cannot read the repository at {}", git_ref.as_str());
            reader.read(&library, &revision, sources).await.explain(what(), "see the cause above")
        };
        let (old, new) = (read(&self.refs.0).await?, read(&self.refs.1).await?);
        let mut left_out = old.left_out;
        left_out.extend(new.left_out);
        Ok(Review { left_out, ..review::compare(&old.snapshot, &new.snapshot) })
    }
}

fn human(terminal: &mut Terminal, review: &Review) -> anyhow::Result<()> {
    if review.files.is_empty() {
        writeln!(terminal.out, "Nothing is other than it was in what it means.")?;
        return Ok(());
    }
    for file in &review.files {
        let fate = match &file.fate {
            Fate::Added => "  (new)".to_owned(),
            Fate::Removed => "  (gone)".to_owned(),
            Fate::Moved(from) => format!("  (was {from})"),
            Fate::Changed => String::new(),
            Fate::Untouched => "  (not changed itself)".to_owned(),
        };
        writeln!(terminal.out, "{}{}", without_controls(&file.file), without_controls(&fate))?;
        changes(terminal, file)?;
    }
    let count = |rating| review.count(rating);
    let (worse, same, safer) = (count(Rating::MoreDangerous), count(Rating::Same), count(Rating::Safer));
    writeln!(terminal.out, "{worse} more dangerous, {same} the same, {safer} safer")?;
    Ok(())
}

fn changes(terminal: &mut Terminal, file: &FileReview) -> anyhow::Result<()> {
    if file.changes.is_empty() {
        writeln!(terminal.out, "  only layout and comments")?;
    }
    for Change { rating, place, what, why, words } in &file.changes {
        let mark = match rating {
            Rating::MoreDangerous => "!",
            Rating::Same => "·",
            Rating::Safer => "+",
        };
        let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
        let line = without_controls(&format!("{place}{what}"));
        writeln!(terminal.out, "  {mark} {:<14}  {line}", rating.word())?;
        writeln!(terminal.out, "  {:<18}({})", "", without_controls(why))?;
        for (sign, left_out) in
            [('-', PieceKind::Added), ('+', PieceKind::Removed)].iter().filter(|_| !words.is_empty())
        {
            let side: String =
                words.iter().filter(|piece| piece.kind != *left_out).map(|piece| piece.text.as_str()).collect();
            for line in side.lines() {
                writeln!(terminal.out, "  {:<18}{sign} {}", "", without_controls(line))?;
            }
        }
    }
    Ok(())
}
