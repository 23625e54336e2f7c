//! `steadyhand page`: calls for somebody.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, Place};
use super::format::DataFormat;
use super::terminal::Terminal;

const AFTER_HELP: &str = "\
Examples:
  steadyhand page web                                   the first level of the chain web is told now
  steadyhand page web \"step 4 does not end\" --about /runs/0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01

Anyone with a token may page any chain. It climbs level by level until somebody answers.";

/// Page somebody: a chain of oncall.yaml, level by level until somebody answers
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Page {
    /// One of `chains` in oncall.yaml
    chain: String,

    /// What to say
    #[arg(default_value = "")]
    text: String,

    /// The place of the server that it is about: /runs/ID
    #[arg(long, value_name = "PLACE")]
    about: Option<String>,

    #[command(flatten)]
    place: Place,

    #[arg(long, value_enum, default_value_t)]
    format: DataFormat,
}

#[derive(Deserialize)]
struct Paged {
    url: String,
    standing: String,
}

impl Page {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        super::runtime()?.block_on(async {
            let Some(server) = self.place.server.clone() else {
                anyhow::bail!("a page climbs while a server watches it: name the server with --server");
            };
            let client = Client::open(&self.place).await?;
            let body = json!({"chain": self.chain, "text": self.text, "about": self.about});
            let answered = client.ask(Method::POST, "/api/v1/pages", Some(&body)).await;
            client.close().await;
            let answered: serde_json::Value = answered?.read()?;
            if self.format == DataFormat::Json {
                serde_json::to_writer_pretty(&mut terminal.out, &answered)?;
                writeln!(terminal.out)?;
                return Ok(ExitCode::SUCCESS);
            }
            let paged: Paged = serde_json::from_value(answered)?;
            let told = match paged.standing.as_str() {
                "exhausted" => "nobody of this chain can be reached: call by telephone",
                _ => "the first level is told",
            };
            writeln!(terminal.out, "{told}: {}{}", server.trim_end_matches('/'), paged.url)?;
            Ok(ExitCode::SUCCESS)
        })
    }
}
