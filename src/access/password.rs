//! Passwords: what may be one, and the slow hash that is stored. Hashing takes memory and time on purpose: callers
//! keep it off the threads that serve, and bound how many run at once.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use zeroize::Zeroizing;

/// Shortest password, in characters. Length is what a stolen hash is tried against; rules about kinds of letters
/// only move people to `Passw0rd!` (NIST SP 800-63B-4, 3.1.1).
pub const PASSWORD_CHARS_MIN: usize = 12;

/// Longest password, in bytes: a hash of megabytes would be a way to keep the server busy.
pub const PASSWORD_BYTES_MAX: usize = 512;

/// The hash of a password that nobody knows, made with the parameters of [`hash`]. What a login of somebody who is
/// not there is compared with, so that it takes as long as one of somebody who is.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c3RlYWR5aGFuZC1ub2JvZHk$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password as it was typed; overwritten when it is dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// Why a text may not be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    #[error("the password is too short: at least {PASSWORD_CHARS_MIN} characters; a sentence is easy to remember")]
    Short,
    #[error("the password is too long: at most {PASSWORD_BYTES_MAX} bytes")]
    Long,
    #[error("the password holds the name of the account, or repeats one character: whoever guesses tries that first")]
    Guessable,
}

impl Password {
    pub fn typed(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it may be the password of `name` from now on.
    ///
    /// # Errors
    /// Why it may not.
    pub fn check(&self, name: &str) -> Result<(), WeakPassword> {
        if self.0.len() > PASSWORD_BYTES_MAX {
            return Err(WeakPassword::Long);
        }
        if self.0.chars().count() < PASSWORD_CHARS_MIN {
            return Err(WeakPassword::Short);
        }
        let lower = Zeroizing::new(self.0.to_lowercase());
        let first = self.0.chars().next();
        // A name of two letters is in many a good password.
        let named = name.len() > 3 && lower.contains(name);
        if named || self.0.chars().all(|letter| Some(letter) == first) {
            return Err(WeakPassword::Guessable);
        }
        Ok(())
    }

    /// What is stored of it: argon2id with the library's parameters (19 MiB, 2 passes, as OWASP advises), which
    /// stand in the text, so that later ones do not lock anybody out.
    pub fn hash(&self, salt: [u8; 32]) -> String {
        let hashed: PasswordHash = Argon2::default()
            .hash_password_with_salt(self.0.as_bytes(), &salt[..16])
            .expect("a salt of sixteen bytes and a password below 4 GiB are within argon2's bounds");
        hashed.to_string()
    }

    /// Whether it is the password of this hash. Takes the same time when there is no hash.
    pub fn verify(&self, stored: Option<&str>) -> bool {
        let parsed = stored.and_then(|stored| PasswordHash::new(stored).ok());
        let nobodys = PasswordHash::new(NOBODYS).expect("the constant is a hash: a test reads it");
        let verified = self.0.len() <= PASSWORD_BYTES_MAX && verified(&self.0, parsed.as_ref().unwrap_or(&nobodys));
        verified && parsed.is_some()
    }
}

fn verified(text: &str, against: &PasswordHash) -> bool {
    Argon2::default().verify_password(text.as_bytes(), against).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_by_its_hash_and_another_is_not() {
        let stored = Password::typed("correct horse battery").hash([7; 32]);
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(Password::typed("correct horse battery").verify(Some(&stored)));
        for wrong in ["", "correct horse batterz", &"x".repeat(PASSWORD_BYTES_MAX + 1)] {
            assert!(!Password::typed(wrong).verify(Some(&stored)), "{wrong}");
        }
        assert!(!Password::typed("correct horse battery").verify(Some("not a hash")));
    }

    #[test]
    fn the_hash_of_nobody_costs_what_a_real_one_does() {
        let parameters = |text: &str| text.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(parameters(NOBODYS), parameters(&Password::typed("correct horse battery").hash([1; 32])));
        assert!(PasswordHash::new(NOBODYS).is_ok());
        assert!(!Password::typed("").verify(None));
    }

    #[test]
    fn what_is_guessed_first_is_refused() {
        for (text, why) in [
            ("short", WeakPassword::Short),
            ("elf zeichen", WeakPassword::Short),
            ("aaaaaaaaaaaaaa", WeakPassword::Guessable),
            ("ANNABAUER-2026", WeakPassword::Guessable),
            (&"é".repeat(PASSWORD_BYTES_MAX), WeakPassword::Long),
        ] {
            assert_eq!(Password::typed(text).check("annabauer"), Err(why), "{text}");
        }
        assert_eq!(Password::typed("three words and more").check("annabauer"), Ok(()));
    }
}
