//! The page that shows every part that pages are made of: for whoever changes one, and for whoever writes a new page.

use crate::web::authority::{Authorised, OwnSession, TheServer};
use crate::web::page::{Page, Place};
use crate::web::problem::Problem;
use crate::web::view::components::ComponentsPage;

/// `GET /components`
pub async fn show(who: Authorised<OwnSession, TheServer>) -> Result<Page, Problem> {
    Page::new("components", &who.frame(Place::Account, "Components"), &ComponentsPage::sample())
}
