//! Secrets on this machine: a variable, a file, what a program prints.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use zeroize::Zeroizing;

use super::{SecretError, VALUE_BYTES_MAX, Variables};
use crate::process;
use crate::redact::SecretText;

pub(super) fn variable(variables: &Variables, name: &str) -> Result<SecretText, SecretError> {
    variables.get(name).cloned().ok_or_else(|| SecretError::NoVariable(name.to_owned()))
}

pub(super) async fn file(path: &Path) -> Result<SecretText, SecretError> {
    let wrong = |reason: String| SecretError::File { path: path.to_owned(), reason };
    // A pipe would keep us waiting for whoever writes it.
    let facts = tokio::fs::metadata(path).await.map_err(|error| wrong(error.to_string()))?;
    if !facts.is_file() {
        return Err(wrong("it is not a file".to_owned()));
    }
    let file = tokio::fs::File::open(path).await.map_err(|error| wrong(error.to_string()))?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(limit()).read_to_end(&mut bytes).await.map_err(|error| wrong(error.to_string()))?;
    text(&bytes, &path.display().to_string())
}

/// What a program prints. Its errors are not shown: nobody knows what a program that handles secrets prints there.
pub(super) async fn command(words: &[String], folder: &Path, timeout: Duration) -> Result<SecretText, SecretError> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(SecretError::Command { program: String::new(), reason: "no program is named".to_owned() });
    };
    let wrong = |reason: String| SecretError::Command { program: program.clone(), reason };
    let mut child = process::command(program)
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| wrong(error.to_string()))?;
    let group = Group(child.id());
    let stdout = child.stdout.take().ok_or_else(|| wrong("it has no output".to_owned()))?;
    let mut bytes = Zeroizing::new(Vec::new());
    let work = async {
        stdout.take(limit()).read_to_end(&mut bytes).await?;
        child.wait().await
    };
    let status = tokio::time::timeout(timeout, work).await;
    drop(group);
    let status = status.map_err(|_| wrong(format!("it took longer than {} s", timeout.as_secs())))?;
    let status = status.map_err(|error| wrong(error.to_string()))?;
    // A program that says too much is ended by the closed pipe; its status would hide why.
    if bytes.len() <= VALUE_BYTES_MAX && !status.success() {
        return Err(wrong(status.to_string()));
    }
    text(&bytes, &format!("the output of {program}"))
}

/// Ends the whole group, however its owner ends: a program may have started others.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let group = self.0.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            // There is none any more when all of it has ended.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// One byte more than is taken, so that a longer one is seen.
fn limit() -> u64 {
    VALUE_BYTES_MAX as u64 + 1
}

/// A value without its last line end, which files and programs add and values do not have.
pub(super) fn text(bytes: &[u8], from: &str) -> Result<SecretText, SecretError> {
    let wrong = |reason| SecretError::NotText { from: from.to_owned(), reason };
    if bytes.len() > VALUE_BYTES_MAX {
        return Err(wrong("it is longer than 64 KiB"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8 text; encode it"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(wrong("it is empty"));
    }
    if text.contains('\0') {
        return Err(wrong("it holds a NUL byte, which no environment can carry"));
    }
    Ok(SecretText::new(text.to_owned()))
}
