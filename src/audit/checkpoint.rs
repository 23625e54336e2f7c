//! Checkpoints: how far each stream was, signed with Ed25519.
//!
//! The signed bytes, version 1, are this text; each line ends with a newline, numbers are decimal, hashes are 64
//! lower-case hexadecimal digits, and streams stand in the order of their names:
//!
//! ```text
//! steadyhand.checkpoint.v1
//! number 12
//! at_ms 1795403529000
//! before 6d0f…            hash of checkpoint 11; zeros before the first
//! streams 2
//! run:0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01 17 9a41…
//! server 120 03be…
//! ```
//!
//! The hash of a checkpoint is the SHA-256 of these bytes. A checkpoint names only streams that went on since the
//! one before it; what an earlier one said of a stream still holds.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _, VerifyingKey};

use crate::audit::chain::BEFORE_FIRST;
use crate::audit::verdict::Verdict;
use crate::id::{Digest, RunId};

const FIRST_LINE: &str = "steadyhand.checkpoint.v1";

/// Streams of one checkpoint; more changed ones go into the next, made at once. Keeps one below two megabytes.
pub const STREAMS_MAX: usize = 10_000;

/// A chain of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// The events of a run.
    Run(RunId),
    /// The server's own.
    Server,
}

impl fmt::Display for Stream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server => formatter.write_str("server"),
            Self::Run(run) => write!(formatter, "run:{run}"),
        }
    }
}

impl FromStr for Stream {
    type Err = InvalidCheckpoint;
    fn from_str(text: &str) -> Result<Self, InvalidCheckpoint> {
        match text.strip_prefix("run:") {
            Some(run) => run.parse().map(Self::Run).map_err(|_| InvalidCheckpoint),
            None if text == "server" => Ok(Self::Server),
            None => Err(InvalidCheckpoint),
        }
    }
}

/// The last entry of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Head {
    pub stream: Stream,
    pub last_seq: u64,
    pub hash: Digest,
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// From 1, without gaps.
    pub number: u64,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// Hash of the checkpoint before.
    pub before: Digest,
    pub heads: Vec<Head>,
}

/// Why a text is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a checkpoint as this program writes them")]
pub struct InvalidCheckpoint;

impl Checkpoint {
    /// The bytes that are signed.
    pub fn text(&self) -> String {
        let mut heads = self.heads.clone();
        heads.sort_unstable();
        let heads: String =
            heads.iter().map(|head| format!("{} {} {}\n", head.stream, head.last_seq, head.hash)).collect();
        let (number, at_ms, before, streams) = (self.number, self.at_ms, self.before, self.heads.len());
        format!("{FIRST_LINE}\nnumber {number}\nat_ms {at_ms}\nbefore {before}\nstreams {streams}\n{heads}")
    }

    /// Reads the text back; takes nothing but what [`Checkpoint::text`] writes, so that one checkpoint has one text.
    ///
    /// # Errors
    /// Any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidCheckpoint> {
        let read = read(text).ok_or(InvalidCheckpoint)?;
        if read.text() == text { Ok(read) } else { Err(InvalidCheckpoint) }
    }
}

fn read(text: &str) -> Option<Checkpoint> {
    let mut lines = text.strip_prefix(FIRST_LINE)?.strip_prefix('\n')?.lines();
    let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned);
    let (number, at_ms) = (field("number")?.parse().ok()?, field("at_ms")?.parse().ok()?);
    let before = Digest::try_from(field("before")?).ok()?;
    let _streams = field("streams")?;
    let heads = lines.map(head).collect::<Option<Vec<_>>>()?;
    Some(Checkpoint { number, at_ms, before, heads })
}

fn head(line: &str) -> Option<Head> {
    let mut words = line.split(' ');
    let (stream, last_seq, hash) = (words.next()?, words.next()?, words.next()?);
    let hash = Digest::try_from(hash.to_owned()).ok()?;
    Some(Head { stream: stream.parse().ok()?, last_seq: last_seq.parse().ok()?, hash })
}

/// A public key, shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Digest(self.0).fmt(formatter)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for PublicKey {
    type Err = crate::id::InvalidId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Digest::try_from(text.trim().to_owned()).map(|bytes| Self(bytes.0))
    }
}

/// What signs checkpoints. Shows nothing of itself.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of 256 random bits.
    pub fn of(secret: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(secret))
    }

    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    pub fn sign(&self, checkpoint: &Checkpoint) -> Signed {
        let text = checkpoint.text();
        let signature = self.0.sign(text.as_bytes()).to_bytes();
        Signed { number: checkpoint.number, text, key: self.public(), signature }
    }
}

/// A checkpoint as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// As its row says; the text says it too.
    pub number: u64,
    pub text: String,
    /// Who says to have signed it.
    pub key: PublicKey,
    pub signature: [u8; 64],
}

impl Signed {
    /// What the next one carries, and what anchors show.
    pub fn hash(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }

    fn is_signed_with(&self, key: PublicKey) -> bool {
        // Strict: no other signature and no weak key is taken for the same text.
        VerifyingKey::from_bytes(&key.0).is_ok_and(|verifying| {
            verifying.verify_strict(self.text.as_bytes(), &Signature::from_bytes(&self.signature)).is_ok()
        })
    }
}

/// Walks the checkpoints in order.
pub struct Review<'a> {
    keys: &'a [PublicKey],
    last: u64,
    last_hash: Digest,
}

impl<'a> Review<'a> {
    /// `keys` are those that are known to be the server's.
    pub fn new(keys: &'a [PublicKey]) -> Self {
        Self { keys, last: 0, last_hash: BEFORE_FIRST }
    }

    /// Takes the next one.
    ///
    /// # Errors
    /// How it differs from what was signed.
    pub fn next(&mut self, signed: &Signed) -> Result<Checkpoint, Verdict> {
        let number = self.last + 1;
        if signed.number != number {
            return Err(Verdict::Gap { first: number, last: signed.number.saturating_sub(1) });
        }
        if !self.keys.iter().any(|key| signed.is_signed_with(*key)) {
            let by_another = !self.keys.contains(&signed.key) && signed.is_signed_with(signed.key);
            return Err(if by_another { Verdict::KeyMismatch { number } } else { Verdict::Forged { number } });
        }
        let checkpoint = Checkpoint::parse(&signed.text).map_err(|_| Verdict::Forged { number })?;
        if checkpoint.number != number || checkpoint.before != self.last_hash {
            return Err(Verdict::Forged { number });
        }
        (self.last, self.last_hash) = (number, signed.hash());
        Ok(checkpoint)
    }

    /// The number and hash of the last one that was taken.
    pub fn last(&self) -> (u64, Digest) {
        (self.last, self.last_hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(number: u64, before: Digest) -> Checkpoint {
        let run = RunId(uuid::Uuid::from_u128(0x0198_c5a0_7d3e_7c11_9d5b_6c6f_0a4f_6c01));
        let heads = vec![
            Head { stream: Stream::Server, last_seq: 120, hash: Digest([3; 32]) },
            Head { stream: Stream::Run(run), last_seq: 17, hash: Digest([0xa4; 32]) },
        ];
        Checkpoint { number, at_ms: 1_795_403_529_000, before, heads }
    }

    #[test]
    fn the_signed_bytes_are_those_of_version_1() {
        let text = format!(
            "steadyhand.checkpoint.v1\nnumber 12\nat_ms 1795403529000\nbefore {}\nstreams 2\n\
             run:0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01 17 {}\nserver 120 {}\n",
            "6d".repeat(32),
            "a4".repeat(32),
            "03".repeat(32)
        );
        let made = checkpoint(12, Digest([0x6d; 32]));
        assert_eq!(made.text(), text);
        let read = Checkpoint::parse(&text).expect("it is one");
        assert_eq!((read.number, read.heads.len()), (12, 2));
        // RFC 8032: the signature of a key and a text is always the same one.
        let signed = SigningKey::of(&[7; 32]).sign(&made);
        assert_eq!(Digest::of(&signed.signature).short(), "3672a61f9ce2");
    }

    #[test]
    fn one_checkpoint_has_one_text() {
        let text = checkpoint(1, BEFORE_FIRST).text();
        for other in [
            text.replace("number 1", "number 01"),
            text.replace("number 1", "number +1"),
            text.replace("streams 2", "streams 3"),
            text.replace('\n', "\r\n"),
            format!("{text}\n"),
            text.replace("server", "Server"),
            text.trim_end().to_owned(),
            text.replace("checkpoint.v1", "checkpoint.v2"),
            String::new(),
        ] {
            assert_eq!(Checkpoint::parse(&other), Err(InvalidCheckpoint), "{other}");
        }
    }

    #[test]
    fn a_checkpoint_of_another_key_or_with_another_text_or_place_is_told() {
        let (own, other) = (SigningKey::of(&[7; 32]), SigningKey::of(&[8; 32]));
        let keys = [own.public()];
        let first = own.sign(&checkpoint(1, BEFORE_FIRST));
        let review = |signed: &Signed| {
            let mut review = Review::new(&keys);
            review.next(&first).expect("the first one is good");
            review.next(signed).map(|checkpoint| checkpoint.number)
        };
        let good = checkpoint(2, first.hash());
        assert_eq!(review(&own.sign(&good)), Ok(2));
        assert_eq!(review(&other.sign(&good)), Err(Verdict::KeyMismatch { number: 2 }));
        let mut forged = own.sign(&good);
        forged.text = forged.text.replace("server 120", "server 119");
        assert_eq!(review(&forged), Err(Verdict::Forged { number: 2 }));
        let claims = Signed { key: keys[0], ..other.sign(&good) };
        assert_eq!(review(&claims), Err(Verdict::Forged { number: 2 }));
        assert_eq!(review(&own.sign(&checkpoint(2, BEFORE_FIRST))), Err(Verdict::Forged { number: 2 }));
        assert_eq!(review(&own.sign(&checkpoint(4, first.hash()))), Err(Verdict::Gap { first: 2, last: 3 }));
        assert_eq!(review(&Signed { number: 2, ..first.clone() }), Err(Verdict::Forged { number: 2 }));
    }
}
