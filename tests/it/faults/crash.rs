//! The server is killed at random moments, a hundred times, while runs start, go on and finish on real hosts.
//! Afterwards nothing was started twice, nothing that finished is lost, and every byte is there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use steadyhand::id::RunId;

use super::ledger::{self, Tally};
use super::world::{Server, Start, World};
use crate::sshd::{Sshd, kill};

/// At least this many deaths.
const KILLS_MIN: usize = 100;

/// Then it goes on until there were this many runs, on a fast machine long before.
const RUNS_WANTED: usize = 25;

/// But not longer than this.
const KILLING_MAX: Duration = Duration::from_secs(150);

/// Runs under way at the same time.
const RUNS_AT_ONCE: usize = 4;

/// For the last life, in which nobody is killed.
const FINISH_LIMIT: Duration = Duration::from_secs(180);

/// Tells the child that it is the server, and of which folder.
const SERVE: &str = "STEADYHAND_TEST_SERVE";

/// xorshift: the same throws for the same seed.
pub struct Dice(u64);

impl Dice {
    /// A seed of its own for each run of the tests, unless one is given to see a failure again.
    pub fn thrown() -> Self {
        let given = std::env::var("STEADYHAND_TEST_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0 | 1);
        println!("STEADYHAND_TEST_SEED={seed}");
        Self(seed)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end.max(1)
    }
}

#[test]
fn a_hundred_deaths_of_the_server_lose_nothing_and_start_nothing_twice() {
    if let Ok(folder) = std::env::var(SERVE) {
        return serve(Path::new(&folder));
    }
    let mut dice = Dice::thrown();
    let begun = Instant::now();
    let mut world = World::with_hosts(&["web-1", "web-2", "web-3"]);
    ledger::prepare(&world);
    world.die();
    let folder = world.folder.path().to_owned();
    std::fs::create_dir(folder.join("orders")).expect("a new folder");
    let mut tickets = Vec::new();
    let (mut kills, mut idle_kills) = (0, 0);
    while kills < KILLS_MIN || (tickets.len() < RUNS_WANTED && begun.elapsed() < KILLING_MAX) {
        let mut child = spawn(&folder);
        let life = Duration::from_millis(if dice.below(4) == 0 { dice.below(200) } else { 150 + dice.below(2000) });
        let end = Instant::now() + life;
        while Instant::now() < end {
            order_more(&folder, &world.hosts, &mut tickets);
            std::thread::sleep(Duration::from_millis(5));
        }
        kills += 1;
        idle_kills += usize::from(under_way(&world.hosts, &tickets) == 0);
        end_with_kill(&mut child, &folder);
    }
    let mut child = spawn(&folder);
    let deadline = Instant::now() + FINISH_LIMIT;
    while under_way(&world.hosts, &tickets) > 0 && Instant::now() < deadline {
        assert!(child.try_wait().expect("our child").is_none(), "the server ended by itself");
        std::thread::sleep(Duration::from_millis(50));
    }
    end_with_kill(&mut child, &folder);
    world.restart();
    let runs = runs_of(&folder, &tickets);
    for run in runs.values() {
        world.until(*run, "it ends or waits for a person", |view| view.ended_at_ms.is_some() || view.waiting.is_some());
    }
    let tally = ledger::compare(&world, &runs);
    println!("{kills} kills ({idle_kills} with nothing under way) in {:?}: {}", begun.elapsed(), told(&tally));
    assert!(tally.is_clean() && idle_kills * 4 < kills && tally.runs > RUNS_AT_ONCE, "{tally:#?}");
    assert_eq!(world.run_count(), tally.runs, "each order started one run");
}

fn told(tally: &Tally) -> String {
    format!(
        "{} runs, {} steps, {} bytes; started twice {}, lost {}, wrong bytes {}, not succeeded {}",
        tally.runs,
        tally.steps,
        tally.bytes,
        tally.started_twice.len(),
        tally.lost.len(),
        tally.wrong_bytes.len(),
        tally.not_succeeded.len()
    )
}

fn under_way(hosts: &[Sshd], tickets: &[String]) -> usize {
    // The oldest have long ended.
    tickets.iter().rev().take(4 * RUNS_AT_ONCE).filter(|ticket| !ledger::is_done(hosts, ticket)).count()
}

fn order_more(folder: &Path, hosts: &[Sshd], tickets: &mut Vec<String>) {
    if under_way(hosts, tickets) < RUNS_AT_ONCE {
        let ticket = format!("t{}", tickets.len());
        std::fs::write(order_file(folder, &ticket), "").expect("the order is written");
        tickets.push(ticket);
    }
}

fn order_file(folder: &Path, ticket: &str) -> PathBuf {
    folder.join("orders").join(ticket)
}

/// The server, in a process of its own: starts what is ordered, once each, and goes on until it is killed.
fn serve(folder: &Path) {
    let server = Server::begin(&folder.join("data"), &folder.join("repo"));
    let mut started: Vec<String> = Vec::new();
    loop {
        for entry in std::fs::read_dir(folder.join("orders")).expect("it is there").flatten() {
            let ticket = entry.file_name().into_string().expect("a ticket");
            let is_ordered = std::fs::read(entry.path()).is_ok_and(|text| text.is_empty());
            if started.contains(&ticket) || !is_ordered {
                continue;
            }
            let start = Start {
                runbook: "ledger".to_owned(),
                inputs: vec![("ticket", ticket.clone())],
                confirm_hosts: Some(3),
                key: Some(ticket.clone()),
                ..Start::plain()
            };
            let run = server.block_on(server.engine.start(start.request())).expect("it starts").run;
            std::fs::write(entry.path(), run.to_string()).expect("it is written");
            started.push(ticket);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn spawn(folder: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this program is a file"))
        .args(["--exact", "--nocapture"])
        .arg("faults::crash::a_hundred_deaths_of_the_server_lose_nothing_and_start_nothing_twice")
        .env(SERVE, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("the test starts itself")
}

/// SIGKILL. The connections that it leaves behind end after a minute by themselves; hundreds of them would only slow
/// the machine down.
fn end_with_kill(child: &mut Child, folder: &Path) {
    child.kill().expect("our child");
    child.wait().expect("our child");
    for pid in masters(&folder.join("data")) {
        kill(pid, "KILL");
    }
}

/// Process ids of the ssh connections that a server with this data folder opened.
pub fn masters(data: &Path) -> Vec<u32> {
    let needle = data.join("ssh").display().to_string();
    let pids = std::fs::read_dir("/proc").expect("Linux").flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            words.starts_with(b"ssh") && String::from_utf8_lossy(&words).contains(&needle)
        })
        .collect()
}

/// The runs that the orders became.
fn runs_of(folder: &Path, tickets: &[String]) -> BTreeMap<String, RunId> {
    let run_of = |ticket: &String| {
        let text = std::fs::read_to_string(order_file(folder, ticket)).expect("the order is there");
        text.trim().parse().ok().map(|run| (ticket.clone(), run))
    };
    tickets.iter().filter_map(run_of).collect()
}
