//! `steadyhand version`.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;

use super::format::DataFormat;
use super::terminal::Terminal;

/// The version of the runbook format that this program reads: `steadyhand: 1`.
const RUNBOOK_FORMAT: u32 = 1;

/// Print the version
#[derive(Args)]
pub(super) struct Version {
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: DataFormat,
}

impl Version {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let version = env!("CARGO_PKG_VERSION");
        match self.format {
            DataFormat::Human => writeln!(terminal.out, "steadyhand {version}")?,
            DataFormat::Json => {
                let json =
                    serde_json::json!({"name": "steadyhand", "version": version, "runbook_format": RUNBOOK_FORMAT});
                writeln!(terminal.out, "{json}")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
