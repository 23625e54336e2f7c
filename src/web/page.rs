//! A page: its frame around one rendered view.

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;

use crate::access::policy::Permission;
use crate::run::event::Actor;
use crate::web::assets::{self, AssetLinks};
use crate::web::problem::Problem;
use crate::web::templates;

/// The navigation, in this order. A new place is one line here, once its route is in the table.
const LINKS: &[Link] = &[
    Link { place: Place::Home, href: "/", label: "Now", icon: "now", needs: None },
    Link { place: Place::Runbooks, href: "/runbooks", label: "Runbooks", icon: "book", needs: None },
    Link { place: Place::Runs, href: "/runs", label: "Runs", icon: "runs", needs: None },
    Link { place: Place::Handoffs, href: "/handoffs", label: "Handoffs", icon: "handoff", needs: None },
    Link { place: Place::OnCall, href: "/on-call", label: "On call", icon: "oncall", needs: None },
    Link { place: Place::Audit, href: "/audit", label: "Audit", icon: "shield", needs: Some(Permission::ReadAudit) },
];

/// Where a link of the navigation leads, and for whom it is there.
struct Link {
    place: Place,
    href: &'static str,
    label: &'static str,
    /// The name of a symbol in `sprite.hbs`.
    icon: &'static str,
    /// Whoever lacks it would only be refused there, so they are not shown the link.
    needs: Option<Permission>,
}

/// What stands around every page.
#[derive(Debug, Clone, Serialize)]
pub struct Frame {
    pub title: String,
    /// Who looks; none on pages for everybody.
    pub actor: Option<String>,
    pub no_index: bool,
    pub assets: &'static AssetLinks,
    pub links: Vec<NavigationLink>,
    pub at_account: bool,
}

/// A link of the navigation as the frame draws it.
#[derive(Debug, Clone, Serialize)]
pub struct NavigationLink {
    pub href: &'static str,
    pub label: &'static str,
    pub icon: &'static str,
    pub is_here: bool,
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
    /// The frame of a page for somebody who is signed in, with the links that are for everybody, and with that of
    /// the page itself.
    pub fn of(actor: &Actor, place: Place, title: impl Into<String>) -> Self {
        Self {
            actor: Some(actor.to_string()),
            links: navigation(place, |_| false),
            at_account: place == Place::Account,
            ..Self::public(title)
        }
    }

    /// The same with the links that lead somewhere for whoever `may` that much.
    pub fn of_reader(actor: &Actor, place: Place, title: impl Into<String>, may: impl Fn(Permission) -> bool) -> Self {
        Self { links: navigation(place, may), ..Self::of(actor, place, title) }
    }

    /// The frame of a page for everybody; search engines are told to stay away.
    pub fn public(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            actor: None,
            no_index: true,
            assets: assets::links(),
            links: Vec::new(),
            at_account: false,
        }
    }
}

fn navigation(here: Place, may: impl Fn(Permission) -> bool) -> Vec<NavigationLink> {
    let shown = LINKS.iter().filter(|link| link.place == here || link.needs.is_none_or(&may));
    let drawn = shown.map(|link| NavigationLink {
        href: link.href,
        label: link.label,
        icon: link.icon,
        is_here: link.place == here,
    });
    drawn.collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::routes;

    #[test]
    fn every_link_of_the_navigation_leads_to_a_route() {
        let table = routes::table();
        for link in LINKS {
            assert!(table.iter().any(|route| route.path == link.href), "{} leads nowhere", link.href);
        }
    }

    #[test]
    fn a_link_that_needs_a_permission_is_shown_to_whoever_has_it_and_on_its_own_page() {
        let shown = |place, may| navigation(place, move |_| may).iter().any(|link| link.href == "/audit");
        assert!(shown(Place::Home, true));
        assert!(!shown(Place::Home, false));
        assert!(shown(Place::Audit, false));
    }
}
