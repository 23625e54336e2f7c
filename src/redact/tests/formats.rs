//! Facts about credentials that nobody declared: each format is masked whole, whatever the chunks.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::super::detect::tests::samples;
use super::super::formats::BLOCK_BYTES_MAX;
use super::{Redactor, detect, needles, redact, split};

fn key(lines: usize) -> String {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n".repeat(lines);
    format!("-----BEGIN {0} KEY-----\n{body}-----END {0} KEY-----", "RSA PRIVATE")
}

#[test]
fn each_known_format_is_masked_with_nothing_left_of_it() {
    let none = needles(&[]);
    for (kind, sample) in
        samples().into_iter().filter(|(kind, sample)| *kind != "private key" && !sample.starts_with('['))
    {
        for (before, after) in [("key: \"", "\",\n"), ("", ""), ("x=", "\r\n"), ("\u{fffd}", " and more")] {
            let text = format!("{before}{sample}{after}");
            let bytewise: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            for chunks in [vec![text.as_bytes()], bytewise] {
                let (out, _) = outputs(&none, &chunks);
                let out = String::from_utf8(out).expect("text");
                assert!(out.contains(&format!("[redacted: {kind}]")), "{kind}: {out}");
                assert!(out.ends_with(after) && !out.contains(&sample[sample.len() - 8..]), "{kind}: {out}");
            }
        }
    }
}

#[test]
fn a_private_key_is_masked_from_its_first_line_to_its_last() {
    let none = needles(&[]);
    for lines in [0, 1, 26, 60] {
        let text = format!("before\n{}\nafter\n", key(lines));
        for chunk in [1, 2, 3, 7, 64, 4096, 100_000] {
            let chunks: Vec<&[u8]> = text.as_bytes().chunks(chunk).collect();
            let mut redactor = Redactor::new(Arc::clone(&none));
            let (mut out, mut raw) = (Vec::new(), 0);
            for piece in chunks {
                let released = redactor.push(Bytes::copy_from_slice(piece));
                out.extend_from_slice(released.bytes.get());
                raw += released.raw_bytes;
            }
            let released = redactor.finish();
            out.extend_from_slice(released.bytes.get());
            raw += released.raw_bytes;
            assert_eq!(String::from_utf8_lossy(&out), "before\n[redacted: private key]\nafter\n", "chunks of {chunk}");
            assert_eq!(raw, text.len() as u64, "the true count is kept");
        }
    }
    // As it stands in JSON, and with what a log puts before each line.
    let in_json = key(3).replace('\n', "\\n");
    assert_eq!(redact(&none, &format!("{{\"k\":\"{in_json}\"}}")), "{\"k\":\"[redacted: private key]\"}");
    let logged = key(3).replace('\n', "\nNov 24 12:00:00 web-1: ");
    assert_eq!(redact(&none, &logged), "[redacted: private key]");
}

#[test]
fn a_private_key_without_an_end_hides_no_more_than_a_bounded_piece() {
    let none = needles(&[]);
    let begins = key(0).lines().next().expect("it has lines").to_owned();
    let text = format!("{begins}\n{}", "visible again\n".repeat(10_000));
    for chunk in [1, 100, 65_536, 1_000_000] {
        let mut redactor = Redactor::new(Arc::clone(&none));
        let mut out = Vec::new();
        for piece in text.as_bytes().chunks(chunk) {
            out.extend_from_slice(redactor.push(Bytes::copy_from_slice(piece)).bytes.get());
            assert!(redactor.held_bytes() <= BLOCK_BYTES_MAX + chunk, "memory is bounded");
        }
        out.extend_from_slice(redactor.finish().bytes.get());
        let expected = format!("[redacted: private key]{}", &text[BLOCK_BYTES_MAX..]);
        assert!(out == expected.as_bytes(), "chunks of {chunk}");
    }
    assert_eq!(redact(&none, &format!("a\n{begins}\nMIIE")), "a\n[redacted: private key]");
}

#[test]
fn what_only_looks_alike_is_left_as_it_is() {
    let none = needles(&[]);
    for text in [
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n",
        "AKIA AKIAIOSFODNN7EXAMPLELONGER eyJhbGciOi ghp_short xoxb- sk_live_ aws_secret_access_key= AIza ya29.",
        "-----",
        "-----BEGIN ",
        "eyJ",
        "0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01 hooks.slack.com/services/x",
    ] {
        assert_eq!(redact(&none, text), text);
    }
}

#[test]
fn a_declared_secret_keeps_its_name_and_the_longer_of_two_is_masked_whole() {
    let token = format!("ghp_{}", "a1".repeat(18));
    let named = needles(&[("deploy", &token)]);
    assert_eq!(redact(&named, &format!("<{token}>")), "<[redacted: deploy]>");
    let inner = needles(&[("inner", &token[10..30])]);
    assert_eq!(redact(&inner, &format!("<{token}>")), "<[redacted: GitHub token]>");
    let across = needles(&[("across", &format!("{}<end", &token[20..]))]);
    assert_eq!(redact(&across, &format!("{token}<end>")), "[redacted: GitHub token]>");
}

#[test]
fn a_long_run_of_beginnings_takes_no_time() {
    let none = needles(&[]);
    let text = "eyJ".repeat(100_000);
    assert_eq!(redact(&none, &text), text);
    let token = samples().into_iter().find(|(kind, _)| *kind == "JSON web token").expect("it is one").1;
    let shown = redact(&none, &format!("{}{token}", "-AKIA".repeat(20_000)));
    assert!(shown.ends_with("[redacted: JSON web token]"), "{}", &shown[shown.len() - 100..]);
}

#[test]
fn what_was_masked_still_blocks_sharing() {
    let none = needles(&[]);
    let shown = redact(&none, &format!("key:\n{}\n", key(3)));
    let found = detect(shown.as_bytes());
    assert_eq!((found.len(), found[0].kind, found[0].place.line), (1, "private key", 2));
}

/// Pieces of credentials, whole ones, and what stands between.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let mut pieces: Vec<String> = samples().into_iter().map(|(_, sample)| sample).collect();
    pieces.extend([key(0), key(1), "-----END RSA PRIVATE KEY-----".to_owned(), "\n".to_owned(), "a1a1a1a1".to_owned()]);
    let piece =
        (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..3_u8).prop_map(move |(index, cut, kind)| {
            let piece = index.get(&pieces).as_bytes();
            match kind {
                0 => piece.to_vec(),
                1 => piece[..cut.index(piece.len() + 1)].to_vec(),
                _ => piece[cut.index(piece.len() + 1)..].to_vec(),
            }
        });
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_and_any_resume_gives_the_same(text in text(), cuts in prop::collection::vec(any::<usize>(), 0..8), secret in "[a1Y.]{4,9}") {
        let needles = needles(&[("S", secret.as_str())]);
        let whole = outputs(&needles, &[&text]).0;
        let parts = split(&text, &cuts);
        let (in_parts, places) = outputs(&needles, &parts);
        prop_assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&in_parts));
        let bytewise: Vec<&[u8]> = text.chunks(1).collect();
        prop_assert_eq!(&whole, &outputs(&needles, &bytewise).0);
        for (raw, shown) in &places[..places.len() - 1] {
            let rest = outputs(&needles, &[&text[*raw..]]).0;
            prop_assert_eq!(&whole, &[&whole[..*shown], &rest[..]].concat());
        }
    }
}

/// The output, and each place where reading could be resumed.
fn outputs(needles: &Arc<super::Needles>, chunks: &[&[u8]]) -> (Vec<u8>, Vec<(usize, usize)>) {
    let mut redactor = Redactor::new(Arc::clone(needles));
    let (mut out, mut places, mut raw) = (Vec::new(), vec![(0, 0)], 0);
    let pushed = chunks.iter().map(|chunk| Some(Bytes::copy_from_slice(chunk))).chain([None]);
    for chunk in pushed {
        let released = match chunk {
            Some(chunk) => redactor.push(chunk),
            None => redactor.finish(),
        };
        out.extend_from_slice(released.bytes.get());
        raw += released.raw_bytes as usize;
        places.push((raw, out.len()));
    }
    (out, places)
}
