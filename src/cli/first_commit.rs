//! Makes a folder that this program wrote a git repository with one commit, where git is there.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::bail;

use crate::process;

/// Without an identity git refuses to commit; people amend this one with theirs.
const NOBODY: [&str; 4] = ["-c", "user.name=steadyhand", "-c", "user.email=steadyhand@localhost"];

/// What became of the folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FirstCommit {
    Made,
    /// There is no git on this machine; a plain folder works as well.
    NoGit,
}

/// Commits everything in `folder`, which is not a repository yet.
///
/// The commit is not signed and starts no hook: it holds what a program wrote, and a passphrase asked for here
/// would surprise.
pub(super) async fn make(folder: &Path, message: &str) -> anyhow::Result<FirstCommit> {
    match git(folder, &["init", "--quiet"]).await {
        Ok(()) => {}
        Err(error) if is_missing(&error) => return Ok(FirstCommit::NoGit),
        Err(error) => return Err(error),
    }
    git(folder, &["add", "--all"]).await?;
    let has_identity = git(folder, &["var", "GIT_AUTHOR_IDENT"]).await.is_ok();
    let mut arguments = if has_identity { Vec::new() } else { NOBODY.to_vec() };
    arguments.extend(["commit", "--quiet", "--no-gpg-sign", "--no-verify", "-m", message]);
    git(folder, &arguments).await?;
    Ok(FirstCommit::Made)
}

async fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = process::command("git");
    // A hook of another repository may have started us, and would have named its repository in these.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    command.args(["-c", "core.hooksPath=/dev/null", "-c", "init.defaultBranch=main"]);
    let output = command.args(arguments).current_dir(folder).output().await?;
    if !output.status.success() {
        bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn is_missing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|cause| cause.kind() == ErrorKind::NotFound)
}
