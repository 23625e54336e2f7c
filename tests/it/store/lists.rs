//! The list of runs: filters and pages.

use steadyhand::store::runs::{Cursor, Filter};

use super::{TestStore, event, fresh_run, row};

#[tokio::test]
async fn pages_show_each_run_once_newest_first() {
    for test in TestStore::both().await {
        for number in 0..23 {
            let run = fresh_run();
            let mut row = row(run);
            // Several runs share a time, so that the id must order them.
            row.started_at_ms = number / 5;
            test.store.append(run, 0, None, &[event("{}")], &row).await.unwrap();
        }
        let (mut seen, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = test.store.list_runs(&Filter::default(), cursor, 5).await.unwrap();
            seen.extend(page.runs.iter().map(|run| (run.started_at_ms, run.id)));
            pages += 1;
            let Some(next) = page.next else { break };
            cursor = Some(next.to_string().parse::<Cursor>().unwrap());
        }
        let mut sorted = seen.clone();
        sorted.sort_by(|one, other| other.cmp(one));
        sorted.dedup();
        assert_eq!((seen.len(), pages), (23, 5));
        assert_eq!(seen, sorted);
    }
    assert!("x".parse::<Cursor>().is_err() && "1.x".parse::<Cursor>().is_err());
}

#[tokio::test]
async fn each_filter_finds_its_runs_and_no_others() {
    for test in TestStore::both().await {
        let (ours, other) = (fresh_run(), fresh_run());
        let mut row_ours = row(ours);
        row_ours.title = "Grüne 100% Wolke".into();
        row_ours.runbook = "db/failover".parse().unwrap();
        row_ours.state = "waiting".into();
        row_ours.waiting = Some("approval of step 2".into());
        row_ours.started_by = "grace".into();
        row_ours.hosts = vec!["db-1".parse().unwrap()];
        row_ours.started_at_ms = 50;
        row_ours.last_seq = 1;
        test.store.append(ours, 0, None, &[event("{}")], &row_ours).await.unwrap();
        let mut row_other = row(other);
        row_other.ended_at_ms = Some(70);
        row_other.started_at_ms = 60;
        test.store.append(other, 0, None, &[event("{}")], &row_other).await.unwrap();
        let filters = [
            Filter { state: Some("waiting".into()), ..Filter::default() },
            Filter { runbook: "db/failover".parse().ok(), ..Filter::default() },
            Filter { host: "db-1".parse().ok(), ..Filter::default() },
            Filter { person: Some("grace".into()), ..Filter::default() },
            Filter { q: Some("GRÜNE 100%".into()), ..Filter::default() },
            Filter { q: Some("failover".into()), ..Filter::default() },
            Filter { until_ms: Some(60), ..Filter::default() },
            Filter { host: "db-1".parse().ok(), person: Some("grace".into()), since_ms: Some(50), ..Filter::default() },
        ];
        for filter in filters {
            let page = test.store.list_runs(&filter, None, 10).await.unwrap();
            assert_eq!(page.runs, [row_ours.clone()], "{filter:?}");
        }
        for filter in [
            Filter { q: Some("1_0%".into()), ..Filter::default() },
            Filter { q: Some("\\".into()), ..Filter::default() },
            Filter { host: "db-1".parse().ok(), state: Some("failed".into()), ..Filter::default() },
            Filter { since_ms: Some(61), ..Filter::default() },
        ] {
            assert_eq!(test.store.list_runs(&filter, None, 10).await.unwrap().runs, [], "{filter:?}");
        }
        let since = Filter { since_ms: Some(60), ..Filter::default() };
        assert_eq!(test.store.list_runs(&since, None, 10).await.unwrap().runs[0].id, other);
        assert_eq!(test.store.unfinished_runs().await.unwrap(), [row_ours]);
    }
}
