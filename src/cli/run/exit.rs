//! What became of a run, as an exit code and as last words.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::cli::checklist::{Paint, standing};
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
pub(in crate::cli) fn say(
    view: &RunView,
    exit: Exit,
    is_remote: bool,
    paint: Paint,
    terminal: &mut Terminal,
) -> io::Result<()> {
    writeln!(terminal.out, "{}", standing(view, paint))?;
    let id = view.id;
    let step = view.current.as_ref().map_or("STEP", |step| step.as_str());
    match exit {
        Exit::Succeeded => writeln!(terminal.out, "next: steadyhand show {id}"),
        Exit::Failed | Exit::Refused | Exit::Aborted => {
            writeln!(terminal.out, "next: steadyhand output {id} {step}")
        }
        Exit::Waiting | Exit::Unknown => {
            if !is_remote {
                writeln!(terminal.out, "Nothing carries it on now; commands that run on hosts go on.")?;
            }
            writeln!(terminal.out, "next: steadyhand run --pick-up {id}")
        }
    }
}
