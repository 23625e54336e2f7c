//! One-time codes of an authenticator app (RFC 6238), and the codes for the day on which the phone is lost.

use qrcode::{Color, EcLevel, QrCode};
use totp_rs::{Builder, Totp};

use crate::id::Digest;

/// 160 bits, as RFC 4226 wants.
pub const SECRET_BYTES: usize = 20;

/// Codes against a lost phone, made at once.
pub const RECOVERY_CODES: usize = 10;

/// What stands before an account's name in the app.
const ISSUER: &str = "Steadyhand";

/// The secret that the server and the app share. SHA-1, six digits and 30 seconds: the only form that every app
/// reads alike.
pub struct Shared {
    totp: Totp,
}

impl Shared {
    /// Out of random bytes, for the app's list under `account`.
    pub fn new(secret: [u8; SECRET_BYTES], account: &str) -> Self {
        let totp = Builder::new()
            .with_secret(secret)
            .with_issuer(Some(ISSUER))
            .with_account_name(account)
            .build()
            .expect("160 bits, six digits and a name without a colon are what the library wants");
        Self { totp }
    }

    /// From what the store keeps. None if it is no such secret.
    pub fn stored(secret: &[u8], account: &str) -> Option<Self> {
        Some(Self::new(secret.try_into().ok()?, account))
    }

    /// The secret as text, for typing it into an app.
    pub fn text(&self) -> String {
        let text = self.totp.secret().to_base32();
        text.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
    }

    /// What an app reads out of the picture.
    pub fn url(&self) -> String {
        self.totp.to_url().expect("issuer and account are plain")
    }

    /// The time step that a code belongs to, if it is one of now, just before or just after. A code must be taken
    /// once only, so the caller stores the step and refuses it from then on.
    pub fn step_of(&self, code: &str, now_ms: i64) -> Option<i64> {
        let digits: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
        let now_seconds = u64::try_from(now_ms / 1000).ok()?;
        self.totp.check(&digits, now_seconds).and_then(|step| i64::try_from(step).ok())
    }

    /// The code of a moment: what the app shows.
    pub fn code(&self, now_ms: i64) -> String {
        self.totp.generate(u64::try_from(now_ms / 1000).unwrap_or_default()).to_string()
    }
}

/// A picture for an app's camera: squares of a grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Squares in a row, with the quiet border.
    pub width: usize,
    /// The dark squares as an SVG path.
    pub path: String,
}

/// The quiet border that cameras need, in squares (ISO/IEC 18004).
const BORDER: usize = 4;

/// Draws a text. None for more text than a picture holds.
pub fn picture(text: &str) -> Option<Picture> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let side = code.width();
    let dark = code.to_colors().into_iter().enumerate().filter(|(_, colour)| *colour == Color::Dark);
    let path = dark.map(|(at, _)| format!("M{} {}h1v1h-1z", at % side + BORDER, at / side + BORDER)).collect();
    Some(Picture { width: side + 2 * BORDER, path })
}

/// Codes out of random bytes, `abcd-efgh-ijkl-mnop`: 80 bits each, so that a plain hash of them is enough.
pub fn recovery_code(random: [u8; 32]) -> String {
    // Without 0, 1, i and o, which people confuse; 32 letters, so five bits each and none favoured.
    const LETTERS: &[u8; 32] = b"abcdefghjklmnpqrstuvwxyz23456789";
    let letters: String = random[..16].iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    letters.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
}

/// What the store keeps of a recovery code, however it was typed. None for what cannot be one.
pub fn recovery_hash(typed: &str) -> Option<Digest> {
    let plain: String =
        typed.chars().filter(|letter| *letter != '-' && !letter.is_whitespace()).flat_map(char::to_lowercase).collect();
    (plain.len() == 16).then(|| Digest::of(plain.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_around_its_time_and_no_longer() {
        let shared = Shared::new([3; SECRET_BYTES], "anna");
        let now_ms = 1_795_403_529_000;
        let code = shared.code(now_ms);
        assert_eq!(shared.step_of(&code, now_ms), Some(now_ms / 30_000));
        assert_eq!(shared.step_of(&format!(" {} {} ", &code[..3], &code[3..]), now_ms), Some(now_ms / 30_000));
        assert!(shared.step_of(&code, now_ms + 30_000).is_some());
        assert_eq!(shared.step_of(&code, now_ms + 90_000), None);
        for wrong in ["", "000000x", "12345", "1234567"] {
            assert_eq!(shared.step_of(wrong, now_ms), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_can_read_what_is_shown() {
        let shared = Shared::new([3; SECRET_BYTES], "anna");
        assert!(shared.url().starts_with("otpauth://totp/Steadyhand:anna?secret="), "{}", shared.url());
        let picture = picture(&shared.url()).expect("it fits");
        assert!(picture.width > 30 && picture.path.starts_with("M4 4h1v1h-1z"));
        assert_eq!(shared.text().split(' ').count(), 8);
    }

    #[test]
    fn a_recovery_code_is_known_however_it_is_typed() {
        let code = recovery_code([200; 32]);
        assert_eq!(code.len(), 19);
        let hash = recovery_hash(&code);
        assert!(hash.is_some());
        assert_eq!(recovery_hash(&code.to_uppercase().replace('-', " ")), hash);
        assert_eq!(recovery_hash("abcd"), None);
    }
}
