//! Everything that the server itself asks of others goes out here: the vault, the sign-on provider, later webhooks.
//!
//! An address in a configuration file, or one that a provider names, must not make the server ask its own network on
//! somebody's behalf: cloud metadata, a neighbour's admin port, itself. So no address is reached that no public service
//! has, unless `outgoing.allow` lists it. A name is looked at when it is resolved, for the very connection that uses the
//! answer, so that a name which changes its mind in between (DNS rebinding) gains nothing. No redirect is followed, no
//! proxy is taken from the environment, every answer is bounded in time and size. HTTP without TLS goes only where
//! `outgoing.allow` says.

mod resolver;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
pub use reqwest::{Method, StatusCode, Url};

use crate::config::Allowed;
use resolver::Resolver;
pub use resolver::{Lookup, system_lookup};

/// Connecting, TLS included.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// From the first byte asked to the last byte answered: a person or a step waits for it.
const ANSWER_TIME: Duration = Duration::from_secs(15);

/// More than any answer that is asked for here; a discovery document has a few kilobytes.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// What may be reached. Cheap to clone.
#[derive(Clone)]
pub struct Outgoing {
    guard: Arc<Guard>,
    lookup: Lookup,
}

/// Decides about addresses.
#[derive(Debug)]
pub(crate) struct Guard {
    allow: Vec<Allowed>,
}

/// Why an address is not asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(
        "{host} is at {address}, which is not public ({because}): if it is meant, list it under `outgoing.allow` in the configuration file"
    )]
    NotPublic { host: String, address: IpAddr, because: &'static str },
    #[error(
        "{host} would be asked without TLS: use https://, or list it under `outgoing.allow` in the configuration file"
    )]
    Plain { host: String },
    #[error("only addresses that begin with https:// or http:// and name a host are asked")]
    Scheme,
    #[error("{host} has no address")]
    NoAddress { host: String },
}

/// Why there is no answer. Never holds what was sent or answered.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    #[error("not asked: {0}")]
    Refused(Refused),
    #[error("cannot prepare a connection")]
    Prepare(#[source] reqwest::Error),
    #[error("cannot reach {host}")]
    Unreachable { host: String, source: reqwest::Error },
    #[error("{host} did not answer within {} s", ANSWER_TIME.as_secs())]
    TooSlow { host: String },
    #[error("the answer of {host} is longer than {ANSWER_BYTES_MAX} bytes")]
    TooLong { host: String },
}

/// Something to ask.
pub struct Ask {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// What was answered. A redirect is an answer like any other: nobody follows it.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Wiped when dropped: it may hold a secret.
    pub body: zeroize::Zeroizing<Vec<u8>>,
}

/// Asks. Connections are kept for a while.
#[derive(Clone)]
pub struct Client {
    guard: Arc<Guard>,
    http: reqwest::Client,
}

impl Outgoing {
    /// Reaches what is public, and what is listed.
    pub fn new(allow: Vec<Allowed>) -> Self {
        Self::with_lookup(allow, system_lookup())
    }

    /// The same with another way from names to addresses.
    pub fn with_lookup(allow: Vec<Allowed>, lookup: Lookup) -> Self {
        Self { guard: Arc::new(Guard { allow }), lookup }
    }

    /// A client; `authority` is the PEM of a certificate authority to trust beside the system's.
    ///
    /// # Errors
    /// The authority is none, or TLS cannot be set up.
    pub fn client(&self, authority: Option<&[u8]>) -> Result<Client, OutgoingError> {
        // Another part of the process may have chosen one before; both are ring.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIME)
            .timeout(ANSWER_TIME)
            .user_agent(concat!("steadyhand/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Resolver::new(self.guard.clone(), self.lookup.clone()));
        if let Some(pem) = authority {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(OutgoingError::Prepare)?;
            builder = builder.tls_certs_merge(certificates);
        }
        let http = builder.build().map_err(OutgoingError::Prepare)?;
        Ok(Client { guard: self.guard.clone(), http })
    }
}

impl Client {
    /// Asks, and reads the whole answer.
    ///
    /// # Errors
    /// See [`OutgoingError`].
    pub async fn ask(&self, ask: Ask) -> Result<Answer, OutgoingError> {
        let host = self.guard.check_url(&ask.url).map_err(OutgoingError::Refused)?;
        let request = self.http.request(ask.method, ask.url).headers(ask.headers).body(ask.body);
        let failed = |error: reqwest::Error| failed(&host, error);
        let mut response = request.send().await.map_err(failed)?;
        let too_long = || OutgoingError::TooLong { host: host.clone() };
        if response.content_length().is_some_and(|length| length > ANSWER_BYTES_MAX as u64) {
            return Err(too_long());
        }
        let mut body = zeroize::Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: response.status(), headers: response.headers().clone(), body })
    }
}

/// The error without the address, in whose path or query something secret may stand.
fn failed(host: &str, error: reqwest::Error) -> OutgoingError {
    let host = host.to_owned();
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return OutgoingError::Refused(refused.clone());
        }
        cause = error.source();
    }
    if error.is_timeout() {
        return OutgoingError::TooSlow { host };
    }
    OutgoingError::Unreachable { host, source: error.without_url() }
}

impl Guard {
    /// The host of an address that may be asked. Names are looked at again when they are resolved.
    fn check_url(&self, url: &Url) -> Result<String, Refused> {
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(Refused::Scheme)?.to_lowercase();
        // The URL parser has turned `0x7f.1`, `2130706433` and the like into the address that they mean.
        let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        if let Some(address) = literal {
            self.check_address(&host, address)?;
        }
        match url.scheme() {
            "https" => Ok(host),
            "http" if self.lists(&host, literal) => Ok(host),
            "http" => Err(Refused::Plain { host }),
            _ => Err(Refused::Scheme),
        }
    }

    fn lists(&self, host: &str, literal: Option<IpAddr>) -> bool {
        self.allow.iter().any(|allowed| match (allowed, literal) {
            (Allowed::Host(name), None) => name == host.trim_end_matches('.'),
            (Allowed::Network(network), Some(address)) => network.contains(address),
            (Allowed::Host(_), Some(_)) | (Allowed::Network(_), None) => false,
        })
    }

    /// Whether a connection to `address` is meant, for the sake of `host`.
    pub(crate) fn check_address(&self, host: &str, address: IpAddr) -> Result<(), Refused> {
        let listed = self.allow.iter().any(|allowed| match allowed {
            Allowed::Host(name) => name == host.trim_end_matches('.'),
            Allowed::Network(network) => network.contains(address),
        });
        match crate::network::not_public(address).filter(|_| !listed) {
            Some(because) => Err(Refused::NotPublic { host: host.to_owned(), address, because }),
            None => Ok(()),
        }
    }
}
