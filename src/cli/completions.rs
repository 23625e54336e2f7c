//! `steadyhand completions`.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

use super::terminal::Terminal;

const AFTER_HELP: &str = "\
Examples:
  bash   steadyhand completions bash > ~/.local/share/bash-completion/completions/steadyhand
  zsh    steadyhand completions zsh > ~/.zfunc/_steadyhand
  fish   steadyhand completions fish > ~/.config/fish/completions/steadyhand.fish";

/// Print the completions for a shell
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Completions {
    /// The shell that they are for
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        // Into memory first: clap_complete panics when it cannot write.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "steadyhand", &mut script);
        terminal.out.write_all(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}
