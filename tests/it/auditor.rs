//! The keeper of the audit log, with a clock that a test moves.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use steadyhand::audit::anchor::Anchor;
use steadyhand::audit::checkpoint::SigningKey;
use steadyhand::audit::entry::{Kind, NewEntry};
use steadyhand::auditor::keeper::{CHECKPOINT_EVERY_MS, Keeper};
use steadyhand::auditor::witnesses;
use steadyhand::clock::{Clock, Manual};
use steadyhand::store::{DatabaseUrl, Store};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(60);

async fn open(data: &Path) -> Store {
    Store::open(&DatabaseUrl::in_data_dir(data), data).await.expect("the store opens")
}

async fn record(store: &Store) {
    store.record(&NewEntry::new(1, Kind::SecretUsed, "user:ada", "secret:x")).await.expect("it is recorded");
}

/// Waits until `count` checkpoints are there.
async fn until(store: &Store, count: usize) {
    let waiting = async {
        while store.checkpoints(0).await.expect("they can be read").len() < count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("a checkpoint is made in time");
}

#[tokio::test]
async fn a_checkpoint_is_made_every_five_minutes_while_something_changes_and_not_otherwise() {
    let data = tempfile::tempdir().expect("a folder can be made");
    let store = open(data.path()).await;
    let clock = Arc::new(Manual::at(1_000));
    let key = SigningKey::of(&[7; 32]);
    let keys = [key.public()];
    let keeper = Arc::new(Keeper::new(store.clone(), clock.clone() as Arc<dyn Clock>, key, Vec::new()));
    record(&store).await;
    let stop = CancellationToken::new();
    let keeping = tokio::spawn({
        let (keeper, stop) = (keeper.clone(), stop.clone());
        async move { keeper.keep(stop).await }
    });
    until(&store, 1).await;
    record(&store).await;
    clock.advance(Duration::from_millis(CHECKPOINT_EVERY_MS - 1));
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.checkpoints(0).await.expect("they can be read").len(), 1, "not before its time");
    clock.advance(Duration::from_millis(1));
    clock.advance(Duration::from_secs(15));
    until(&store, 2).await;
    // Nothing changes any more.
    for _ in 0..3 {
        clock.advance(Duration::from_millis(CHECKPOINT_EVERY_MS));
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
    }
    stop.cancel();
    keeping.await.expect("it ends");
    record(&store).await;
    keeper.finish().await;
    assert_eq!(store.checkpoints(0).await.expect("they can be read").len(), 3);
    assert_eq!(store.verify_all(&keys).await.expect("it can be read").findings, []);
}

#[tokio::test]
async fn one_anchor_that_fails_holds_up_none_of_the_others_and_gets_all_later() {
    let data = tempfile::tempdir().expect("a folder can be made");
    let store = open(data.path()).await;
    let clock = Arc::new(Manual::at(1_000));
    let [bad, good] = ["mount/anchors", "anchors"].map(|name| Anchor::File(data.path().join(name)));
    let repository = data.path().join("repository");
    let made = steadyhand::process::command("git").args(["init", "--quiet", "--bare"]).arg(&repository).status().await;
    assert!(made.expect("git starts").success());
    let git = Anchor::Git(repository);
    let anchors = vec![bad.clone(), good.clone(), git.clone()];
    let key = SigningKey::of(&[7; 32]);
    let keeper = Keeper::new(store.clone(), clock.clone() as Arc<dyn Clock>, key, anchors);
    for failing in [1, 0] {
        record(&store).await;
        keeper.checkpoint(None).await.expect("it is made");
        // The second time it is not yet tried again: that is no new failure.
        assert_eq!(keeper.send().await, failing);
    }
    let numbers = async |anchor: &Anchor| -> Vec<u64> {
        witnesses::read(anchor).await.expect("it can be read").iter().map(|witness| witness.number).collect()
    };
    for anchor in [&good, &git] {
        assert_eq!(numbers(anchor).await, [1, 2]);
    }
    let states = store.anchor_states().await.expect("they can be read");
    let state = states.iter().find(|state| state.anchor == bad.to_string()).expect("it has a queue");
    assert_eq!((state.waiting, state.sent_last), (2, 0));
    assert!(state.last_error.as_ref().is_some_and(|error| error.contains("No such file")), "{state:?}");

    std::fs::create_dir(data.path().join("mount")).expect("it can be made");
    clock.advance(Duration::from_secs(61));
    assert_eq!(keeper.send().await, 0);
    assert_eq!(numbers(&bad).await, [1, 2], "all of them, in order");
}
