//! What a configuration file says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::access::account::AccountName;
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
    /// Calendars that `oncall.yaml` names: where the address of each is, which opens it to whoever knows it.
    pub feeds: BTreeMap<String, SecretRef>,
    /// How people and channels are reached.
    pub notify: Notify,
}

/// How people and channels are reached. Empty: nobody is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notify {
    pub mail: Option<Mail>,
    /// Channels that many read, by the names of `oncall.yaml`.
    pub channels: BTreeMap<String, Channel>,
    /// Each person's own.
    pub people: BTreeMap<AccountName, Vec<Channel>>,
}

/// The server that takes mail on. It is the operator's own choice, so it may be a private one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub from: String,
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
    pub login: Option<(String, SecretRef)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    Starttls,
    Implicit,
    /// For a server on this machine.
    None,
}

/// One way to reach somebody. Addresses that open something are secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    Email(String),
    Slack(SecretRef),
    Ntfy { address: SecretRef, token: Option<SecretRef> },
    Webhook { address: SecretRef, key: SecretRef },
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

impl Notify {
    /// Every secret that is needed to reach somebody.
    pub fn secrets(&self) -> Vec<&SecretRef> {
        let mut secrets: Vec<&SecretRef> = Vec::new();
        secrets.extend(self.mail.iter().filter_map(|mail| mail.login.as_ref()).map(|(_, password)| password));
        for channel in self.channels.values().chain(self.people.values().flatten()) {
            match channel {
                Channel::Email(_) => {}
                Channel::Slack(address) => secrets.push(address),
                Channel::Ntfy { address, token } => secrets.extend(std::iter::once(address).chain(token)),
                Channel::Webhook { address, key } => secrets.extend([address, key]),
            }
        }
        secrets
    }
}
