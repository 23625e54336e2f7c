//! Names of accounts. A name stands for its person in the record of every run: it never changes and is never given
//! to somebody else.

use std::fmt;
use std::str::FromStr;

use crate::id::InvalidId;
use crate::run::event::Actor;

/// Who a break-glass link logs in. No account may have this name.
pub const ADMIN: &str = "admin";

/// Longest name of an account, in bytes.
pub const NAME_MAX: usize = 64;

/// Longest name of a token, in bytes.
pub const TOKEN_NAME_MAX: usize = 80;

const RULE: &str = "lower-case letters, digits, `.`, `_` and `-`, beginning with a letter or digit, at most 64; \
                    `admin` is kept for break-glass links";

/// The name of an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountName(String);

impl AccountName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How the account is written in the record.
    pub fn actor(&self) -> Actor {
        Actor(format!("user:{}", self.0))
    }

    /// How the account's token is written in the record.
    pub fn actor_of_token(&self, token: &TokenName) -> Actor {
        Actor(format!("user:{}/{}", self.0, token.0))
    }

    /// A name out of what a provider calls somebody (`Anna.Bauer@example.org` is `anna.bauer`), and the `attempt`th
    /// other one if that is taken: `anna.bauer-2`. A taken name is never shared: it may be somebody else's.
    pub fn derived(from: &str, attempt: u32) -> Self {
        let before_at = from.split('@').next().unwrap_or_default();
        let plain: String = before_at
            .chars()
            .flat_map(char::to_lowercase)
            .map(|letter| if is_inside(letter) { letter } else { '-' })
            .take(NAME_MAX - 8)
            .collect();
        let plain = plain.trim_matches(['-', '.', '_']);
        let plain = if plain.is_empty() || plain == ADMIN { "person" } else { plain };
        Self(if attempt == 0 { plain.to_owned() } else { format!("{plain}-{}", attempt + 1) })
    }
}

fn is_inside(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter.is_ascii_digit() || "._-".contains(letter)
}

impl FromStr for AccountName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let good = text.len() <= NAME_MAX
            && text.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && text.chars().all(is_inside)
            && text != ADMIN;
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId { what: "name of an account", text: text.chars().take(80).collect(), rule: RULE })
        }
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// The name of an API token: part of who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenName(String);

impl TokenName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How a token that belongs to nobody is written in the record.
    pub fn actor(&self) -> Actor {
        Actor(format!("token:{}", self.0))
    }
}

impl FromStr for TokenName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let plain = |letter: char| letter.is_alphanumeric() || "._@-".contains(letter);
        if text.is_empty() || text.len() > TOKEN_NAME_MAX || !text.chars().all(plain) {
            return Err(InvalidId {
                what: "name of a token",
                text: text.chars().take(80).collect(),
                rule: "letters, digits, `.`, `_`, `@` and `-`, at most 80",
            });
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_reads_as_another_actor_is_a_name() {
        for text in ["", "admin", "Anna", "anna/ci", "user:anna", "a b", "-a", ".a", "é", "a\n", &"a".repeat(65)] {
            assert!(text.parse::<AccountName>().is_err(), "{text:?}");
        }
        for text in ["anna", "anna.bauer", "a-2", "0x"] {
            assert!(text.parse::<AccountName>().is_ok(), "{text:?}");
        }
        for text in ["", "a/b", "a b", "a\n"] {
            assert!(text.parse::<TokenName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_derived_name_is_one() {
        for (from, name) in [
            ("Anna.Bauer@example.org", "anna.bauer"),
            ("admin", "person"),
            ("Ünïcode", "n-code"),
            ("@", "person"),
            ("../..", "person"),
            ("anna/ci", "anna-ci"),
        ] {
            assert_eq!(AccountName::derived(from, 0).as_str(), name, "{from}");
        }
        let long = AccountName::derived(&"x".repeat(500), u32::MAX - 1);
        assert!(long.as_str().len() <= NAME_MAX + 8 && AccountName::derived("anna", 1).as_str() == "anna-2");
        for from in ["Ünïcode", "---", "ADMIN", "a b c"] {
            for attempt in [0, 1, 9_999] {
                let name = AccountName::derived(from, attempt);
                assert!(name.as_str().parse::<AccountName>().is_ok(), "{name}");
            }
        }
    }
}
