//! The configuration file (`--config`), as commands use it.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::explain::Explain;
use super::terminal::{Terminal, without_controls};
use crate::config::{self, Config, ConfigError};
use crate::environment;
use crate::outgoing::Outgoing;
use crate::redact::SecretText;
use crate::secrets::{NamedSecrets, Recorder, Variables, variable_names};
use crate::sign_on;

/// What a configuration file says; without one, nothing.
#[derive(Default)]
pub(super) struct Settings {
    pub config: Config,
    variables: Variables,
}

impl Settings {
    /// Reads the file, and takes the variables that hold secrets out of the environment, so that no ssh and no command
    /// on this machine inherits them. To be called before any other thread runs.
    ///
    /// # Errors
    /// It cannot be read, others may write it, or something is wrong with it; every problem has been printed then.
    pub fn load(path: Option<&Path>, terminal: &mut Terminal) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let config = match config::load(path) {
            Ok(config) => config,
            Err(error) => {
                if let ConfigError::Broken { diagnostics, .. } = &error {
                    // Without the lines themselves, which may hold what should not be in a log.
                    for found in diagnostics {
                        let (span, help) = (found.span, found.help.as_deref().unwrap_or_default());
                        let place = format!("{}:{}:{}", found.file, span.line, span.column);
                        writeln!(terminal.err, "{}", without_controls(&format!("{place}: {}; {help}", found.message)))?;
                    }
                }
                let next = error.next_step();
                return Err(error).explain("cannot use the configuration file", next);
            }
        };
        let taken = variable_names(&config).into_iter();
        let variables = taken.filter_map(|name| Some((name.clone(), SecretText::new(environment::take(&name)?))));
        Ok(Self { variables: variables.collect(), config })
    }

    /// What the server itself may reach.
    pub fn outgoing(&self) -> Outgoing {
        Outgoing::new(self.config.outgoing_allow.clone())
    }

    /// The secrets that runbooks use by name; `recorder` takes note of each use.
    pub fn named_secrets(&self, recorder: Recorder) -> anyhow::Result<NamedSecrets> {
        NamedSecrets::new(&self.config, self.variables.clone(), &self.outgoing(), recorder)
            .explain("cannot prepare the secrets", "check `vault` in the configuration file")
    }

    /// The provider that people sign in at, if there is one.
    ///
    /// # Errors
    /// Its client secret cannot be fetched, or its address cannot be used.
    pub async fn provider(&self) -> anyhow::Result<Option<sign_on::Configuration>> {
        let Some(oidc) = &self.config.oidc else { return Ok(None) };
        // No run uses it, so there is no use to record.
        let named = self.named_secrets(Arc::new(|_| Box::pin(async { Ok(()) })))?;
        let secret = match &oidc.client_secret {
            Some(reference) => {
                let next = "check `login.oidc.client_secret` in the configuration file";
                Some(named.resolve(reference).await.explain("cannot fetch the client secret of the provider", next)?)
            }
            None => None,
        };
        let secret = secret.as_ref().map(SecretText::expose);
        let made = sign_on::Configuration::new(&oidc.issuer, &oidc.client_id, secret, &self.outgoing());
        let mut provider = made.explain("cannot use the provider", "check `login.oidc` in the configuration file")?;
        provider.scopes.clone_from(&oidc.scopes);
        provider.groups_claim.clone_from(&oidc.groups_claim);
        provider.allowed_groups.clone_from(&oidc.allowed_groups);
        provider.trusted_names = oidc.trusted_names;
        provider.label = format!("Sign in with {}", oidc.label);
        Ok(Some(provider))
    }
}
