//! A page: its frame around one rendered view.

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;

use crate::run::event::Actor;
use crate::web::assets::{self, AssetLinks};
use crate::web::problem::Problem;
use crate::web::templates;

/// What stands around every page.
#[derive(Debug, Clone, Serialize)]
pub struct Frame {
    pub title: String,
    /// Who looks; none on pages for everybody.
    pub actor: Option<String>,
    pub no_index: bool,
    pub assets: &'static AssetLinks,
    pub at_home: bool,
    pub at_runbooks: bool,
    pub at_runs: bool,
    pub at_handoffs: bool,
    pub at_on_call: bool,
    pub at_audit: bool,
    /// Whether the navigation leads to the audit log: for whom it would open.
    pub sees_audit: bool,
    pub at_account: bool,
}

/// Which link of the navigation is the one of this page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Home,
    Runbooks,
    Runs,
    Handoffs,
    OnCall,
    Audit,
    Account,
}

impl Frame {
    /// The frame of a page for somebody who is signed in.
    pub fn of(actor: &Actor, place: Place, title: impl Into<String>) -> Self {
        Self {
            actor: Some(actor.to_string()),
            at_home: place == Place::Home,
            at_runbooks: place == Place::Runbooks,
            at_runs: place == Place::Runs,
            at_handoffs: place == Place::Handoffs,
            at_on_call: place == Place::OnCall,
            at_audit: place == Place::Audit,
            sees_audit: place == Place::Audit,
            at_account: place == Place::Account,
            ..Self::public(title)
        }
    }

    /// The same, with the link to the audit log if whoever looks may read it.
    #[must_use]
    pub fn with_audit(self, sees_audit: bool) -> Self {
        Self { sees_audit, ..self }
    }

    /// The frame of a page for everybody; search engines are told to stay away.
    pub fn public(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            actor: None,
            no_index: true,
            assets: assets::links(),
            at_home: false,
            at_runbooks: false,
            at_runs: false,
            at_handoffs: false,
            at_on_call: false,
            at_audit: false,
            sees_audit: false,
            at_account: false,
        }
    }
}

#[derive(Serialize)]
struct Whole<'a, V> {
    frame: &'a Frame,
    page: &'a V,
}

/// Draws `template` with `page` inside `frame`.
///
/// # Errors
/// When the template and the view do not fit: a mistake of ours, which a test of every template finds.
pub fn draw<V: Serialize>(template: &'static str, frame: &Frame, page: &V) -> Result<String, Problem> {
    Ok(templates::render(template, &Whole { frame, page })?)
}

/// A page that was drawn, with status 200 unless said.
pub struct Page(StatusCode, String);

impl Page {
    /// # Errors
    /// As [`draw`].
    pub fn new<V: Serialize>(template: &'static str, frame: &Frame, page: &V) -> Result<Self, Problem> {
        Ok(Self(StatusCode::OK, draw(template, frame, page)?))
    }

    #[must_use]
    pub fn status(self, status: StatusCode) -> Self {
        Self(status, self.1)
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        (self.0, Html(self.1)).into_response()
    }
}

/// 303: the browser goes on to `to`, and a reload does not post again.
pub fn see_other(to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}
