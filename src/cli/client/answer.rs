//! What comes back for a request: a body, or a problem in the words of the server.

use anyhow::Context;
use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// An answer as it came.
pub(in crate::cli) struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Vec<u8>,
}

/// RFC 9457 problem details.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Problem {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    status: u16,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    errors: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(default)]
    pointer: String,
    #[serde(default)]
    detail: String,
}

impl Answer {
    /// The body, if the request was followed.
    ///
    /// # Errors
    /// A [`Problem`], or a body that is none of ours.
    pub fn read<T: DeserializeOwned>(self) -> anyhow::Result<T> {
        let answer = self.followed()?;
        serde_json::from_slice(&answer.body).context("the answer is none of a Steadyhand server of this version")
    }

    /// The same answer, if the request was followed.
    ///
    /// # Errors
    /// A [`Problem`].
    pub fn followed(self) -> anyhow::Result<Self> {
        if self.status.is_success() {
            return Ok(self);
        }
        match serde_json::from_slice::<Problem>(&self.body) {
            Ok(problem) => Err(problem.into()),
            Err(_) => anyhow::bail!("the server answers {} and nothing that Steadyhand would say", self.status),
        }
    }
}

impl Problem {
    /// A guard said no: not a mistake in what was typed.
    pub fn is_guard(&self) -> bool {
        self.kind.ends_with(":refused") && self.errors.is_empty()
    }

    /// The run did not want it: it has moved on, or this is not what it waits for.
    pub fn is_refusal(&self) -> bool {
        self.kind.ends_with(":refused") || self.kind.ends_with(":stale")
    }

    /// Nothing was wrong with the request: the server could not follow it.
    pub fn is_servers(&self) -> bool {
        self.status >= 500
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(if self.detail.is_empty() { &self.title } else { &self.detail })?;
        // The sentence about inputs names them all already.
        for entry in self.errors.iter().filter(|entry| !self.detail.contains(&entry.detail)) {
            write!(formatter, "\n  {}: {}", entry.pointer, entry.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
