//! The command line: reads arguments, builds the parts, prints, and turns outcomes into exit codes.
//!
//! One file a subcommand. A new one is its file, a `mod` line and a line in [`subcommands!`] below; the tests
//! of `tests/it/cli.rs` then hold its help text to the house's rules. A subcommand is a clap `Args` struct with
//! `run(self, &mut Terminal) -> anyhow::Result<ExitCode>`: it writes what it prints to [`Terminal::out`] (never
//! `println!`, which panics when the reader of a pipe has gone), returns its own exit codes, and leaves every
//! error to [`main`], which prints it once and exits with 2.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod access;
mod act;
mod audit;
mod check;
mod checklist;
mod client;
mod completions;
mod demo;
mod diff;
mod duration;
mod explain;
mod first_commit;
mod format;
mod handoff;
mod init;
mod keyboard;
mod listening;
mod login_link;
mod oncall;
mod output;
mod page;
mod parts;
mod report;
mod run;
mod runs;
mod schema;
mod serve;
mod settings;
mod share;
mod show;
mod terminal;
mod token;
mod user;
mod version;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use explain::{Explain, Explained};
pub use terminal::Terminal;

/// A command could not do what it was asked: wrong usage, an unreadable file, a server that does not answer.
/// clap uses the same number for arguments that it refuses.
pub const EXIT_ERROR: u8 = 2;

/// What a shell reports for a program that SIGPIPE ended, which is what every other tool in a pipe does.
pub const EXIT_BROKEN_PIPE: u8 = 128 + 13;

const ABOUT: &str = "Runbooks as code: check them, run them on hosts as guarded checklists, hand them over.";

const AFTER_HELP: &str = "\
Exit codes: 0 done, 2 could not be done (the message says why); `steadyhand COMMAND --help` lists further ones.

Environment:
  NO_COLOR      never colour the output
  FORCE_COLOR   colour it even when it does not go to a terminal";

// Wider lines are hard to read in a terminal beside a dashboard; a test holds every help text to it.
const HELP_COLUMNS: usize = 100;

#[derive(Parser)]
#[command(name = "steadyhand", version, about = ABOUT, after_help = AFTER_HELP, max_term_width = HELP_COLUMNS)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    subcommand: AnySubcommand,
}

macro_rules! subcommands {
    ($($module:ident::$Subcommand:ident,)*) => {
        #[derive(Subcommand)]
        enum AnySubcommand {
            $($Subcommand($module::$Subcommand),)*
        }

        impl AnySubcommand {
            fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
                match self {
                    $(Self::$Subcommand(subcommand) => subcommand.run(terminal),)*
                }
            }
        }
    };
}

// In the order of `steadyhand --help`.
subcommands! {
    serve::Serve,
    demo::Demo,
    init::Init,
    check::Check,
    diff::Diff,
    schema::Schema,
    run::Run,
    runs::Runs,
    show::Show,
    output::Output,
    share::Share,
    act::Act,
    oncall::Oncall,
    page::Page,
    handoff::Handoff,
    access::Access,
    user::User,
    token::Token,
    audit::Audit,
    completions::Completions,
    version::Version,
}

/// Runs the program and returns its exit code.
pub fn main() -> ExitCode {
    let mut terminal = Terminal::of_this_process();
    let matches = command().color(terminal.clap_color()).get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|refused| refused.exit());
    let result = arguments.subcommand.run(&mut terminal).and_then(|code| {
        terminal.out.flush()?;
        Ok(code)
    });
    match result {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::from(EXIT_BROKEN_PIPE),
        Err(error) => {
            // When even stderr is gone the exit code is all that is left to say.
            let _ = explain::write(&error, &mut terminal);
            ExitCode::from(EXIT_ERROR)
        }
    }
}

/// The whole command with all subcommands, for completions and for tests.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// The threads that asynchronous subcommands run on.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.explain("cannot start threads", "check the limits of this account: ulimit -u")
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
