//! Approvals on a real engine: what changes between people's word and its use, and many who want to use one.

use std::path::Path;

use steadyhand::engine::ask::{ActError, HostsAsked};
use steadyhand::id::RunId;
use steadyhand::run::action::{Action, Request};
use steadyhand::run::approval::Credentials;
use steadyhand::run::event::{Actor, Event, Purpose};
use steadyhand::run::plan::Pace;
use steadyhand::run::view::{Need, RunView};

use super::world::{ANNA, Start, World, inventory, runbook_text};
use crate::sshd::Sshd;

const WAITS: &str = "
  - id: empty
    name: Empty it
    script: empty.sh
    effect: change
    approval: {prompt: 'Empty it on {{host.name}}', from: [user:ben]}
";

const SCRIPT: &str = "#!/bin/sh\necho emptied >>\"$HOME/ledger\"\n";

/// Who may approve, also when their word is used.
const POLICY: &str = "steadyhand: 1\nteams: {web: [anna, ben]}\ngrants: [{who: user:ben, role: approver}]\n";

/// Another key of the right form.
const OTHER_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHTo8k0a1bVg0X0dH4yK1s8n6Qm0vE9cQ3mZ1p2r3s4t";

fn approver(world: &World) -> Credentials {
    let now_ms = world.server().engine.clock().wall_ms();
    Credentials { may_approve: true, authenticated_at_ms: Some(now_ms), ..Credentials::default() }
}

fn approve(world: &World, run: RunId, name: &str) -> Result<RunView, ActError> {
    world.try_act_as(run, name, approver(world), Action::Approve { step: None, note: None })
}

fn asked(world: &World, run: RunId) {
    world.until(run, "it asks for approval", |view| matches!(view.waiting, Some(Need::Approve(_))));
}

fn used(world: &World, run: RunId) -> usize {
    world.events(run).iter().filter(|numbered| matches!(numbered.event, Event::ApprovalUsed { .. })).count()
}

/// Two hosts in a git repository: one with its key in the inventory, one with its key in a known_hosts file.
struct Repository {
    world: World,
}

impl Repository {
    fn new() -> Self {
        let mut world = World::with_hosts(&["web-1", "web-2"]);
        world.die();
        let repository = Self { world };

        repository.write("runbooks/emptying.yaml", &repository.runbook());
        repository.write("runbooks/empty.sh", SCRIPT);
        repository.write("inventory.yaml", &repository.inventory());
        repository.write("access.yaml", POLICY);
        std::fs::write(repository.known_hosts(), repository.known_line()).expect("it is written");
        git(&["init", "--quiet"], &repository.world.repo());
        repository.commit();
        repository
    }

    fn runbook(&self) -> String {
        let top = "hosts: {select: test=yes}\ninputs: {mount: {description: Which, type: string, default: /}}\n";
        runbook_text("emptying", top, WAITS)
    }

    fn inventory(&self) -> String {
        let text = inventory(&self.world.hosts);
        let pinned = format!("host_key: {}", self.world.hosts[1].host_key());
        text.replace(&pinned, &format!("known_hosts: {}", self.known_hosts().display()))
    }

    fn known_hosts(&self) -> std::path::PathBuf {
        self.world.folder.path().join("known_hosts")
    }

    fn known_line(&self) -> String {
        let host: &Sshd = &self.world.hosts[1];
        format!("[{}]:{} {}\n", host.address().ip(), host.address().port(), host.host_key())
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.world.repo().join(file), text).expect("it is written");
    }

    fn change(&self, file: &str, change: impl Fn(&str) -> String) {
        let text = std::fs::read_to_string(self.world.repo().join(file)).expect("it is there");
        let changed = change(&text);
        assert_ne!(text, changed, "the test changes {file}");
        self.write(file, &changed);
    }

    fn commit(&self) {
        git(&["add", "--all"], &self.world.repo());
        git(&["commit", "--quiet", "--allow-empty", "--message", "a commit"], &self.world.repo());
    }
}

fn git(arguments: &[&str], folder: &Path) {
    #[expect(clippy::disallowed_methods, reason = "a test makes its own repository")]
    let output = std::process::Command::new("git")
        .args(["-c", "user.name=test", "-c", "user.email=test@localhost"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("git can be run");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

type Change = fn(&Repository);

/// What can change between a word and its use, and what the driver is told.
const CHANGES: &[(&str, Change, &str)] = &[
    ("commit", |it| git(&["commit", "--quiet", "--amend", "--message", "another"], &it.world.repo()), "commit"),
    ("text", |it| it.change("runbooks/emptying.yaml", |text| text.replace("Empty it\n", "Fill it\n")), "text"),
    (
        "rule",
        |it| it.change("runbooks/emptying.yaml", |text| text.replace("approval: {", "approval: {min: 2, ")),
        "text",
    ),
    ("runbook gone", |it| git(&["rm", "--quiet", "runbooks/emptying.yaml"], &it.world.repo()), "text"),
    ("script", |it| it.change("runbooks/empty.sh", |text| text.replace("emptied", "wiped")), "empty.sh"),
    ("script gone", |it| git(&["rm", "--quiet", "runbooks/empty.sh"], &it.world.repo()), "empty.sh"),
    (
        "host added",
        |it| it.change("inventory.yaml", |text| format!("{text}  web-9: {{labels: {{test: \"yes\"}}}}\n")),
        "selects",
    ),
    ("host gone", |it| it.change("inventory.yaml", |text| text.replace("  web-1:", "  web-8:")), "web-1 is no longer"),
    (
        "address",
        |it| it.change("inventory.yaml", |text| text.replacen("address: ", "address: other-", 1)),
        "address of web-1",
    ),
    (
        "port",
        |it| it.change("inventory.yaml", |text| text.replacen("    port: ", "    port: 22 # ", 1)),
        "address of web-1",
    ),
    ("user", |it| it.change("inventory.yaml", |text| text.replacen("user: ", "user: x", 1)), "account on web-1"),
    (
        "identity",
        |it| it.change("inventory.yaml", |text| text.replacen("identity: ", "identity: /x", 1)),
        "account on web-1",
    ),
    (
        "jump",
        |it| it.change("inventory.yaml", |text| text.replacen("    port:", "    jump: web-2\n    port:", 1)),
        "address of web-1",
    ),
    (
        "host key",
        |it| it.change("inventory.yaml", |text| text.replacen(&it.world.hosts[0].host_key(), OTHER_KEY, 1)),
        "host key of web-1",
    ),
    (
        "known_hosts",
        |it| std::fs::write(it.known_hosts(), format!("{}* {OTHER_KEY}\n", it.known_line())).expect("it is written"),
        "host key of web-2",
    ),
    (
        "labels",
        |it| it.change("inventory.yaml", |text| text.replacen("{test: \"yes\"}", "{test: \"yes\", env: prod}", 1)),
        "labels of web-1",
    ),
    (
        "expect",
        |it| it.change("inventory.yaml", |text| text.replacen("{hostname: web-1}", "{hostname: web-7}", 1)),
        "say of itself",
    ),
    ("policy", |it| it.change("access.yaml", |text| text.replace("anna", "cleo")), "access policy"),
];

#[test]
fn every_change_between_the_word_and_its_use_is_found_and_nothing_runs() {
    let mut repository = Repository::new();
    repository.world.restart();
    assert!(CHANGES.len() >= 14);
    for (name, change, told) in CHANGES {
        let world = &repository.world;
        let run = world.start(Start::of(world, "emptying"));
        asked(world, run);
        change(&repository);
        if *name != "known_hosts" && *name != "commit" {
            repository.commit();
        }
        approve(world, run, "user:ben").unwrap_or_else(|error| panic!("{name}: {error}"));
        let view = world.until(run, "the word is void", |view| matches!(view.waiting, Some(Need::AskAgain { .. })));
        let Some(Need::AskAgain { why, .. }) = view.waiting else { unreachable!() };
        assert!(why.contains(told), "{name}: {why}");
        assert_eq!(used(world, run), 0, "{name}");
        assert_eq!(world.file_on("web-1", "ledger"), "", "{name}: nothing ran");
        world.act(run, Action::Abort { reason: "the next one".to_owned() });
        world.end(run);
        git(&["reset", "--quiet", "--hard", "HEAD~0"], &world.repo());
        for (file, text) in [
            ("runbooks/emptying.yaml", repository.runbook()),
            ("runbooks/empty.sh", SCRIPT.to_owned()),
            ("inventory.yaml", repository.inventory()),
            ("access.yaml", POLICY.to_owned()),
        ] {
            repository.write(file, &text);
        }
        std::fs::write(repository.known_hosts(), repository.known_line()).expect("it is written");
        repository.commit();
    }
    // And where nothing has changed that matters, it runs.
    let world = &repository.world;
    let run = world.start(Start::of(world, "emptying"));
    asked(world, run);
    repository.write("README", "another file\n");
    repository.commit();
    approve(world, run, "user:ben").expect("it is asked for");
    world.succeeds(run);
    assert_eq!(world.file_on("web-1", "ledger"), "emptied\n");
}

#[test]
fn a_word_for_one_run_lets_no_other_begin_whatever_differs() {
    let mut repository = Repository::new();
    repository.world.restart();
    let world = &repository.world;
    let first = world.start(Start::of(world, "emptying"));
    let other_input = world.start(Start::of(world, "emptying").input("mount", "/var"));
    let other_hosts = Start {
        hosts: HostsAsked::Names(vec!["web-1".parse().expect("a host")]),
        confirm_hosts: Some(1),
        ..Start::of(world, "emptying")
    };
    let other_hosts = world.start(other_hosts);
    for run in [first, other_input, other_hosts] {
        asked(world, run);
    }
    approve(world, first, "user:ben").expect("it is asked for");
    world.succeeds(first);
    for run in [other_input, other_hosts] {
        assert!(matches!(world.view(run).waiting, Some(Need::Approve(asked)) if asked.votes.is_empty()));
        assert_eq!(used(world, run), 0);
    }
    assert_eq!(world.file_on("web-1", "ledger"), "emptied\n");
}

#[test]
fn secrets_that_a_restart_lost_void_what_was_approved_with_them() {
    let mut world = World::with_hosts(&["web-1"]);
    let top = "hosts: {select: test=yes}\ninputs: {token: {description: A token, type: secret}}\n";
    let steps =
        "  - {id: empty, name: Empty it, run: 'echo emptied >>ledger', approval: {from: [user:ben]}, confirm: press}\n";
    let name = world.runbook_with("emptying", top, steps);
    let run = world.start(Start::of(&world, &name).secret("token", "hunter2").pace(Pace::Step));
    asked(&world, run);
    approve(&world, run, "user:ben").expect("it is asked for");
    world.until(run, "it waits for its driver", |view| matches!(view.waiting, Some(Need::Confirm { .. })));
    world.restart();
    world.until(run, "it needs its secrets", |view| matches!(view.waiting, Some(Need::Secrets { .. })));
    world.try_act(run, ANNA, Action::SupplySecrets, &[("token", "hunter3")]).expect("they are missing");
    let view = world.view(run);
    assert!(
        matches!(view.waiting, Some(Need::AskAgain { ref why, .. }) if why.contains("secrets")),
        "{:?}",
        view.waiting
    );
    assert_eq!(world.file_on("web-1", "ledger"), "");
}

#[test]
fn a_restart_between_the_word_and_the_step_loses_neither_and_runs_it_once() {
    let mut world = World::with_hosts(&["web-1"]);
    let steps =
        "  - {id: empty, name: Empty it, run: 'echo emptied >>ledger', approval: {from: [user:ben]}, confirm: press}\n";
    let name = world.runbook("emptying", steps);
    let run = world.start(Start::of(&world, &name).pace(Pace::Step));
    asked(&world, run);
    world.restart();
    asked(&world, run);
    approve(&world, run, "user:ben").expect("it is asked for");
    world.restart();
    world.until(run, "it waits for its driver", |view| matches!(view.waiting, Some(Need::Confirm { .. })));
    world.act(run, Action::Confirm { step: "empty".parse().expect("a step"), typed: None });
    world.succeeds(run);
    assert_eq!(world.file_on("web-1", "ledger"), "emptied\n");
    assert_eq!(used(&world, run), 1);
    world.assert_chain(run);
}

/// Of a thousand that ask at once to begin what one approval lets begin, one does, and the host has one line.
#[test]
fn of_a_thousand_at_once_one_uses_the_approval() {
    const AT_ONCE: usize = 1000;
    let world = World::with_hosts(&["web-1"]);
    let steps = "  - {id: empty, name: Empty it, run: 'echo emptied >>ledger; exit 3', approval: {from: [user:ben]}, confirm: press}\n";
    let name = world.runbook("emptying", steps);
    let run = world.start(Start::of(&world, &name).pace(Pace::Step));
    asked(&world, run);
    let step = || "empty".parse().expect("a step");

    // A thousand approvals of one person: one word.
    let who = approver(&world);
    let seen_seq = world.view(run).seq;
    let request = |by: &str, action: Action| Request { by: Actor(by.to_owned()), who: who.clone(), seen_seq, action };
    let words =
        world.all_at_once(run, (0..AT_ONCE).map(|_| request("user:ben", Action::Approve { step: None, note: None })));
    assert_eq!(words, 1, "one person counts once");
    world.until(run, "it waits for its driver", |view| matches!(view.waiting, Some(Need::Confirm { .. })));

    // A thousand that want to begin.
    let seen_seq = world.view(run).seq;
    let request = |action: Action| Request { by: Actor(ANNA.to_owned()), who: who.clone(), seen_seq, action };
    let begun = world.all_at_once(run, (0..AT_ONCE).map(|_| request(Action::Confirm { step: step(), typed: None })));
    assert_eq!(begun, 1, "the first one began it");
    world.until(run, "it failed", |view| matches!(view.waiting, Some(Need::Decide { .. })));

    // A thousand that want to use it once more.
    let seen_seq = world.view(run).seq;
    let request = |action: Action| Request { by: Actor(ANNA.to_owned()), who: who.clone(), seen_seq, action };
    let again = world.all_at_once(run, (0..AT_ONCE).map(|_| request(Action::Retry { step: step(), hosts: vec![] })));
    assert_eq!(again, 1);
    asked(&world, run);
    let mains = world
        .events(run)
        .iter()
        .filter(|numbered| matches!(&numbered.event, Event::AttemptPlanned(plan) if plan.purpose == Purpose::Main))
        .count();
    assert_eq!((used(&world, run), mains), (1, 1));
    assert_eq!(world.file_on("web-1", "ledger"), "emptied\n", "it ran once");
}

/// He approved; before it is used he is shut out. Then the same word from somebody who may.
#[test]
fn the_word_of_an_account_that_was_disabled_since_does_not_begin_the_step() {
    let world = World::with_hosts(&["web-1"]);
    let steps = "  - {id: empty, name: Empty it, run: 'echo emptied >>ledger', approval: {from: [user:ben, user:cleo]}, confirm: press}\n";
    let name = world.runbook("emptying", steps);
    let run = world.start(Start::of(&world, &name).pace(Pace::Step));
    asked(&world, run);
    approve(&world, run, "user:ben").expect("it is asked for");
    world.until(run, "it waits for its driver", |view| matches!(view.waiting, Some(Need::Confirm { .. })));
    world.disable("ben");
    let confirm = || Action::Confirm { step: "empty".parse().expect("a step"), typed: None };
    world.act(run, confirm());
    asked(&world, run);
    let Some(Need::Approve(shown)) = world.view(run).waiting else { unreachable!() };
    let told: Vec<_> = shown.votes.iter().map(|vote| (vote.counts, vote.why_not.as_deref())).collect();
    assert_eq!(told, [(false, Some("the account is disabled"))]);
    assert_eq!((used(&world, run), world.file_on("web-1", "ledger").as_str()), (0, ""));
    approve(&world, run, "user:cleo").expect("it is asked for");
    world.succeeds(run);
    assert_eq!(world.file_on("web-1", "ledger"), "emptied\n");
}

#[test]
fn whoever_has_no_account_or_no_grant_approves_nothing() {
    let world = World::with_hosts(&["web-1"]);
    let steps =
        "  - {id: empty, name: Empty it, run: 'echo emptied >>ledger', approval: {from: [user:nobody, user:dora]}}\n";
    let run = world.start(Start::of(&world, &world.runbook("emptying", steps)));
    asked(&world, run);
    // The engine's caller vouched for them, and is wrong or was right a moment ago.
    for (name, told) in [("user:nobody", "no such account"), ("user:dora", "no grant in access.yaml")] {
        if name == "user:dora" {
            world.account("dora");
        }
        approve(&world, run, name).expect("it is asked for");
        let view = world.until(run, "the word lapses", |view| match &view.waiting {
            Some(Need::Approve(asked)) => {
                asked.votes.iter().any(|vote| vote.why_not.as_ref().is_some_and(|why| why.contains(told)))
            }
            _ => false,
        });
        assert!(matches!(view.waiting, Some(Need::Approve(_))));
    }
    assert_eq!(world.file_on("web-1", "ledger"), "");
}
