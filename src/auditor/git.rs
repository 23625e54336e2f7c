//! An anchor that is a git repository: an annotated tag for each checkpoint, on a blob with its whole text.
//!
//! What a repository's own configuration says must not start anything: hooks, `core.fsmonitor`, signature programs,
//! editors and every transport are closed, as in `library::git`. Pushing the tags is left to whoever keeps the
//! repository, so that the server needs no right to write anywhere else.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Output, Stdio};

use tokio::io::AsyncWriteExt as _;

use super::AnchorError;
use crate::audit::anchor::Witness;
use crate::environment;
use crate::process::{self, CLOSED_GIT};

/// Beside what is closed for every call.
const OWN: [&str; 8] = [
    "-c",
    "core.editor=false",
    "-c",
    "tag.gpgSign=false",
    "-c",
    "user.name=steadyhand",
    "-c",
    "user.email=steadyhand@localhost",
];

/// Tags are `steadyhand/checkpoint-12`: out of our own number, so nothing in it can be read as anything else.
const FOLDER: &str = "steadyhand/checkpoint-";

/// Tags that are read back: twenty years of a checkpoint every five minutes.
const TAGS_MAX: &str = "--count=2200000";

/// Tags a checkpoint, unless it is tagged already.
pub(super) async fn tag(folder: &Path, witness: &Witness, text: &str) -> Result<(), AnchorError> {
    let name = format!("{FOLDER}{}", witness.number);
    let there = read(folder, &format!("refs/tags/{name}")).await?;
    if !there.is_empty() {
        let taken = AnchorError::Taken { tag: name, path: folder.to_owned() };
        return if there == [*witness] { Ok(()) } else { Err(taken) };
    }
    let blob = ["hash-object", "-w", "--no-filters", "--stdin"];
    let blob = git(folder, "store the checkpoint", &blob, text).await?;
    let blob = blob.trim();
    if blob.is_empty() || !blob.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let (attempted, reason) = ("store the checkpoint", "it printed no object id".to_owned());
        return Err(AnchorError::GitRefused { attempted, path: folder.to_owned(), reason });
    }
    let message = format!("--message={witness}");
    git(folder, "make the tag", &["tag", "--annotate", &message, "--end-of-options", &name, blob], "").await?;
    Ok(())
}

/// What all tags of checkpoints say.
pub(super) async fn tags(folder: &Path) -> Result<Vec<Witness>, AnchorError> {
    read(folder, &format!("refs/tags/{FOLDER}*")).await
}

async fn read(folder: &Path, pattern: &str) -> Result<Vec<Witness>, AnchorError> {
    let format = "--format=%(contents:subject)";
    let listing = git(folder, "list the tags", &["for-each-ref", TAGS_MAX, format, pattern], "").await?;
    Ok(listing.lines().filter_map(Witness::in_line).collect())
}

async fn git(folder: &Path, attempted: &'static str, arguments: &[&str], stdin: &str) -> Result<String, AnchorError> {
    let output =
        run(folder, arguments, stdin).await.map_err(|source| AnchorError::Git { path: folder.to_owned(), source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let last = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
    let reason = last.chars().filter(|letter| !letter.is_control()).take(300).collect();
    Err(AnchorError::GitRefused { attempted, path: folder.to_owned(), reason })
}

async fn run(folder: &Path, arguments: &[&str], stdin: &str) -> io::Result<Output> {
    let mut command = process::command(OsStr::new("git"));
    command.args(CLOSED_GIT).args(OWN).args(arguments).current_dir(folder).env_clear();
    for name in ["PATH", "HOME"] {
        command.envs(environment::os_text(name).map(|value| (name, value)));
    }
    command
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ALLOW_PROTOCOL", "none")
        .env("GIT_SSH_COMMAND", "false")
        .env("GIT_ASKPASS", "false")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        match input.write_all(stdin.as_bytes()).await {
            // It ended without reading: its own answer says why.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written?,
        }
    }
    child.wait_with_output().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::checkpoint::PublicKey;
    use crate::id::Digest;

    async fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let made = process::command("git").args(["init", "--quiet"]).current_dir(folder.path()).status().await;
        assert!(made.expect("git starts").success());
        folder
    }

    #[tokio::test]
    async fn a_checkpoint_is_tagged_once_and_another_of_its_number_is_refused() {
        let folder = repository().await;
        let witness = |hash| Witness { number: 12, hash: Digest([hash; 32]), key: PublicKey([2; 32]) };
        tag(folder.path(), &witness(1), "the text\n").await.expect("it is tagged");
        tag(folder.path(), &witness(1), "the text\n").await.expect("again is borne");
        let error = tag(folder.path(), &witness(3), "other\n").await.expect_err("the number is taken");
        assert!(matches!(error, AnchorError::Taken { .. }), "{error}");
        assert_eq!(tags(folder.path()).await.expect("they can be read"), [witness(1)]);
        let shown = git(folder.path(), "show", &["cat-file", "-p", "steadyhand/checkpoint-12^{}"], "").await;
        assert_eq!(shown.expect("the blob is there"), "the text\n");
    }

    #[tokio::test]
    async fn nothing_that_the_repository_configures_is_started() {
        let folder = repository().await;
        let mark = folder.path().join("started");
        let script = format!("#!/bin/sh\ntouch '{}'\n", mark.display());
        let hook = folder.path().join(".git/hooks/reference-transaction");
        std::fs::write(&hook, &script).expect("it is written");
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&hook, executable).expect("our own file");
        for (name, value) in [
            ("core.fsmonitor", hook.to_str()),
            ("core.editor", hook.to_str()),
            ("gpg.program", hook.to_str()),
            ("tag.gpgSign", Some("true")),
        ] {
            let set = ["config", name, value.expect("temporary paths are UTF-8")];
            assert!(process::command("git").args(set).current_dir(folder.path()).status().await.is_ok());
        }
        let witness = Witness { number: 1, hash: Digest([1; 32]), key: PublicKey([2; 32]) };
        tag(folder.path(), &witness, "x\n").await.expect("it is tagged");
        assert!(!mark.exists(), "something was started");
    }

    #[tokio::test]
    async fn a_folder_that_is_no_repository_is_named() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let error = tags(folder.path()).await.expect_err("there is no repository");
        assert!(error.to_string().contains("not a git repository"), "{error}");
    }
}
