//! Public host keys as an inventory states them: `ssh-ed25519 AAAA…`.

/// The types that OpenSSH 9 accepts by default, and what ssh-keyscan prints.
const TYPES: [&str; 7] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// The key without its comment.
///
/// # Errors
/// What is wrong with it, for a diagnostic. A truncated copy is the mistake to catch: ssh would only say
/// that the host's key has changed.
pub fn parse(text: &str) -> Result<String, String> {
    let mut words = text.split_ascii_whitespace();
    let (Some(kind), Some(base64)) = (words.next(), words.next()) else {
        return Err("a host key has two parts: its type and its base64 text, e.g. `ssh-ed25519 AAAA…`".to_owned());
    };
    if text.chars().any(char::is_control) {
        return Err("a host key stands on one line".to_owned());
    }
    if !TYPES.contains(&kind) {
        return Err(format!("{kind:?} is not a type of host key; known are {}", TYPES.join(", ")));
    }
    let blob = decode(base64).ok_or_else(|| format!("the text of the {kind} key is not complete base64"))?;
    let fields = fields(&blob).ok_or_else(|| format!("the text of the {kind} key is cut short"))?;
    if fields.first().copied() != Some(kind.as_bytes()) || fields.len() < 2 {
        return Err(format!("the text of the key is not that of a {kind} key"));
    }
    Ok(format!("{kind} {base64}"))
}

/// The length-prefixed fields of a key blob (RFC 4253, section 6.6), if they fill it exactly.
fn fields(mut blob: &[u8]) -> Option<Vec<&[u8]>> {
    let mut fields = Vec::new();
    while !blob.is_empty() {
        let (length, rest) = blob.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        fields.push(rest.get(..length)?);
        blob = &rest[length..];
    }
    Some(fields)
}

/// Base64 with padding. Written out: a dependency for these lines would be larger than they are.
fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut bit_count) = (0u32, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        bit_count += 6;
        if bit_count >= 8 {
            bit_count -= 8;
            bytes.push(u8::try_from(bits >> bit_count & 0xff).expect("eight bits fit a byte"));
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    #[test]
    fn a_key_is_taken_without_its_comment() {
        assert_eq!(parse(&format!("{KEY} root@web-1")).as_deref(), Ok(KEY));
    }

    #[test]
    fn a_key_that_was_copied_badly_is_refused() {
        let cut = &KEY[..KEY.len() - 4];
        let rsa = KEY.replace("ssh-ed25519 ", "ssh-rsa ");
        for text in ["", "ssh-ed25519", "ssh-dss AAAA", cut, &KEY[..KEY.len() - 1], rsa.as_str(), "ssh-ed25519 AAAA…"]
        {
            assert!(parse(text).is_err(), "{text:?} was taken");
        }
    }
}
