//! The server dies at any moment: what is stored afterwards is what the command wrote.

use bytes::Bytes;
use steadyhand::engine::output::{HEAD_BYTES_MAX, LogSummary, PageLimits, Source};
use steadyhand::id::AttemptId;
use steadyhand::redact::redact_bytes;
use steadyhand::run::outcome::Stream;

use super::bench::{Bench, Dice, STARTED_MS, Script, arrival, sha256};

const SECRETS: [(&str, &str); 2] = [("db_password", "hunter2-hunter2"), ("key", "first line\nsecond line of it")];
const WORDS: [&str; 6] = [
    "hunter2-hunter2",
    "hunter2-",
    "second line of it\n",
    "aHVudGVyMi1odW50ZXIy",
    "68756e746572322d68756e74657232",
    "plain\n",
];

/// Plays a script. After each chunk that `dies` names the log is dropped and opened again, and both streams
/// go on from the stored offsets, as a transport does.
async fn play(bench: &Bench, script: &Script, mut dies: impl FnMut(usize) -> bool) -> LogSummary {
    let mut log = bench.open().await;
    let (mut sent, mut now_ms) = ([0_usize, 0], STARTED_MS);
    let rest = [Stream::Stdout, Stream::Stderr].map(|stream| (stream, usize::MAX, 1));
    for (index, (stream, length, pause_ms)) in script.chunks.iter().chain(&rest).enumerate() {
        now_ms += pause_ms;
        log.tick(now_ms).await.expect("it is stored");
        let (bytes, from) = (script.bytes(*stream), sent[*stream as usize]);
        let end = from.saturating_add(*length).min(bytes.len());
        log.push(&arrival(*stream, from as u64, &bytes[from..end]), now_ms).await.expect("it is taken");
        sent[*stream as usize] = end;
        if index < script.chunks.len() && dies(index) {
            drop(log);
            log = bench.open().await;
            sent = [log.offsets().stdout as usize, log.offsets().stderr as usize];
        }
    }
    log.finish(now_ms + 1).await.expect("it is stored")
}

fn masked(bench: &Bench, bytes: &[u8]) -> Vec<u8> {
    redact_bytes(&bench.needles, Bytes::copy_from_slice(bytes)).into_inner().to_vec()
}

/// The streams, the numbering, the heads and the counts are as if nothing had happened.
async fn assert_whole(bench: &Bench, script: &Script, summary: &LogSummary, case: &str) {
    let mut lines = 0;
    for (stream, head) in [(Stream::Stdout, &summary.stdout_head), (Stream::Stderr, &summary.stderr_head)] {
        let expected = masked(bench, script.bytes(stream));
        let stored = bench.bytes(Source::One(stream)).await;
        assert_eq!(sha256(&stored), sha256(&expected), "{case}, {stream:?}");
        let first = String::from_utf8_lossy(&expected[..expected.len().min(HEAD_BYTES_MAX)]).into_owned();
        assert_eq!(head.get().trim_end_matches('\u{fffd}'), first.trim_end_matches('\u{fffd}'), "{case}, {stream:?}");
        lines += expected.split_inclusive(|byte| *byte == b'\n').count() as u64;
    }
    assert_eq!((summary.lines, summary.bytes_dropped, summary.lines_dropped), (lines, 0, 0), "{case}");
    let seen = bench.reader().summary().await.expect("it can be read").expect("there is output");
    assert_eq!((seen.lines, seen.bytes, seen.finished, seen.gap), (lines, summary.bytes, true, None), "{case}");
}

#[tokio::test]
async fn any_chunks_of_both_streams_are_stored_byte_for_byte() {
    for seed in 1..6 {
        let bench = Bench::with_secrets(&SECRETS).await;
        let script = Script::random(seed, 300_000, &WORDS, 70_000);
        let summary = play(&bench, &script, |_| false).await;
        assert_whole(&bench, &script, &summary, &format!("seed {seed}")).await;
    }
}

#[tokio::test]
async fn a_death_after_any_push_loses_and_doubles_nothing() {
    let script = Script::random(77, 600, &WORDS, 12);
    let mut bench = Bench::with_secrets(&SECRETS).await;
    for death in 0..script.chunks.len() {
        bench.attempt = AttemptId(uuid::Uuid::now_v7());
        let summary = play(&bench, &script, |index| index == death).await;
        assert_whole(&bench, &script, &summary, &format!("death after chunk {death}")).await;
    }
}

#[tokio::test]
async fn many_deaths_lose_and_double_nothing() {
    for seed in 1..5 {
        let bench = Bench::with_secrets(&SECRETS).await;
        let script = Script::random(seed, 200_000, &WORDS, 5_000);
        let mut dice = Dice(seed + 100);
        let summary = play(&bench, &script, |_| dice.below(8) == 0).await;
        assert_whole(&bench, &script, &summary, &format!("seed {seed}")).await;
    }
}

#[tokio::test]
async fn a_death_in_the_middle_of_a_secret_does_not_show_its_rest() {
    let bench = Bench::with_secrets(&SECRETS).await;
    let mut log = bench.open().await;
    log.push(&arrival(Stream::Stdout, 0, b"pw=hunter2-hun"), STARTED_MS).await.expect("it is taken");
    log.tick(STARTED_MS + 500).await.expect("it is stored");
    drop(log);
    let mut log = bench.open().await;
    assert_eq!(log.offsets().stdout, 3, "what may be a secret is not stored yet");
    log.push(&arrival(Stream::Stdout, 3, b"hunter2-hunter2\n"), STARTED_MS + 600).await.expect("it is taken");
    log.finish(STARTED_MS + 700).await.expect("it is stored");
    assert_eq!(bench.bytes(Source::Both).await, b"pw=[redacted: db_password]\n");
}

#[tokio::test]
async fn a_line_open_at_the_crash_keeps_its_number_and_its_time() {
    let bench = Bench::new().await;
    let mut log = bench.open().await;
    log.push(&arrival(Stream::Stdout, 0, b"one\ntw"), STARTED_MS + 10).await.expect("it is taken");
    log.tick(STARTED_MS + 500).await.expect("it is stored");
    drop(log);
    let mut log = bench.open().await;
    assert_eq!(log.offsets().stdout, 6);
    log.push(&arrival(Stream::Stderr, 0, b"err\n"), STARTED_MS + 5_000).await.expect("it is taken");
    log.push(&arrival(Stream::Stdout, 6, b"o\n"), STARTED_MS + 5_001).await.expect("it is taken");
    log.finish(STARTED_MS + 5_002).await.expect("it is stored");
    let page = bench.reader().lines(1, 9, PageLimits::default()).await.expect("it can be read");
    let rows: Vec<_> = page.rows.iter().map(|row| (row.line, row.ms, row.bytes.as_slice())).collect();
    assert_eq!(rows, [(1, 10, &b"one\n"[..]), (2, 10, b"two\n"), (3, 5_000, b"err\n")]);
}

#[tokio::test]
async fn bytes_that_come_twice_are_stored_once_and_missing_ones_are_refused() {
    let bench = Bench::new().await;
    let mut log = bench.open().await;
    log.push(&arrival(Stream::Stdout, 0, b"abcdef"), STARTED_MS).await.expect("it is taken");
    log.push(&arrival(Stream::Stdout, 3, b"defghi"), STARTED_MS).await.expect("it is taken");
    let refused = log.push(&arrival(Stream::Stdout, 20, b"x"), STARTED_MS).await.expect_err("bytes are missing");
    assert!(!refused.is_disk_full());
    log.finish(STARTED_MS).await.expect("it is stored");
    log.finish(STARTED_MS).await.expect("it may be repeated");
    assert_eq!(bench.bytes(Source::Both).await, b"abcdefghi");
}
