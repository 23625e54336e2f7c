//! What became of a run, as an exit code and as last words.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::cli::checklist::{Screen, standing};
use crate::cli::client::Place;
use crate::cli::terminal::Terminal;
use crate::run::event::RunEnd;
use crate::run::view::{Need, RunView};

/// The exit codes of `steadyhand run`, as its help lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Exit {
    Succeeded = 0,
    Failed = 1,
    Refused = 3,
    Waiting = 4,
    Unknown = 5,
    Aborted = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// A run that goes on or waits has the code of what it waits for.
    pub fn of(view: &RunView) -> Self {
        match (view.end, &view.waiting) {
            (Some(RunEnd::Succeeded), _) => Self::Succeeded,
            (Some(RunEnd::Failed), _) => Self::Failed,
            (Some(RunEnd::Refused), _) => Self::Refused,
            (Some(RunEnd::Aborted), _) => Self::Aborted,
            (None, Some(Need::ResolveUnknown { .. })) => Self::Unknown,
            (None, _) => Self::Waiting,
        }
    }
}

/// How it stands, and the next command.
pub(super) fn say(view: &RunView, place: &Place, screen: &Screen, terminal: &mut Terminal) -> io::Result<()> {
    if !screen.ends_with_standing() {
        writeln!(terminal.out, "{}", standing(view, screen.paint()))?;
    }
    if view.ended_at_ms.is_none() && place.server.is_none() {
        writeln!(terminal.out, "Nothing carries it on now; commands that run on hosts go on.")?;
    }
    writeln!(terminal.out, "next: {}", next_command(view, place))
}

/// What a person would type next.
pub(in crate::cli) fn next_command(view: &RunView, place: &Place) -> String {
    let (id, place) = (view.id, place.arguments());
    match view.end {
        Some(RunEnd::Succeeded | RunEnd::Failed | RunEnd::Refused | RunEnd::Aborted) => {
            let has_run = view.steps.iter().flat_map(|step| &step.cells).any(|cell| !cell.attempts.is_empty());
            format!("steadyhand {} {id}{place}", if has_run { "output" } else { "show" })
        }
        None => format!("steadyhand run --pick-up {id}{place}"),
    }
}
