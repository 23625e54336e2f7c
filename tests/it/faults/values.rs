//! What people type arrives at the target byte for byte, and never runs.

use steadyhand::engine::ask::StartError;

use super::ledger::sha256;
use super::world::{Start, World};

/// Texts that shells, printf, YAML and locales have been seen to bend.
fn hostile() -> Vec<(&'static str, String)> {
    let controls: String = (1..=0x1f_u8).chain([0x7f]).map(char::from).collect();
    vec![
        ("quotes", "it's \"quoted\" '; touch pwned; ' \\' \\\" \\\\".to_owned()),
        ("commands", "$(touch pwned) `touch pwned` ${HOME} $((1+1)) && touch pwned; | > pwned & !!".to_owned()),
        ("lines", "one\ntwo\n\nEOF\n'\ntouch pwned\n".to_owned()),
        ("letters", "ünïcödé 日本語 🦀 \u{202e}\u{feff}\u{0}".replace('\0', "")),
        ("dashes", "-n --help -rf / -- -e \\0101 %s %d".to_owned()),
        ("templates", "{{host.name}} {% x %} ~ * ? [a-z] #".to_owned()),
        ("controls", controls),
        ("much", "64 KiB of it's $(touch pwned) \n".repeat(2200).chars().take(65_536).collect()),
        ("empty", String::new()),
    ]
}

#[test]
fn hostile_inputs_arrive_byte_for_byte_and_never_run() {
    let world = World::with_hosts(&["web-1"]);
    let texts = hostile();
    let mut top = "hosts: {select: test=yes}\ninputs:\n".to_owned();
    let mut steps = String::new();
    for (name, _) in &texts {
        top.push_str(&format!("  {name}: {{description: A text, type: string, required: false}}\n"));
        steps.push_str(&format!(
            "  - {{id: {name}, name: Send it, run: 'printf %s \"${name}\" | sha256sum | cut -c1-64'}}\n"
        ));
    }
    let mut start = Start::of(&world, &world.runbook_with("values", &top, &steps));
    for (name, text) in &texts {
        start = start.input(name, text);
    }
    let run = world.start(start);
    world.succeeds(run);
    for (name, text) in &texts {
        assert_eq!(world.stdout(run, name, "web-1").trim(), sha256(text.as_bytes()), "{name}");
    }
    let files: Vec<_> = std::fs::read_dir(world.hosts[0].home()).expect("the host is ours").flatten().collect();
    assert!(files.iter().all(|file| file.file_name() == ".local"), "{files:?}");
}

#[test]
fn a_nul_byte_which_no_shell_can_hold_is_refused_at_the_start() {
    let world = World::with_hosts(&["web-1"]);
    let top = "hosts: {select: test=yes}\ninputs: {text: {description: A text, type: string}}\n";
    let name = world.runbook_with("nul", top, "  - {id: one, name: Do it, run: 'echo \"$text\"'}\n");
    let refused = world.try_start(Start::of(&world, &name).input("text", "a\0b")).expect_err("no shell can hold it");
    assert!(matches!(refused, StartError::Inputs(_)), "{refused}");
    assert_eq!(world.run_count(), 0);
}

#[test]
fn what_a_host_prints_is_never_read_as_a_command_by_a_later_step() {
    let world = World::with_hosts(&["web-1"]);
    let steps = "
  - id: read
    name: Read it
    check: cat said
    capture: {word: {}}
  - id: use
    name: Use it
    run: printf %s \"$word\" >used
";
    let text = "x'; touch pwned; ' $(touch pwned) `touch pwned`\nsecond \"line\"";
    std::fs::write(world.hosts[0].home().join("said"), text).expect("the host is ours");
    let run = world.start(Start::of(&world, &world.runbook("capturing", steps)));
    world.succeeds(run);
    assert_eq!(world.file_on("web-1", "used"), text);
    assert!(!world.hosts[0].home().join("pwned").exists());
}
