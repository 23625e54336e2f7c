//! The configuration file (`--config`), as commands use it.

use std::io::Write;
use std::path::Path;

use super::explain::Explain;
use super::terminal::{Terminal, without_controls};
use crate::config::{self, Config, ConfigError};
use crate::environment;
use crate::outgoing::Outgoing;
use crate::redact::SecretText;
use crate::secrets::{NamedSecrets, Recorder, Variables, variable_names};

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

    /// What the file may already say and no part of this version does. To pass over it in silence would be worse: a
    /// server without the sign-on that its owner asked for.
    pub fn refuse_what_does_nothing(&self) -> anyhow::Result<()> {
        let config = &self.config;
        anyhow::ensure!(config.oidc.is_none(), "`login` is not yet available in the configuration file");
        Ok(())
    }
}
