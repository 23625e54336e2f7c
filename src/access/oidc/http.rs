//! The requests to the provider: short, small, and never led elsewhere.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use openidconnect::url::{Host, Url};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

/// Connecting, and a whole answer. A person waits meanwhile.
const CONNECT_MAX: Duration = Duration::from_secs(5);
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Largest answer. Keys and claims of real providers have some kilobytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("{0} is neither https nor on this machine")]
    Plain(String),
    #[error("the answer is larger than {ANSWER_BYTES_MAX} bytes")]
    TooLarge,
    #[error("no answer came")]
    Request(#[source] reqwest::Error),
    #[error("the answer could not be passed on")]
    Response(#[source] openidconnect::http::Error),
}

/// Follows no redirect: a provider that is led astray must not lead us into the company's network.
pub struct Http(reqwest::Client);

impl Http {
    pub fn new() -> Self {
        // Another part of the process may have chosen one before; both are ring.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_MAX)
            .timeout(ANSWER_MAX)
            .no_proxy()
            .build()
            .expect("plain options and a chosen TLS library make a client");
        Self(client)
    }

    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let address = parts.uri.to_string();
        let guarded = Url::parse(&address).is_ok_and(|url| is_guarded(&url));
        if !guarded {
            return Err(HttpError::Plain(address));
        }
        let asked = self.0.request(parts.method, address).headers(parts.headers).body(body);
        let mut answer = asked.send().await.map_err(HttpError::Request)?;
        let mut response = openidconnect::http::Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            *headers = answer.headers().clone();
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(HttpError::Request)? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(HttpError::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        response.body(bytes).map_err(HttpError::Response)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.answer(request))
    }
}

/// Whether nobody between can read or change what is said: https, or this very machine.
pub fn is_guarded(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => url.has_host(),
        "http" => here,
        _ => false,
    }
}
