//! The link that signs somebody in once: for `user login`, `token login`, `serve` and `demo`.

use super::explain::{Explain, Explained};
use crate::access::account::{ADMIN, AccountName};
use crate::access::secret::{self, Door};
use crate::access::session::LOGIN_LINK_MS;
use crate::entropy;
use crate::store::Store;
use crate::store::access::{Began, NewLoginLink};

/// Makes a link for `user`, to the server at `base`. For an account it begins a session with what `access.yaml`
/// grants, and with `break_glass`, or for `admin`, who has no account, one that may do everything.
pub(super) async fn make(
    store: &Store,
    now_ms: i64,
    base: &str,
    user: &str,
    break_glass: bool,
) -> anyhow::Result<String> {
    let next = "check the free space and the rights of the data folder, then try again";
    let (actor, person) = match user {
        ADMIN => (format!("user:{ADMIN}"), None),
        user => {
            let name: AccountName = user.parse()?;
            let found = store.person_named(name.as_str()).await.explain("cannot read the account", next)?;
            let Some(person) = found else {
                let next = format!("make it: steadyhand user add {name}; or sign in as {ADMIN}, who may do everything");
                return Err(Explained::new(format!("there is no account {name}"), next).into());
            };
            if person.is_disabled() {
                let next = format!("let it in again first: steadyhand user enable {name}");
                return Err(Explained::new(format!("the account {name} is disabled"), next).into());
            }
            (name.actor().to_string(), Some(person.person.id))
        }
    };
    let text = secret::text(Door::Login, entropy::fresh_token());
    let link = NewLoginLink {
        token_hash: secret::hash(Door::Login, &text).expect("a fresh secret has the form of its door"),
        actor,
        person,
        began: if break_glass || user == ADMIN { Began::BreakGlass } else { Began::Link },
        created_at_ms: now_ms,
        expires_at_ms: now_ms + LOGIN_LINK_MS,
    };
    store.create_login_link(&link).await.explain("cannot store a login link", next)?;
    Ok(format!("{}/login?token={text}", base.trim_end_matches('/')))
}
