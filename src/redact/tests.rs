//! Facts about redaction: whatever the chunks and wherever reading is resumed, no form comes through.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::forms::base64_core;
use super::needles::forms_of;
use super::*;

mod corpus;
mod formats;

/// The longest beginning of a format, which is held back at the end of a chunk.
const BEGINNING_BYTES_MAX: usize = 26;

fn needles(secrets: &[(&str, &str)]) -> Arc<Needles> {
    let secrets: Vec<_> = secrets.iter().map(|(name, text)| (*name, SecretText::new((*text).to_owned()))).collect();
    Arc::new(Needles::new(&secrets.iter().map(|(name, text)| (*name, text)).collect::<Vec<_>>()))
}

fn redact(needles: &Arc<Needles>, text: &str) -> String {
    needles.redact_text(text).into_inner()
}

/// The output, and each place where reading could be resumed: (raw offset, length of the output so far).
fn stream(needles: &Arc<Needles>, chunks: &[&[u8]]) -> (Vec<u8>, Vec<(usize, usize)>) {
    let mut redactor = Redactor::new(Arc::clone(needles));
    let (mut out, mut places, mut raw) = (Vec::new(), vec![(0, 0)], 0);
    let mut take = |released: Released| {
        out.extend_from_slice(released.bytes.get());
        raw += released.raw_bytes as usize;
        places.push((raw, out.len()));
    };
    for chunk in chunks {
        take(redactor.push(Bytes::copy_from_slice(chunk)));
        assert!(redactor.held_bytes() < needles.bytes_max() + BEGINNING_BYTES_MAX);
    }
    take(redactor.finish());
    (out, places)
}

fn split<'a>(text: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

#[test]
fn each_derived_form_is_masked() {
    let secret = "pa's \"wörd\"/$x\\";
    let needles = needles(&[("db", secret)]);
    let base64 = |text: &str| {
        // `openssl base64` of the text, for comparison with an encoder that is not ours.
        assert_eq!(
            base64_core(b"Man", 0, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
            b"TWFu"
        );
        base64_core(text.as_bytes(), 0, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    };
    let shown = [
        secret.to_owned(),
        serde_json::to_string(secret).expect("text is JSON"),
        r#""pa's \"w\u00f6rd\"/$x\\""#.to_owned(),
        r#""pa's \"wörd\"\/$x\\""#.to_owned(),
        r#"'pa'\''s "wörd"/$x\'"#.to_owned(),
        r#"pa\'s\ \"wörd\"/\$x\\"#.to_owned(),
        "q=pa's%20%22w%C3%B6rd%22%2F%24x%5C".to_owned(),
        "q=pa%27s+%22w%c3%b6rd%22%2f%24x%5c".to_owned(),
        "70612773202277c3b67264222f24785c".to_owned(),
        "70612773202277C3B67264222F24785C".to_owned(),
    ];
    for text in shown {
        let masked = redact(&needles, &text);
        assert!(masked.contains("[redacted: db]"), "{text} → {masked}");
        assert!(!masked.contains("rd"), "{text} → {masked}");
    }
    for before in ["", "u", "us", "user:"] {
        for after in ["", "!", "!!"] {
            let encoded = String::from_utf8(base64(&format!("{before}{secret}{after}"))).expect("ASCII");
            let masked = redact(&needles, &encoded);
            assert!(masked.contains("[redacted: db]"), "{encoded} → {masked}");
            assert!(masked.len() <= "[redacted: db]".len() + 8 + 4, "{encoded} → {masked}");
        }
    }
}

#[test]
fn each_line_of_a_long_secret_is_masked_and_trivial_lines_are_not() {
    let needles = needles(&[("key", "-----BEGIN KEY-----\nMIIEvQ\n}\nabc\n-----END KEY-----\n")]);
    assert_eq!(redact(&needles, "MIIEvQ"), "[redacted: key]");
    assert_eq!(
        redact(&needles, "-----BEGIN KEY-----\r\nMIIEvQ\r\n}\r\nabc\r\n-----END KEY-----\r\n"),
        "[redacted: key]\r\n"
    );
    assert_eq!(redact(&needles, "}\nabc\n"), "}\nabc\n");
}

#[test]
fn a_wrapped_base64_of_a_long_secret_is_masked() {
    let secret = "correct horse battery staple, ".repeat(6);
    let needles = needles(&[("long", &secret)]);
    let encoded =
        base64_core(secret.trim().as_bytes(), 0, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    for wrap in [64, 76] {
        for line in encoded.chunks(wrap).filter(|line| line.len() >= 16) {
            assert_eq!(redact(&needles, std::str::from_utf8(line).expect("ASCII")), "[redacted: long]");
        }
    }
}

#[test]
fn a_short_secret_is_masked_only_as_it_is() {
    let needles = needles(&[("pin", "7x")]);
    assert_eq!(redact(&needles, "7x 3778 N3g= \n"), "[redacted: pin] 3778 N3g= \n");
}

#[test]
fn overlapping_secrets_are_masked_whole_and_adjacent_ones_each() {
    let needles = needles(&[("a", "abcdef"), ("b", "defghi")]);
    assert_eq!(redact(&needles, "<abcdefghi>"), "<[redacted: a]>");
    assert_eq!(redact(&needles, "<abcdefabcdef>"), "<[redacted: a][redacted: a]>");
    assert_eq!(redact(&needles, "<abcdefdefghi>"), "<[redacted: a][redacted: b]>");
}

#[test]
fn of_a_secret_inside_another_the_longer_one_gives_the_name() {
    let needles = needles(&[("inner", "hunter"), ("outer", "the-hunter-2")]);
    assert_eq!(
        redact(&needles, "the-hunter-2 hunter the-hunter"),
        "[redacted: outer] [redacted: inner] the-[redacted: inner]"
    );
}

#[test]
fn a_secret_that_repeats_into_itself_takes_no_memory() {
    let needles = needles(&[("a", "aaaaaaaa")]);
    let mut redactor = Redactor::new(Arc::clone(&needles));
    for _ in 0..1000 {
        let released = redactor.push(Bytes::from(vec![b'a'; 1000]));
        assert!(released.bytes.get().is_empty() && redactor.held_bytes() < 8);
    }
    let end = redactor.push(Bytes::from_static(b"\n"));
    assert_eq!((&end.bytes.get()[..], end.raw_bytes), (&b"[redacted: a]\n"[..], 1_000_001));
}

#[test]
fn without_secrets_nothing_is_copied() {
    let mut redactor = Redactor::new(needles(&[]));
    let chunk = Bytes::from_static(b"some output");
    let released = redactor.push(chunk.clone());
    assert_eq!(released.bytes.get().as_ptr(), chunk.as_ptr());
    assert_eq!(redactor.finish().raw_bytes, 0);
}

#[test]
fn a_chunk_without_any_secret_in_it_is_not_copied_either() {
    let mut redactor = Redactor::new(needles(&[("db", "hunter22")]));
    let chunk = Bytes::from_static(b"some output, no more\n");
    assert_eq!(redactor.push(chunk.clone()).bytes.get().as_ptr(), chunk.as_ptr());
}

#[test]
fn a_prompt_is_shown_at_once() {
    let mut redactor = Redactor::new(needles(&[("db", &"secret-".repeat(1000))]));
    assert_eq!(&redactor.push(Bytes::from_static(b"Continue? ")).bytes.get()[..], b"Continue? ");
}

#[test]
fn white_space_is_no_secret_and_around_a_secret_is_not_part_of_it() {
    let needles = needles(&[("blank", " \n\t "), ("file", "hunter2\n")]);
    assert_eq!(redact(&needles, "a  \n\t  b hunter2"), "a  \n\t  b [redacted: file]");
}

/// Secrets and texts over few letters, so that they overlap, repeat and nest all the time.
fn secrets() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[abq]{1,9}", 0..4)
}

/// Text made of letters, secrets' forms and pieces of them.
fn text_with(secrets: &[String]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let forms: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| forms_of(secret)).collect();
    let piece = (any::<prop::sample::Index>(), 0..12_usize, "[abq]{0,4}", 0..3_u8).prop_map(
        move |(index, cut, plain, kind)| {
            if forms.is_empty() || kind == 0 {
                return plain.into_bytes();
            }
            let form = index.get(&forms);
            if kind == 1 { form.clone() } else { form[..cut.min(form.len())].to_vec() }
        },
    );
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn case() -> impl Strategy<Value = (Vec<String>, Vec<u8>, Vec<usize>)> {
    secrets().prop_flat_map(|secrets| {
        let text = text_with(&secrets);
        (Just(secrets), text, prop::collection::vec(any::<usize>(), 0..8))
    })
}

fn numbered(secrets: &[String]) -> Arc<Needles> {
    let named: Vec<_> = secrets.iter().map(|text| ("S", text.as_str())).collect();
    needles(&named)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_of_any_text_gives_the_same_output_without_any_form((secrets, text, cuts) in case()) {
        let needles = numbered(&secrets);
        let (whole, _) = stream(&needles, &[&text]);
        let (in_parts, _) = stream(&needles, &split(&text, &cuts));
        prop_assert_eq!(&whole, &in_parts);
        let bytewise: Vec<&[u8]> = text.chunks(1).collect();
        prop_assert_eq!(&whole, &stream(&needles, &bytewise).0);
        let shown = String::from_utf8_lossy(&whole).into_owned();
        for plain in shown.split("[redacted: S]") {
            for form in secrets.iter().flat_map(|secret| forms_of(secret)) {
                let form = String::from_utf8(form).expect("forms of text are text");
                prop_assert!(!plain.contains(&form), "{plain:?} holds {form:?}");
            }
        }
    }

    #[test]
    fn resuming_at_any_released_offset_loses_doubles_and_leaks_nothing((secrets, text, cuts) in case()) {
        let needles = numbered(&secrets);
        let (whole, _) = stream(&needles, &[&text]);
        let (_, places) = stream(&needles, &split(&text, &cuts));
        for (raw, shown) in &places[..places.len() - 1] {
            let (rest, _) = stream(&needles, &[&text[*raw..]]);
            prop_assert_eq!(&[&whole[..*shown], &rest[..]].concat(), &whole);
        }
        prop_assert_eq!(*places.last().expect("there is one"), (text.len(), whole.len()));
    }
}
