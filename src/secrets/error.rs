//! Why a secret is not to be had. No text here holds a value, or anything that an answer held.

use std::path::PathBuf;

use crate::id::{HostName, RunbookPath, SecretName};
use crate::outgoing::OutgoingError;

/// A secret may not be used like this. Nothing was fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    #[error("the server has no secret {0}: declare it under `secrets` in its configuration file, and restart it")]
    Unknown(SecretName),
    #[error(
        "the secret {secret} is not for the runbook {runbook}: its `runbooks` in the server's configuration file say for which it is"
    )]
    Runbook { secret: SecretName, runbook: RunbookPath },
    #[error(
        "the secret {secret} is not for the host {host}: its `hosts` in the server's configuration file say for which it is"
    )]
    Host { secret: SecretName, host: HostName },
}

/// A secret could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error(
        "the use of the secret {secret} could not be recorded ({because}), so it was not used: mend the audit log, then try again"
    )]
    NotRecorded { secret: SecretName, because: String },
    #[error("the variable {0} is not set in the server's environment: set it, and restart the server")]
    NoVariable(String),
    #[error("cannot read the secret in {} ({reason}): check the file and its rights, then try again", .path.display())]
    File { path: PathBuf, reason: String },
    #[error("the program {program} gave no secret ({reason}): run it by hand as the server's account, then try again")]
    Command { program: String, reason: String },
    #[error("what {from} holds cannot be a secret: {reason}")]
    NotText { from: String, reason: &'static str },
    #[error("the secret {secret} is in a vault, and none is declared")]
    NoVault { secret: SecretName },
    #[error("the vault at {address} gave no secret: {reason}")]
    Vault { address: String, reason: String },
    #[error("cannot prepare the vault's certificate authority {}: {reason}", .path.display())]
    Authority { path: PathBuf, reason: String },
}

/// An error with what led to it, in one line.
pub(super) fn told(error: &OutgoingError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
