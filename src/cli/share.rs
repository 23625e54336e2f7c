//! `steadyhand share`: a link that shows output to whoever has it.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::{Client, Place};
use super::explain::Explained;
use super::format::DataFormat;
use super::runs::when;
use super::terminal::Terminal;

/// Make a link that shows a run, or part of its output, without login
#[derive(Args)]
pub(super) struct Share {
    /// The run's id, or at least 6 letters of its beginning or end
    run: String,

    /// Only this step
    step: Option<String>,

    /// Only on this host
    #[arg(long, requires = "step")]
    host: Option<String>,

    /// Only these lines: 120-135
    #[arg(long, value_name = "A-B", requires = "host")]
    lines: Option<String>,

    /// How long it opens: 1h, 24h, at most 7d
    #[arg(long, value_name = "TIME", default_value = "24h")]
    expires: String,

    #[command(flatten)]
    place: Place,

    #[arg(long, value_enum, default_value_t)]
    format: DataFormat,
}

impl Share {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        if self.place.server.is_none() {
            let why = Explained::new(
                "cannot share: a link is opened on a server, and there is none",
                "start one with `steadyhand serve` and name it: --server http://127.0.0.1:7878",
            );
            return Err(why.into());
        }
        super::runtime()?.block_on(async {
            let client = Client::open(&self.place).await?;
            let made: Value =
                client.ask(Method::POST, "/api/v1/shares", Some(&self.body(&client).await?)).await?.read()?;
            match self.format {
                DataFormat::Json => serde_json::to_writer_pretty(&mut terminal.out, &made)?,
                DataFormat::Human => {
                    let until = when(made["expires_at_ms"].as_i64().unwrap_or_default());
                    writeln!(terminal.err, "Whoever has this link sees it until {until}. It is shown this once.")?;
                    write!(terminal.out, "{}", made["url"].as_str().unwrap_or_default())?;
                }
            }
            writeln!(terminal.out)?;
            Ok(ExitCode::SUCCESS)
        })
    }

    async fn body(&self, client: &Client) -> anyhow::Result<Value> {
        let mut body = Map::new();
        body.insert("run".to_owned(), json!(client.resolve(&self.run).await?));
        body.insert("expires".to_owned(), json!(self.expires));
        for (name, value) in [("step", &self.step), ("host", &self.host), ("lines", &self.lines)] {
            if let Some(value) = value {
                body.insert(name.to_owned(), json!(value));
            }
        }
        Ok(Value::Object(body))
    }
}
