//! One's own API tokens: each may do at most what its owner may, and is shown once.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;

use super::{again, own, own_account, unless_recent};
use crate::access::account::{AccountName, TokenName};
use crate::access::identity::Scopes;
use crate::access::secret::{self, Door};
use crate::entropy;
use crate::store::access::{NewApiToken, TOKENS_OF_ONE_MAX};
use crate::web::authority::{Authorised, OneOfMine, OwnAccount, Subject, TheServer};
use crate::web::client::Client;
use crate::web::format::Moment;
use crate::web::page::{Page, Place, see_other};
use crate::web::problem::Problem;
use crate::web::query::{Fields, FormFields};
use crate::web::sharing;
use crate::web::state::Web;
use crate::web::view::account::{TOKEN_DAYS, TokenMadePage};
use crate::web::view::run::Message;

/// `POST /account/tokens`
pub async fn create(
    who: Authorised<OwnAccount, TheServer>,
    State(web): State<Web>,
    client: Client,
    jar: CookieJar,
    FormFields(form): FormFields,
) -> Result<Response, Problem> {
    if let Some(elsewhere) = unless_recent(&web, &who.identity, "/account") {
        return Ok(elsewhere);
    }
    let person = own_account(&web, who.actor()).await?;
    let asked = match asked(&form) {
        Ok(asked) => asked,
        Err(why) => {
            let message = Message::refused("No token was made", Some(why));
            return again(&web, &who.identity, &(client, jar), message, &form).await;
        }
    };
    let owner: AccountName = person.person.name.parse()?;
    let text = secret::text(Door::Api, entropy::fresh_token());
    let now_ms = web.now_ms();
    let token = NewApiToken {
        id: entropy::fresh_uuid(now_ms),
        name: asked.name.as_str().to_owned(),
        token_hash: secret::hash(Door::Api, &text).expect("a fresh secret has the form of its door"),
        actor: owner.actor_of_token(&asked.name).to_string(),
        owner: Some(person.person.id),
        scopes: asked.scopes.to_stored(),
        created_at_ms: now_ms,
        expires_at_ms: Some(now_ms + asked.lasts_ms),
    };
    if !web.store().create_api_token(&token, &who.actor().0).await? {
        let why = format!("you have {TOKENS_OF_ONE_MAX} that work: revoke one that nobody uses");
        let message = Message::refused("No token was made", Some(why));
        return again(&web, &who.identity, &(client, jar), message, &form).await;
    }
    tracing::info!(actor = %who.actor(), token.id = %token.id, "made a token");
    let page = TokenMadePage {
        name: token.name,
        token: text,
        may: asked.scopes.words(),
        expires: Moment::new(now_ms + asked.lasts_ms, now_ms),
    };
    Ok(Page::new("token-made", &who.frame(Place::Account, "Your token"), &page)?.into_response())
}

/// `POST /account/tokens/{id}/revoke`
pub async fn revoke(who: Authorised<OwnAccount, OneOfMine>, State(web): State<Web>) -> Result<Response, Problem> {
    let person = own(&web, who.actor()).await?.ok_or_else(OneOfMine::absent)?;
    if !web.store().revoke_api_token_of(person.person.id, who.on.id, &who.actor().0, web.now_ms()).await? {
        return Err(OneOfMine::absent());
    }
    tracing::info!(actor = %who.actor(), token.id = %who.on.id, "revoked a token");
    Ok(see_other("/account?done=token"))
}

struct Asked {
    name: TokenName,
    scopes: Scopes,
    lasts_ms: i64,
}

/// What the form asks for, or why it cannot be.
fn asked(form: &Fields) -> Result<Asked, String> {
    let name = form.filled("token_name").unwrap_or_default().parse();
    let verbs: Vec<String> = form.all("verb").map(str::to_owned).collect();
    if verbs.is_empty() {
        return Err("choose what it may do".to_owned());
    }
    let runbooks = form.first("runbooks").unwrap_or_default();
    let runbooks: Vec<String> = runbooks.split([',', ' ']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let scopes = Scopes::typed(&verbs, &runbooks, form.filled("hosts")).map_err(|error| error.to_string())?;
    let lasts = form.filled("expires").filter(|asked| TOKEN_DAYS.contains(asked)).and_then(sharing::lasting);
    Ok(Asked {
        name: name.map_err(|error: crate::id::InvalidId| error.to_string())?,
        scopes,
        lasts_ms: lasts.ok_or("choose how long it works")?,
    })
}
