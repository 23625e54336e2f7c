//! Runs one program to its end: bounded in time and output, with an environment of named variables only.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use crate::environment;
use crate::process;

/// What of standard error is kept for a message.
const STDERR_BYTES_MAX: usize = 16 * 1024;

/// What a program may know of the server's environment.
const VARIABLES: [&str; 4] = ["PATH", "HOME", "SSH_AUTH_SOCK", "LANG"];

/// The environment that programs are given: nothing else of the server's reaches them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    variables: Vec<(&'static str, OsString)>,
}

impl Surroundings {
    /// `PATH`, `HOME`, `SSH_AUTH_SOCK` and `LANG` of this process.
    pub fn of_this_process() -> Self {
        let variables = VARIABLES.into_iter().filter_map(|name| Some((name, environment::os_text(name)?))).collect();
        Self { variables }
    }

    /// The same with one variable changed.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.into()));
        self
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_os_str())
    }
}

/// Why a program gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    #[error("cannot start {program}")]
    Start {
        program: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{program} was stopped: it took longer than {} s", timeout.as_secs())]
    TimedOut { program: String, timeout: Duration },
    #[error("{program} was stopped: it printed more than {bytes_max} bytes")]
    TooMuchOutput { program: String, bytes_max: usize },
    #[error("cannot talk to {program}")]
    Pipe {
        program: String,
        #[source]
        source: std::io::Error,
    },
}

impl ProgramError {
    /// Whether the program is not installed.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Start { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }
}

/// One program with its arguments. No shell reads them.
pub(super) struct Call<'a> {
    pub program: &'a OsStr,
    pub arguments: Vec<OsString>,
    pub folder: &'a Path,
    pub surroundings: &'a Surroundings,
    pub stdin: Vec<u8>,
    pub timeout: Duration,
    pub stdout_bytes_max: usize,
}

/// How a program ended.
#[derive(Debug)]
pub(super) struct Finished {
    /// `None`: killed by a signal.
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    /// The first [`STDERR_BYTES_MAX`] bytes, for people.
    pub stderr: String,
}

impl Finished {
    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// The last line of standard error that says something, or how the program ended.
    pub fn reason(&self) -> String {
        let last = self.stderr.lines().rev().map(str::trim).find(|line| !line.is_empty());
        match (last, self.code) {
            (Some(line), _) => line.chars().filter(|c| !c.is_control()).take(500).collect(),
            (None, Some(code)) => format!("it ended with code {code}"),
            (None, None) => "it was killed by a signal".to_owned(),
        }
    }
}

/// Runs a program to its end. On a time-out, too much output, or when the caller goes away, its whole
/// process group is killed.
pub(super) async fn run(call: Call<'_>) -> Result<Finished, ProgramError> {
    let program = call.program.to_string_lossy().into_owned();
    let mut child =
        command(&call).spawn().map_err(|source| ProgramError::Start { program: program.clone(), source })?;
    let group = Group::of(&child);
    let timeout = call.timeout;
    match tokio::time::timeout(timeout, talk(&mut child, call, &program)).await {
        Ok(finished) => {
            if finished.is_ok() {
                group.has_ended();
            }
            finished
        }
        Err(_) => Err(ProgramError::TimedOut { program, timeout }),
    }
}

fn command(call: &Call<'_>) -> Command {
    let mut command = process::command(call.program);
    command
        .args(&call.arguments)
        .current_dir(call.folder)
        .env_clear()
        .envs(call.surroundings.variables.iter().map(|(name, value)| (name, value)))
        .stdin(if call.stdin.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    command
}

async fn talk(child: &mut Child, call: Call<'_>, program: &str) -> Result<Finished, ProgramError> {
    let pipe = |source| ProgramError::Pipe { program: program.to_owned(), source };
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let bytes_max = call.stdout_bytes_max;
    let feed = async {
        if let Some(mut stdin) = stdin {
            match stdin.write_all(&call.stdin).await {
                // It ended without reading everything: its own answer says why.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
                written => written.map_err(pipe)?,
            }
        }
        Ok(())
    };
    let answer = async {
        let bytes = read_some(stdout, bytes_max + 1).await.map_err(pipe)?;
        if bytes.len() > bytes_max {
            return Err(ProgramError::TooMuchOutput { program: program.to_owned(), bytes_max });
        }
        Ok(bytes)
    };
    let complaints = async { read_and_drop_rest(stderr, STDERR_BYTES_MAX).await.map_err(pipe) };
    let ((), stdout, stderr) = tokio::try_join!(feed, answer, complaints)?;
    let status = child.wait().await.map_err(pipe)?;
    Ok(Finished { code: status.code(), stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() })
}

async fn read_some(pipe: Option<impl AsyncRead + Unpin>, bytes_max: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(bytes_max as u64).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// Reads to the end, so that the program never waits for us, and keeps the beginning.
async fn read_and_drop_rest(pipe: Option<impl AsyncRead + Unpin>, bytes_max: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        (&mut pipe).take(bytes_max as u64).read_to_end(&mut bytes).await?;
        tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}

/// The process group of a program; killed when dropped, unless the program has ended by itself.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }

    fn has_ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It may have ended just now; then there is nothing to kill.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call<'a>(script: &str, surroundings: &'a Surroundings) -> Call<'a> {
        Call {
            program: OsStr::new("sh"),
            arguments: vec!["-c".into(), script.into()],
            folder: Path::new("/"),
            surroundings,
            stdin: vec![b'x'; 1 << 20],
            timeout: Duration::from_secs(20),
            stdout_bytes_max: 2 << 20,
        }
    }

    #[tokio::test]
    async fn a_program_that_takes_too_long_is_stopped() {
        let surroundings = Surroundings::of_this_process();
        let call = Call { timeout: Duration::from_millis(50), ..call("sleep 600", &surroundings) };
        let error = run(call).await.expect_err("it takes too long");
        assert!(matches!(error, ProgramError::TimedOut { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_program_that_answers_while_it_is_fed_does_not_block() {
        let surroundings = Surroundings::of_this_process();
        assert_eq!(run(call("cat", &surroundings)).await.expect("cat runs").stdout.len(), 1 << 20);
        let unread = run(call("echo no >&2; exit 3", &surroundings)).await.expect("it runs");
        assert_eq!((unread.code, unread.reason().as_str()), (Some(3), "no"));
    }
}
