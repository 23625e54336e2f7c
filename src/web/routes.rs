//! The route table: every address of the server, its method, its handler and what it takes to use it.
//!
//! [`Route::guarded`] takes only handlers whose first argument is an [`Authorised`], and reads the permission and what
//! it is about from it: a guarded handler without one does not compile, and the table cannot say anything else than
//! the code.
//! Tests walk [`table`] with no, bad, expired and good credentials.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::access::policy::Permission;
use crate::web::authority::{Asks, Authorised, Subject};
use crate::web::state::Web;
use crate::web::{api, assets, health, pages};

/// What it takes to use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Everybody: nothing is told that is not in the source code.
    Public,
    /// Everybody, because the address or body itself carries a secret that is checked; rate limited.
    Secret,
    /// The cookie that a share link was swapped for.
    ShareCookie,
    /// Somebody who may do this.
    Needs(Permission),
}

/// One row of the table.
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub door: Door,
    /// The parameters of the address that its subject is found by; all of them, or a test says so.
    pub parameters: &'static [&'static str],
    handler: MethodRouter<Web>,
}

/// Handlers whose first argument is an [`Authorised`].
pub trait Guarded {
    type Asks: Asks;
    type On: Subject;
}

macro_rules! guarded {
    ($($argument:ident),*) => {
        impl<M, P: Asks, S: Subject, $($argument,)*> Guarded for (M, Authorised<P, S>, $($argument,)*) {
            type Asks = P;
            type On = S;
        }
    };
}

guarded!();
guarded!(A);
guarded!(A, B);
guarded!(A, B, C);
guarded!(A, B, C, D);
guarded!(A, B, C, D, E);

impl Route {
    fn new<H, T>(method: Method, path: &'static str, door: Door, handler: H) -> Self
    where
        H: Handler<T, Web>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).expect("the table uses plain methods");
        Self { method, path, door, parameters: &[], handler: on(filter, handler) }
    }

    fn guarded<H, T>(method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Web>,
        T: Guarded + 'static,
    {
        let route = Self::new(method, path, Door::Needs(T::Asks::PERMISSION), handler);
        Self { parameters: T::On::PARAMETERS, ..route }
    }
}

/// All routes.
pub fn table() -> Vec<Route> {
    let mut table = open_routes();
    table.extend(page_routes());
    table.extend(api_routes());
    table
}

fn open_routes() -> Vec<Route> {
    let get =
        |path, handler: MethodRouter<Web>, door| Route { method: Method::GET, path, door, parameters: &[], handler };
    vec![
        get("/healthz", axum::routing::get(health::live), Door::Public),
        get("/livez", axum::routing::get(health::live), Door::Public),
        get("/readyz", axum::routing::get(health::ready), Door::Public),
        get("/assets/{digest}/{name}", axum::routing::get(assets::show), Door::Public),
        Route::new(Method::GET, "/login", Door::Public, pages::login::form),
        Route::new(Method::POST, "/login", Door::Secret, pages::login::sign_in),
        Route::new(Method::GET, "/login/code", Door::Secret, pages::login_code::form),
        Route::new(Method::POST, "/login/code", Door::Secret, pages::login_code::post),
        Route::new(Method::GET, "/login/provider", Door::Public, pages::login_provider::leave),
        Route::new(Method::GET, "/login/provider/callback", Door::Secret, pages::login_provider::come_back),
        Route::new(Method::GET, "/s/{token}", Door::Secret, pages::shared::swap),
        Route::new(Method::GET, "/answer/{token}", Door::Secret, pages::answer::show),
        Route::new(Method::POST, "/answer/{token}", Door::Secret, pages::answer::post),
        Route::new(Method::GET, "/shared/{id}", Door::ShareCookie, pages::shared::show),
        Route::new(Method::GET, "/shared/{id}/raw", Door::ShareCookie, pages::shared::raw),
    ]
}

fn page_routes() -> Vec<Route> {
    let get = Method::GET;
    let post = Method::POST;
    vec![
        Route::guarded(post.clone(), "/logout", pages::login::sign_out),
        Route::guarded(get.clone(), "/account", pages::account::show),
        Route::guarded(get.clone(), "/account/confirm", pages::account::confirm::form),
        Route::guarded(post.clone(), "/account/confirm", pages::account::confirm::post),
        Route::guarded(post.clone(), "/account/password", pages::account::password::change),
        Route::guarded(post.clone(), "/account/sessions/{id}/revoke", pages::account::revoke_session),
        Route::guarded(post.clone(), "/account/tokens", pages::account::tokens::create),
        Route::guarded(post.clone(), "/account/tokens/{id}/revoke", pages::account::tokens::revoke),
        Route::guarded(get.clone(), "/account/totp", pages::account::totp::show),
        Route::guarded(post.clone(), "/account/totp", pages::account::totp::begin),
        Route::guarded(post.clone(), "/account/totp/confirm", pages::account::totp::confirm),
        Route::guarded(post.clone(), "/account/totp/remove", pages::account::totp::remove),
        Route::guarded(get.clone(), "/components", pages::components::show),
        Route::guarded(get.clone(), "/", pages::home::show),
        Route::guarded(get.clone(), "/now/pulse", pages::home::pulse),
        Route::guarded(get.clone(), "/runbooks", pages::runbooks::list),
        Route::guarded(get.clone(), "/runbooks/{*path}", pages::runbook::show),
        Route::guarded(get.clone(), "/start/{*path}", pages::start::form),
        Route::guarded(post.clone(), "/start/{*path}", pages::start::post),
        Route::guarded(get.clone(), "/runs", pages::runs::list),
        Route::guarded(get.clone(), "/runs/export", pages::runs::export),
        Route::guarded(get.clone(), "/runs/{id}", pages::run::show),
        Route::guarded(get.clone(), "/runs/{id}/parts", pages::run::parts),
        Route::guarded(post.clone(), "/runs/{id}/actions", pages::run::act),
        Route::guarded(post.clone(), "/runs/{id}/approvals", pages::run::approve),
        Route::guarded(get.clone(), "/runs/{id}/grid", pages::grid::show),
        Route::guarded(get.clone(), "/runs/{id}/log", pages::host_log::show),
        Route::guarded(post.clone(), "/runs/{id}/nudge", pages::run::nudge),
        Route::guarded(get.clone(), "/runs/{id}/steps/{step}/hosts/{host}", pages::output::show),
        Route::guarded(get.clone(), "/runs/{id}/steps/{step}/hosts/{host}/compare", pages::compare::show),
        Route::guarded(get.clone(), "/runs/{id}/steps/{step}/hosts/{host}/lines", pages::output::lines),
        Route::guarded(get.clone(), "/runs/{id}/steps/{step}/hosts/{host}/file", pages::output::file),
        Route::guarded(get.clone(), "/runs/{id}/steps/{step}/groups", pages::groups::show),
        Route::guarded(get.clone(), "/runs/{id}/share", pages::share::form),
        Route::guarded(post.clone(), "/runs/{id}/share", pages::share::create),
        Route::guarded(post.clone(), "/shares/{id}/revoke", pages::share::revoke),
        Route::guarded(get.clone(), "/handoffs", pages::handoffs::list),
        Route::guarded(post.clone(), "/handoffs", pages::handoffs::begin),
        Route::guarded(get.clone(), "/handoffs/measures", pages::handoffs::measures),
        Route::guarded(get.clone(), "/handoffs/{id}", pages::handoff::show),
        Route::guarded(post.clone(), "/handoffs/{id}/actions", pages::handoff::act),
        Route::guarded(post.clone(), "/handoffs/{id}/force", pages::handoff::force),
        Route::guarded(get.clone(), "/handoffs/{id}/markdown", pages::handoff::markdown),
        Route::guarded(get.clone(), "/handoffs/{id}/compare", pages::handoff::compare),
        Route::guarded(get.clone(), "/on-call", pages::on_call::show),
        Route::guarded(get.clone(), "/page", pages::paging::form),
        Route::guarded(post.clone(), "/page", pages::paging::raise),
        Route::guarded(get.clone(), "/pages/{id}", pages::paging::show),
        Route::guarded(post, "/pages/{id}/acknowledge", pages::paging::acknowledge),
        Route::guarded(get.clone(), "/audit", pages::audit::show),
        Route::guarded(get, "/audit/export", pages::audit::export),
    ]
}

fn api_routes() -> Vec<Route> {
    let get = Method::GET;
    let post = Method::POST;
    vec![
        Route::guarded(get.clone(), "/api/openapi.json", api::openapi::show),
        Route::guarded(get.clone(), "/api/v1/runbooks", api::runbooks::list),
        Route::guarded(get.clone(), "/api/v1/runbooks/{*path}", api::runbooks::show),
        Route::guarded(post.clone(), "/api/v1/plans", api::runs::plan),
        Route::guarded(get.clone(), "/api/v1/runs", api::runs::list),
        Route::guarded(post.clone(), "/api/v1/runs", api::runs::start),
        Route::guarded(get.clone(), "/api/v1/runs/{id}", api::runs::show),
        Route::guarded(post.clone(), "/api/v1/runs/{id}/actions", api::actions::act),
        Route::guarded(post.clone(), "/api/v1/runs/{id}/approvals", api::actions::approve),
        Route::guarded(get.clone(), "/api/v1/runs/{id}/events", api::events::stream),
        Route::guarded(get.clone(), "/api/v1/runs/{id}/steps/{step}/hosts/{host}/output", api::output::raw),
        Route::guarded(get.clone(), "/api/v1/runs/{id}/steps/{step}/hosts/{host}/output/lines", api::output::lines),
        Route::guarded(get.clone(), "/api/v1/handoffs", api::handoffs::list),
        Route::guarded(post.clone(), "/api/v1/handoffs", api::handoffs::begin),
        Route::guarded(get.clone(), "/api/v1/handoffs/{id}", api::handoffs::show),
        Route::guarded(post.clone(), "/api/v1/handoffs/{id}/actions", api::handoffs::act),
        Route::guarded(post.clone(), "/api/v1/handoffs/{id}/force", api::handoffs::force),
        Route::guarded(get.clone(), "/api/v1/handoffs/{id}/markdown", api::handoffs::markdown),
        Route::guarded(get.clone(), "/api/v1/oncall", api::on_call::show),
        Route::guarded(get.clone(), "/api/v1/pages", api::pages::list),
        Route::guarded(post.clone(), "/api/v1/pages", api::pages::create),
        Route::guarded(get.clone(), "/api/v1/pages/{id}", api::pages::show),
        Route::guarded(post.clone(), "/api/v1/pages/{id}/acknowledge", api::pages::acknowledge),
        Route::guarded(get.clone(), "/api/v1/audit", api::audit::list),
        Route::guarded(get.clone(), "/api/v1/audit/export", api::audit::export),
        Route::guarded(get, "/api/v1/shares", api::shares::list),
        Route::guarded(post.clone(), "/api/v1/shares", api::shares::create),
        Route::guarded(Method::DELETE, "/api/v1/shares/{id}", api::shares::revoke),
    ]
}

/// The table as a router.
pub fn router() -> Router<Web> {
    table().into_iter().fold(Router::new(), |router, route| router.route(route.path, route.handler))
}
