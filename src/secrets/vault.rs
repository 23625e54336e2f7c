//! HashiCorp Vault's HTTP API (and OpenBao's): signing in, and reading one field of a KV secret, version 1 or 2.
//!
//! Leases are ignored: a KV secret has none that ends, and a value is fetched anew for each command anyway. A token that
//! was got by signing in is revoked after the read, so that none is left behind.
//! Source: the API documentation of Vault (auth/approle, auth/kubernetes, auth/token, secret/kv, system/internal-ui-mounts).

use serde_json::{Value, json};

use super::error::told;
use super::{SecretError, Variables, local};
use crate::config::{SecretRef, Vault, VaultLogin};
use crate::outgoing::{Answer, Ask, Client, HeaderMap, HeaderName, HeaderValue, Method, Outgoing, StatusCode, Url};
use crate::redact::SecretText;

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
/// Vault's agents refuse requests without it: no browser can be tricked into sending it.
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

pub(super) struct VaultClient {
    vault: Vault,
    client: Client,
}

/// Where a secret lies: the mount, and the path below it.
struct Place<'p> {
    mount: &'p str,
    below: &'p str,
    versioned: bool,
}

impl VaultClient {
    pub fn new(vault: Vault, outgoing: &Outgoing) -> Result<Self, SecretError> {
        let authority = vault.authority.as_ref().map(|path| {
            let wrong = |reason: String| SecretError::Authority { path: path.clone(), reason };
            std::fs::read(path).map_err(|error| wrong(error.to_string()))
        });
        let authority = authority.transpose()?;
        let client = outgoing.client(authority.as_deref()).map_err(|error| SecretError::Authority {
            path: vault.authority.clone().unwrap_or_default(),
            reason: told(&error),
        })?;
        Ok(Self { vault, client })
    }

    /// The value of one field.
    pub async fn read(&self, variables: &Variables, path: &str, field: &str) -> Result<SecretText, SecretError> {
        match &self.vault.login {
            VaultLogin::Token(token) => {
                let token = reference(variables, token).await?;
                self.read_with(&token, path, field).await
            }
            VaultLogin::Approle(approle) => {
                let secret_id = reference(variables, &approle.secret_id).await?;
                let body = json!({"role_id": approle.role_id, "secret_id": secret_id.expose()});
                self.read_signed_in(&approle.mount, &body, path, field).await
            }
            VaultLogin::Kubernetes(kubernetes) => {
                let jwt = local::file(&kubernetes.token).await?;
                let body = json!({"role": kubernetes.role, "jwt": jwt.expose()});
                self.read_signed_in(&kubernetes.mount, &body, path, field).await
            }
        }
    }

    async fn read_signed_in(
        &self,
        mount: &str,
        body: &Value,
        path: &str,
        field: &str,
    ) -> Result<SecretText, SecretError> {
        let answer = self.ask(Method::POST, &format!("auth/{mount}/login"), None, Some(body)).await?;
        let signed_in = self.taken(answer, &format!("signing in at auth/{mount}"))?;
        let token = signed_in["auth"]["client_token"].as_str().ok_or_else(|| self.wrong("it gave no token"))?;
        let token = SecretText::new(token.to_owned());
        let value = self.read_with(&token, path, field).await;
        // Best effort: it ends by itself if this fails.
        if self.ask(Method::POST, "auth/token/revoke-self", Some(&token), None).await.is_err() {
            tracing::info!("the vault did not take back a token; it ends by itself");
        }
        value
    }

    async fn read_with(&self, token: &SecretText, path: &str, field: &str) -> Result<SecretText, SecretError> {
        let mounts = format!("sys/internal/ui/mounts/{path}");
        let answer = self.ask(Method::GET, &mounts, Some(token), None).await?;
        // Servers before 0.10 know no such question, and no second version either.
        let mount = match answer.status {
            StatusCode::NOT_FOUND => Value::Null,
            _ => self.taken(answer, path)?,
        };
        let place = place(path, &mount["data"]);
        let address = match place.versioned {
            true => format!("{}/data/{}", place.mount, place.below),
            false => format!("{}/{}", place.mount, place.below),
        };
        let answer = self.ask(Method::GET, &address, Some(token), None).await?;
        let body = self.taken(answer, path)?;
        let fields = if place.versioned { &body["data"]["data"] } else { &body["data"] };
        match &fields[field] {
            Value::String(text) => local::text(text.as_bytes(), &format!("the field {field} of {path}")),
            Value::Number(number) => Ok(SecretText::new(number.to_string())),
            Value::Null if fields.is_null() => Err(self.wrong(format!("the newest version of {path} was deleted"))),
            Value::Null => {
                Err(self.wrong(format!("{path} has no field {field}: check `field` in the configuration file")))
            }
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                Err(self.wrong(format!("the field {field} of {path} is not a text")))
            }
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&SecretText>,
        body: Option<&Value>,
    ) -> Result<Answer, SecretError> {
        let url: Url = format!("{}/v1/{path}", self.vault.address)
            .parse()
            .map_err(|_| self.wrong("its address is none: check `vault.address` in the configuration file"))?;
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST, HeaderValue::from_static("true"));
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(token.expose())
                .map_err(|_| self.wrong("the token has letters that no token has"))?;
            value.set_sensitive(true);
            headers.insert(TOKEN, value);
        }
        if let Some(namespace) = &self.vault.namespace {
            let value = HeaderValue::from_str(namespace).map_err(|_| self.wrong("its namespace cannot be sent"))?;
            headers.insert(NAMESPACE, value);
        }
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let asked = self.client.ask(Ask { method, url, headers, body }).await;
        asked.map_err(|error| self.wrong(told(&error)))
    }

    /// The body of a good answer; of any other one only its number is told. (Its texts are the vault's own, but they
    /// pass through whatever stands in between.)
    fn taken(&self, answer: Answer, about: &str) -> Result<Value, SecretError> {
        let reason = match answer.status.as_u16() {
            200 => {
                return serde_json::from_slice(&answer.body)
                    .map_err(|_| self.wrong("its answer is not JSON: is this address a vault?"));
            }
            400 => "it refused the request (400): check namespace and login in the configuration file",
            401 | 403 => "permission denied (403): the token has ended, or its policy does not allow to read this",
            404 => "there is no such secret (404): check `path` and `namespace` in the configuration file",
            429 | 472 | 473 => "it is a standby and does not answer (429): give the address of the active one",
            501 => "it is not initialised (501)",
            503 => "it is sealed or in maintenance (503): unseal it, then try again",
            300..=399 => "it leads elsewhere, which is not followed: give its final address",
            _ => "it failed",
        };
        Err(self.wrong(format!("{about}: {reason}, status {}", answer.status.as_u16())))
    }

    fn wrong(&self, reason: impl Into<String>) -> SecretError {
        SecretError::Vault { address: self.vault.address.clone(), reason: reason.into() }
    }
}

async fn reference(variables: &Variables, reference: &SecretRef) -> Result<SecretText, SecretError> {
    match reference {
        SecretRef::Env(name) => local::variable(variables, name),
        SecretRef::File(path) => local::file(path).await,
        // The parser refuses it: what opens the vault cannot lie in it.
        SecretRef::Named(name) => Err(SecretError::NoVault { secret: name.clone() }),
    }
}

/// A mount may have several parts; the vault knows which. Where it does not say, the first part is the mount.
fn place<'p>(path: &'p str, mount: &Value) -> Place<'p> {
    let versioned = mount["options"]["version"].as_str() == Some("2");
    let stated = mount["path"].as_str().map(|mount| mount.trim_end_matches('/'));
    let length = stated
        .filter(|mount| path.strip_prefix(mount).is_some_and(|rest| rest.starts_with('/')))
        .map_or_else(|| path.find('/').unwrap_or(path.len()), str::len);
    Place { mount: &path[..length], below: path[length..].trim_start_matches('/'), versioned }
}
