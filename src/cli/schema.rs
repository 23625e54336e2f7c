//! `steadyhand schema`: the formats as JSON Schema, for editors.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::terminal::Terminal;
use crate::{access, config, inventory, oncall, runbook};

const AFTER_HELP: &str = "\
Examples:
  steadyhand schema > .steadyhand/runbook.schema.json
  steadyhand schema inventory > .steadyhand/inventory.schema.json

An editor with a YAML language server then completes and checks a runbook that begins with
  # yaml-language-server: $schema=../.steadyhand/runbook.schema.json";

/// Print the JSON Schema (draft-07) of a format
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Schema {
    /// The format
    #[arg(value_enum, default_value_t)]
    format: SchemaOf,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum SchemaOf {
    /// Files below `runbooks/`
    #[default]
    Runbook,
    /// `inventory.yaml`
    Inventory,
    /// `access.yaml`
    Access,
    /// `oncall.yaml`
    Oncall,
    /// The server's configuration file
    Server,
}

impl Schema {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let schema = match self.format {
            SchemaOf::Runbook => runbook::schema(),
            SchemaOf::Inventory => inventory::schema(),
            SchemaOf::Access => access::schema(),
            SchemaOf::Oncall => oncall::schema(),
            SchemaOf::Server => config::schema::schema(),
        };
        writeln!(terminal.out, "{schema:#}")?;
        Ok(ExitCode::SUCCESS)
    }
}
