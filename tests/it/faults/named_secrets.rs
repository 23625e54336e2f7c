//! Named secrets on real hosts: fetched just before the command that names them, nowhere else, and after a restart again
//! without a person.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use steadyhand::config;
use steadyhand::inventory::Base;
use steadyhand::outgoing::Outgoing;
use steadyhand::run::action::Action;
use steadyhand::run::outcome::Stream;
use steadyhand::run::view::{CellStateName, Need, RunStateName};
use steadyhand::secrets::{NamedSecrets, Recorder, SecretUse, Variables, Why};

use super::secrets::{Kept, files_with, filtered, forms, fresh_secret, holds, processes_with, wait_for};
use super::world::{ANNA, Start, World, cell};

const TOP: &str =
    "hosts: {select: test=yes}\ninputs: {token: {description: A token, type: secret, from_secret: deploy-token}}\n";

/// Prints the secret in the forms that tools print, and waits in between; then a step that does not name it.
const STEPS: &str = "
  - id: print
    name: Print it
    run: |
      echo plain $token; printf %s \"$token\" | base64; printf %s \"x$token\" | base64; echo error $token >&2
      printf %s \"$token\" | sha256sum | cut -c1-64 >sum
      touch begun; while [ ! -e go ]; do sleep 0.02; done; echo late $token
  - {id: other, name: Look around, run: 'env >around'}
";

type Uses = Arc<Mutex<Vec<SecretUse>>>;

/// A world in which `deploy-token` lies in a file that the test may change, and the notes of its uses.
fn world(limits: &str) -> (World, Uses, PathBuf) {
    let uses = Uses::default();
    let noted = uses.clone();
    let recorder: Recorder = Arc::new(move |used| {
        noted.lock().expect("no panic").push(used);
        Box::pin(async { Ok(()) })
    });
    let (world, file) = recorded_by(limits, recorder);
    (world, uses, file)
}

fn recorded_by(limits: &str, recorder: Recorder) -> (World, PathBuf) {
    let mut world = World::with_hosts(&["web-1"]);
    let base = Base { folder: world.folder.path().to_owned(), home: None };
    let text = format!("steadyhand: 1\nsecrets: {{deploy-token: {{file: the-token, {limits}}}}}\n");
    let config = config::parse("server.yaml", text.as_bytes(), &base).config.expect("nothing is wrong with it");
    let secrets = NamedSecrets::new(&config, Variables::new(), &Outgoing::new(Vec::new()), recorder);
    world.use_secrets(secrets.expect("there is nothing to read"));
    let file = world.folder.path().join("the-token");
    (world, file)
}

/// Processes in whose environment the text stands: name and id.
fn environments_with(text: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir("/proc").expect("Linux").flatten();
    let holders = entries.filter(|entry| fs::read(entry.path().join("environ")).is_ok_and(|bytes| holds(&bytes, text)));
    let named = holders.map(|entry| {
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default().trim().to_owned();
        (name, entry.file_name().to_string_lossy().into_owned())
    });
    named.collect()
}

#[test]
fn a_named_secret_reaches_its_command_and_nothing_else() {
    let log = Kept::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    // Another test of this process may have been first; then its log is looked at elsewhere.
    let is_logging = tracing::subscriber::set_global_default(subscriber).is_ok();
    let (world, uses, file) = world("");
    let secret = fresh_secret();
    fs::write(&file, format!("{secret}\n")).expect("the folder is ours");
    let forms = forms(&secret);
    let run = world.start(Start::of(&world, &world.runbook_with("named", TOP, STEPS)));
    let home = world.hosts[0].home();
    wait_for(&home.join("begun"));
    for pass in ["while it runs", "afterwards"] {
        let mut found = files_with(world.data(), &forms);
        found.extend(files_with(&world.repo(), &forms));
        let kept_output = |line: &String| line.contains(".out") || line.contains(".err");
        let on_host = files_with(&home.join(".local"), &forms);
        // What the command itself prints lies on its host until it is stored.
        found.extend(on_host.into_iter().filter(|line| pass == "afterwards" || !kept_output(line)));
        found.extend(forms.iter().flat_map(|form| processes_with(form)));
        let own = std::process::id().to_string();
        let environments = environments_with(&secret);
        let wrong = environments.iter().filter(|(name, id)| name.contains("ssh") || name == "git" || *id == own);
        found.extend(wrong.map(|(name, id)| format!("environment of {name} {id}")));
        assert!(found.is_empty(), "{pass}: {found:#?}");
        if pass == "while it runs" {
            assert!(!environments.is_empty(), "the command has it");
            fs::write(home.join("go"), "").expect("the host is ours");
            world.succeeds(run);
            let is_released = || files_with(&home.join(".local"), &forms).is_empty();
            world.until(run, "the host drops the output", |_| is_released());
        }
    }
    assert_eq!(world.file_on("web-1", "sum").trim(), filtered("sha256sum | cut -c1-64", &secret));
    assert!(!world.file_on("web-1", "around").contains(&secret), "a step that does not name it does not get it");
    let uses = uses.lock().expect("no panic");
    assert_eq!(uses.len(), 1, "{uses:#?}");
    assert_eq!((uses[0].step.as_str(), uses[0].host.as_str(), uses[0].by.0.as_str()), ("print", "web-1", ANNA));
    for stream in [Stream::Stdout, Stream::Stderr] {
        let stored = world.stored(run, "print", "web-1", stream);
        assert!(!forms.iter().any(|form| holds(&stored, form)), "{}", String::from_utf8_lossy(&stored));
    }
    assert!(world.stdout(run, "print", "web-1").ends_with("late [redacted: token]\n"));
    let events = format!("{:?} {:?}", world.events(run), world.view(run));
    assert!(events.contains("deploy-token"), "the plan names it");
    assert!(!forms.iter().any(|form| holds(events.as_bytes(), form)));
    let log = log.0.lock().expect("no panic");
    assert!(!is_logging || !log.is_empty(), "nothing was logged");
    assert!(!forms.iter().any(|form| holds(&log, form)), "it was logged");
}

#[test]
fn after_a_restart_a_named_secret_is_fetched_again_and_nobody_is_asked() {
    let (mut world, uses, file) = world("");
    let secret = fresh_secret();
    fs::write(&file, &secret).expect("the folder is ours");
    // The second step does not name it, but prints what the first has left.
    let steps = "
  - {id: keep, name: Keep it, run: 'printf %s \"$token\" >kept'}
  - id: tell
    name: Tell it
    run: touch begun; while [ ! -e go ]; do sleep 0.02; done; cat kept; echo; base64 <kept
";
    let run = world.start(Start::of(&world, &world.runbook_with("named", TOP, steps)));
    wait_for(&world.hosts[0].home().join("begun"));
    world.restart();
    fs::write(world.hosts[0].home().join("go"), "").expect("the host is ours");
    world.succeeds(run);
    assert!(!world.kinds(run).iter().any(|kind| kind.contains("secrets")), "{:?}", world.kinds(run));
    let told = world.stdout(run, "tell", "web-1");
    assert!(!forms(&secret).iter().any(|form| told.contains(form)), "{told}");
    assert!(told.starts_with("[redacted: token]\n"), "{told}");
    let why: Vec<Why> = uses.lock().expect("no panic").iter().map(|used| used.why).collect();
    assert_eq!(why, [Why::Command, Why::Masking]);
}

#[test]
fn output_waits_on_its_host_until_what_may_stand_in_it_is_known() {
    let (mut world, _, file) = world("");
    let secret = fresh_secret();
    fs::write(&file, &secret).expect("the folder is ours");
    let run = world.start(Start::of(&world, &world.runbook_with("named", TOP, STEPS)));
    let home = world.hosts[0].home();
    wait_for(&home.join("begun"));
    fs::rename(&file, file.with_extension("away")).expect("the folder is ours");
    world.restart();
    fs::write(home.join("go"), "").expect("the host is ours");
    world.until(run, "it is said that the output waits", |_| {
        world.events(run).iter().any(|event| format!("{event:?}").contains("its output waits on the host"))
    });
    assert!(files_with(world.data(), &forms(&secret)).is_empty());
    fs::rename(file.with_extension("away"), &file).expect("the folder is ours");
    let view = world.succeeds(run);
    assert_eq!(cell(&view, "print", "web-1").attempts.len(), 1, "it was not run again");
    assert!(world.stdout(run, "print", "web-1").ends_with("late [redacted: token]\n"));
}

#[test]
fn a_run_whose_secret_cannot_be_fetched_after_a_restart_can_be_stopped() {
    let (mut world, _, file) = world("");
    fs::write(&file, fresh_secret()).expect("the folder is ours");
    let run = world.start(Start::of(&world, &world.runbook_with("named", TOP, STEPS)));
    wait_for(&world.hosts[0].home().join("begun"));
    fs::remove_file(&file).expect("the folder is ours");
    world.restart();
    world.until(run, "it is said that the output waits", |_| {
        world.events(run).iter().any(|event| format!("{event:?}").contains("its output waits on the host"))
    });
    world.act(run, Action::Abort { reason: "nobody has the token".to_owned() });
    assert_eq!(world.end(run).state, RunStateName::Aborted);
}

#[test]
fn a_secret_that_cannot_be_fetched_starts_nothing_and_the_step_can_be_tried_again() {
    let (world, uses, file) = world("");
    let run = world.start(Start::of(&world, &world.runbook_with("named", TOP, STEPS)));
    let (view, need) = world.waits(run);
    assert!(matches!(&need, Need::Decide { .. }), "{need:?}");
    let told = format!("{:?}", cell(&view, "print", "web-1"));
    assert!(told.contains("the-token") && told.contains("try again"), "{told}");
    assert!(!world.hosts[0].home().join("begun").exists() && uses.lock().expect("no panic").is_empty());
    fs::write(&file, fresh_secret()).expect("the folder is ours");
    fs::write(world.hosts[0].home().join("go"), "").expect("the host is ours");
    world.act(run, Action::Retry { step: "print".parse().expect("an id"), hosts: vec![] });
    let view = world.succeeds(run);
    assert_eq!(cell(&view, "print", "web-1").state, CellStateName::Succeeded);
}

#[test]
fn a_value_that_was_changed_between_two_commands_stays_masked() {
    let (world, _, file) = world("");
    let (old, new) = (fresh_secret(), fresh_secret());
    fs::write(&file, &old).expect("the folder is ours");
    let steps = "
  - {id: keep, name: Keep it, run: 'printf %s \"$token\" >kept'}
  - {id: hold, name: Wait, run: 'touch begun; while [ ! -e go ]; do sleep 0.02; done'}
  - {id: tell, name: Tell both, run: 'cat kept; echo; echo \"$token\"'}
";
    let run = world.start(Start::of(&world, &world.runbook_with("named", TOP, steps)));
    wait_for(&world.hosts[0].home().join("begun"));
    fs::write(&file, &new).expect("the folder is ours");
    fs::write(world.hosts[0].home().join("go"), "").expect("the host is ours");
    world.succeeds(run);
    assert_eq!(world.stdout(run, "tell", "web-1"), "[redacted: token]\n[redacted: token]\n");
}

#[test]
fn a_use_that_cannot_be_recorded_sends_nothing() {
    let recorder: Recorder = Arc::new(|_| Box::pin(async { Err("the disk is full".to_owned()) }));
    let (world, file) = recorded_by("", recorder);
    fs::write(&file, fresh_secret()).expect("the folder is ours");
    let run = world.start(Start::of(&world, &world.runbook_with("named", TOP, STEPS)));
    let (view, _) = world.waits(run);
    let told = format!("{:?}", cell(&view, "print", "web-1"));
    assert!(told.contains("could not be recorded"), "{told}");
    assert!(!world.hosts[0].home().join("begun").exists());
}

#[test]
fn a_start_is_refused_where_a_secret_is_not_meant_and_where_one_is_given() {
    for (limits, said) in [("runbooks: [db/*]", "not for the runbook"), ("hosts: role=db", "not for the host")] {
        let (world, ..) = world(limits);
        let name = world.runbook_with("named", TOP, STEPS);
        let refused = world.try_start(Start::of(&world, &name)).expect_err(limits).to_string();
        assert!(refused.contains("input token") && refused.contains(said), "{refused}");
    }
    let (world, ..) = world("");
    let unknown = world.runbook_with("unknown", &TOP.replace("deploy-token", "nobody-knows"), STEPS);
    let refused = world.try_start(Start::of(&world, &unknown)).expect_err("it is not declared").to_string();
    assert!(refused.contains("no secret nobody-knows") && refused.contains("configuration"), "{refused}");
    let name = world.runbook_with("named", TOP, STEPS);
    assert!(world.try_start(Start::of(&world, &name).secret("token", "typed")).is_err(), "nobody gives it");
    assert!(world.try_start(Start::of(&world, &name).input("token", "typed")).is_err(), "nobody gives it");
}

#[test]
fn what_has_the_form_of_a_credential_is_masked_before_it_is_stored() {
    let world = World::with_hosts(&["web-1"]);
    let steps = "
  - id: show
    name: Show keys
    run: |
      label='PRIVATE KEY'; echo before; echo \"-----BEGIN $label-----\"
      sleep 0.3; first=MIIEvQ; printf '%s\\n' ${first}IBADANBgkqhkiG9w0BAQEFAASC BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj
      echo \"-----END $label-----\"; printf 'ghp_%s\\n' a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1; echo after
";
    let run = world.start(Start::of(&world, &world.runbook("keys", steps)));
    world.succeeds(run);
    let shown = world.stdout(run, "show", "web-1");
    assert_eq!(shown, "before\n[redacted: private key]\n[redacted: GitHub token]\nafter\n");
    assert!(files_with(world.data(), &["MIIEvQIBADAN".to_owned(), "ghp_a1a1".to_owned()]).is_empty());
}
