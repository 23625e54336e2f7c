//! The requests to the provider: short, small, and never led elsewhere.

use std::future::Future;
use std::pin::Pin;

use crate::outgoing::{self, Ask, OutgoingError};
use openidconnect::url::{Host, Url};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("{0} is neither https nor on this machine")]
    Plain(String),
    #[error("no answer came")]
    Request(#[source] OutgoingError),
    #[error("the answer could not be passed on")]
    Response(#[source] openidconnect::http::Error),
}

/// The client of everything that the server itself asks of others: bounded, and never led elsewhere.
pub struct Http(pub outgoing::Client);

impl Http {
    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let address = parts.uri.to_string();
        let Some(url) = Url::parse(&address).ok().filter(is_guarded) else { return Err(HttpError::Plain(address)) };
        let ask = Ask { method: parts.method, url, headers: parts.headers, body };
        let answer = self.0.ask(ask).await.map_err(HttpError::Request)?;
        let mut response = openidconnect::http::Response::builder().status(answer.status);
        if let Some(headers) = response.headers_mut() {
            *headers = answer.headers;
        }
        response.body(answer.body.to_vec()).map_err(HttpError::Response)
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
