//! Secrets: values that nobody sees, and the streaming replacer that keeps them out of all output.
//!
//! Everything that comes from a host passes a [`Redactor`] before any store, page or log sees it; the
//! store takes [`Redacted`] only, which nothing else can make. What it finds: each secret as it is, and
//! in the forms that tools print it in (see [`Needles`]); and what has the form of a well-known credential although
//! nobody declared it ([`detect`] lists the same). What it cannot find: a secret that was
//! reversed, cut into pieces, hashed, encrypted or compressed. A command that does such a thing to its
//! own secret prints it.

pub mod detect;
mod formats;
mod forms;
mod needles;
mod stream;

#[cfg(test)]
mod tests;

pub use detect::{Finding, Place, detect};
pub use needles::Needles;
pub use stream::{Redactor, Released, redact_bytes};

/// A secret value: no Debug, no Display, wiped when dropped.
#[derive(Clone, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct SecretText(String);

impl SecretText {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the one place that sends it and the redactor's needles.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Something in which every form of every secret is masked. Only a [`Redactor`] makes one out of bytes
/// from a host; the rest here rewraps what one has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Redacted<B>(B);

impl<B> Redacted<B> {
    /// What a store gives back, which took it as `Redacted`. Never for bytes by another road.
    pub fn read_back(stored: B) -> Self {
        Self(stored)
    }

    /// What it holds, for whoever stores or shows it.
    pub fn into_inner(self) -> B {
        self.0
    }

    /// A look at what it holds.
    pub fn get(&self) -> &B {
        &self.0
    }

    /// The same, borrowed.
    pub fn by_ref(&self) -> Redacted<&B> {
        Redacted(&self.0)
    }

    /// The same text in another wrapping (compressed, cut). `wrap` gets nothing but masked text, and must
    /// add nothing that came from a host by another road.
    pub fn map<C>(self, wrap: impl FnOnce(B) -> C) -> Redacted<C> {
        Redacted(wrap(self.0))
    }

    /// Adds what is masked to what is masked, under the same condition as [`Redacted::map`].
    pub fn take_in<C>(&mut self, other: &Redacted<C>, append: impl FnOnce(&mut B, &C)) {
        append(&mut self.0, &other.0);
    }
}

impl Redacted<Vec<u8>> {
    /// Nothing, to which masked bytes can be added.
    pub fn empty() -> Self {
        Self(Vec::new())
    }
}
