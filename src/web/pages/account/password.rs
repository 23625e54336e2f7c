//! Changing one's password.

use axum::extract::State;
use axum::response::Response;
use axum_extra::extract::CookieJar;

use super::{again, own_account, unless_recent};
use crate::access::password::Password;
use crate::store::people::Source;
use crate::web::authority::{Authorised, OwnAccount, TheServer};
use crate::web::client::Client;
use crate::web::page::see_other;
use crate::web::problem::Problem;
use crate::web::proof;
use crate::web::query::{Fields, FormFields};
use crate::web::recording;
use crate::web::state::Web;
use crate::web::view::run::Message;
use crate::web::visit;

/// `POST /account/password`: asks for the old one; who never had one has just come by a link.
pub async fn change(
    who: Authorised<OwnAccount, TheServer>,
    State(web): State<Web>,
    client: Client,
    jar: CookieJar,
    FormFields(form): FormFields,
) -> Result<Response, Problem> {
    let person = own_account(&web, who.actor()).await?;
    let of = &person.person;
    if let Source::Provider { issuer, .. } = &of.source {
        return Err(Problem::refused(format!("you sign in at {issuer}, which keeps your password: change it there")));
    }
    match &of.password_hash {
        Some(_) => {
            let old = Password::typed(form.first("old").unwrap_or_default());
            if proof::by_password(&web, &of.name, old).await?.is_none() {
                recording::proof_refused(&web, who.actor(), "old-password", client.address).await;
                let message = Message::refused("The old password is wrong", Some("Nothing was changed.".to_owned()));
                return again(&web, &who.identity, &(client, jar), message, &Fields::default()).await;
            }
        }
        None => {
            if let Some(elsewhere) = unless_recent(&web, &who.identity, "/account") {
                return Ok(elsewhere);
            }
        }
    }
    let new = Password::typed(form.first("new").unwrap_or_default());
    let refused = if form.first("new") == form.first("again") {
        new.check(&of.name).err().map(|weak| weak.to_string())
    } else {
        Some("the two new ones differ".to_owned())
    };
    if let Some(why) = refused {
        let message = Message::refused("The new password was not taken", Some(why));
        return again(&web, &who.identity, &(client, jar), message, &Fields::default()).await;
    }
    let hash = web.passwords().hash(new).await?;
    let here = visit::current(&web, &jar, client).await?;
    web.store().set_password(of.id, &hash, Some(here.id), &who.actor().0, web.now_ms()).await?;
    tracing::info!(actor = %who.actor(), "changed the password");
    Ok(see_other("/account?done=password"))
}
