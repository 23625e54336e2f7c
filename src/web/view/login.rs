//! Signing in.

use serde::Serialize;

use crate::web::query;
use crate::web::view::run::Message;

/// Signing in: with a link, by a provider, or by name and password.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LoginPage {
    pub message: Option<Message>,
    /// What a one-time link holds.
    pub token: Option<String>,
    pub next: String,
    /// What was typed as a name.
    pub name: String,
    pub provider: Option<ProviderLink>,
}

/// The way to the single sign-on provider.
#[derive(Debug, Clone, Serialize)]
pub struct ProviderLink {
    pub label: String,
    pub href: String,
}

impl LoginPage {
    /// An empty form that goes on to `next`; `provider` is the label of its button, if there is one.
    pub fn new(provider: Option<&str>, next: &str) -> Self {
        let provider = provider.map(|label| ProviderLink::new(label, next));
        Self { provider, next: next.to_owned(), ..Self::default() }
    }
}

impl ProviderLink {
    /// To the provider and back to `next`.
    pub fn new(label: &str, next: &str) -> Self {
        Self { label: label.to_owned(), href: format!("/login/provider?{}", query::encode([("next", next)])) }
    }
}

/// The second answer.
#[derive(Debug, Clone, Serialize)]
pub struct LoginCodePage {
    pub message: Option<Message>,
}
