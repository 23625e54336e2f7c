//! The stored form of a handoff's events: what was written once must load for ever.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use steadyhand::handoff::event::{EVENT_VERSION, Event};

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn samples(version: u32) -> Vec<(String, PathBuf)> {
    let folder = top().join("tests/fixtures/handoff-events").join(version.to_string());
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry can be read").path());
    paths.map(|path| (path.file_stem().expect("it has a name").to_string_lossy().into_owned(), path)).collect()
}

/// The names of the variants, from the source: the compiler has no list of them.
fn events_in_source() -> BTreeSet<String> {
    let source = fs::read_to_string(top().join("src/handoff/event.rs")).expect("it is there");
    let body = source.split_once("pub enum Event {").expect("the enum is there").1;
    let body = body.split_once("\n}").expect("the enum ends").0;
    let variants = body.lines().filter_map(|line| line.strip_prefix("    "));
    let named = variants.filter(|line| line.starts_with(|letter: char| letter.is_ascii_uppercase()));
    named.map(|line| stored_name(line.split(' ').next().expect("a first part"))).collect()
}

/// `HandoffBegun` → `handoff_begun`
fn stored_name(variant: &str) -> String {
    let mut name = String::new();
    for letter in variant.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[test]
fn every_stored_event_of_a_handoff_still_loads_and_is_stored_as_its_sample() {
    for version in 1..=EVENT_VERSION {
        for (name, path) in samples(version) {
            let text = fs::read_to_string(&path).expect("a sample can be read");
            let sample: Value = serde_json::from_str(&text).expect("a sample is JSON");
            let event: Event = serde_json::from_value(sample.clone())
                .unwrap_or_else(|error| panic!("{name} of version {version} does not load any more: {error}"));
            let stored = serde_json::to_value(&event).expect("an event can be stored");
            if version == EVENT_VERSION {
                assert_eq!(stored, sample, "{name}: a field is lost or new: EVENT_VERSION must grow, with new samples");
            }
            assert!(
                stored.as_object().is_some_and(|event| event.contains_key(&name)),
                "{} holds its event",
                path.display()
            );
        }
    }
}

#[test]
fn every_event_of_a_handoff_has_a_sample_of_its_stored_form() {
    let have: BTreeSet<String> = samples(EVENT_VERSION).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        events_in_source(),
        have,
        "tests/fixtures/handoff-events/{EVENT_VERSION} holds one sample of each event"
    );
}
