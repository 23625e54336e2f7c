//! What a configuration file says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::access::pattern::Books;
use crate::audit::anchor::Anchor;
use crate::id::SecretName;
use crate::inventory::Selector;
use crate::network::Network;

/// The whole file. Whatever it does not say is empty or none; the defaults are the server's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    pub listen: Option<SocketAddr>,
    /// Without a slash at its end.
    pub public_url: Option<String>,
    pub tls: Option<Tls>,
    /// A proxy on the way ends TLS: plain HTTP is meant.
    pub behind_proxy: bool,
    /// Whose `Forwarded` and `X-Forwarded-For` are believed. Nobody's unless listed.
    pub trusted_proxies: Vec<Network>,
    pub oidc: Option<Oidc>,
    pub vault: Option<Vault>,
    pub secrets: BTreeMap<SecretName, NamedSecret>,
    /// What the server may reach although it is private.
    pub outgoing_allow: Vec<Allowed>,
    /// Where checkpoints of the audit log are sent outside the database.
    pub anchors: Vec<Anchor>,
    /// Share links ask for login, whatever their maker chose.
    pub shares_require_login: bool,
}

/// PEM files; read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Signing in with the company's own provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oidc {
    pub issuer: String,
    pub client_id: String,
    /// None for a public client, which proves itself with PKCE alone.
    pub client_secret: Option<SecretRef>,
    /// Beside `openid`.
    pub scopes: Vec<String>,
    pub groups_claim: String,
    /// What the button says: `Sign in with LABEL`.
    pub label: String,
    /// Only members of one of these may sign in; everybody whom the provider lets in if empty.
    pub allowed_groups: Vec<String>,
    /// Nobody can choose what the provider calls them: a first login may get a name that `access.yaml` already means.
    pub trusted_names: bool,
}

/// Where a secret of the server itself is: its Vault token, its client secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// A variable of the server's environment.
    Env(String),
    /// The content of a file, without its last line end.
    File(PathBuf),
    /// One of the named secrets.
    Named(SecretName),
}

/// A secret that runbooks may use by its name, and which of them may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSecret {
    pub source: SecretSource,
    /// None: any runbook. Some: only these.
    pub runbooks: Option<Vec<Books>>,
    /// None: any host. Some: only hosts whose labels match.
    pub hosts: Option<Selector>,
}

/// Where the value of a named secret comes from, each time it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    Env(String),
    File(PathBuf),
    /// What a program prints, without its last line end. No shell is between.
    Command {
        words: Vec<String>,
        /// The folder it runs in: that of the configuration file.
        folder: PathBuf,
        timeout: Duration,
    },
    Vault {
        /// As `vault kv get` takes it: mount first, `kv/web/db`.
        path: String,
        field: String,
    },
}

/// HashiCorp Vault, or OpenBao, which speaks the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vault {
    pub address: String,
    pub namespace: Option<String>,
    pub login: VaultLogin,
    /// PEM of the authority that signed its certificate, beside the system's.
    pub authority: Option<PathBuf>,
}

/// How the server proves itself to Vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultLogin {
    Token(SecretRef),
    Approle(Approle),
    Kubernetes(Kubernetes),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approle {
    pub mount: String,
    pub role_id: String,
    pub secret_id: SecretRef,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubernetes {
    pub mount: String,
    pub role: String,
    /// The file of the pod's token.
    pub token: PathBuf,
}

/// A place that the server may reach although no public service is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// A name, in lower case, without a dot at its end: whatever it resolves to.
    Host(String),
    Network(Network),
}
