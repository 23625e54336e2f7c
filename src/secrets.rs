//! Named secrets: values that runbooks use by name and nobody types. Each is fetched just before the command that
//! uses it, from where the configuration file says, and forgotten with the run.
//!
//! Whether it may be used is asked first ([`NamedSecrets::may_use`]), each use is recorded before the value is handed
//! out, and a use that cannot be recorded does not happen. Errors say what to do and never hold a value.

mod error;
mod local;
mod vault;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::config::{Config, NamedSecret, SecretRef, SecretSource, VaultLogin};
use crate::id::{AttemptId, HostName, RunId, RunbookPath, SecretName, StepId, ValueName};
use crate::inventory::target::Target;
use crate::outgoing::Outgoing;
use crate::redact::SecretText;
use crate::run::event::Actor;

pub use error::{NotAllowed, SecretError};
use vault::VaultClient;

/// The longest value: what the environment of a command can carry beside everything else.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;

/// One use of a named secret, to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUse {
    pub secret: SecretName,
    /// What the runbook calls it.
    pub input: ValueName,
    pub run: RunId,
    pub runbook: RunbookPath,
    pub step: StepId,
    /// Where the command runs.
    pub host: HostName,
    pub attempt: AttemptId,
    pub why: Why,
    /// Who started the run.
    pub by: Actor,
}

/// What a value was fetched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It goes to the host with a command.
    Command,
    /// It goes nowhere: output in which it may stand is about to be masked, after a restart.
    Masking,
}

/// Records a use, in the audit log say. The value is handed out only after it has succeeded.
pub type Recorder = Arc<dyn Fn(SecretUse) -> Recorded + Send + Sync>;
/// Whether it was recorded; if not, why.
pub type Recorded = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Values of the environment that secrets are taken from, by the names of their variables.
pub type Variables = BTreeMap<String, SecretText>;

/// All named secrets of a server. None of their values is kept.
pub struct NamedSecrets {
    known: BTreeMap<SecretName, NamedSecret>,
    /// Taken out of the environment at start, so that no command and no ssh inherits them.
    variables: Variables,
    vault: Option<VaultClient>,
    recorder: Recorder,
}

/// Writes a line to the log. The audit log takes its place where there is one.
pub fn log_recorder() -> Recorder {
    Arc::new(|used: SecretUse| {
        tracing::info!(
            run.id = %used.run, step.id = %used.step, host = %used.host, attempt = %used.attempt, secret = %used.secret,
            by = %used.by, why = ?used.why, "a named secret is used"
        );
        Box::pin(async { Ok(()) })
    })
}

/// The variables that a configuration takes secrets from.
pub fn variable_names(config: &Config) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |reference: Option<&SecretRef>| match reference {
        Some(SecretRef::Env(name)) => names.push(name.clone()),
        Some(SecretRef::File(_) | SecretRef::Named(_)) | None => {}
    };
    add(config.oidc.as_ref().and_then(|oidc| oidc.client_secret.as_ref()));
    match config.vault.as_ref().map(|vault| &vault.login) {
        Some(VaultLogin::Token(token)) => add(Some(token)),
        Some(VaultLogin::Approle(approle)) => add(Some(&approle.secret_id)),
        Some(VaultLogin::Kubernetes(_)) | None => {}
    }
    config.feeds.values().chain(config.notify.secrets()).for_each(|address| add(Some(address)));
    names.extend(config.secrets.values().filter_map(|secret| match &secret.source {
        SecretSource::Env(name) => Some(name.clone()),
        SecretSource::File(_) | SecretSource::Command { .. } | SecretSource::Vault { .. } => None,
    }));
    names.sort();
    names.dedup();
    names
}

impl NamedSecrets {
    /// A server without any.
    pub fn none() -> Self {
        Self { known: BTreeMap::new(), variables: BTreeMap::new(), vault: None, recorder: log_recorder() }
    }

    /// Those of a configuration.
    ///
    /// # Errors
    /// The vault's authority cannot be read or is none.
    pub fn new(
        config: &Config,
        variables: Variables,
        outgoing: &Outgoing,
        recorder: Recorder,
    ) -> Result<Self, SecretError> {
        let vault = config.vault.as_ref().map(|vault| VaultClient::new(vault.clone(), outgoing)).transpose()?;
        Ok(Self { known: config.secrets.clone(), variables, vault, recorder })
    }

    /// Whether a runbook may use a secret on a host.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn may_use(&self, name: &SecretName, runbook: &RunbookPath, target: Option<&Target>) -> Result<(), NotAllowed> {
        let Some(secret) = self.known.get(name) else {
            return Err(NotAllowed::Unknown(name.clone()));
        };
        if secret.runbooks.as_ref().is_some_and(|books| !books.iter().any(|books| books.covers(runbook, &[]))) {
            return Err(NotAllowed::Runbook { secret: name.clone(), runbook: runbook.clone() });
        }
        match (&secret.hosts, target) {
            (Some(selector), Some(target)) if !selector.matches(&target.labels) => {
                Err(NotAllowed::Host { secret: name.clone(), host: target.name.clone() })
            }
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }

    /// The value, fetched now. The use is recorded before the value is handed out.
    ///
    /// # Errors
    /// See [`SecretError`]; the command must not start.
    pub async fn fetch(&self, used: SecretUse, target: &Target) -> Result<SecretText, SecretError> {
        self.may_use(&used.secret, &used.runbook, Some(target))?;
        let secret = self.known.get(&used.secret).ok_or_else(|| NotAllowed::Unknown(used.secret.clone()))?;
        let value = self.value(&used.secret, &secret.source).await?;
        let name = used.secret.clone();
        (self.recorder)(used).await.map_err(|because| SecretError::NotRecorded { secret: name, because })?;
        Ok(value)
    }

    /// A secret of the server itself, e.g. the client secret of its sign-on provider.
    ///
    /// # Errors
    /// See [`SecretError`].
    pub async fn resolve(&self, reference: &SecretRef) -> Result<SecretText, SecretError> {
        match reference {
            SecretRef::Env(name) => local::variable(&self.variables, name),
            SecretRef::File(path) => local::file(path).await,
            SecretRef::Named(name) => match self.known.get(name) {
                Some(secret) => self.value(name, &secret.source).await,
                None => Err(NotAllowed::Unknown(name.clone()).into()),
            },
        }
    }

    async fn value(&self, name: &SecretName, source: &SecretSource) -> Result<SecretText, SecretError> {
        match source {
            SecretSource::Env(variable) => local::variable(&self.variables, variable),
            SecretSource::File(path) => local::file(path).await,
            SecretSource::Command { words, folder, timeout } => local::command(words, folder, *timeout).await,
            SecretSource::Vault { path, field } => match &self.vault {
                Some(vault) => vault.read(&self.variables, path, field).await,
                // The parser refuses such a file.
                None => Err(SecretError::NoVault { secret: name.clone() }),
            },
        }
    }
}
