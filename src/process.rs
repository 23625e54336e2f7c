//! Starting other programs, in one place: git, ssh-keygen, ansible-inventory, the shell of the `local` transport; and what
//! the system lets this process have.
//!
//! No shell is ever between us and the program, and no argument that a user gave may be read as an option:
//! callers pass `--end-of-options`, `--`, or a type that cannot begin with `-`.

use std::ffi::OsStr;
use std::process::Stdio;

use tokio::process::Command;

/// A program to start: it reads nothing from our terminal, and it is killed when its handle is dropped, so
/// that a cancelled task leaves nothing behind. (What must outlive us detaches itself: see `transport::tether`.)
#[expect(clippy::disallowed_methods, reason = "this file is the one place that starts programs")]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// How many files this process may have open, after asking the system for as many as it gives: most give 1,024 to begin
/// with and far more to whoever asks.
pub fn open_files_max() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let given = getrlimit(Resource::Nofile);
    let asked = Rlimit { current: given.maximum, maximum: given.maximum };
    if given.current != given.maximum && setrlimit(Resource::Nofile, asked).is_err() {
        return given.current.unwrap_or(u64::MAX);
    }
    given.maximum.unwrap_or(u64::MAX)
}

/// What every call of git begins with: a repository is somebody else's, and its own configuration must start nothing
/// (hooks, file watchers, transports, filters, pagers) and show nothing else than what is stored (replacements).
pub const CLOSED_GIT: [&str; 13] = [
    "--no-pager",
    "--no-replace-objects",
    "--literal-pathspecs",
    "-c",
    "protocol.allow=never",
    "-c",
    "protocol.ext.allow=never",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.attributesFile=/dev/null",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_sees_no_input_of_ours() {
        let output = command("cat").output().await.expect("cat starts");
        assert!(output.status.success() && output.stdout.is_empty());
    }
}
