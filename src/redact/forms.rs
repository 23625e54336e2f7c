//! The forms in which tools print a secret: encodings and quotings, each as the bytes to look for.

/// Line lengths at which `base64` (76) and `openssl base64` (64) break.
const BASE64_WRAPS: [usize; 2] = [76, 64];

const BASE64_STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// As it is, and as text inside JSON, a shell word or a URL shows it.
pub fn text_forms(text: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![text.as_bytes().to_vec()];
    let json = json_escaped(text);
    forms.push(ascii_only(&json).into_bytes());
    forms.push(json.replace('/', "\\/").into_bytes());
    forms.push(json.into_bytes());
    forms.extend(shell_quoted(text));
    forms.extend(url_encoded(text));
    forms
}

/// Base64 in three alignments and two alphabets, hexadecimal in both cases.
pub fn binary_forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![hex(bytes, b"0123456789abcdef"), hex(bytes, b"0123456789ABCDEF")];
    for alphabet in [BASE64_STANDARD, BASE64_URL_SAFE] {
        forms.extend((0..3).map(|alignment| base64_core(bytes, alignment, alphabet)));
        let whole = base64_core(bytes, 0, alphabet);
        for wrap in BASE64_WRAPS.into_iter().filter(|wrap| whole.len() > *wrap) {
            // A last piece of a few letters would mask ordinary words.
            forms.extend(whole.chunks(wrap).filter(|line| line.len() >= 16).map(<[u8]>::to_vec));
        }
    }
    forms
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::to_string(text).expect("a text is always JSON");
    quoted[1..quoted.len() - 1].to_owned()
}

/// JSON as encoders write it that keep to ASCII (Python's default).
fn ascii_only(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter.is_ascii() {
            out.push(letter);
        } else {
            let mut units = [0; 2];
            letter.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

/// The inside of a quoted word: single quotes in both usual spellings, backslashes (`printf %q`), double
/// quotes, and `$'…'`.
fn shell_quoted(text: &str) -> Vec<Vec<u8>> {
    let backslashed = |special: fn(char) -> bool| {
        text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect::<String>()
    };
    let dollar = backslashed(|c| c == '\\' || c == '\'').replace('\n', "\\n").replace('\t', "\\t").replace('\r', "\\r");
    [
        text.replace('\'', r"'\''"),
        text.replace('\'', r#"'"'"'"#),
        backslashed(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"_-./:=@%+".contains(c)),
        backslashed(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"_-./:=@%+,".contains(c)),
        backslashed(|c| "\"$`\\".contains(c)),
        dollar,
    ]
    .map(String::into_bytes)
    .to_vec()
}

/// Percent-encoding: RFC 3986, `encodeURIComponent`, and forms (blank as `+`), with digits in both cases.
fn url_encoded(text: &str) -> Vec<Vec<u8>> {
    let encode = |kept: &str, blank: Option<char>, digits: &[u8; 16]| {
        let mut out = Vec::with_capacity(text.len() * 3);
        for byte in text.bytes() {
            match blank {
                Some(blank) if byte == b' ' => out.push(blank as u8),
                _ if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) => out.push(byte),
                _ => out.extend([b'%', digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]),
            }
        }
        out
    };
    let mut forms = Vec::new();
    for digits in [b"0123456789ABCDEF", b"0123456789abcdef"] {
        for (kept, blank) in [("-._~", None), ("-._~!*'()", None), ("-._~/", None), ("-._*", Some('+'))] {
            forms.push(encode(kept, blank, digits));
        }
    }
    forms
}

fn hex(bytes: &[u8], digits: &[u8; 16]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]).collect()
}

/// The base64 letters that stand for `bytes` alone when `alignment` (0, 1, 2) unknown bytes come before
/// them in their group of three, and anything after: letters that mix in a neighbour's bits are left out.
pub fn base64_core(bytes: &[u8], alignment: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let first = (alignment * 8).div_ceil(6);
    let end = (alignment + bytes.len()) * 8 / 6;
    let bit = |index: usize| {
        let byte = bytes.get((index / 8).wrapping_sub(alignment)).copied().unwrap_or(0);
        usize::from(byte >> (7 - index % 8) & 1)
    };
    (first..end)
        .map(|letter| alphabet[(letter * 6..letter * 6 + 6).fold(0, |sum, index| sum << 1 | bit(index))])
        .collect()
}
