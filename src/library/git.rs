//! The `git` program, read-only and by plumbing commands only: what a repository's own configuration says
//! must not start anything.
//!
//! What is closed, and why: hooks and `core.fsmonitor` (run by many commands), `ext::` and every other
//! transport (a partial clone would fetch missing objects through `core.sshCommand`), replacement objects
//! (a commit id would show other content), pagers, signature programs, and filters and `textconv` (we read
//! blobs as they are stored, and hash work files with `--no-filters`).

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::LibraryError;
use super::program::{self, Call, Finished, Surroundings};
use super::revision::{Commit, CommitId, GitRef};
use super::tree::{BlobId, Found, Kind};
use crate::process::CLOSED_GIT;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A listing of a hundred thousand files is about ten megabytes.
const LISTING_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Beside what is closed for every call: showing a commit starts no signature program.
const OWN: [&str; 2] = ["-c", "log.showSignature=false"];

/// What a folder is to git.
pub(super) enum Place {
    /// `prefix` is the folder's path below the top, empty or with `/` at its end.
    WorkTree {
        prefix: String,
    },
    Bare,
    None,
}

/// Runs git in one repository.
#[derive(Debug, Clone)]
pub(super) struct Git {
    folder: PathBuf,
    surroundings: Surroundings,
}

impl Git {
    pub fn new(folder: &Path, surroundings: &Surroundings) -> Self {
        let surroundings = surroundings
            .clone()
            .with("GIT_TERMINAL_PROMPT", "0")
            .with("GIT_OPTIONAL_LOCKS", "0")
            .with("GIT_NO_LAZY_FETCH", "1")
            .with("GIT_ALLOW_PROTOCOL", "none")
            // Overrides core.sshCommand, for versions of git without GIT_NO_LAZY_FETCH.
            .with("GIT_SSH_COMMAND", "false")
            .with("GIT_ASKPASS", "false")
            // Its messages are matched below.
            .with("LC_ALL", "C.UTF-8");
        Self { folder: folder.to_owned(), surroundings }
    }

    /// What the folder is. A folder is plain only if git says so: any other trouble is an error.
    pub async fn place(&self) -> Result<Place, LibraryError> {
        let arguments = ["rev-parse", "--is-bare-repository", "--is-inside-work-tree", "--show-prefix"];
        let finished = match self.start(&arguments, Vec::new(), LISTING_BYTES_MAX).await {
            Err(LibraryError::Program(error)) if error.is_missing() && !self.folder.join(".git").exists() => {
                return Ok(Place::None);
            }
            finished => finished?,
        };
        if !finished.succeeded() {
            let is_plain = finished.stderr.contains("not a git repository");
            return if is_plain { Ok(Place::None) } else { Err(self.failed("look at the folder", &finished)) };
        }
        let answer = String::from_utf8_lossy(&finished.stdout).into_owned();
        let mut lines = answer.split('\n');
        match (lines.next(), lines.next(), lines.next()) {
            (Some("true"), _, _) => Ok(Place::Bare),
            (_, Some("true"), Some(prefix)) => Ok(Place::WorkTree { prefix: prefix.to_owned() }),
            _ => Ok(Place::None),
        }
    }

    /// The commit that a ref means.
    pub async fn commit(&self, git_ref: &GitRef) -> Result<Option<Commit>, LibraryError> {
        let wanted = format!("{git_ref}^{{commit}}");
        let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted];
        let finished = self.start(&arguments, Vec::new(), LISTING_BYTES_MAX).await?;
        if !finished.succeeded() {
            // A tree or a blob is no commit; a name that means nothing leaves standard error empty.
            let is_unknown = finished.stderr.trim().is_empty() || finished.stderr.contains("expected commit type");
            return if is_unknown { Ok(None) } else { Err(self.failed("look up the ref", &finished)) };
        }
        let id = String::from_utf8_lossy(&finished.stdout).trim().to_owned();
        let id = CommitId::try_from(id).map_err(|_| self.odd("git rev-parse printed no commit id"))?;
        Ok(self.commits(std::slice::from_ref(&id)).await?.pop())
    }

    /// The newest commits that changed `path` (relative to the folder), newest first.
    pub async fn history(&self, from: &CommitId, path: &str, count_max: usize) -> Result<Vec<Commit>, LibraryError> {
        let count = format!("--max-count={count_max}");
        let listing =
            self.answer("list commits", &["rev-list", &count, "--end-of-options", from.as_str(), "--", path]).await?;
        let ids: Vec<CommitId> =
            String::from_utf8_lossy(&listing).lines().filter_map(|line| line.parse().ok()).collect();
        self.commits(&ids).await
    }

    /// The newest commits that changed something below `folder` (relative to the folder), newest first, each with its
    /// time in seconds since 1970.
    pub async fn commits_below(
        &self,
        from: &CommitId,
        folder: &str,
        count_max: usize,
    ) -> Result<Vec<(CommitId, i64)>, LibraryError> {
        let count = format!("--max-count={count_max}");
        let arguments = ["rev-list", "--timestamp", &count, "--end-of-options", from.as_str(), "--", folder];
        let listing = self.answer("list commits", &arguments).await?;
        let parsed = |line: &str| {
            let (seconds, id) = line.split_once(' ')?;
            Some((id.parse().ok()?, seconds.parse().ok()?))
        };
        let commits = String::from_utf8_lossy(&listing).lines().map(parsed).collect::<Option<_>>();
        commits.ok_or_else(|| self.odd("git rev-list printed no commit and time"))
    }

    /// What each of these commits changed below `folder` (relative to the folder), in their order, as paths from the top.
    /// Of a merge, what differs from each of its parents.
    pub async fn changed_paths(
        &self,
        commits: &[(CommitId, i64)],
        folder: &str,
    ) -> Result<Vec<Vec<String>>, LibraryError> {
        let mut changed = vec![Vec::new(); commits.len()];
        let stdin: String = commits.iter().map(|(id, _)| format!("{id}\n")).collect();
        let arguments =
            ["diff-tree", "--stdin", "-r", "-c", "--root", "--name-only", "--no-renames", "-z", "--", folder];
        let finished = self.start(&arguments, stdin.into_bytes(), LISTING_BYTES_MAX).await?;
        if !finished.succeeded() {
            return Err(self.failed("list what commits changed", &finished));
        }
        // Ids and paths in one list; commits that changed nothing are left out of it.
        let mut at = None;
        for field in finished.stdout.split(|byte| *byte == 0).filter(|field| !field.is_empty()) {
            let text = String::from_utf8_lossy(field).into_owned();
            if let Ok(commit) = text.parse::<CommitId>() {
                at = commits
                    .iter()
                    .skip(at.unwrap_or(0))
                    .position(|(id, _)| *id == commit)
                    .map(|by| at.unwrap_or(0) + by);
            } else {
                changed[at.ok_or_else(|| self.odd("git diff-tree named no commit of the list"))?].push(text);
            }
        }
        Ok(changed)
    }

    async fn commits(&self, ids: &[CommitId]) -> Result<Vec<Commit>, LibraryError> {
        let names: Vec<&str> = ids.iter().map(CommitId::as_str).collect();
        let objects = self.objects(&names, LISTING_BYTES_MAX).await?;
        let commits = ids.iter().zip(objects).map(|(id, object)| Commit::from_object(id.clone(), &object));
        commits.collect::<Option<_>>().ok_or_else(|| self.odd("a commit is not as git writes them"))
    }

    /// Whether `older` is `newer` or a commit before it.
    pub async fn is_ancestor(&self, older: &CommitId, newer: &CommitId) -> Result<bool, LibraryError> {
        let arguments = ["merge-base", "--is-ancestor", "--end-of-options", older.as_str(), newer.as_str()];
        let finished = self.start(&arguments, Vec::new(), LISTING_BYTES_MAX).await?;
        if finished.succeeded() {
            return Ok(true);
        }
        // A commit that was pruned is no longer served either. Git says nothing where the answer is no.
        let is_no = finished.stderr.trim().is_empty() || finished.stderr.contains("Not a valid commit name");
        if is_no { Ok(false) } else { Err(self.failed("compare two commits", &finished)) }
    }

    /// Files, links and submodules below `path` (everything for the empty path), or `path` itself.
    /// Paths are from the top.
    pub async fn list(&self, commit: &CommitId, path: &str, depth: Depth) -> Result<Vec<Found>, LibraryError> {
        let mut arguments = vec!["ls-tree", "-z", "-l", "--full-tree"];
        if depth == Depth::All {
            arguments.push("-r");
        }
        arguments.extend(["--end-of-options", commit.as_str()]);
        if !path.is_empty() {
            arguments.push(path);
        }
        let listing = self.answer("list files", &arguments).await?;
        listing
            .split(|byte| *byte == 0)
            .filter(|line| !line.is_empty())
            .map(|line| tree_line(line).ok_or_else(|| self.odd("git ls-tree printed an unknown line")))
            .collect()
    }

    /// The contents of objects, in the order asked for.
    pub async fn objects(&self, names: &[&str], bytes_max: usize) -> Result<Vec<Vec<u8>>, LibraryError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut wanted = names.join("\n").into_bytes();
        wanted.push(b'\n');
        // Each answer has a line of up to a hundred bytes before it.
        let bytes_max = bytes_max.saturating_add(names.len() * 100);
        let finished = self.start(&["cat-file", "--batch"], wanted, bytes_max).await?;
        if !finished.succeeded() {
            return Err(self.failed("read files", &finished));
        }
        let mut rest = finished.stdout.as_slice();
        let mut contents = Vec::with_capacity(names.len());
        for name in names {
            let (content, after) =
                batch_answer(rest).ok_or_else(|| self.odd(&format!("the object {name} cannot be read")))?;
            contents.push(content.to_vec());
            rest = after;
        }
        Ok(contents)
    }

    /// The blob ids that files of the work tree would have, without running any filter.
    pub async fn hashes(&self, paths: &[String]) -> Result<Vec<BlobId>, LibraryError> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        // Absolute, because git takes these paths from the top of the work tree, not from its own folder.
        let absolute: Vec<String> = paths.iter().map(|path| self.folder.join(path).display().to_string()).collect();
        let wanted = format!("{}\n", absolute.join("\n")).into_bytes();
        let arguments = ["hash-object", "--no-filters", "--stdin-paths"];
        let finished = self.start(&arguments, wanted, LISTING_BYTES_MAX).await?;
        if !finished.succeeded() {
            return Err(self.failed("compare the work tree with the commit", &finished));
        }
        Ok(String::from_utf8_lossy(&finished.stdout).lines().map(|line| BlobId(line.to_owned())).collect())
    }

    /// Branches and tags, for suggestions.
    pub async fn refs(&self) -> Result<Vec<String>, LibraryError> {
        let arguments = ["for-each-ref", "--count=500", "--format=%(refname:short)", "refs/heads", "refs/tags"];
        let listing = self.answer("list branches", &arguments).await?;
        Ok(String::from_utf8_lossy(&listing).lines().map(str::to_owned).collect())
    }

    async fn answer(&self, attempted: &'static str, arguments: &[&str]) -> Result<Vec<u8>, LibraryError> {
        let finished = self.start(arguments, Vec::new(), LISTING_BYTES_MAX).await?;
        if finished.succeeded() { Ok(finished.stdout) } else { Err(self.failed(attempted, &finished)) }
    }

    async fn start(&self, arguments: &[&str], stdin: Vec<u8>, bytes_max: usize) -> Result<Finished, LibraryError> {
        let arguments = CLOSED_GIT.iter().chain(&OWN).chain(arguments).map(OsString::from).collect();
        let call = Call {
            program: OsStr::new("git"),
            arguments,
            folder: &self.folder,
            surroundings: &self.surroundings,
            stdin,
            timeout: TIMEOUT,
            stdout_bytes_max: bytes_max,
        };
        program::run(call).await.map_err(LibraryError::Program)
    }

    /// The same with one more variable.
    pub(super) fn with_surroundings(&self, name: &'static str, value: OsString) -> Self {
        Self { folder: self.folder.clone(), surroundings: self.surroundings.clone().with(name, value) }
    }

    /// The one line that a command prints.
    pub(super) async fn line(&self, attempted: &'static str, arguments: &[&str]) -> Result<String, LibraryError> {
        self.written(attempted, arguments, "").await
    }

    /// The same of a command that reads a text.
    pub(super) async fn written(
        &self,
        attempted: &'static str,
        arguments: &[&str],
        stdin: &str,
    ) -> Result<String, LibraryError> {
        let finished = self.start(arguments, stdin.as_bytes().to_vec(), LISTING_BYTES_MAX).await?;
        if !finished.succeeded() {
            return Err(self.failed(attempted, &finished));
        }
        Ok(String::from_utf8_lossy(&finished.stdout).trim().to_owned())
    }

    fn failed(&self, attempted: &'static str, finished: &Finished) -> LibraryError {
        let folder = self.folder.clone();
        if finished.stderr.contains("dubious ownership") {
            return LibraryError::NotOurs { folder: dubious_folder(&finished.stderr).unwrap_or(folder) };
        }
        LibraryError::Git { attempted, folder, reason: finished.reason() }
    }

    fn odd(&self, reason: &str) -> LibraryError {
        let attempted = "read the repository";
        LibraryError::Git { attempted, folder: self.folder.clone(), reason: reason.to_owned() }
    }
}

/// Whether a listing goes into folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    One,
    All,
}

/// The folder that git names in `detected dubious ownership in repository at '…'`: the top of the
/// repository, which is what `safe.directory` wants.
fn dubious_folder(stderr: &str) -> Option<PathBuf> {
    let (_, rest) = stderr.split_once("repository at '")?;
    rest.split_once('\'').map(|(folder, _)| PathBuf::from(folder))
}

/// `100644 blob 0123… 42<TAB>path`.
fn tree_line(line: &[u8]) -> Option<Found> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let head = std::str::from_utf8(&line[..tab]).ok()?;
    let mut words = head.split_ascii_whitespace();
    let (mode, _, object, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let kind = match mode {
        "100644" | "100664" => Kind::File,
        "100755" => Kind::Executable,
        "120000" => Kind::Link,
        "040000" => Kind::Folder,
        _ => Kind::Other,
    };
    Some(Found {
        // A name that is not UTF-8 is shown with replacement characters and is nothing we could be asked for.
        path: String::from_utf8_lossy(&line[tab + 1..]).into_owned(),
        kind,
        bytes: size.parse().unwrap_or(0),
        blob: Some(BlobId(object.to_owned())),
    })
}

/// `<id> <type> <size>\n<content>\n`, and what follows it.
fn batch_answer(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let line_end = bytes.iter().position(|byte| *byte == b'\n')?;
    let size: usize = std::str::from_utf8(&bytes[..line_end]).ok()?.split(' ').nth(2)?.parse().ok()?;
    let rest = &bytes[line_end + 1..];
    let (content, after) = rest.split_at_checked(size)?;
    Some((content, after.strip_prefix(b"\n")?))
}
