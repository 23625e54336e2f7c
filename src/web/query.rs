//! Form bodies and query strings as lists of pairs: names repeat (`host=a&host=b`) and are made up
//! by runbooks (`input.mount=/var`), so that no fixed struct fits them.

use axum::extract::{FromRequest, FromRequestParts, Query, RawForm, Request};
use axum::http::request::Parts;

use crate::web::problem::Problem;

/// The fields of a form or of a query, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The first value under `name`.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value under `name`, unless it is blank.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.first(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// Every value under `name`.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Names and values below `prefix`: `("mount", "/var")` of `input.mount=/var`.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?, value.as_str())))
    }
}

/// `a=1&b=%2F`: the query of a link.
pub fn encode(pairs: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        query.append_pair(name.as_ref(), value.as_ref());
    }
    query.finish()
}

/// `path` with those of `names` that were asked for, and `changed` in its new value; an empty one is left out.
pub fn address(path: &str, asked: &Fields, names: &[&str], changed: (&str, &str)) -> String {
    let kept = names.iter().filter(|name| **name != changed.0);
    let kept = kept.filter_map(|name| Some((*name, asked.filled(name)?)));
    let query = encode(kept.chain((!changed.1.is_empty()).then_some(changed)));
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The fields of a posted form.
#[derive(Debug, Clone)]
pub struct FormFields(pub Fields);

impl<S: Send + Sync> FromRequest<S> for FormFields {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let RawForm(bytes) = RawForm::from_request(request, state).await.map_err(|refused| {
            Problem::bad_request(format!("the form could not be read: {}", refused.body_text()))
                .status(refused.status())
        })?;
        Ok(Self(Fields(form_urlencoded::parse(&bytes).into_owned().collect())))
    }
}

/// The fields of the query.
#[derive(Debug, Clone)]
pub struct QueryFields(pub Fields);

impl<S: Send + Sync> FromRequestParts<S> for QueryFields {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|refused| Problem::bad_request(format!("the query could not be read: {refused}")))?;
        Ok(Self(Fields(pairs.0)))
    }
}
