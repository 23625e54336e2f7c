//! The list of runs: filters and pages.

use steadyhand::store::DatabaseUrl;
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

#[tokio::test]
async fn no_filter_of_the_list_walks_all_runs_on_either_database() {
    for test in TestStore::both().await {
        // Enough that a planner which may choose would not choose to walk the table where there is an index.
        let postgres = matches!(test.url, DatabaseUrl::Postgres(_));
        test.raw(if postgres {
            "insert into run (id, runbook, title, state, started_by, started_at_ms, ended_at_ms, step_done, step_total, \
             last_seq, head_hash, search, hosts) select gen_random_uuid(), 'web/r' || (n % 50), 'Title', 'succeeded', \
             'user:p' || (n % 20), n, n, 1, 1, 1, decode(repeat('00', 32), 'hex'), 'title r' || (n % 50), \
             'h' || (n % 100) from generate_series(1, 20000) as n; \
             insert into run_host select hosts, started_at_ms, id from run; \
             insert into run_text select distinct search from run; analyze"
        } else {
            "insert into run (id, runbook, title, state, started_by, started_at_ms, ended_at_ms, step_done, step_total, \
             last_seq, head_hash, search, hosts) with recursive number(n) as (select 1 union all select n + 1 from number \
             where n < 20000) select randomblob(16), 'web/r' || (n % 50), 'Title', 'succeeded', 'user:p' || (n % 20), n, n, \
             1, 1, 1, zeroblob(32), 'title r' || (n % 50), 'h' || (n % 100) from number; \
             insert into run_host select hosts, started_at_ms, id from run; \
             insert into run_text select distinct search from run; analyze"
        })
        .await;
        let runbook = || "web/r7".parse().ok();
        let filters = [
            Filter::default(),
            Filter { since_ms: Some(19_990), ..Filter::default() },
            Filter { until_ms: Some(10), ..Filter::default() },
            Filter { state: Some("waiting".into()), ..Filter::default() },
            Filter { state: Some("failed".into()), ..Filter::default() },
            Filter { runbook: runbook(), ..Filter::default() },
            Filter { runbook: runbook(), state: Some("failed".into()), ..Filter::default() },
            Filter { person: Some("user:p3".into()), ..Filter::default() },
            Filter { host: "h7".parse().ok(), ..Filter::default() },
            Filter { q: Some("r33".into()), ..Filter::default() },
        ];
        for filter in filters {
            let plan = test.store.explain_list(&filter).await.unwrap();
            // The texts are few; everything else is found by an index.
            let walks = |step: &&String| {
                let step = step.trim_start_matches(['-', '>', ' ']);
                let scan = step.starts_with("SCAN ") || step.starts_with("Seq Scan on ");
                scan && !step.contains("run_text")
            };
            assert_eq!(plan.iter().find(walks), None, "{filter:?}: {plan:#?}");
            assert!(plan.iter().any(|step| step.contains("run_by_") || step.contains("run_host")), "{plan:#?}");
        }
        let found =
            test.store.list_runs(&Filter { q: Some("R33".into()), ..Filter::default() }, None, 3).await.unwrap();
        let times: Vec<i64> = found.runs.iter().map(|run| run.started_at_ms).collect();
        assert_eq!(times, [19_983, 19_933, 19_883]);
        let next = test.store.list_runs(&Filter { q: Some("r33".into()), ..Filter::default() }, found.next, 1).await;
        assert_eq!(next.unwrap().runs[0].started_at_ms, 19_833);
    }
}

#[tokio::test]
async fn a_runbook_is_as_proven_as_its_last_runs_say() {
    for test in TestStore::both().await {
        for (state, at_ms) in [("succeeded", 10), ("failed", 20), ("succeeded", 30), ("running", 40)] {
            let run = fresh_run();
            let mut row = row(run);
            row.state = state.into();
            row.started_at_ms = at_ms;
            row.ended_at_ms = (state != "running").then_some(at_ms + 5);
            test.store.append(run, 0, None, &[event("{}")], &row).await.unwrap();
        }
        let known = row(fresh_run()).runbook;
        let proofs = test.store.proofs(&[known, "never/ran".parse().unwrap()]).await.unwrap();
        let times = proofs.iter().map(|proof| (proof.last_success_ms, proof.last_failure_ms)).collect::<Vec<_>>();
        assert_eq!(times, [(Some(35), Some(25)), (None, None)]);
    }
}
