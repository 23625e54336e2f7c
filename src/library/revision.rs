//! Names of states of the repository: refs as people give them, commits as git has them.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::InvalidId;

/// A branch, a tag, a full ref or a commit id, as given by a person. No expressions (`HEAD~1`, `a..b`,
/// `:/text`), and nothing that git could take for an option.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GitRef(String);

impl GitRef {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for GitRef {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        if is_ref(&text) {
            return Ok(Self(text));
        }
        let rule = "the name of a branch or tag, or a commit id, at most 200 characters";
        Err(InvalidId { what: "git ref", text: text.chars().take(80).collect(), rule })
    }
}

impl FromStr for GitRef {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::try_from(text.to_owned())
    }
}

impl From<GitRef> for String {
    fn from(git_ref: GitRef) -> Self {
        git_ref.0
    }
}

impl fmt::Display for GitRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// The rules of git-check-ref-format(1), and no leading `-` or `@`.
fn is_ref(text: &str) -> bool {
    let part_is_good = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let letter_is_good = |letter: char| !letter.is_control() && !" ~^:?*[\\\u{7f}".contains(letter);
    text.len() <= 200
        && !text.starts_with(['-', '@'])
        && !text.ends_with('.')
        && !text.contains("..")
        && !text.contains("@{")
        && text.chars().all(letter_is_good)
        && text.split('/').all(part_is_good)
}

/// The full id of a commit: 40 or 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(String);

impl CommitId {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl TryFrom<String> for CommitId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if is_hex && matches!(text.len(), 40 | 64) {
            return Ok(Self(text));
        }
        let rule = "40 or 64 lower-case hexadecimal digits";
        Err(InvalidId { what: "commit id", text: text.chars().take(80).collect(), rule })
    }
}

impl FromStr for CommitId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::try_from(text.to_owned())
    }
}

impl From<CommitId> for String {
    fn from(id: CommitId) -> Self {
        id.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub id: CommitId,
    /// The author's name, without the mail address.
    pub author: String,
    /// When it was committed (not authored: a rebase keeps that).
    pub time: Timestamp,
    /// The first line of the message.
    pub subject: String,
}

impl Commit {
    /// Reads what `git cat-file commit` prints. `None` where it is no commit as git writes them.
    pub(super) fn from_object(id: CommitId, object: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(object);
        let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let person = |field: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(field))?;
            let (name, rest) = line.split_once('<')?;
            let seconds = rest.rsplit_once('>')?.1.split_ascii_whitespace().next()?;
            Some((name.trim().to_owned(), Timestamp::from_second(seconds.parse().ok()?).ok()?))
        };
        let (author, _) = person("author ")?;
        let (_, time) = person("committer ")?;
        let subject = message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        Some(Self { id, author, time, subject: subject.trim().to_owned() })
    }
}

/// The state that files are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    /// Files are read from the commit, never from the work tree.
    Commit(Commit),
    /// A folder without git: files are read as they are now, and a run pins the SHA-256 of each.
    Folder,
}

impl Revision {
    /// The commit; `None` for a plain folder.
    pub fn commit(&self) -> Option<&Commit> {
        match self {
            Self::Commit(commit) => Some(commit),
            Self::Folder => None,
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit(commit) => write!(formatter, "commit {}", commit.id.short()),
            Self::Folder => formatter.write_str("the folder as it is now"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_git_would_read_as_an_option_or_an_expression_is_a_ref() {
        for text in [
            "",
            "-x",
            "--upload-pack=touch x",
            "--output=/tmp/x",
            "@",
            "@{-1}",
            "main@{1}",
            "HEAD~1",
            "HEAD^",
            "a..b",
            ":/text",
            "main:file",
            "a b",
            "a\nb",
            "a\0b",
            ".x",
            "a/.x",
            "a//b",
            "/a",
            "a/",
            "x.lock",
            "x.",
            "a\\b",
            "x*",
            "x[",
            "x?",
        ] {
            assert!(text.parse::<GitRef>().is_err(), "{text:?} was taken");
        }
        for text in ["HEAD", "main", "feature/disk-full", "v1.0", "refs/heads/main", "0123abc", "naïve"] {
            assert!(text.parse::<GitRef>().is_ok(), "{text:?} was refused");
        }
    }

    #[test]
    fn a_commit_is_read_from_its_object() {
        let id: CommitId = "a".repeat(40).parse().unwrap();
        let object = b"tree x\nparent y\nauthor Ada <L@x> <ada@x> 1 +0000\ncommitter Bob <bob@x> 1700000000 +0100\n\nFirst\n\nmore\n";
        let commit = Commit::from_object(id.clone(), object).unwrap();
        assert_eq!((commit.author.as_str(), commit.subject.as_str()), ("Ada", "First"));
        assert_eq!(commit.time.as_second(), 1_700_000_000);
        for object in [&b""[..], b"author x\n\n", b"author A <a> b\ncommitter A <a> c\n\nx", b"\xff\xfe"] {
            assert_eq!(Commit::from_object(id.clone(), object), None);
        }
    }
}
