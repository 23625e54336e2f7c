//! Anchors: where the hash of each checkpoint is sent, so that it is known outside what the server had signed.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::audit::checkpoint::{PublicKey, Signed};
use crate::audit::verdict::Verdict;
use crate::id::Digest;

/// Where a local syslog daemon listens.
const SYSLOG_SOCKET: &str = "/dev/log";

/// A place outside the server's own data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anchor {
    /// A line is appended to this file: a mount that only takes appends, or one that is copied away.
    File(PathBuf),
    /// A message to this socket of a syslog daemon, which passes it on.
    Syslog(PathBuf),
    /// An annotated tag in this repository, which is pushed or mirrored from elsewhere.
    Git(PathBuf),
}

/// Why a text names no anchor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no anchor: write file:PATH, syslog, syslog:SOCKET or git:DIR")]
pub struct InvalidAnchor(pub String);

impl FromStr for Anchor {
    type Err = InvalidAnchor;
    fn from_str(text: &str) -> Result<Self, InvalidAnchor> {
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("syslog", path)) if !path.is_empty() => Ok(Self::Syslog(path.into())),
            Some(("git", path)) if !path.is_empty() => Ok(Self::Git(path.into())),
            None if text == "syslog" => Ok(Self::Syslog(SYSLOG_SOCKET.into())),
            _ => Err(InvalidAnchor(text.chars().take(80).collect())),
        }
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "file:{}", path.display()),
            Self::Syslog(path) => write!(formatter, "syslog:{}", path.display()),
            Self::Git(path) => write!(formatter, "git:{}", path.display()),
        }
    }
}

/// What begins the line that is sent; also inside a log that puts its own words before it.
const MARK: &str = "steadyhand-checkpoint v1 ";

/// What is sent: enough to tell whether a checkpoint is still the one that was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Witness {
    pub number: u64,
    pub hash: Digest,
    pub key: PublicKey,
}

impl From<&Signed> for Witness {
    fn from(signed: &Signed) -> Self {
        Self { number: signed.number, hash: signed.hash(), key: signed.key }
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{MARK}number={} hash={} key={}", self.number, self.hash, self.key)
    }
}

impl Witness {
    /// The witness in a line of a file, a log or a tag; none in a line about something else.
    pub fn in_line(line: &str) -> Option<Self> {
        let (_, rest) = line.split_once(MARK)?;
        let mut words = rest.split_ascii_whitespace();
        let mut field = |name: &str| words.next()?.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
        let number = field("number")?.parse().ok()?;
        let hash = Digest::try_from(field("hash")?).ok()?;
        Some(Self { number, hash, key: field("key")?.parse().ok()? })
    }
}

/// Compares what was sent outside with the checkpoints that are here, `made` in number; `hash_of` gives the hash of one
/// of them.
pub fn compare(witnesses: &[Witness], made: u64, hash_of: impl Fn(u64) -> Option<Digest>) -> Verdict {
    if witnesses.is_empty() && made > 0 {
        return Verdict::AnchorEmpty { made };
    }
    let mut last: Option<Witness> = None;
    for witness in witnesses {
        match hash_of(witness.number) {
            None => return Verdict::AnchorMissing { number: witness.number },
            Some(hash) if hash != witness.hash => return Verdict::AnchorMismatch { number: witness.number },
            Some(_) => last = last.filter(|last| last.number > witness.number).or(Some(*witness)),
        }
    }
    let last = last.map_or((0, crate::audit::chain::BEFORE_FIRST), |last| (last.number, last.hash));
    Verdict::Intact { last_seq: last.0, head: last.1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_survives_its_text_and_anything_else_is_refused() {
        for text in ["file:/var/log/x", "syslog:/run/x.sock", "git:/srv/anchors.git", "file:a:b"] {
            assert_eq!(text.parse::<Anchor>().expect("it is one").to_string(), text);
        }
        assert_eq!("syslog".parse(), Ok(Anchor::Syslog(SYSLOG_SOCKET.into())));
        for text in ["", "file", "file:", "git:", "s3:x", "syslog:", "FILE:x"] {
            assert!(text.parse::<Anchor>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_witness_is_found_behind_what_a_log_puts_before_it() {
        let witness = Witness { number: 12, hash: Digest([1; 32]), key: PublicKey([2; 32]) };
        assert_eq!(Witness::in_line(&witness.to_string()), Some(witness));
        let logged = format!("Nov 23 03:12:09 ops steadyhand: {witness} ");
        assert_eq!(Witness::in_line(&logged), Some(witness));
        for line in ["", "steadyhand-checkpoint v2 number=1", &witness.to_string().replace("hash=", "hash")] {
            assert_eq!(Witness::in_line(line), None, "{line}");
        }
    }

    #[test]
    fn what_was_sent_outside_must_be_here_and_the_same() {
        let witness = |number| Witness { number, hash: Digest([1; 32]), key: PublicKey([2; 32]) };
        let here = |number: u64| (number <= 2).then_some(Digest([number as u8; 32]));
        let told = |numbers: &[u64]| compare(&numbers.iter().copied().map(witness).collect::<Vec<_>>(), 2, here);
        assert_eq!(told(&[1, 1]), Verdict::Intact { last_seq: 1, head: Digest([1; 32]) });
        assert_eq!(told(&[1, 2]), Verdict::AnchorMismatch { number: 2 });
        assert_eq!(told(&[1, 3]), Verdict::AnchorMissing { number: 3 });
        assert_eq!(told(&[]), Verdict::AnchorEmpty { made: 2 });
    }
}
