//! The corpus: many secrets, in every form that the design lists, cut at every place by chunks of six sizes. The forms
//! are made by other code than the one that is tested. Not one may come through.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;

use super::{Needles, Redactor, needles};

const CHUNKS: [usize; 6] = [1, 2, 3, 7, 64, 4096];

fn secrets() -> Vec<String> {
    let long: String = (0..400_u32).map(|number| char::from(b'!' + (number * 7 % 90) as u8)).collect();
    [
        "hunter2!",
        "abcd",
        "Zm9vYmFy",
        "correct horse battery staple",
        "pa's \"wo\"rd\"",
        "$(rm -rf /) `x` \\ $y",
        "https://me:p%40ss@db/x?a=b&c=d",
        "pässwörd-ключ-鍵-🔑",
        "tab\tand\u{1}control\u{7f}",
        "{\"user\":\"a\",\"key\":\"b/c+d==\"}",
        "first line of it\nsecond line/+\nthird 'line' \"of\" it",
        "windows line one\r\nwindows line two",
        "AAAAAAAAAAAAAAAA",
        "deadbeefcafebabe0123456789abcdef",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([long])
    .collect()
}

/// What a tool prints around and instead of a secret, and the text that must not come through.
fn forms(secret: &str) -> Vec<(&'static str, String, String)> {
    let mut forms = vec![("raw", secret.to_owned(), secret.to_owned())];
    for line in secret.lines().filter(|line| line.len() >= 4) {
        forms.push(("line", line.to_owned(), line.to_owned()));
    }
    for (name, encoder) in [("base64", &STANDARD), ("base64url", &URL_SAFE_NO_PAD)] {
        for before in ["", "u", "us"] {
            for after in ["", "!", "!!"] {
                let text = encoder.encode(format!("{before}{secret}{after}"));
                let (first, end) = ((before.len() * 8).div_ceil(6), (before.len() + secret.len()) * 8 / 6);
                forms.push((name, text.clone(), text[first..end].to_owned()));
            }
        }
    }
    let hex = |upper: bool| -> String {
        secret.bytes().map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }).collect()
    };
    forms.push(("hex", hex(false), hex(false)));
    forms.push(("hex upper", hex(true), hex(true)));
    let json = serde_json::to_string(secret).expect("a text is JSON");
    forms.push(("JSON", json.clone(), json[1..json.len() - 1].to_owned()));
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    forms.push(("form", form.clone(), form.clone()));
    forms.push(("URL", form.replace('+', "%20"), form.replace('+', "%20")));
    let percent: String = form.replace('+', "%20").to_lowercase();
    if percent == form.replace('+', "%20") {
        forms.push(("URL lower", percent.clone(), percent));
    }
    let quoted = crate::run::script::quoted(secret);
    forms.push(("shell", quoted.clone(), quoted[1..quoted.len() - 1].to_owned()));
    forms
}

fn redacted(needles: &Arc<Needles>, text: &[u8], chunk: usize) -> Vec<u8> {
    let mut redactor = Redactor::new(Arc::clone(needles));
    let mut out = Vec::new();
    for piece in text.chunks(chunk) {
        out.extend_from_slice(redactor.push(Bytes::copy_from_slice(piece)).bytes.get());
    }
    out.extend_from_slice(redactor.finish().bytes.get());
    out
}

/// Where the form must begin so that a border falls at each place in it; a sample of them for long forms.
fn paddings(chunk: usize, length: usize) -> Vec<usize> {
    let step = (length / 12).max(1);
    match chunk {
        0..=64 => (0..chunk).collect(),
        _ => (0..=length).step_by(step).map(|place| chunk - place % chunk).collect(),
    }
}

#[test]
fn nothing_of_the_corpus_comes_through() {
    let (mut tried, mut leaked) = (0_u64, Vec::new());
    for secret in secrets() {
        let needles = needles(&[("it", &secret)]);
        for (name, shown, wanted) in forms(&secret) {
            for chunk in CHUNKS {
                for padding in paddings(chunk, shown.len()) {
                    let text = format!("{}{shown}\nend of it\n", ".".repeat(padding));
                    let out = String::from_utf8_lossy(&redacted(&needles, text.as_bytes(), chunk)).into_owned();
                    tried += 1;
                    let before = ".".repeat(padding);
                    let inner = out.strip_prefix(&before).and_then(|out| out.strip_suffix("\nend of it\n"));
                    let inner = inner.unwrap_or_else(|| panic!("{name} of {secret:?}: too much is masked"));
                    // Only what a tool puts around the secret may be left, not a single byte of it.
                    let left = inner.replace("[redacted: it]", "").len();
                    if left > shown.len() - wanted.len() {
                        leaked.push(format!("{name} of {secret:?}, chunks of {chunk}, {padding} before: {inner}"));
                    }
                }
            }
        }
    }
    assert!(tried > 10_000, "only {tried} were tried");
    assert!(leaked.is_empty(), "{} of {tried} came through: {:#?}", leaked.len(), &leaked[..leaked.len().min(10)]);
}
