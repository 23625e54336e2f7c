//! A step that leaves evidence: one line in an append-only ledger on the host when it begins and one when it
//! ends, with the SHA-256 of what it printed in between.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use steadyhand::id::RunId;
use steadyhand::run::outcome::Stream;
use steadyhand::run::view::RunStateName;

use super::world::{World, brief};
use crate::sshd::{Sshd, write_program};

/// What each run of [`write_runbook`] does on each host, in this order.
pub const STEPS: [&str; 5] = ["look", "stop_it", "change_it", "start_it", "look_again"];

/// Prints 1 KiB to 2 MiB of noise on both streams, in two parts each, sleeping a little between them. What it
/// prints follows from its arguments alone; the ledger gets the sums of what was really produced.
const PROGRAM: &str = r#"#!/bin/sh
echo "$1 $2 begun" >>"$HOME/ledger"
key=$(printf '%s' "$1 $2 $(uname -n)" | sha256sum | cut -c1-32)
noise() { head -c "$2" /dev/zero | openssl enc -aes-128-ctr -K "$1" -iv 00000000000000000000000000000000; }
digits() { printf '%d' "0x$(printf '%s' "$key" | cut -c"$1")"; }
out=$((1024 << $(digits 1) % 12)) err=$((1024 << $(digits 2) % 12))
file=$HOME/noise.$1.$2
noise "$key" "$out" >"$file.1"
noise "${key#????}abcd" "$err" >"$file.2"
sums="$(sha256sum <"$file.1" | cut -c1-64) $(sha256sum <"$file.2" | cut -c1-64)"
emit() { head -c $(($2 / 3)) "$1"; sleep "0.$(digits 3)"; tail -c +$(($2 / 3 + 1)) "$1"; }
emit "$file.1" "$out" &
emit "$file.2" "$err" >&2 &
wait
sleep "0.0$(digits 4)"
rm -f "$file.1" "$file.2"
echo "$1 $2 done $sums" >>"$HOME/ledger"
"#;

/// Puts the program on each host, and the runbook into the library.
pub fn prepare(world: &World) -> String {
    for host in &world.hosts {
        write_program(&host.bin().join("ledger-step"), PROGRAM);
    }
    let steps: String = STEPS
        .iter()
        .map(|step| {
            let verb = if step.starts_with("look") { "check" } else { "run" };
            format!("  - {{id: {step}, name: Do it, {verb}: ledger-step \"$ticket\" {step}}}\n")
        })
        .collect();
    let top = "hosts: {select: test=yes}\ninputs: {ticket: {description: Whose lines, type: string}}\n";
    world.runbook_with("ledger", top, &steps)
}

/// Whether all of a ticket's steps have ended on all hosts.
pub fn is_done(hosts: &[Sshd], ticket: &str) -> bool {
    hosts.iter().all(|host| {
        let ledger = std::fs::read_to_string(host.home().join("ledger")).unwrap_or_default();
        STEPS.iter().all(|step| ledger.contains(&format!("{ticket} {step} done ")))
    })
}

/// What was seen at the end, for people.
#[derive(Debug, Default)]
pub struct Tally {
    pub runs: usize,
    pub steps: usize,
    pub started_twice: Vec<String>,
    pub lost: Vec<String>,
    pub wrong_bytes: Vec<String>,
    pub not_succeeded: Vec<String>,
    pub bytes: u64,
}

impl Tally {
    pub fn is_clean(&self) -> bool {
        self.started_twice.is_empty()
            && self.lost.is_empty()
            && self.wrong_bytes.is_empty()
            && self.not_succeeded.is_empty()
    }
}

/// Holds the server's memory of these runs against the hosts' ledgers.
pub fn compare(world: &World, runs: &BTreeMap<String, RunId>) -> Tally {
    let mut tally = Tally::default();
    for (ticket, run) in runs {
        tally.runs += 1;
        let view = world.view(*run);
        if view.state != RunStateName::Succeeded {
            tally.not_succeeded.push(format!("{ticket}: {}", brief(&view)));
        }
        world.assert_chain(*run);
        for host in &world.hosts {
            let name = host.target().name;
            let ledger = world.file_on(name.as_str(), "ledger");
            for step in STEPS {
                tally.steps += 1;
                let place = format!("{ticket} {step} on {name}");
                let begun = ledger.lines().filter(|line| **line == format!("{ticket} {step} begun")).count();
                if begun > 1 {
                    tally.started_twice.push(format!("{place}: {begun} times"));
                }
                let done = format!("{ticket} {step} done ");
                let Some(sums) = ledger.lines().rfind(|line| line.starts_with(&done)) else {
                    tally.lost.push(place);
                    continue;
                };
                for (stream, sum) in [Stream::Stdout, Stream::Stderr].into_iter().zip(sums[done.len()..].split(' ')) {
                    let stored = world.stored(*run, step, name.as_str(), stream);
                    tally.bytes += stored.len() as u64;
                    if sha256(&stored) != sum {
                        tally.wrong_bytes.push(format!("{place} {stream:?}: {} bytes stored", stored.len()));
                    }
                }
            }
        }
    }
    tally
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
