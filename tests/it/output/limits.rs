//! Too much, too long, no room: bounded memory, true counts, and a second try after the disk has space.

use bytes::Bytes;
use steadyhand::engine::output::{Caps, LineGap, PageLimits, RawPart, Source};
use steadyhand::run::outcome::Stream;
use steadyhand::transport::{Arrival, CHUNK_BYTES_MAX};

use super::bench::{Bench, STARTED_MS, arrival};

/// A segment, a chunk, and what is held back.
const BUFFERED_BYTES_MAX: usize = 512 * 1024;

#[tokio::test]
async fn a_line_of_any_length_takes_bounded_memory_and_opens_in_rows() {
    let bench = Bench::with_secrets(&[("token", "xxxxxxxx-yyyyyyyy")]).await;
    let mut log = bench.open().await;
    let chunk = Bytes::from(vec![b'x'; CHUNK_BYTES_MAX]);
    let chunks = 1024;
    for index in 0..chunks {
        let arrived =
            Arrival::Bytes { stream: Stream::Stdout, offset: (index * chunk.len()) as u64, bytes: chunk.clone() };
        log.push(&arrived, STARTED_MS + index as u64).await.expect("it is taken");
        assert!(log.buffered_bytes() <= BUFFERED_BYTES_MAX, "{} bytes are kept", log.buffered_bytes());
    }
    let summary = log.finish(STARTED_MS + 2000).await.expect("it is stored");
    assert_eq!((summary.lines, summary.bytes), (1, (chunks * chunk.len()) as u64));
    let page =
        bench.reader().lines(1, 1, PageLimits { rows_max: 3, bytes_max: usize::MAX }).await.expect("it can be read");
    let rows: Vec<_> = page.rows.iter().map(|row| (row.line, row.bytes.len(), row.continues, row.continued)).collect();
    assert_eq!(rows, [(1, 65_536, false, true), (1, 65_536, true, true), (1, 65_536, true, true)]);
    let end = bench.reader().raw(Source::Both, summary.bytes - 10, 100).await.expect("it can be read");
    assert_eq!(end.bytes, [b'x'; 10]);
}

/// Lines `0000001\n` and so on, eight bytes each.
fn numbered_lines(count: u64) -> Vec<u8> {
    (1..=count).flat_map(|line| format!("{line:07}\n").into_bytes()).collect()
}

#[tokio::test]
async fn beyond_the_cap_head_and_tail_stay_and_the_counts_are_true() {
    let mut bench = Bench::new().await;
    bench.caps = Caps { stored_bytes_max: 40_000, head_bytes: 8_000, tail_bytes: 16_000 };
    let all = numbered_lines(50_000);
    let mut log = bench.open().await;
    for (index, chunk) in all.chunks(1_000).enumerate() {
        let now_ms = STARTED_MS + 200 * index as u64;
        log.push(&arrival(Stream::Stdout, index as u64 * 1_000, chunk), now_ms).await.expect("it is taken");
        log.tick(now_ms + 199).await.expect("it is stored");
        if index == 300 {
            drop(log);
            log = bench.open().await;
            assert_eq!(log.offsets().stdout, 301_000, "offsets count what was dropped");
        }
    }
    let summary = log.finish(STARTED_MS + 200_000).await.expect("it is stored");
    assert_eq!((summary.lines, summary.bytes), (50_000, 400_000));
    assert!((359_000..=377_000).contains(&summary.bytes_dropped), "{summary:?}");
    assert_eq!(summary.lines_dropped, summary.bytes_dropped / 8);

    let reader = bench.reader();
    let seen = reader.summary().await.expect("it can be read").expect("there is output");
    let gap = seen.gap.expect("lines were dropped");
    let before_line = 1_001 + summary.lines_dropped;
    assert_eq!(
        gap,
        LineGap { after_line: 1_000, before_line, bytes: summary.bytes_dropped, lines: summary.lines_dropped }
    );
    let lines = async |from, to| {
        let page = reader.lines(from, to, PageLimits::default()).await.expect("it can be read");
        page.rows.into_iter().map(|row| (row.line, row.bytes)).collect::<Vec<_>>()
    };
    assert_eq!(lines(999, 1_001).await, [(999, b"0000999\n".to_vec()), (1_000, b"0001000\n".to_vec())]);
    assert_eq!(lines(20_000, 20_010).await, []);
    assert_eq!(lines(before_line - 1, before_line).await, [(before_line, format!("{before_line:07}\n").into_bytes())]);
    let jump = reader.raw(Source::One(Stream::Stdout), 8_000, 8).await.expect("it can be read");
    assert_eq!(
        jump,
        RawPart { offset: 8_000 + summary.bytes_dropped, bytes: format!("{before_line:07}\n").into_bytes() }
    );
    assert_eq!(lines(50_000, 60_000).await, [(50_000, b"0050000\n".to_vec())]);
}

#[tokio::test]
async fn dropped_segments_leave_no_files_behind() {
    let mut bench = Bench::new().await;
    bench.caps = Caps { stored_bytes_max: 1_000_000, head_bytes: 300_000, tail_bytes: 300_000 };
    let mut log = bench.open().await;
    let mut dice = super::bench::Dice(5);
    for index in 0..100_u64 {
        let noise: Vec<u8> = (0..60_000).map(|_| dice.below(256) as u8).collect();
        log.push(&arrival(Stream::Stdout, index * 60_000, &noise), STARTED_MS).await.expect("it is taken");
    }
    let summary = log.finish(STARTED_MS).await.expect("it is stored");
    assert_eq!(summary.bytes, 6_000_000);
    let files = walk(&bench.folder.path().join("blobs"));
    assert!(!files.is_empty(), "large segments are files");
    assert!(files.iter().sum::<u64>() < 1_700_000, "{files:?}");
}

fn walk(folder: &std::path::Path) -> Vec<u64> {
    let mut sizes = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() { sizes.extend(walk(&path)) } else { sizes.push(path.metadata().expect("it is there").len()) }
    }
    sizes
}

#[tokio::test]
async fn a_failed_store_keeps_what_is_at_hand_and_the_same_push_may_be_made_again() {
    let bench = Bench::new().await;
    let mut log = bench.open().await;
    let mut dice = super::bench::Dice(9);
    let noise: Vec<u8> = (0..600_000).map(|_| dice.below(256) as u8).collect();
    let (blobs, aside) = (bench.folder.path().join("blobs"), bench.folder.path().join("aside"));
    std::fs::rename(&blobs, &aside).expect("the folder moves");
    std::fs::write(&blobs, b"in the way").expect("a file takes its place");
    let whole = arrival(Stream::Stdout, 0, &noise);
    for _ in 0..3 {
        log.push(&whole, STARTED_MS).await.expect_err("it cannot be stored");
        assert!(log.buffered_bytes() <= BUFFERED_BYTES_MAX);
    }
    assert_eq!(log.offsets().stdout, 0);
    std::fs::remove_file(&blobs).expect("the file goes");
    std::fs::rename(&aside, &blobs).expect("the folder comes back");
    log.push(&whole, STARTED_MS).await.expect("it is taken");
    log.finish(STARTED_MS).await.expect("it is stored");
    assert!(bench.bytes(Source::Both).await == noise);
}
