//! Lines that the tether answers with, taken apart.

use crate::run::outcome::{Exit, GoneBecause};
use crate::transport::AttemptStatus;

/// One line of the tether.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The marker is synced and the command is being started, or was found running.
    Running,
    /// Still waiting: only to notice a connection that is gone.
    Tick,
    End(End),
    Status(AttemptStatus),
    /// Another engine, with this higher epoch, has started the attempt.
    RefusedEpoch(String),
    /// Something else was started under this id.
    RefusedScript,
    NotBegun(String),
    Stopped(AttemptStatus),
    Still,
    Released,
    /// `hostname`, `machine`, `boot` or `user`, and its value.
    Fact(&'static str, String),
    Ready,
}

/// The command has ended and this many bytes belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub exit: Exit,
    pub stdout_bytes: u64,
    pub stderr_bytes: u64,
    /// All bytes follow the line, stdout first.
    pub inline: bool,
}

/// Takes a line (without its newline) apart; `None` if no tether says such a thing.
pub(super) fn parse(line: &str) -> Option<Answer> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    Some(match word {
        "running" => Answer::Running,
        "tick" => Answer::Tick,
        "end" => Answer::End(parse_end(rest)?),
        "status" if rest == "notbegun" => {
            Answer::NotBegun("the directory for attempts cannot be made or written".to_owned())
        }
        "status" => Answer::Status(parse_status(rest)?),
        "refused" => match rest.split_once(' ') {
            Some(("epoch", epoch)) => Answer::RefusedEpoch(epoch.to_owned()),
            _ => Answer::RefusedScript,
        },
        "notbegun" => Answer::NotBegun(rest.to_owned()),
        "stopped" => Answer::Stopped(parse_status(rest)?),
        "still" => Answer::Still,
        "released" => Answer::Released,
        "hostname" => Answer::Fact("hostname", rest.to_owned()),
        "machine" => Answer::Fact("machine", rest.to_owned()),
        "boot" => Answer::Fact("boot", rest.to_owned()),
        "user" => Answer::Fact("user", rest.to_owned()),
        "ready" => Answer::Ready,
        _ => return None,
    })
}

fn parse_status(text: &str) -> Option<AttemptStatus> {
    Some(match text {
        "absent" => AttemptStatus::Absent,
        "void" => AttemptStatus::Void,
        "running" => AttemptStatus::Running,
        "lost" => AttemptStatus::Lost,
        "gone died" => AttemptStatus::Gone(GoneBecause::RunnerDied),
        "gone rebooted" => AttemptStatus::Gone(GoneBecause::HostRebooted),
        _ => {
            let mut words = text.strip_prefix("done ")?.split(' ');
            AttemptStatus::Done(parse_exit(words.next()?, words.next()?)?)
        }
    })
}

fn parse_end(text: &str) -> Option<End> {
    let words: Vec<&str> = text.split(' ').collect();
    let [kind, number, stdout_bytes, stderr_bytes, inline] = words[..] else { return None };
    Some(End {
        exit: parse_exit(kind, number)?,
        stdout_bytes: stdout_bytes.parse().ok()?,
        stderr_bytes: stderr_bytes.parse().ok()?,
        inline: inline == "1",
    })
}

fn parse_exit(kind: &str, number: &str) -> Option<Exit> {
    let number = number.parse().ok()?;
    match kind {
        "code" => Some(Exit::Code(number)),
        "signal" => Some(Exit::Signal(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_the_truth_table_is_read() {
        for (line, status) in [
            ("status absent", AttemptStatus::Absent),
            ("status void", AttemptStatus::Void),
            ("status running", AttemptStatus::Running),
            ("status lost", AttemptStatus::Lost),
            ("status gone died", AttemptStatus::Gone(GoneBecause::RunnerDied)),
            ("status gone rebooted", AttemptStatus::Gone(GoneBecause::HostRebooted)),
            ("status done code 255", AttemptStatus::Done(Exit::Code(255))),
            ("status done signal 9", AttemptStatus::Done(Exit::Signal(9))),
        ] {
            assert_eq!(parse(line), Some(Answer::Status(status)), "{line}");
        }
    }

    #[test]
    fn a_line_that_no_tether_says_is_not_guessed_at() {
        for line in ["", "hello", "end code x 0 0 1", "end code 1 0 0", "status done", "status done code", "sh: oops"] {
            assert_eq!(parse(line), None, "{line:?}");
        }
        let end = End { exit: Exit::Code(0), stdout_bytes: 5, stderr_bytes: 6, inline: false };
        assert_eq!(parse("end code 0 5 6 0"), Some(Answer::End(end)));
    }
}
