//! `steadyhand audit`: the key, checkpoints, verifying, listing and exporting. Works beside a running server.

mod list;
mod verify;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::explain::{Explain, Explained};
use super::parts::DataOptions;
use super::terminal::Terminal;
use crate::audit::anchor::Anchor;
use crate::audit::entry::{COMMAND_LINE, Kind, NewEntry, SERVER};
use crate::auditor;
use crate::auditor::keeper::Keeper;
use crate::auditor::key;
use crate::clock::{Clock, System};

/// What to do when the database refuses.
const NEXT: &str = "check the free space and the rights of the data folder, then try again";

const AFTER_HELP: &str = "\
Examples:
  steadyhand audit key --data DIR > audit.pub          keep it where the server cannot write
  steadyhand audit verify --data DIR --key audit.pub --anchors file:/mnt/log/anchors
  steadyhand audit export --data DIR --format csv --since 2026-11-01 > november.csv";

/// Verify, list and export the audit log; its key and checkpoints
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Audit {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Verify(verify::Verify),
    List(list::List),
    Export(list::Export),
    /// Make a checkpoint now
    Checkpoint {
        /// Send it there too, besides the server's own anchors: file:PATH, syslog[:SOCKET], git:DIR
        #[arg(long, value_name = "PLACE")]
        anchor: Vec<Anchor>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Print the public key that checkpoints are signed with; makes the key if there is none
    Key {
        #[command(flatten)]
        data: DataOptions,
    },
}

impl Audit {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        super::runtime()?.block_on(async {
            match self.what {
                What::Verify(verify) => return verify.run(terminal).await,
                What::List(list) => list.run(terminal).await?,
                What::Export(export) => export.run(terminal).await?,
                What::Checkpoint { anchor, data } => checkpoint(terminal, anchor, &data).await?,
                What::Key { data } => print_key(terminal, &data).await?,
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}

async fn checkpoint(terminal: &mut Terminal, mut anchors: Vec<Anchor>, data: &DataOptions) -> anyhow::Result<()> {
    let folder = data.folder()?;
    anchors.push(auditor::own_anchor(&folder));
    let store = data.open_store(&folder).await?;
    let key = key::load_or_make(&folder).explain("cannot sign a checkpoint", NEXT)?;
    let clock: Arc<dyn Clock> = Arc::new(System::start());
    let asked = NewEntry::new(clock.wall_ms(), Kind::CheckpointMade, COMMAND_LINE, SERVER);
    let keeper = Keeper::new(store.clone(), clock, key, anchors);
    let made = keeper.checkpoint(Some(&asked)).await.explain("cannot make a checkpoint", NEXT)?;
    writeln!(terminal.out, "made checkpoint {}", made.unwrap_or_default())?;
    let failed = keeper.send().await;
    let states = store.anchor_states().await.explain("cannot read what was sent", NEXT)?;
    store.close().await;
    if failed > 0 {
        let why = states.into_iter().filter_map(|state| Some(format!("{}: {}", state.anchor, state.last_error?)));
        let why = Explained::new(
            format!("cannot send it everywhere: {}", why.collect::<Vec<_>>().join("; ")),
            "the checkpoint is stored; mend the anchor and run this again, or leave it to the server",
        );
        return Err(why.into());
    }
    Ok(())
}

async fn print_key(terminal: &mut Terminal, data: &DataOptions) -> anyhow::Result<()> {
    let folder = data.folder()?;
    // Makes the folder, private, where there is none yet.
    data.open_store(&folder).await?.close().await;
    let key = key::load_or_make(&folder).explain("cannot read the key", NEXT)?;
    writeln!(terminal.out, "{}", key.public())?;
    Ok(())
}
