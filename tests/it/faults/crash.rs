//! The server is killed at random moments, a hundred times, while runs start, go on and finish on real hosts.
//! Afterwards nothing was started twice, nothing that finished is lost, and every byte is there.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::ledger::{self, Tally};
use super::program::Program;
use super::world::{World, cell};
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
const FINISH_LIMIT: Duration = Duration::from_secs(120);

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

/// What was ordered: tickets, each with its run once the server has answered.
#[derive(Default)]
struct Orders(BTreeMap<String, Option<steadyhand::id::RunId>>);

#[test]
fn a_hundred_deaths_of_the_server_lose_nothing_and_start_nothing_twice() {
    let mut dice = Dice::thrown();
    let begun = Instant::now();
    let mut world = World::with_hosts(&["web-1", "web-2", "web-3"]);
    ledger::prepare(&world);
    world.die();
    let mut program = Program::over(&world);
    let mut orders = Orders::default();
    let (mut kills, mut idle_kills) = (0, 0);
    while kills < KILLS_MIN || (orders.0.len() < RUNS_WANTED && begun.elapsed() < KILLING_MAX) {
        program.spawn();
        let life = Duration::from_millis(if dice.below(4) == 0 { dice.below(200) } else { 150 + dice.below(2000) });
        let end = Instant::now() + life;
        while Instant::now() < end {
            orders.place(&program, &world.hosts, end);
            std::thread::sleep(Duration::from_millis(5));
        }
        kills += 1;
        idle_kills += usize::from(orders.under_way(&world.hosts) == 0);
        program.kill();
        kill_masters(world.data());
    }
    program.spawn();
    let deadline = Instant::now() + FINISH_LIMIT;
    // Past the deadline the comparison tells what is missing.
    while (!orders.repeat(&program, deadline) || orders.under_way(&world.hosts) > 0) && Instant::now() < deadline {
        assert!(program.is_up(), "the server ended by itself");
        std::thread::sleep(Duration::from_millis(50));
    }
    program.kill();
    world.restart();
    let runs: BTreeMap<_, _> =
        orders.0.into_iter().map(|(ticket, run)| (ticket, run.expect("every order was answered"))).collect();
    for run in runs.values() {
        world.until(*run, "it ends or waits for a person", |view| view.ended_at_ms.is_some() || view.waiting.is_some());
    }
    let tally = ledger::compare(&world, &runs);
    println!("{kills} kills ({idle_kills} with nothing under way) in {:?}: {}", begun.elapsed(), told(&tally));
    assert!(tally.is_clean() && idle_kills * 4 < kills && tally.runs > RUNS_AT_ONCE, "{tally:#?}");
    assert_eq!(world.run_count(), tally.runs, "each order started one run");
}

#[test]
fn sigterm_ends_the_server_soon_and_the_command_goes_on_without_it() {
    let mut world = World::with_hosts(&["web-1"]);
    let steps =
        "  - {id: one, name: Do it, run: 'echo begun >>ledger; while [ ! -e go ]; do sleep 0.02; done; echo end'}\n";
    world.runbook("draining", steps);
    world.die();
    let mut program = Program::over(&world);
    program.spawn();
    let body = r#"{"runbook": "draining", "pace": "auto"}"#;
    let deadline = Instant::now() + Duration::from_secs(30);
    let run = loop {
        assert!(Instant::now() < deadline, "it does not start");
        if let Some(run) = program.start("one", body, deadline) {
            break run;
        }
    };
    while world.file_on("web-1", "ledger").is_empty() {
        assert!(Instant::now() < deadline, "the command does not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    let status = program.end_with_term();
    assert!(status.success(), "{status}");
    std::fs::write(world.hosts[0].home().join("go"), "").expect("the host is ours");
    world.restart();
    let view = world.succeeds(run);
    assert_eq!(cell(&view, "one", "web-1").attempts.len(), 1);
    assert_eq!(world.stdout(run, "one", "web-1"), "end\n");
    assert_eq!(world.file_on("web-1", "ledger"), "begun\n");
}

impl Orders {
    fn under_way(&self, hosts: &[Sshd]) -> usize {
        self.0.keys().filter(|ticket| !ledger::is_done(hosts, ticket)).count()
    }

    /// Orders one more run where there are too few; an order that nobody answered is repeated first.
    fn place(&mut self, program: &Program, hosts: &[Sshd], deadline: Instant) {
        if self.repeat(program, deadline) && self.under_way(hosts) < RUNS_AT_ONCE {
            self.0.insert(format!("t{:03}", self.0.len()), None);
            self.repeat(program, deadline);
        }
    }

    /// Whether all are answered now.
    fn repeat(&mut self, program: &Program, deadline: Instant) -> bool {
        for (ticket, run) in self.0.iter_mut().filter(|(_, run)| run.is_none()) {
            let body = format!(
                r#"{{"runbook": "ledger", "inputs": {{"ticket": "{ticket}"}}, "pace": "auto", "confirm": {{"hosts": 3}}}}"#
            );
            *run = program.start(ticket, &body, deadline);
        }
        self.0.values().all(Option::is_some)
    }
}

/// The connections that a killed server leaves behind end after a minute by themselves; hundreds of them would only
/// slow the machine down.
fn kill_masters(data: &Path) {
    for pid in masters(data) {
        kill(pid, "KILL");
    }
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
