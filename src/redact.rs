//! Secrets: values that nobody sees, and the streaming replacer that keeps them out of all output.

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
