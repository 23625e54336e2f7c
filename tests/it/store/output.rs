//! Output logs: offsets and bytes together, replays, merging.

use bytes::Bytes;
use steadyhand::id::AttemptId;
use steadyhand::store::output::{
    INLINE_BYTES_MAX, NewSegment, OutputError, OutputOwner, OutputTotals, RawOffsets, SegmentPlace, SegmentSelection,
    SegmentStored,
};

use super::{TestStore, fresh_run, fresh_uuid};

fn owner() -> OutputOwner {
    OutputOwner {
        attempt: AttemptId(fresh_uuid()),
        run: fresh_run(),
        step: "clean".parse().unwrap(),
        host: "web-1".parse().unwrap(),
        number: 1,
        purpose: "run".into(),
    }
}

/// A segment with lines `first` to `last`.
fn segment(first: u64, last: u64, bytes: impl Into<Bytes>) -> NewSegment {
    let bytes = bytes.into();
    NewSegment { first_line: first, last_line: last, first_ms: 0, last_ms: 5, bytes_raw: bytes.len() as u64, bytes }
}

fn stdout(stdout: u64) -> RawOffsets {
    RawOffsets { stdout, stderr: 0 }
}

const NONE: OutputTotals = OutputTotals { lines: 0, bytes: 0, lines_dropped: 0, bytes_dropped: 0, finished: false };

#[tokio::test]
async fn offsets_and_bytes_are_stored_together_and_a_replay_changes_nothing() {
    for test in TestStore::both().await {
        let owner = owner();
        let attempt = owner.attempt;
        test.store.open_attempt_output(&owner).await.unwrap();
        test.store.open_attempt_output(&owner).await.unwrap();
        let totals = OutputTotals { lines: 2, bytes: 10, ..NONE };
        let append =
            |segment, from, to| test.store.append_segment(attempt, Some(segment), stdout(from), stdout(to), totals);
        let (one, two) = (segment(1, 2, "one"), segment(3, 4, "two"));
        assert_eq!(append(&one, 0, 10).await.unwrap(), SegmentStored::New { index: Some(0) });
        assert_eq!(append(&one, 0, 10).await.unwrap(), SegmentStored::Already);
        for (from, to) in [(5, 15), (11, 20), (0, 12)] {
            let refused = append(&two, from, to).await;
            assert!(
                matches!(refused, Err(OutputError::NotContinuous { stored, .. }) if stored == stdout(10)),
                "{refused:?}"
            );
        }
        assert_eq!(append(&two, 10, 20).await.unwrap(), SegmentStored::New { index: Some(1) });
        let finished = OutputTotals { lines: 4, bytes: 20, finished: true, ..NONE };
        let ended = test.store.append_segment(attempt, None, stdout(20), stdout(20), finished).await.unwrap();
        assert_eq!(ended, SegmentStored::New { index: None });
        test.store.close().await;

        let store = test.reopened().await;
        assert_eq!(store.offsets(attempt).await.unwrap(), Some(stdout(20)));
        let outputs = store.list_outputs(owner.run).await.unwrap();
        assert_eq!((outputs.len(), &outputs[0].owner, outputs[0].totals), (1, &owner, finished));
        let segments = store.segments(attempt, SegmentSelection::All, 64).await.unwrap();
        let bytes: Vec<_> = segments.iter().map(|segment| segment.place.clone()).collect();
        assert_eq!(bytes, [SegmentPlace::Inline("one".into()), SegmentPlace::Inline("two".into())]);
        let of_line = store.segments(attempt, SegmentSelection::Lines { first: 3, last: 3 }, 64).await.unwrap();
        assert_eq!(of_line, segments[1..]);
        assert_eq!(store.segments(attempt, SegmentSelection::After(0), 64).await.unwrap(), segments[1..]);
    }
}

#[tokio::test]
async fn output_of_an_attempt_that_was_never_opened_is_refused() {
    let test = TestStore::sqlite().await;
    let attempt = AttemptId(fresh_uuid());
    let refused = test.store.append_segment(attempt, None, stdout(0), stdout(1), NONE).await;
    assert!(matches!(refused, Err(OutputError::NotOpen { .. })), "{refused:?}");
    assert_eq!(test.store.offsets(attempt).await.unwrap(), None);
}

#[tokio::test]
async fn a_large_segment_is_a_blob_and_merging_leaves_only_the_merged_one() {
    for test in TestStore::both().await {
        let owner = owner();
        let attempt = owner.attempt;
        test.store.open_attempt_output(&owner).await.unwrap();
        let large = segment(1, 1, vec![7; INLINE_BYTES_MAX]);
        test.store.append_segment(attempt, Some(&large), stdout(0), stdout(1), NONE).await.unwrap();
        for line in 2..=4 {
            let small = segment(line, line, "small");
            test.store.append_segment(attempt, Some(&small), stdout(line - 1), stdout(line), NONE).await.unwrap();
        }
        let merged = segment(1, 3, vec![8; INLINE_BYTES_MAX + 1]);
        test.store.replace_segments(attempt, 0..=2, Some(&merged)).await.unwrap();

        let segments = test.store.segments(attempt, SegmentSelection::All, 64).await.unwrap();
        assert_eq!(
            segments.iter().map(|segment| (segment.index, segment.index_last)).collect::<Vec<_>>(),
            [(0, 2), (3, 3)]
        );
        assert_eq!(test.store.segment_bytes(&segments[0]).await.unwrap(), merged.bytes);
        let SegmentPlace::Blob(key) = &segments[0].place else { panic!("{segments:?}") };
        assert_eq!(test.store.blobs().get_range(key, 1..3).await.unwrap(), Bytes::from_static(&[8, 8]));
        assert_eq!(test.store.blobs().keys_below("output").await.unwrap(), std::slice::from_ref(key));

        for range in [0..=1, 1..=3, 3..=4, 9..=9] {
            let refused = test.store.replace_segments(attempt, range, None).await;
            assert!(matches!(refused, Err(OutputError::Changed { .. })), "{refused:?}");
        }
        let next = segment(5, 5, "next");
        let stored = test.store.append_segment(attempt, Some(&next), stdout(4), stdout(5), NONE).await.unwrap();
        assert_eq!(stored, SegmentStored::New { index: Some(4) });
    }
}
