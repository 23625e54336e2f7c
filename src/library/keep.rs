//! Keeps a text as a commit on a branch of its own: the one place here that writes to a repository.
//!
//! By plumbing alone: an index beside the repository's own, and a compare-and-swap of the branch. So no work tree, no
//! index of a person and no hook is touched, and what somebody else commits there meanwhile is not lost. The branch
//! that is served is refused: a handoff must not change what runs. Nothing is pushed.

use std::ffi::OsString;

use super::git::Git;
use super::{GitRef, Library, LibraryError};
use crate::library::tree;

/// What `update-ref` takes for a branch that must not be there yet.
const NOTHING: &str = "";

/// What is kept.
#[derive(Debug, Clone)]
pub struct Kept<'a> {
    /// The branch; made when it is missing.
    pub branch: &'a GitRef,
    /// From the top of the repository, with `/`.
    pub path: &'a str,
    pub text: &'a str,
    /// Its first line says what happened.
    pub message: &'a str,
}

impl Library {
    /// Commits the text, unless the branch has just that already. Again after a crash is borne.
    ///
    /// # Errors
    /// There is no git, the branch is the served one, or git refuses; then the branch is as it was, or has the text.
    pub async fn keep(&self, kept: &Kept<'_>) -> Result<(), LibraryError> {
        let (git, _) = self.git().ok_or_else(|| LibraryError::RefWithoutGit {
            folder: self.folder().to_owned(),
            git_ref: kept.branch.clone(),
        })?;
        if !tree::is_inner(kept.path) {
            return Err(LibraryError::UnsafePath { path: kept.path.to_owned() });
        }
        let branch = format!("refs/heads/{}", kept.branch);
        let refused = |reason: &str| LibraryError::Git {
            attempted: "keep the handoff",
            folder: self.folder().to_owned(),
            reason: reason.to_owned(),
        };
        if git
            .line("find the served branch", &["symbolic-ref", "--quiet", "HEAD"])
            .await
            .is_ok_and(|head| head == branch)
        {
            return Err(refused("the branch is the one that is served: name another one"));
        }
        let old = git
            .line(
                "find the branch",
                &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{branch}^{{commit}}")],
            )
            .await
            .ok();
        let index = tempfile::Builder::new().prefix("steadyhand-index-").tempdir();
        let index = index.map_err(|source| LibraryError::Read { path: "a temporary folder".into(), source })?;
        let git = git.with_index(index.path().join("index").into_os_string());
        let blob =
            git.written("store the handoff", &["hash-object", "-w", "--no-filters", "--stdin"], kept.text).await?;
        if let Some(old) = &old {
            git.line("read the branch", &["read-tree", old]).await?;
        }
        let entry = format!("100644,{blob},{}", kept.path);
        git.line("add the handoff", &["update-index", "--add", "--cacheinfo", &entry]).await?;
        let tree = git.line("write the tree", &["write-tree"]).await?;
        let mut commit = vec!["commit-tree", &tree];
        if let Some(old) = &old {
            let before = git.line("read the branch", &["rev-parse", "--verify", &format!("{old}^{{tree}}")]).await?;
            if before == tree {
                return Ok(());
            }
            commit.extend(["-p", old]);
        }
        let commit = git.written("make the commit", &commit, kept.message).await?;
        let old = old.as_deref().unwrap_or(NOTHING);
        git.line("move the branch", &["update-ref", "--create-reflog", &branch, &commit, old]).await?;
        Ok(())
    }
}

impl Git {
    /// The same over an index of its own.
    fn with_index(&self, index: OsString) -> Self {
        self.with_surroundings("GIT_INDEX_FILE", index)
            .with_surroundings("GIT_AUTHOR_NAME", "steadyhand".into())
            .with_surroundings("GIT_AUTHOR_EMAIL", "steadyhand@localhost".into())
            .with_surroundings("GIT_COMMITTER_NAME", "steadyhand".into())
            .with_surroundings("GIT_COMMITTER_EMAIL", "steadyhand@localhost".into())
    }
}
