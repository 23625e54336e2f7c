//! The description of the API, made from its handlers.

use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use super::{actions, audit, events, handoffs, on_call, output, pages, runbooks, runs, shares};
use crate::web::authority::{Authorised, Each, ReadRunbooks};

#[derive(OpenApi)]
#[openapi(
    info(title = "Steadyhand", description = "Runbooks as guarded checklists on real hosts."),
    paths(
        show,
        runs::start, runs::plan, runs::list, runs::show,
        actions::act, actions::approve, events::stream, output::raw, output::lines,
        runbooks::list, runbooks::show,
        shares::create, shares::list, shares::revoke,
        audit::list, audit::export,
        handoffs::list, handoffs::begin, handoffs::show, handoffs::act, handoffs::force, handoffs::markdown,
        on_call::show,
        pages::create, pages::list, pages::show, pages::acknowledge,
    ),
    security(("token" = [])),
    modifiers(&Bearer)
)]
pub struct Description;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        description.components.get_or_insert_with(Default::default).add_security_scheme("token", scheme);
    }
}

/// This description.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "description",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
pub async fn show(_who: Authorised<ReadRunbooks, Each>) -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}
