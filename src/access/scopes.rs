//! What a token may be used for, as it is stored and as people read it.

use serde::{Deserialize, Serialize};

use crate::access::identity::Scopes;
use crate::access::pattern::{Books, InvalidPattern};
use crate::access::policy::Permission;
use crate::inventory::selector::Selector;

/// Patterns of runbooks that one token may have.
const PATTERNS_MAX: usize = 50;

/// Why scopes could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScopes {
    #[error("{0:?} is not what a token may do: {known}", known = verbs_known())]
    Verb(String),
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
    #[error("more than {PATTERNS_MAX} patterns of runbooks")]
    TooMany,
    #[error("the hosts {text:?} are not a selector: {cause}")]
    Hosts { text: String, cause: String },
    #[error("the stored scopes are not of a version that this server knows")]
    Stored,
}

fn verbs_known() -> String {
    Permission::OF_TOKENS.map(word).join(", ")
}

/// The stored form, version 2. Version 1 knew one scope: everything.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    v: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    all: Option<bool>,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    runbooks: Vec<String>,
    #[serde(default)]
    hosts: Option<String>,
}

impl Scopes {
    /// From what a person typed; no verb at all means all that tokens can have.
    ///
    /// # Errors
    /// The first part that does not fit.
    pub fn typed(verbs: &[String], runbooks: &[String], hosts: Option<&str>) -> Result<Self, InvalidScopes> {
        let mut known: Vec<Permission> = verbs
            .iter()
            .map(|text| verb(text).ok_or_else(|| InvalidScopes::Verb(text.clone())))
            .collect::<Result<_, _>>()?;
        known.sort();
        known.dedup();
        if known.is_empty() {
            known = Permission::OF_TOKENS.to_vec();
        }
        if runbooks.len() > PATTERNS_MAX {
            return Err(InvalidScopes::TooMany);
        }
        for pattern in runbooks {
            Books::parse(pattern)?;
        }
        let hosts = hosts.map(|text| {
            Selector::parse(text)
                .map_err(|error| InvalidScopes::Hosts { text: text.to_owned(), cause: error.to_string() })
        });
        Ok(Self { verbs: known, runbooks: runbooks.to_vec(), hosts: hosts.transpose()? })
    }

    /// As the store keeps it.
    pub fn to_stored(&self) -> String {
        let stored = Stored {
            v: 2,
            all: None,
            verbs: self.verbs.iter().map(|verb| word(*verb).to_owned()).collect(),
            runbooks: self.runbooks.clone(),
            hosts: self.hosts.as_ref().map(ToString::to_string),
        };
        serde_json::to_string(&stored).expect("plain texts become JSON")
    }

    /// From what the store keeps. Verbs that tokens never have are not read back, whoever wrote them there.
    ///
    /// # Errors
    /// It is of an unknown version or damaged: then the token opens nothing.
    pub fn from_stored(text: &str) -> Result<Self, InvalidScopes> {
        let stored: Stored = serde_json::from_str(text).map_err(|_| InvalidScopes::Stored)?;
        match stored {
            Stored { v: 1, all: Some(true), .. } => Ok(Self::everything()),
            // Without a verb it would be everything when typed; stored, it is nothing.
            Stored { v: 2, all: None, verbs, .. } if verbs.is_empty() => Err(InvalidScopes::Stored),
            Stored { v: 2, all: None, verbs, runbooks, hosts } => {
                Self::typed(&verbs, &runbooks, hosts.as_deref()).map_err(|_| InvalidScopes::Stored)
            }
            Stored { .. } => Err(InvalidScopes::Stored),
        }
    }

    /// For people: `read runs, start runs · web/** · hosts with role=web`.
    pub fn words(&self) -> String {
        let verbs = if self.verbs.len() == Permission::OF_TOKENS.len() {
            "everything that a token can do".to_owned()
        } else {
            self.verbs.iter().map(|verb| sentence(*verb)).collect::<Vec<_>>().join(", ")
        };
        let runbooks = match self.runbooks.as_slice() {
            [] => "all runbooks".to_owned(),
            patterns => patterns.join(", "),
        };
        let hosts = self.hosts.as_ref().map_or("all hosts".to_owned(), |hosts| format!("hosts with {hosts}"));
        format!("{verbs} · {runbooks} · {hosts}")
    }
}

/// The verb that a word names, of those that tokens can have.
pub fn verb(word_of: &str) -> Option<Permission> {
    Permission::OF_TOKENS.into_iter().find(|verb| word(*verb) == word_of)
}

/// The word of a verb on the command line, in forms and in the store; empty for verbs that tokens never have.
pub fn word(verb: Permission) -> &'static str {
    match verb {
        Permission::ReadRunbooks => "read-runbooks",
        Permission::ReadRuns => "read-runs",
        Permission::ReadOutput => "read-output",
        Permission::StartRuns => "start-runs",
        Permission::ActOnRuns => "act-on-runs",
        Permission::ShareOutput => "share-output",
        Permission::UseOtherRefs => "use-other-refs",
        Permission::ReadHandoffs => "read-handoffs",
        Permission::WriteHandoffs => "write-handoffs",
        Permission::ReadOnCall => "read-on-call",
        Permission::PageAnyone => "page-anyone",
        Permission::ForceCustody
        | Permission::Approve
        | Permission::OverrideWindows
        | Permission::ReadAudit
        | Permission::ManagePeople
        | Permission::OwnSession
        | Permission::OwnAccount => "",
    }
}

/// The same in plain words; empty for verbs that tokens never have.
pub fn sentence(verb: Permission) -> &'static str {
    match verb {
        Permission::ReadRunbooks => "read runbooks",
        Permission::ReadRuns => "read runs",
        Permission::ReadOutput => "read output",
        Permission::StartRuns => "start runs",
        Permission::ActOnRuns => "confirm, answer and stop",
        Permission::ShareOutput => "share output",
        Permission::UseOtherRefs => "start from other commits",
        Permission::ReadHandoffs => "read handoffs",
        Permission::WriteHandoffs => "write and read back handoffs",
        Permission::ReadOnCall => "see who is on call",
        Permission::PageAnyone => "page people",
        Permission::ForceCustody
        | Permission::Approve
        | Permission::OverrideWindows
        | Permission::ReadAudit
        | Permission::ManagePeople
        | Permission::OwnSession
        | Permission::OwnAccount => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn the_first_version_still_loads_as_everything() {
        assert_eq!(Scopes::from_stored(r#"{"v":1,"all":true}"#), Ok(Scopes::everything()));
    }

    #[test]
    fn the_second_version_still_loads() {
        let stored = r#"{"v":2,"verbs":["read-runs","start-runs"],"runbooks":["web/**"],"hosts":"role in (web)"}"#;
        let scopes = Scopes::from_stored(stored).expect("it is version 2");
        assert_eq!(scopes.to_stored(), stored);
        assert_eq!(scopes.words(), "read runs, start runs · web/** · hosts with role in (web)");
    }

    #[test]
    fn what_is_damaged_or_of_later_opens_nothing() {
        for text in [
            "",
            "{}",
            r#"{"v":1}"#,
            r#"{"v":1,"all":false}"#,
            r#"{"v":2,"verbs":[]}"#,
            r#"{"v":2,"verbs":["approve"]}"#,
            r#"{"v":2,"verbs":["read-runs"],"also":1}"#,
            r#"{"v":2,"verbs":["read-runs"],"hosts":"("}"#,
            r#"{"v":3,"all":true}"#,
        ] {
            assert_eq!(Scopes::from_stored(text), Err(InvalidScopes::Stored), "{text}");
        }
    }

    #[test]
    fn a_token_can_neither_approve_nor_mint() {
        for wrong in ["approve", "own-account", "manage-people", "override-windows", "everything", ""] {
            let typed = Scopes::typed(&owned(&[wrong]), &[], None);
            assert_eq!(typed, Err(InvalidScopes::Verb(wrong.to_owned())), "{wrong}");
        }
        assert_eq!(Scopes::typed(&[], &[], None), Ok(Scopes::everything()));
        assert!(Scopes::typed(&[], &owned(&["../x y"]), None).is_err());
        assert!(Scopes::typed(&[], &[], Some("role=")).is_ok() && Scopes::typed(&[], &[], Some("")).is_err());
    }
}
