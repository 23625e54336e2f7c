//! What verifying finds, in words that do not depend on where it was found.

use std::fmt;

use crate::audit::checkpoint::Stream;
use crate::id::Digest;

/// What a stream, the checkpoints or an anchor are found to be. Of several damages the first is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Verdict {
    /// Every entry is there and as it was written.
    #[error("intact up to {last_seq}")]
    Intact { last_seq: u64, head: Digest },
    /// This entry, or the link to the one before it, was changed, or it was put there.
    #[error("altered at {seq}")]
    Altered { seq: u64 },
    /// Entries are missing in the middle.
    #[error("gap {first}-{last}: these are missing")]
    Gap { first: u64, last: u64 },
    /// Two entries have changed places.
    #[error("reordered at {seq}: it has changed places with {with}")]
    Reordered { seq: u64, with: u64 },
    /// Entries are missing at the end.
    #[error("truncated after {last}: there were {expected}")]
    Truncated { last: u64, expected: u64 },
    /// The chain holds together, but is not the one that the signed checkpoint saw.
    #[error("rewritten: up to {up_to} it is not what checkpoint {checkpoint} saw")]
    Rewritten { up_to: u64, checkpoint: u64 },
    /// A checkpoint is not what was signed, or does not follow the one before it.
    #[error("rewritten: checkpoint {number} is not what was signed, or does not follow the one before it")]
    Forged { number: u64 },
    /// What was sent outside is not what is here.
    #[error("anchor mismatch: checkpoint {number} is not the one that was sent outside")]
    AnchorMismatch { number: u64 },
    /// What was sent outside is not here any more.
    #[error("anchor mismatch: checkpoint {number} was sent outside and is missing here")]
    AnchorMissing { number: u64 },
    /// What should hold all that was sent holds nothing.
    #[error("anchor mismatch: it knows no checkpoint, and {made} were made")]
    AnchorEmpty { made: u64 },
    /// Signed, but with a key that is not among those known.
    #[error("key mismatch: checkpoint {number} was signed with another key")]
    KeyMismatch { number: u64 },
}

impl Verdict {
    pub fn is_intact(&self) -> bool {
        matches!(self, Self::Intact { .. })
    }

    /// One word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Intact { .. } => "intact",
            Self::Altered { .. } => "altered",
            Self::Gap { .. } => "gap",
            Self::Reordered { .. } => "reordered",
            Self::Truncated { .. } => "truncated",
            Self::Rewritten { .. } | Self::Forged { .. } => "rewritten",
            Self::AnchorMismatch { .. } | Self::AnchorMissing { .. } | Self::AnchorEmpty { .. } => "anchor-mismatch",
            Self::KeyMismatch { .. } => "key-mismatch",
        }
    }

    /// The exit code of `steadyhand audit verify`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Intact { .. } => 0,
            Self::Altered { .. } => 10,
            Self::Gap { .. } => 11,
            Self::Reordered { .. } => 12,
            Self::Truncated { .. } => 13,
            Self::Rewritten { .. } | Self::Forged { .. } => 14,
            Self::AnchorMismatch { .. } | Self::AnchorMissing { .. } | Self::AnchorEmpty { .. } => 15,
            Self::KeyMismatch { .. } => 16,
        }
    }
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Stream(Stream),
    Checkpoints,
    /// As it is configured: `file:/var/log/steadyhand.anchors`.
    Anchor(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(stream) => stream.fmt(formatter),
            Self::Checkpoints => formatter.write_str("checkpoints"),
            Self::Anchor(anchor) => write!(formatter, "anchor {anchor}"),
        }
    }
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub subject: Subject,
    pub verdict: Verdict,
}

/// The exit code of all findings: the smallest, which is the plainest; 0 without any.
pub fn exit_code(findings: &[Finding]) -> u8 {
    findings.iter().map(|finding| finding.verdict.exit_code()).min().unwrap_or(0)
}
