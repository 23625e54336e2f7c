//! Viewers: any lines, the end, search, follow, whatever the size and while it grows.

use steadyhand::engine::output::{Case, PageLimits, Query, SearchFrom, SearchLimits, Source};
use steadyhand::run::outcome::Stream;
use steadyhand::store::output::SegmentSelection;

use super::bench::{Bench, STARTED_MS, arrival};

/// 60,000 lines in many segments, every 1,000th of them on stderr.
async fn long_log() -> Bench {
    let bench = Bench::new().await;
    let mut log = bench.open().await;
    let mut offsets = [0, 0];
    for block in 0..600_u64 {
        let mut text = Vec::new();
        for line in block * 100 + 1..=block * 100 + 100 {
            if line % 1_000 == 0 {
                continue;
            }
            text.extend_from_slice(format!("line {line} {}\n", "of some length ".repeat(3)).as_bytes());
        }
        let now_ms = STARTED_MS + block;
        log.push(&arrival(Stream::Stdout, offsets[0], &text), now_ms).await.expect("it is taken");
        offsets[0] += text.len() as u64;
        if block % 10 == 9 {
            let warning = format!("warning {}\n", (block + 1) * 100);
            log.push(&arrival(Stream::Stderr, offsets[1], warning.as_bytes()), now_ms).await.expect("it is taken");
            offsets[1] += warning.len() as u64;
        }
    }
    log.finish(STARTED_MS + 700).await.expect("it is stored");
    bench
}

#[tokio::test]
async fn any_range_of_lines_opens_with_numbers_times_and_streams() {
    let bench = long_log().await;
    let reader = bench.reader();
    for from in [1, 2, 999, 4_097, 30_000, 59_990] {
        let page = reader.lines(from, from + 10, PageLimits::default()).await.expect("it can be read");
        assert_eq!(page.next, None);
        let numbers: Vec<u64> = page.rows.iter().map(|row| row.line).collect();
        assert_eq!(numbers, (from..=(from + 10).min(60_000)).collect::<Vec<_>>());
        for row in page.rows {
            let text = String::from_utf8(row.bytes).expect("it is text");
            let on_stderr = row.line % 1_000 == 0;
            assert_eq!(row.stream == Stream::Stderr, on_stderr, "line {}", row.line);
            let begin = if on_stderr { format!("warning {}\n", row.line) } else { format!("line {} ", row.line) };
            assert!(text.starts_with(&begin), "line {}: {text}", row.line);
            assert_eq!(row.ms, (row.line - 1) / 100);
            assert!(!row.continues && !row.continued);
        }
    }
}

#[tokio::test]
async fn a_page_is_bounded_and_says_where_it_goes_on() {
    let bench = long_log().await;
    let limits = PageLimits { rows_max: 50, bytes_max: usize::MAX };
    let page = bench.reader().lines(10_000, 20_000, limits).await.expect("it can be read");
    assert_eq!((page.rows.len(), page.next), (50, Some(10_050)));
    let limits = PageLimits { rows_max: 1_000, bytes_max: 1_000 };
    let page = bench.reader().lines(10_001, 20_000, limits).await.expect("it can be read");
    assert!(page.rows.iter().map(|row| row.bytes.len()).sum::<usize>() <= 1_000);
    assert_eq!(page.next, page.rows.last().map(|row| row.line + 1));
}

#[tokio::test]
async fn the_tail_is_the_last_lines() {
    let bench = long_log().await;
    let page = bench.reader().tail(3, PageLimits::default()).await.expect("it can be read");
    assert_eq!(page.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [59_998, 59_999, 60_000]);
    let all = bench.reader().tail(100_000, PageLimits::default()).await.expect("it can be read");
    assert_eq!((all.rows[0].line, all.next), (1, Some(1_501)));
}

#[tokio::test]
async fn search_finds_every_line_once_over_any_number_of_answers() {
    let bench = long_log().await;
    let query = Query::pattern("^(WARNING|line 17[0-9]{3} )", Case::Ignored).expect("a pattern");
    let expected: Vec<u64> = (1..=60_000).filter(|line| line % 1_000 == 0 || line / 1_000 == 17).collect();
    for limits in [
        SearchLimits::default(),
        SearchLimits { hits_max: 5, bytes_max: u64::MAX },
        SearchLimits { hits_max: 99, bytes_max: 1 },
    ] {
        let (mut found, mut from) = (Vec::new(), Some(SearchFrom::Line(1)));
        while let Some(place) = from {
            let page = bench.reader().search(&query, place, limits).await.expect("it can be read");
            found.extend(page.hits.iter().map(|hit| hit.line));
            from = page.next;
        }
        assert_eq!(found, expected);
    }
    let plain = Query::plain("line 42 ", Case::Exact).expect("a text");
    let page =
        bench.reader().search(&plain, SearchFrom::Line(1), SearchLimits::default()).await.expect("it can be read");
    assert_eq!(
        page.hits.iter().map(|hit| (hit.line, hit.ms, hit.stream)).collect::<Vec<_>>(),
        [(42, 0, Stream::Stdout)]
    );
    let page =
        bench.reader().search(&plain, SearchFrom::Line(43), SearchLimits::default()).await.expect("it can be read");
    assert_eq!(page.hits, []);
}

#[tokio::test]
async fn any_part_of_the_bytes_opens() {
    let bench = long_log().await;
    let all = bench.bytes(Source::Both).await;
    for offset in [0, 1, 262_143, 1_000_000, 2_500_000, all.len() - 1] {
        let part = bench.reader().raw(Source::Both, offset as u64, 777).await.expect("it can be read");
        assert_eq!(part.offset, offset as u64);
        assert!(part.bytes == all[offset..(offset + 777).min(all.len())], "offset {offset}");
    }
    assert_eq!(bench.reader().raw(Source::Both, all.len() as u64, 10).await.expect("it can be read").bytes, b"");
    let stderr = bench.reader().raw(Source::One(Stream::Stderr), 13, 14).await.expect("it can be read");
    assert_eq!(stderr.bytes, b"warning 2000\nw");
}

#[tokio::test]
async fn a_follower_sees_every_byte_once_in_order_of_arrival() {
    let bench = Bench::new().await;
    let mut log = bench.open().await;
    let (mut position, mut seen) = (None, Vec::new());
    let texts: [(Stream, &[u8]); 6] = [
        (Stream::Stdout, b"one\ntw"),
        (Stream::Stderr, b"error\n"),
        (Stream::Stdout, b"o\n10%\r"),
        (Stream::Stdout, b"100%\r\n"),
        (Stream::Stderr, b"\xff\0 last"),
        // Its last letter begins no credential: such a one would wait for the next.
        (Stream::Stderr, b" words."),
    ];
    let mut offsets = [0, 0];
    for (index, (stream, text)) in texts.into_iter().enumerate() {
        let now_ms = STARTED_MS + 1_000 * index as u64;
        log.push(&arrival(stream, offsets[stream as usize], text), now_ms).await.expect("it is taken");
        offsets[stream as usize] += text.len() as u64;
        assert_eq!(log.due_ms(), Some(now_ms + 150));
        log.tick(now_ms + 149).await.expect("nothing is due");
        log.tick(now_ms + 150).await.expect("it is stored");
        let new = bench.reader().follow(position, PageLimits::default()).await.expect("it can be read");
        assert!(!new.rows.is_empty() && !new.more);
        position = new.position;
        seen.extend(new.rows.into_iter().map(|row| (row.line, row.bytes, row.continues, row.continued)));
    }
    let expected: [(u64, &[u8], bool, bool); 8] = [
        (1, b"one\n", false, false),
        (2, b"tw", false, true),
        (3, b"error\n", false, false),
        (2, b"o\n", true, false),
        (4, b"10%\r", false, true),
        (4, b"100%\r\n", true, false),
        (5, b"\xff\0 last", false, true),
        (5, b" words.", true, true),
    ];
    assert_eq!(seen, expected.map(|(line, bytes, continues, continued)| (line, bytes.to_vec(), continues, continued)));
    let again = bench.reader().follow(None, PageLimits::default()).await.expect("it can be read");
    assert_eq!((again.rows.len(), again.position), (8, position));
    let few = bench.reader().follow(None, PageLimits { rows_max: 1, bytes_max: 1 }).await.expect("it can be read");
    assert!(few.more && few.rows.len() < 8);
    let page = bench.reader().lines(1, 9, PageLimits::default()).await.expect("it can be read");
    assert_eq!(
        page.rows.iter().map(|row| row.bytes.as_slice()).collect::<Vec<_>>(),
        [&b"one\n"[..], b"two\n", b"error\n", b"10%\r100%\r\n", b"\xff\0 last words."]
    );
}

#[tokio::test]
async fn an_attempt_without_output_reads_as_nothing() {
    let bench = Bench::new().await;
    assert_eq!(bench.reader().summary().await.expect("it can be read"), None);
    let summary = bench.open().await.finish(STARTED_MS).await.expect("it is stored");
    assert_eq!((summary.bytes, summary.lines), (0, 0));
    let seen = bench.reader().summary().await.expect("it can be read").expect("the attempt is known");
    assert_eq!((seen.lines, seen.finished, seen.position), (0, true, None));
    assert_eq!(bench.reader().tail(10, PageLimits::default()).await.expect("it can be read").rows, []);
    assert_eq!(bench.reader().raw(Source::Both, 0, 10).await.expect("it can be read").bytes, b"");
}

#[tokio::test]
async fn the_rows_of_a_slow_stream_are_merged_and_every_position_stays_good() {
    let bench = Bench::new().await;
    let mut log = bench.open().await;
    let mut positions = vec![None];
    for line in 1..=200_u64 {
        let now_ms = STARTED_MS + line * 1_000;
        log.push(&arrival(Stream::Stdout, (line - 1) * 5, format!("{line:04}\n").as_bytes()), now_ms)
            .await
            .expect("it is taken");
        log.tick(now_ms + 150).await.expect("it is stored");
        positions.push(bench.reader().summary().await.expect("it can be read").expect("it is begun").position);
    }
    log.finish(STARTED_MS + 300_000).await.expect("it is stored");
    let rows = bench.store.segments(bench.attempt, SegmentSelection::All, 64).await.expect("rows");
    assert_eq!(rows.len(), 3 + 200 % 64);
    for (seen, position) in positions.into_iter().enumerate() {
        let new = bench.reader().follow(position, PageLimits::default()).await.expect("it can be read");
        let lines: Vec<u64> = new.rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, (seen as u64 + 1..=200).collect::<Vec<_>>(), "after {position:?}");
    }
    for line in [1, 64, 65, 199, 200] {
        let page = bench.reader().lines(line, line, PageLimits::default()).await.expect("it can be read");
        assert_eq!((page.rows.len(), &page.rows[0].bytes[..]), (1, format!("{line:04}\n").as_bytes()));
    }
    assert_eq!(bench.bytes(Source::Both).await.len(), 1_000);
}

#[tokio::test]
async fn the_last_hit_before_any_line_is_found_from_behind() {
    let bench = long_log().await;
    let reader = bench.reader();
    let query = Query::pattern("^warning ", Case::Exact).expect("a pattern");
    for (before, expected) in
        [(u64::MAX, Some(60_000)), (60_000, Some(59_000)), (30_500, Some(30_000)), (1_001, Some(1_000)), (1_000, None)]
    {
        let hit = reader.last_hit(&query, before, u64::MAX).await.expect("it can be read");
        assert_eq!(hit.map(|hit| hit.line), expected, "before {before}");
    }
    let trouble = reader.last_hit(&Query::trouble(), u64::MAX, 1).await.expect("it can be read");
    assert_eq!(trouble.map(|hit| (hit.line, hit.stream)), Some((60_000, Stream::Stderr)));
    let far = reader.last_hit(&Query::plain("line 1 ", Case::Exact).expect("a text"), u64::MAX, 1).await;
    assert_eq!(far.expect("it can be read"), None, "it reads no more than it may");
}
