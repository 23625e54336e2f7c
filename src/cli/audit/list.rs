//! `steadyhand audit list` and `audit export`.

use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::NEXT;
use crate::audit::entry::{COMMAND_LINE, Kind, NewEntry, SERVER};
use crate::audit::export::{CSV_HEADER, Row};
use crate::audit::when;
use crate::cli::explain::Explain;
use crate::cli::format::DataFormat;
use crate::cli::parts::DataOptions;
use crate::cli::terminal::{Terminal, without_controls};
use crate::clock::{Clock, System};
use crate::id::RunId;
use crate::store::Store;
use crate::store::audit::{Filter, PAGE_MAX};

/// Which entries.
#[derive(Args)]
struct Wanted {
    /// From this day or moment on: 2026-11-23, 2026-11-23T03:12:09Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<i64>,

    /// Before this day or moment
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<i64>,

    /// Who did it: user:anna (also by her tokens), user:anna/ci, token:ci
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,

    /// What happened: share-made, signed-in, step-confirmed
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,

    /// In which run
    #[arg(long, value_name = "ID")]
    run: Option<RunId>,
}

/// List entries and what people did in runs, newest first; reads only
#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    wanted: Wanted,

    /// At most so many
    #[arg(long, value_name = "N", default_value = "50")]
    limit: u32,

    #[command(flatten)]
    data: DataOptions,

    /// How to print them
    #[arg(long, value_enum, default_value_t)]
    format: DataFormat,
}

/// Print them all as lines of JSON or CSV, newest first; this is recorded as well
#[derive(Args)]
pub(super) struct Export {
    #[command(flatten)]
    wanted: Wanted,

    /// Lines of JSON, or CSV for a spreadsheet
    #[arg(long, value_enum, default_value_t)]
    format: ExportFormat,

    #[command(flatten)]
    data: DataOptions,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum ExportFormat {
    #[default]
    Json,
    Csv,
}

fn moment(text: &str) -> Result<i64, String> {
    when::milliseconds(text).ok_or_else(|| format!("{text:?} is no time: write 2026-11-23 or 2026-11-23T03:12:09Z"))
}

impl Wanted {
    fn filter(&self) -> Filter {
        Filter {
            actor: self.actor.clone(),
            kind: self.kind.clone(),
            object: self.run.map(|run| format!("run:{run}")),
            since_ms: self.since,
            until_ms: self.until,
        }
    }
}

impl List {
    pub(super) async fn run(self, terminal: &mut Terminal) -> anyhow::Result<()> {
        let store = self.data.open_store_read_only(&self.data.folder()?).await?;
        let mut rows = Vec::new();
        each_row(&store, &self.wanted.filter(), self.limit, |row| {
            rows.push(row.clone());
            Ok(())
        })
        .await?;
        match self.format {
            DataFormat::Json => {
                let entries: Vec<_> = rows.iter().map(Row::json).collect();
                writeln!(terminal.out, "{}", json!({ "entries": entries }))?;
            }
            DataFormat::Human if rows.is_empty() => writeln!(terminal.err, "No entry fits.")?,
            DataFormat::Human => {
                for row in &rows {
                    let at = row.at();
                    let (actor, object) = (without_controls(&row.actor), without_controls(&row.object));
                    writeln!(terminal.out, "{at:<24}  {:<18}  {actor:<20}  {object}", without_controls(&row.kind))?;
                }
            }
        }
        Ok(())
    }
}

impl Export {
    pub(super) async fn run(self, terminal: &mut Terminal) -> anyhow::Result<()> {
        let store = self.data.open_store(&self.data.folder()?).await?;
        let exported = NewEntry::new(System::start().wall_ms(), Kind::AuditExported, COMMAND_LINE, SERVER);
        store.record(&exported).await.explain("cannot export the audit log", NEXT)?;
        if let ExportFormat::Csv = self.format {
            write!(terminal.out, "{CSV_HEADER}")?;
        }
        each_row(&store, &self.wanted.filter(), u32::MAX, |row| {
            match self.format {
                ExportFormat::Json => writeln!(terminal.out, "{}", row.json())?,
                ExportFormat::Csv => write!(terminal.out, "{}", row.csv())?,
            }
            Ok(())
        })
        .await?;
        store.close().await;
        Ok(())
    }
}

/// Hands over at most `limit` rows, a page of them in memory at a time.
async fn each_row(
    store: &Store,
    filter: &Filter,
    limit: u32,
    mut take: impl FnMut(&Row) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (mut left, mut cursor) = (limit, None);
    while left > 0 {
        let page = store.list_audit(filter, cursor, left.min(PAGE_MAX)).await;
        let page = page.explain("cannot read the audit log", "see the cause above")?;
        page.rows.iter().try_for_each(&mut take)?;
        left -= u32::try_from(page.rows.len()).unwrap_or(left).min(left);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(())
}
