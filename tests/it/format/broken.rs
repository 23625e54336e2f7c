//! Thousands of broken runbooks: each gives diagnostics; none a panic, a hang, or a disagreement with the
//! schema.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use steadyhand::runbook;
use steadyhand::yaml;

use super::{fixtures, parsed, schema_accepts};

/// Generous: a hang guard, not a measurement.
const SECONDS_MAX: u64 = 20;

/// Ways to break a text. Positions are shares of its length.
#[derive(Debug, Clone)]
enum Break {
    FlipByte { at: f64, to: u8 },
    Delete { from: f64, bytes: usize },
    Duplicate { from: f64, bytes: usize, times: usize },
    Insert { at: f64, text: &'static str, times: usize },
    SwapLines { one: f64, other: f64 },
    DeleteLine { at: f64 },
    CopyLine { from: f64, to: f64 },
}

fn breaks() -> impl Strategy<Value = Break> {
    let share = 0.0..1.0_f64;
    let pieces = proptest::sample::select(vec![
        "{", "[", "}", "]", ": ", "- ", "\n", "\t", "\"", "'", "|", ">", "&a ", "*a", "!!x ", "<<: ", "? ", "---\n",
        "...\n", "#", "%", "{{", "}}", "$(", "(", "\u{feff}", "\u{0}", "é", "𝄞", "\r", "\u{2028}", "0x", "~", "null",
        "1e999", "a: b\n", "  ", "x",
    ]);
    prop_oneof![
        (share.clone(), any::<u8>()).prop_map(|(at, to)| Break::FlipByte { at, to }),
        (share.clone(), 1..40_usize).prop_map(|(from, bytes)| Break::Delete { from, bytes }),
        (share.clone(), 1..400_usize, 1..20_usize).prop_map(|(from, bytes, times)| Break::Duplicate {
            from,
            bytes,
            times
        }),
        (share.clone(), pieces, prop_oneof![9 => 1..4_usize, 1 => 100..20_000_usize])
            .prop_map(|(at, text, times)| Break::Insert { at, text, times }),
        (share.clone(), share.clone()).prop_map(|(one, other)| Break::SwapLines { one, other }),
        share.clone().prop_map(|at| Break::DeleteLine { at }),
        (share.clone(), share).prop_map(|(from, to)| Break::CopyLine { from, to }),
    ]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a length"
)]
fn place(share: f64, length: usize) -> usize {
    ((length as f64 * share) as usize).min(length.saturating_sub(1))
}

fn broken(text: &[u8], how: &Break) -> Vec<u8> {
    let mut bytes = text.to_vec();
    if bytes.is_empty() {
        return bytes;
    }
    let length = bytes.len();
    let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    match how {
        Break::FlipByte { at, to } => bytes[place(*at, length)] = *to,
        Break::Delete { from, bytes: count } => {
            let from = place(*from, length);
            bytes.drain(from..(from + count).min(length));
        }
        Break::Duplicate { from, bytes: count, times } => {
            let from = place(*from, length);
            let piece = bytes[from..(from + count).min(length)].repeat(*times);
            bytes.splice(from..from, piece);
        }
        Break::Insert { at, text, times } => {
            let at = place(*at, length);
            bytes.splice(at..at, text.as_bytes().repeat(*times));
        }
        Break::SwapLines { one, other } => {
            let (one, other) = (place(*one, lines.len()), place(*other, lines.len()));
            lines.swap(one, other);
            return lines.concat();
        }
        Break::DeleteLine { at } => {
            lines.remove(place(*at, lines.len()));
            return lines.concat();
        }
        Break::CopyLine { from, to } => {
            let line = lines[place(*from, lines.len())];
            lines.insert(place(*to, lines.len()), line);
            return lines.concat();
        }
    }
    bytes
}

fn in_time<T>(what: &[u8], work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(SECONDS_MAX), "took {took:?}: {}", String::from_utf8_lossy(what));
    result
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, max_shrink_iters: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_broken_runbook_gives_diagnostics_and_nothing_worse(
        pick in any::<prop::sample::Index>(),
        how in proptest::collection::vec(breaks(), 1..4),
    ) {
        let good = [fixtures("tests/fixtures/runbooks/good"), fixtures("runbooks")].concat();
        let (name, text) = &good[pick.index(good.len())];
        let text = how.iter().fold(text.clone(), |text, how| broken(&text, how));
        let result = in_time(&text, || parsed(name, &text));
        prop_assert_eq!(result.runbook.is_none(), !result.diagnostics.is_empty());
        prop_assert!(result.diagnostics.len() <= yaml::DIAGNOSTICS_MAX);
        for diagnostic in &result.diagnostics {
            let span = diagnostic.span;
            prop_assert!(span.start <= span.end && span.end <= text.len(), "{diagnostic:?}");
        }
    }

    #[test]
    fn no_bytes_at_all_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let result = in_time(&bytes, || parsed("bytes", &bytes));
        prop_assert!(result.runbook.is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, max_shrink_iters: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the schema refuses, the parser refuses; and an unknown or missing field that the parser
    /// tells of, the schema refuses. The rest (names, shell, conditions) only the parser can judge.
    #[test]
    fn parser_and_schema_agree_on_broken_runbooks(
        pick in any::<prop::sample::Index>(),
        how in proptest::collection::vec(breaks(), 1..3),
    ) {
        let good = fixtures("tests/fixtures/runbooks/good");
        let (name, text) = &good[pick.index(good.len())];
        let text = how.iter().fold(text.clone(), |text, how| broken(&text, how));
        let result = parsed(name, &text);
        let Some(accepted) = schema_accepts(&text) else { return Ok(()) };
        if !accepted {
            prop_assert!(result.runbook.is_none(), "only the schema refuses:\n{}", String::from_utf8_lossy(&text));
        }
    }
}

#[test]
fn huge_and_deep_texts_are_refused_in_time_and_memory() {
    let step = "  - {id: a, name: N, check: x}\n";
    let head = "steadyhand: 1\nname: N\nsummary: S\nsteps:\n";
    for text in [
        head.to_owned() + &step.repeat(6000),
        format!("{head}  - {{id: a, name: N, check: \"{}\"}}\n", "x".repeat(200_000)),
        format!("{head}  - {{id: a, name: \"{}\", check: x}}\n", "{{a}}".repeat(40_000)),
        format!("{head}  - {{id: a, name: N, check: x, expect: \"{}\"}}\n", "(".repeat(100_000)),
        format!("{head}  - {{id: a, name: N, check: x, capture: {{b: {{regex: \"{}\"}}}}}}\n", "(".repeat(100_000)),
        format!(
            "{head}  - {{id: a, name: N, check: x, env: {{{}}}}}\n",
            (0..9000).map(|n| format!("k{n}: v,")).collect::<String>()
        ),
        "[".repeat(262_144),
        "{a: ".repeat(60_000),
        "- ".repeat(130_000),
        "? ".repeat(130_000),
        "\"".repeat(262_144),
        "'a': 'b'\n".repeat(20_000),
        "&a ".repeat(80_000),
        "!".repeat(262_144),
        "#".repeat(262_144),
        "a:\n".repeat(80_000),
        " ".repeat(262_144),
        "|\n".repeat(100_000),
        "x".repeat(262_145),
    ] {
        let result = in_time(&text.as_bytes()[..text.len().min(80)], || parsed("huge", text.as_bytes()));
        assert!(result.runbook.is_none());
        assert!(!result.diagnostics.is_empty());
    }
    let unjudged = format!("{head}  - {{id: a, name: N, check: \"{}\"}}\n", "$(".repeat(30_000));
    let result = in_time(b"$(", || parsed("unjudged", unjudged.as_bytes()));
    assert_eq!(result.diagnostics, [], "a command nested beyond what is judged is the shell's to judge");
    let deep = serde_json::to_string(&runbook::schema()).unwrap();
    assert!(parsed("schema", deep.as_bytes()).runbook.is_none());
}
