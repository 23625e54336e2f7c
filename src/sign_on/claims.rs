//! What a provider says of a person, as far as it is used.

use openidconnect::core::CoreGenderClaim;
use openidconnect::{AdditionalClaims, IdTokenClaims, StandardClaims};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Groups of one person that are read. More is a directory turned upside down.
pub const GROUPS_MAX: usize = 500;

/// Longest text of a claim, in characters.
const TEXT_MAX: usize = 200;

/// Every claim that has no place in the library's own types.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OtherClaims(Map<String, Value>);

impl AdditionalClaims for OtherClaims {}

/// Somebody whom the provider vouches for.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// Who it is, for ever. With the issuer, the only thing that an account is found by.
    pub subject: String,
    pub preferred_username: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub groups: Vec<String>,
    /// When the person last proved there who they are, milliseconds since 1970.
    pub authenticated_at_ms: Option<i64>,
    other: Map<String, Value>,
}

impl Claims {
    pub(super) fn of(read: &IdTokenClaims<OtherClaims, CoreGenderClaim>) -> Self {
        let mut claims = Self {
            subject: read.subject().to_string(),
            authenticated_at_ms: read.auth_time().map(|at| at.timestamp_millis()),
            preferred_username: read.preferred_username().map(|text| cut(text)),
            name: read.name().and_then(|name| name.get(None)).map(|text| cut(text)),
            email: read.email().map(|text| cut(text)),
            ..Self::default()
        };
        claims.other.clone_from(&read.additional_claims().0);
        claims
    }

    /// Takes over what the ID token did not say.
    pub(super) fn add(&mut self, standard: &StandardClaims<CoreGenderClaim>, other: &OtherClaims) {
        let username = standard.preferred_username().map(|text| cut(text));
        let name = standard.name().and_then(|name| name.get(None)).map(|text| cut(text));
        self.preferred_username = self.preferred_username.take().or(username);
        self.name = self.name.take().or(name);
        self.email = self.email.take().or_else(|| standard.email().map(|text| cut(text)));
        for (claim, value) in &other.0 {
            self.other.entry(claim.clone()).or_insert_with(|| value.clone());
        }
    }

    /// Reads the groups out of a claim: a list of texts, or one text.
    pub(super) fn take_groups(&mut self, claim: &str) {
        let texts = match self.other.get(claim) {
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).map(cut).collect(),
            Some(Value::String(text)) => vec![cut(text)],
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
        };
        self.groups = texts.into_iter().filter(|text: &String| !text.is_empty()).take(GROUPS_MAX).collect();
    }

    /// What an account of the person could be called.
    pub fn suggested_name(&self) -> &str {
        let named = self.preferred_username.as_deref().or(self.email.as_deref());
        named.or(self.name.as_deref()).unwrap_or("person")
    }
}

fn cut(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(TEXT_MAX).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn groups_are_texts_in_a_list_or_one_and_bounded() {
        for (value, groups) in [
            (json!(["ops", 1, null, "", "we\nb"]), vec!["ops", "web"]),
            (json!("ops"), vec!["ops"]),
            (json!({"ops": true}), vec![]),
            (json!(null), vec![]),
        ] {
            let mut claims =
                Claims { other: Map::from_iter([("roles".to_owned(), value.clone())]), ..Claims::default() };
            claims.take_groups("roles");
            assert_eq!(claims.groups, groups, "{value}");
            claims.take_groups("groups");
            assert!(claims.groups.is_empty());
        }
        let many: Vec<String> = (0..2 * GROUPS_MAX).map(|number| format!("g{number}")).collect();
        let mut claims = Claims { other: Map::from_iter([("groups".to_owned(), json!(many))]), ..Claims::default() };
        claims.take_groups("groups");
        assert_eq!(claims.groups.len(), GROUPS_MAX);
    }
}
