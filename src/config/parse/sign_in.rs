//! `login`: signing in with the company's own provider.

use super::super::model::Oidc;
use super::{bounded_list, secrets, url};
use crate::inventory::Base;
use crate::yaml::Item;

/// Characters of names that a provider gives.
const NAME_CHARACTERS_MAX: usize = 200;

pub(super) fn login(item: Item<'_>, base: &Base) -> Option<Oidc> {
    let mut fields = item.fields()?;
    let oidc = fields.required("oidc").and_then(|item| oidc(item, base));
    fields.finish();
    oidc
}

fn oidc(item: Item<'_>, base: &Base) -> Option<Oidc> {
    let mut fields = item.fields()?;
    let issuer = fields.required("issuer").and_then(url);
    let client_id = fields.required("client_id").and_then(name);
    let client_secret = fields.get("client_secret").map(|item| secrets::reference(item, base));
    let scopes = fields.get("scopes").and_then(|item| bounded_list(item, name));
    let groups_claim = fields.get("groups_claim").and_then(name);
    let label = fields.get("label").and_then(name);
    let allowed_groups = fields.get("allowed_groups").and_then(|item| bounded_list(item, name));
    let trusted_names = fields.get("trusted_names").and_then(|item| item.boolean());
    fields.finish();
    // One that cannot be read must not turn a confidential client into a public one.
    let client_secret = match client_secret {
        None => None,
        Some(secret) => Some(secret?),
    };
    Some(Oidc {
        issuer: issuer?,
        client_id: client_id?,
        client_secret,
        scopes: scopes.unwrap_or_else(|| vec!["profile".to_owned(), "email".to_owned()]),
        groups_claim: groups_claim.unwrap_or_else(|| "groups".to_owned()),
        label: label.unwrap_or_else(|| "single sign-on".to_owned()),
        allowed_groups: allowed_groups.unwrap_or_default(),
        trusted_names: trusted_names.unwrap_or(false),
    })
}

fn name(item: Item<'_>) -> Option<String> {
    item.line(NAME_CHARACTERS_MAX).map(str::to_owned)
}
