//! The client commands, through the real program: in their own process, and over a server that is another one.

mod place;

use std::process::Stdio;

use place::{Place, code, json, stderr, stdout};

#[test]
fn each_outcome_of_a_run_has_its_exit_code_on_both_roads() {
    for place in [Place::in_process(), Place::with_server()] {
        for (runbook, expected) in [("well", 0), ("fails", 1), ("refused", 3), ("decide", 4), ("unknown", 5)] {
            let output = place.steadyhand(&["run", runbook, "--on", "web-1"]);
            assert_eq!(code(&output), expected, "{runbook}: {}{}", stdout(&output), stderr(&output));
        }
    }
}

#[test]
fn what_cannot_be_started_is_told_apart_from_what_a_guard_refuses() {
    for place in [Place::in_process(), Place::with_server()] {
        let cases: [(&[&str], i32, &str); 6] = [
            (&["run", "nothing/here", "--on", "web-1"], 2, "there is no runbook nothing/here"),
            (&["run", "change", "--on", "web-1", "--set", "wrong=1"], 2, "no such input"),
            (&["run", "change", "--on", "web-1", "--set", "times=many"], 2, "times"),
            (&["run", "well", "--on", "web-9"], 3, "web-9"),
            (&["run", "well"], 3, "2 hosts"),
            (&["run", "well", "--confirm-hosts", "7"], 3, "7"),
        ];
        for (arguments, expected, said) in cases {
            let output = place.steadyhand(arguments);
            assert_eq!(code(&output), expected, "{arguments:?}: {}", stderr(&output));
            assert!(stderr(&output).contains(said), "{arguments:?}: {}", stderr(&output));
        }
        assert_eq!(json(&place.steadyhand(&["runs", "--format", "json"]))["runs"], serde_json::json!([]));
    }
}

#[test]
fn a_run_that_waits_is_confirmed_by_another_process_and_ends() {
    for place in [Place::in_process(), Place::with_server()] {
        let run = place.waiting("change");
        let wrong = place.steadyhand(&["act", &run, "answer", "--set", "looks=well"]);
        assert_eq!(code(&wrong), 3, "{}", stderr(&wrong));
        let acted = place.steadyhand(&["act", &run, "confirm"]);
        assert_eq!(code(&acted), 0, "{}", stderr(&acted));
        let asked = place.steadyhand(&["run", "--pick-up", &run]);
        assert_eq!(code(&asked), 4, "a question follows: {}", stdout(&asked));
        assert!(stdout(&asked).contains("waits for a person to do judge"), "{}", stdout(&asked));
        assert_eq!(place.written("web-1"), "nothing");
        assert_eq!(code(&place.steadyhand(&["act", &run, "answer", "--set", "looks=sideways"])), 3);
        assert_eq!(code(&place.steadyhand(&["act", &run, "answer", "--set", "looks=well"])), 0);
        assert_eq!(code(&place.steadyhand(&["run", "--pick-up", &run])), 0);
    }
}

#[test]
fn an_aborted_run_ends_with_6() {
    for place in [Place::in_process(), Place::with_server()] {
        let run = place.waiting("change");
        let without = place.steadyhand(&["act", &run, "abort"]);
        assert_eq!(code(&without), 2);
        assert!(stderr(&without).contains("--reason"), "{}", stderr(&without));
        let aborted = place.steadyhand(&["act", &run, "abort", "--reason", "not today"]);
        assert_eq!(code(&aborted), 0, "{}", stderr(&aborted));
        assert_eq!(code(&place.steadyhand(&["run", "--pick-up", &run])), 6);
    }
}

#[test]
fn a_failed_step_is_retried_by_act_after_its_cause_is_mended() {
    for place in [Place::in_process(), Place::with_server()] {
        let run = place.waiting("decide");
        std::fs::write(place.home().join("mended"), "").expect("a file can be written");
        assert_eq!(code(&place.steadyhand(&["act", &run, "retry"])), 0);
        assert_eq!(code(&place.steadyhand(&["run", "--pick-up", &run])), 0);
    }
}

#[test]
fn an_unknown_outcome_is_recorded_by_a_person() {
    let place = Place::in_process();
    let output = place.steadyhand(&["run", "unknown", "--on", "web-1"]);
    assert_eq!(code(&output), 5);
    let run = place.newest();
    let without = place.steadyhand(&["act", &run, "resolve"]);
    assert!(stderr(&without).contains("--resolution"), "{}", stderr(&without));
    let resolved = ["act", &run, "resolve", "--resolution", "completed", "--note", "looked at it"];
    let resolved = place.steadyhand(&resolved);
    assert_eq!(code(&resolved), 0, "{}", stderr(&resolved));
    assert_eq!(code(&place.steadyhand(&["run", "--pick-up", &run])), 0);
}

#[test]
fn a_run_that_is_left_goes_on_where_it_was_when_it_is_picked_up() {
    for place in [Place::in_process(), Place::with_server()] {
        let mut left = place.command(&["run", "long", "--on", "web-1"]);
        let left = left.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        place.until_written("begun");
        rustix::process::kill_process(rustix::process::Pid::from_child(&left), rustix::process::Signal::TERM)
            .expect("it runs");
        let left = left.wait_with_output().expect("it ends");
        assert_eq!(code(&left), 4, "{}", stderr(&left));
        assert!(stdout(&left).contains("next: steadyhand run --pick-up"), "{}", stdout(&left));
        std::fs::write(place.home().join("go"), "").expect("a file can be written");
        let picked_up = place.steadyhand(&["run", "--pick-up", &place.newest()]);
        assert_eq!(code(&picked_up), 0, "{}{}", stdout(&picked_up), stderr(&picked_up));
        // The command ran once: it was followed, not started again.
        assert_eq!(place.written("begun"), "x");
        let output = place.steadyhand(&["output", &place.newest(), "hold"]);
        assert_eq!(stdout(&output), "held\n");
    }
}

#[test]
fn a_dry_run_prints_the_exact_commands_and_starts_nothing() {
    for place in [Place::in_process(), Place::with_server()] {
        let plan = place.steadyhand(&["run", "change", "--on", "web-1,web-2", "--set", "note=it's", "--dry-run"]);
        assert_eq!(code(&plan), 0, "{}", stderr(&plan));
        for said in [
            "host='web-1'",
            r"note='it'\''s'",
            r#"printf '%s' "$note" > "$HOME/$host""#,
            "asks you to type the number of hosts, 2",
            "and answers looks: How it looks",
        ] {
            assert!(stdout(&plan).contains(said), "{said} in {}", stdout(&plan));
        }
        let plan = json(&place.steadyhand(&["run", "change", "--on", "web-1", "--dry-run", "--format", "json"]));
        assert_eq!(plan["digest"].as_str().map(str::len), Some(64));
        assert_eq!(plan["plan"]["runbook"], "change");
        assert_eq!(json(&place.steadyhand(&["runs", "--format", "json"]))["runs"], serde_json::json!([]));
    }
}

#[test]
fn a_run_as_json_is_its_picture_at_the_end_alone() {
    for place in [Place::in_process(), Place::with_server()] {
        let run = json(&place.steadyhand(&["run", "well", "--on", "web-2", "--format", "json"]));
        assert_eq!((&run["state"], &run["hosts"][0]["name"]), (&"succeeded".into(), &"web-2".into()));
        let id = run["id"].as_str().expect("a run has an id");
        assert_eq!(json(&place.steadyhand(&["show", id, "--format", "json"])), run);
    }
}

#[test]
fn output_comes_byte_for_byte_through_a_pipe_by_stream_and_by_line() {
    for place in [Place::in_process(), Place::with_server()] {
        assert_eq!(code(&place.steadyhand(&["run", "well", "--on", "web-1,web-2"])), 0);
        let run = place.newest();
        let of = |more: &[&str]| place.steadyhand(&[&["output", &run, "talk", "--host", "web-2"], more].concat());
        assert_eq!(of(&["--stream", "stdout"]).stdout, b"first\n\x1b[31m\xffred\x1b[0m\nlast");
        assert_eq!(of(&["--stream", "stderr"]).stdout, b"oops\n");
        assert_eq!(of(&["--follow"]).stdout.len(), of(&[]).stdout.len());
        assert_eq!(stdout(&of(&["--lines", "1-1"])), "first\n");
        assert_eq!(json(&of(&["--format", "json"]))[0]["text"], "first");
        let which = place.steadyhand(&["output", &run, "talk"]);
        assert_eq!(code(&which), 2);
        assert!(stderr(&which).contains("web-1, web-2"), "{}", stderr(&which));
    }
}

#[test]
fn a_run_is_named_by_the_beginning_or_end_of_its_id() {
    let place = Place::in_process();
    let run = place.waiting("change");
    for named in [&run[..13], &run[run.len() - 8..], &run.to_uppercase()] {
        let shown = place.steadyhand(&["show", named]);
        assert!(stdout(&shown).contains(&run), "{named}: {}", stderr(&shown));
    }
    for (named, said) in [("ffffffff", "no run whose id"), ("abc", "at least 6"), ("not-an-id", "is no run")] {
        let shown = place.steadyhand(&["show", named]);
        assert_eq!(code(&shown), 2);
        assert!(stderr(&shown).contains(said), "{named}: {}", stderr(&shown));
    }
}

#[test]
fn runs_are_listed_by_state_runbook_and_host() {
    let place = Place::in_process();
    assert_eq!(code(&place.steadyhand(&["run", "well", "--on", "web-1"])), 0);
    assert_eq!(code(&place.steadyhand(&["run", "change", "--on", "web-2"])), 4);
    let count = |more: &[&str]| {
        let listed = json(&place.steadyhand(&[&["runs", "--format", "json"], more].concat()));
        listed["runs"].as_array().map(Vec::len)
    };
    assert_eq!(count(&[]), Some(2));
    assert_eq!(count(&["--state", "waiting"]), Some(1));
    assert_eq!(count(&["--runbook", "well"]), Some(1));
    assert_eq!(count(&["--host", "web-2"]), Some(1));
    assert_eq!(count(&["--limit", "1"]), Some(1));
    let listed = place.steadyhand(&["runs"]);
    assert!(stdout(&listed).contains("waiting: confirmation of write on web-2"), "{}", stdout(&listed));
}

#[test]
fn a_link_is_made_on_a_server_and_refused_without_one() {
    let alone = Place::in_process();
    let refused = alone.steadyhand(&["share", "0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01"]);
    assert_eq!(code(&refused), 2);
    assert!(stderr(&refused).contains("steadyhand serve"), "{}", stderr(&refused));

    let place = Place::with_server();
    assert_eq!(code(&place.steadyhand(&["run", "well", "--on", "web-1"])), 0);
    let run = place.newest();
    let made = place.steadyhand(&["share", &run, "talk", "--host", "web-1", "--lines", "1-1", "--expires", "1h"]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    assert!(stdout(&made).starts_with("http://127.0.0.1:"), "the link stands alone: {}", stdout(&made));
}

#[test]
fn a_secret_comes_from_the_environment_and_is_shown_nowhere() {
    let place = Place::in_process();
    let arguments = ["run", "secret", "--on", "web-1", "--secret", "password"];
    let without = place.steadyhand(&arguments);
    assert_eq!(code(&without), 2);
    assert!(stderr(&without).contains("STEADYHAND_SECRET_PASSWORD"), "{}", stderr(&without));
    let run =
        place.command(&arguments).env("STEADYHAND_SECRET_PASSWORD", "hunter2hunter2").output().expect("it starts");
    assert_eq!(code(&run), 0, "{}", stderr(&run));
    let output = place.steadyhand(&["output", &place.newest(), "tell"]);
    assert!(!stdout(&output).contains("hunter2"), "{}", stdout(&output));
    assert!(stdout(&output).starts_with("it is "), "{}", stdout(&output));
}

#[test]
fn a_run_goes_on_from_a_step_of_an_earlier_one() {
    let place = Place::in_process();
    assert_eq!(code(&place.steadyhand(&["run", "fails", "--on", "web-1"])), 1);
    let run = place.newest();
    std::fs::write(place.home().join("mended"), "").expect("a file can be written");
    let again = place.steadyhand(&["run", "fails", "--on", "web-1", "--continue", &run, "--from", "fail"]);
    assert_eq!(code(&again), 0, "{}{}", stdout(&again), stderr(&again));
}

#[test]
fn data_that_a_server_works_on_is_only_read_and_the_way_to_the_server_is_told() {
    let place = Place::with_server();
    assert_eq!(code(&place.steadyhand(&["run", "well", "--on", "web-1"])), 0);
    let beside = |arguments: &[&str]| {
        place.command(arguments).env_remove("STEADYHAND_SERVER").output().expect("the program starts")
    };
    let refused = beside(&["run", "well", "--on", "web-1"]);
    assert_eq!(code(&refused), 2);
    assert!(stderr(&refused).contains("--server"), "{}", stderr(&refused));
    assert_eq!(code(&beside(&["show", &place.newest()])), 0);
}

#[test]
fn a_server_that_is_not_there_or_does_not_know_the_token_is_told_apart() {
    let place = Place::with_server();
    let wrong = place.command(&["runs"]).env("STEADYHAND_TOKEN", "shtoken_wrong").output().expect("it starts");
    assert_eq!(code(&wrong), 2);
    assert!(stderr(&wrong).contains("does not know this token"), "{}", stderr(&wrong));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port is free");
    let away = place.steadyhand(&["runs", "--server", &format!("http://{closed}")]);
    assert_eq!(code(&away), 2);
    assert!(stderr(&away).contains("cannot reach the server"), "{}", stderr(&away));
}
