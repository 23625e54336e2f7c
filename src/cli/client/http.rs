//! A server somewhere else, over HTTP.

use std::time::Duration;

use anyhow::Context;
use reqwest::{Method, Response, Url, header};
use serde_json::Value;

use super::Answer;
use crate::cli::explain::Explain;
use crate::environment;
use crate::run::view::RunView;

const TOKEN: &str = "STEADYHAND_TOKEN";

/// An answer that takes longer is none.
const ANSWER_MAX: Duration = Duration::from_secs(60);
const CONNECT_MAX: Duration = Duration::from_secs(10);

pub(super) struct Server {
    base: Url,
    token: Option<String>,
    client: reqwest::Client,
}

impl Server {
    pub fn new(url: &str) -> anyhow::Result<Self> {
        let next = "give the address of a Steadyhand server: https://ops.example.org";
        let base: Url = url.trim_end_matches('/').parse().explain(format!("cannot use the server {url}"), next)?;
        let usable = matches!(base.scheme(), "http" | "https") && base.has_host();
        anyhow::ensure!(usable, "cannot use the server {url}: the address begins with https:// or http://");
        // Another part of the process may have chosen one before; both are ring.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().connect_timeout(CONNECT_MAX).build();
        let client = client.context("cannot prepare connections")?;
        Ok(Self { base, token: environment::text(TOKEN), client })
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let address = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let request = self.client.request(method, address);
        match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let request = self.request(method, path).timeout(ANSWER_MAX);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let attempted = format!("cannot reach the server {}", self.base);
        let response = request.send().await.explain(&attempted, "is it running, and is the address right?")?;
        let (status, headers) = (response.status(), response.headers().clone());
        if status == reqwest::StatusCode::UNAUTHORIZED {
            let what = if self.token.is_some() { "does not know this token" } else { "wants a token" };
            return Err(anyhow::anyhow!("the server {} {what}", self.base))
                .explain("cannot sign in", format!("make one on the server: {TOKEN}=$(steadyhand token create NAME)"));
        }
        let body = response.bytes().await.explain(&attempted, "it ended while it answered; try again")?;
        Ok(Answer { status, headers, body: body.into() })
    }

    pub fn changes(&self, view: &RunView) -> Events<'_> {
        let path = format!("/api/v1/runs/{}/events", view.id);
        Events { server: self, path, after: view.seq, stream: None }
    }
}

/// The event stream of a run, read for its hints alone.
pub(in crate::cli) struct Events<'a> {
    server: &'a Server,
    path: String,
    after: u64,
    stream: Option<Response>,
}

impl Events<'_> {
    /// True when something has come; false when there is no stream to be had now.
    pub async fn next(&mut self) -> bool {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let request = self.server.request(Method::GET, &format!("{}?after={}", self.path, self.after));
                match request.header(header::ACCEPT, "text/event-stream").send().await {
                    Ok(response) if response.status().is_success() => response,
                    Ok(_) | Err(_) => return false,
                }
            }
        };
        loop {
            match stream.chunk().await {
                // A line that begins with a colon only keeps the connection open.
                Ok(Some(chunk)) if chunk.starts_with(b":") => {}
                Ok(Some(_)) => {
                    self.stream = Some(stream);
                    return true;
                }
                Ok(None) | Err(_) => return false,
            }
        }
    }
}
