//! `steadyhand show`: one run as it stands.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;

use super::checklist::{Paint, attempt_lines, heading, one_line, standing, steps};
use super::client::{Client, Place};
use super::format::DataFormat;
use super::run::next_command;
use super::runs::when;
use super::terminal::Terminal;
use crate::run::view::RunView;

/// Show a run: its steps, hosts, and what it waits for
#[derive(Args)]
pub(super) struct Show {
    /// Its id, or at least 6 letters of its beginning or end
    run: String,

    #[command(flatten)]
    place: Place,

    #[arg(long, value_enum, default_value_t)]
    format: DataFormat,
}

impl Show {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        super::runtime()?.block_on(async {
            let client = Client::open(&self.place).await?;
            let view = self.view(&client).await;
            client.close().await;
            self.print(&view?, terminal)?;
            Ok(ExitCode::SUCCESS)
        })
    }

    async fn view(&self, client: &Client) -> anyhow::Result<RunView> {
        client.view(&client.resolve(&self.run).await?).await
    }

    fn print(&self, view: &RunView, terminal: &mut Terminal) -> anyhow::Result<()> {
        if self.format == DataFormat::Json {
            serde_json::to_writer_pretty(&mut terminal.out, view)?;
            writeln!(terminal.out)?;
            return Ok(());
        }
        let paint = Paint { in_colour: terminal.out_in_colour };
        let mut lines = heading(view, paint);
        lines.push(paint.dim(&format!("started {} by {}", when(view.started_at_ms), one_line(&view.started_by.0))));
        lines.extend(view.inputs.iter().map(|(name, value)| paint.dim(&format!("{name}={}", one_line(value)))));
        lines.extend(steps(view, paint));
        lines.extend(attempt_lines(view, paint));
        lines.push(standing(view, paint));
        lines.push(format!("next: {}", next_command(view, &self.place)));
        for line in lines {
            writeln!(terminal.out, "{line}")?;
        }
        Ok(())
    }
}
