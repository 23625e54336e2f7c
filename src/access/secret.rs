//! Texts that open a door: 256 random bits with a prefix that says which door, so that one found in a log or a
//! chat is recognised. Only their hash is ever stored.

use crate::id::Digest;

/// Which door a secret opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The one-time login link.
    Login,
    /// A browser's session.
    Session,
    /// A bearer token of the API.
    Api,
    /// A share link.
    Share,
    /// The cookie that a share link was swapped for.
    Visit,
    /// The cookie of somebody between two answers of signing in.
    Step,
    /// The link of a message, with which its receiver answers a page once.
    Page,
}

impl Door {
    fn prefix(self) -> &'static str {
        match self {
            Self::Login => "shlogin_",
            Self::Session => "shsession_",
            Self::Api => "shtoken_",
            Self::Share => "",
            Self::Visit => "shvisit_",
            Self::Step => "shstep_",
            Self::Page => "shpage_",
        }
    }
}

/// The text of a fresh secret out of 256 random bits (`entropy::fresh_token`).
pub fn text(door: Door, random: [u8; 32]) -> String {
    // A share link is meant to be passed on and read out: the shorter, the better; the rest carry a prefix.
    format!("{}{}", door.prefix(), Digest(random))
}

/// What the store keeps of a secret. Plain SHA-256: 256 random bits cannot be guessed, so a slow hash adds nothing.
///
/// `None` for a text that no door has, so that nobody can make the store look up megabytes.
pub fn hash(door: Door, text: &str) -> Option<Digest> {
    let bits = text.strip_prefix(door.prefix())?;
    let well_formed = bits.len() == 64 && bits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    well_formed.then(|| Digest::of(text.as_bytes()))
}

/// Whether a text may hold a secret of any door: then it is not repeated on a page or in an address.
pub fn may_hold_one(text: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_hexdigit()).any(|digits| digits.len() >= 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_its_own_door_only() {
        let session = text(Door::Session, [7; 32]);
        assert!(hash(Door::Session, &session).is_some());
        for door in [Door::Login, Door::Api, Door::Share, Door::Visit, Door::Step] {
            assert!(hash(door, &session).is_none(), "{door:?}");
        }
    }

    #[test]
    fn a_secret_is_seen_in_any_text_and_ids_are_none() {
        for door in [Door::Login, Door::Session, Door::Api, Door::Share, Door::Visit, Door::Step] {
            assert!(may_hold_one(&format!("/runs/{}x?y", text(door, [171; 32]))), "{door:?}");
        }
        assert!(!may_hold_one("/runs/0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01?x=1"));
    }

    #[test]
    fn what_is_no_secret_is_not_looked_up() {
        for wrong in ["", "x", "shtoken_", &"a".repeat(65), &"A".repeat(64), &"é".repeat(32)] {
            assert!(hash(Door::Share, wrong).is_none() && hash(Door::Api, wrong).is_none(), "{wrong}");
        }
    }
}
