//! Hosts that are not the ones meant, cannot be reached, or cannot begin: refused or told in words that help.

use std::fs;
use std::process::Command;
use std::time::Duration;

use steadyhand::inventory::target::{Expect, HostKey, SshTarget, Target, Via};
use steadyhand::run::outcome::{Exit, Offsets};
use steadyhand::transport::{AttemptKey, AttemptOrder, AttemptStatus, StopReport, Transport, TransportError};

use super::{World, kept_file, order, until};
use crate::sshd::{Sshd, is_root, plain_ssh, write_program};

fn with_ssh(target: Target, change: impl FnOnce(&mut SshTarget)) -> Target {
    let Via::Ssh(mut ssh) = target.via else { panic!("it is an ssh target") };
    change(&mut ssh);
    Target { via: Via::Ssh(ssh), ..target }
}

async fn refusal(target: &Target) -> String {
    let world = World::new();
    match world.router.prove(world.run, target, &[]).await {
        Err(error @ TransportError::Refused { .. }) => error.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

fn fingerprint(sshd: &Sshd, key_line: &str) -> String {
    let file = sshd.home().join("key.pub");
    fs::write(&file, key_line).expect("the home is ours");
    let output = Command::new("ssh-keygen").arg("-lf").arg(&file).output().expect("ssh-keygen starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().find(|word| word.starts_with("SHA256:")).expect("a fingerprint").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_host_key_is_refused_with_its_fingerprint_and_the_line_that_accepts_it() {
    let sshd = Sshd::named("web-1").start();
    let known_hosts = sshd.home().join("known_hosts");
    fs::write(&known_hosts, "").expect("the home is ours");
    let shown = fingerprint(&sshd, &sshd.host_key());
    for host_key in [HostKey::Pinned(vec![]), HostKey::KnownHosts(known_hosts.clone())] {
        let text = refusal(&with_ssh(sshd.target(), |ssh| ssh.host_key = host_key)).await;
        assert!(text.contains(&shown), "{text}");
        assert!(text.contains(&sshd.host_key()), "{text}");
        assert!(text.contains("nobody has accepted"), "{text}");
    }
    // The line does what the text says.
    let address = sshd.address();
    fs::write(&known_hosts, format!("[{}]:{} {}\n", address.ip(), address.port(), sshd.host_key())).expect("ours");
    let target = with_ssh(sshd.target(), |ssh| ssh.host_key = HostKey::KnownHosts(known_hosts));
    let world = World::new();
    let facts = world.router.prove(world.run, &target, &[]).await.expect("now it is known");
    assert_eq!(facts.host_key, Some(shown));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_host_key_is_refused_with_both_fingerprints() {
    let mut sshd = Sshd::named("web-1").start();
    let target = sshd.target();
    let old = fingerprint(&sshd, &sshd.host_key());
    sshd.stop();
    sshd.change_host_key();
    sshd.start_again();
    let new = fingerprint(&sshd, &sshd.host_key());
    let text = refusal(&target).await;
    assert!(text.contains(&old) && text.contains(&new), "{text}");
    assert!(!sshd.attempts().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_of_another_name_or_machine_id_is_refused_before_anything_happens() {
    let sshd = Sshd::named("web-1").start();
    let name = Expect { hostname: Some("db-1".to_owned()), machine_id: None };
    let machine = Expect { hostname: None, machine_id: Some("0123".to_owned()) };
    for (expect, words) in [(name, ["web-1", "db-1"]), (machine, ["machine_id", "0123"])] {
        let target = Target { expect, ..sshd.target() };
        let text = refusal(&target).await;
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
        let (status, _) = World::new().start(&target, &order("touch ~/ran")).await;
        assert!(matches!(status, Err(TransportError::Refused { .. })));
    }
    assert!(!sshd.home().join("ran").exists() && !sshd.attempts().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_not_log_in_is_refused_naming_account_and_key() {
    let sshd = Sshd::named("web-1").start();
    let other = Sshd::named("web-2").start();
    let text = refusal(&with_ssh(sshd.target(), |ssh| ssh.identity = Some(other.identity()))).await;
    assert!(text.contains("Permission denied") && text.contains(sshd.user()), "{text}");
    assert!(text.contains(&other.identity().display().to_string()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_down_or_has_no_address_is_unreachable_and_may_come_back() {
    let mut sshd = Sshd::named("web-1").start();
    let world = World::new();
    let nameless = with_ssh(sshd.target(), |ssh| ssh.address = "no-such-host.invalid".parse().expect("a name"));
    for (target, sign) in [(sshd.target(), "refused"), (nameless, "resolve")] {
        sshd.stop();
        match world.router.prove(world.run, &target, &[]).await {
            Err(TransportError::Unreachable { reason, .. }) => assert!(reason.contains(sign), "{reason}"),
            other => panic!("not unreachable: {other:?}"),
        }
    }
    sshd.start_again();
    assert_eq!(world.start(&sshd.target(), &order("true")).await.0, Ok(AttemptStatus::Done(Exit::Code(0))));
    // A connection that was cut while it lay idle is made anew without anybody noticing.
    sshd.kill_connections();
    assert_eq!(world.start(&sshd.target(), &order("true")).await.0, Ok(AttemptStatus::Done(Exit::Code(0))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_behind_two_others_is_reached_with_each_ones_own_key() {
    let (bastion, inner, sshd) = (Sshd::named("b-1").start(), Sshd::named("b-2").start(), Sshd::named("web-1").start());
    let through = |first: SshTarget| with_ssh(sshd.target(), |ssh| ssh.jump = vec![first, inner.ssh_target()]);
    let (status, heard) = World::new().start(&through(bastion.ssh_target()), &order("uname -n")).await;
    assert_eq!((status, heard.stdout.as_slice()), (Ok(AttemptStatus::Done(Exit::Code(0))), &b"web-1\n"[..]));
    // The jump host's key does not count for another.
    let text =
        refusal(&through(SshTarget { host_key: HostKey::Pinned(vec![sshd.host_key()]), ..bastion.ssh_target() })).await;
    let shown = fingerprint(&bastion, &bastion.host_key());
    assert!(text.contains(&shown) && text.contains(&bastion.address().port().to_string()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_commands_at_once_than_one_connection_carries_all_run() {
    let sshd = Sshd::named("web-1").start();
    let world = World::new();
    let target = sshd.target();
    let orders: Vec<AttemptOrder> = (0..14)
        .map(|_| order("echo >> ~/running; while [ $(wc -l < ~/running) -lt 14 ]; do sleep 0.1; done; echo all"))
        .collect();
    let starts = orders.iter().map(|order| world.start(&target, order));
    for (status, heard) in futures_util::future::join_all(starts).await {
        assert_eq!((status, heard.stdout.as_slice()), (Ok(AttemptStatus::Done(Exit::Code(0))), &b"all\n"[..]));
    }
    assert!(sshd.connections().len() >= 2);
    world.router.close(world.run).await;
    until("the connections are closed", || sshd.connections().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_go_on_when_a_run_is_closed() {
    let sshd = Sshd::named("web-1").start();
    let world = World::new();
    let order = order("while ! [ -e ~/go ]; do sleep 0.05; done; echo went on");
    let running = world.start_running(&sshd.target(), &order).await;
    world.router.close(world.run).await;
    assert!(running.end().await.0.is_err());
    fs::write(sshd.home().join("go"), "").expect("the home is ours");
    let (status, heard) = World::new().follow(&sshd.target(), &order.key, Offsets::default()).await;
    assert_eq!((status, heard.stdout.as_slice()), (Ok(AttemptStatus::Done(Exit::Code(0))), &b"went on\n"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_that_cannot_be_made_means_that_nothing_ran() {
    let sshd = Sshd::named("web-1").start();
    fs::write(sshd.home().join(".local"), "not a directory").expect("the home is ours");
    let (status, _) = World::new().start(&sshd.target(), &order("touch ~/ran")).await;
    match status {
        Err(TransportError::NotBegun { reason, .. }) => assert!(reason.contains(".local"), "{reason}"),
        other => panic!("not told: {other:?}"),
    }
    assert!(!sshd.home().join("ran").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_room_for_the_marker_begins_nothing_and_may_be_asked_again() {
    let sshd = Sshd::named("web-1").start();
    // What every account can arrange: no process there may write a byte into a file.
    let sh = sshd.bin().join("sh");
    let program = fs::read_link(&sh).expect("it is a link");
    write_program(&sh, &format!("#!/bin/sh\nulimit -f 0\nexec {} \"$@\"\n", program.display()));
    let order = order("touch ~/ran");
    let (status, _) = World::new().start(&sshd.target(), &order).await;
    assert!(matches!(&status, Err(TransportError::NotBegun { .. })), "{status:?}");
    assert!(!sshd.home().join("ran").exists());
    fs::remove_file(&sh).expect("it is ours");
    std::os::unix::fs::symlink(program, &sh).expect("it is ours");
    assert_eq!(World::new().start(&sshd.target(), &order).await.0, Ok(AttemptStatus::Done(Exit::Code(0))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_while_a_command_runs_does_not_lose_its_end() {
    let sshd = Sshd::named("web-1").start();
    let small_disk = SmallDisk::on(&sshd);
    let fill = order("while echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; do :; done 2>/dev/null; exit 33");
    let (status, heard) = World::new().start(&sshd.target(), &fill).await;
    assert_eq!(status, Ok(AttemptStatus::Done(Exit::Code(33))));
    assert!(heard.stdout.len() > 10_000, "{} bytes", heard.stdout.len());
    drop(small_disk);
}

/// Room for about a hundred kilobytes: a tmpfs where we may mount one, else the largest file size for every
/// process of the host.
struct SmallDisk(Option<std::path::PathBuf>);

impl SmallDisk {
    fn on(sshd: &Sshd) -> Self {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=128k", "steadyhand-test"]).arg(sshd.home());
        if is_root() && mount.status().is_ok_and(|status| status.success()) {
            return Self(Some(sshd.home()));
        }
        let sh = sshd.bin().join("sh");
        let program = fs::read_link(&sh).expect("it is a link");
        // Blocks of 512 bytes. The signal is ignored so that writing fails, as on a full disk.
        let text = format!("#!/bin/sh\ntrap '' XFSZ\nulimit -f 200\nexec {} \"$@\"\n", program.display());
        write_program(&sh, &text);
        Self(None)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = Command::new("umount").arg("-l").arg(path).status();
        }
    }
}

/// A `sudo` which gives the other account a home of its own; only `appuser` may be used.
fn install_sudo(sshd: &Sshd) {
    let other_home = sshd.home().join("appuser");
    fs::create_dir(&other_home).expect("the home is ours");
    write_program(
        &sshd.bin().join("sudo"),
        &format!(
            "#!/bin/sh\n[ \"$1 $2 $3\" = '-n -H -u' ] || exit 9\n\
             [ \"$4\" = appuser ] || {{ echo 'sudo: a password is required' >&2; exit 1; }}\n\
             shift 4; HOME={} exec \"$@\"\n",
            other_home.display()
        ),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_another_account_have_their_tether_there() {
    let sshd = Sshd::named("web-1").start();
    install_sudo(&sshd);
    let world = World::new();
    let user = "appuser".parse().expect("a name");
    world.router.prove(world.run, &sshd.target(), std::slice::from_ref(&user)).await.expect("it may be used");
    let order = order("echo $HOME; sleep 60");
    let key = AttemptKey { run_as: Some(user), ..order.key.clone() };
    let order = AttemptOrder { key: key.clone(), ..order };
    let running = world.start_running(&sshd.target(), &order).await;
    assert!(!kept_file(&sshd, &key, "started").exists());
    let stopped = world.router.stop(world.run, &sshd.target(), &key, Duration::from_secs(5)).await;
    assert_eq!(stopped, Ok(StopReport::Stopped(AttemptStatus::Done(Exit::Signal(15)))));
    let expected = format!("{}\n", sshd.home().join("appuser").display());
    assert_eq!(String::from_utf8_lossy(&running.end().await.1.stdout), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_may_not_be_used_is_refused_with_the_line_for_sudoers() {
    let sshd = Sshd::named("web-1").start();
    install_sudo(&sshd);
    let without = Sshd::named("web-2").without(&["sudo"]).start();
    for (sshd, words) in
        [(&sshd, ["ALL=(root) NOPASSWD", "a password is required"]), (&without, ["not installed", "root"])]
    {
        let world = World::new();
        match world.router.prove(world.run, &sshd.target(), &["root".parse().expect("a name")]).await {
            Err(error @ TransportError::Refused { .. }) => {
                let text = error.to_string();
                assert!(words.iter().all(|word| text.contains(word)), "{text}");
            }
            other => panic!("not refused: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_command_gives_its_exit_and_cannot_be_taken_up_again() {
    let sshd = Sshd::named("web-1").start();
    let world = World::new();
    for (script, exit) in [("echo direct; exit 127", 127), ("echo direct; cat", 0)] {
        let order = AttemptOrder { direct: true, stdin: bytes::Bytes::from_static(b""), ..order(script) };
        let (status, heard) = world.start(&sshd.target(), &order).await;
        assert_eq!((status, heard.stdout.as_slice()), (Ok(AttemptStatus::Done(Exit::Code(exit))), &b"direct\n"[..]));
        assert!(!kept_file(&sshd, &order.key, "started").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_start_up_files_print_is_not_taken_for_output() {
    let sshd = Sshd::named("web-1").start();
    let sh = sshd.bin().join("sh");
    let program = fs::read_link(&sh).expect("it is a link");
    let noisy = format!("#!/bin/sh\necho Welcome; echo running; echo careful >&2\nexec {} \"$@\"\n", program.display());
    write_program(&sh, &noisy);
    let order = AttemptOrder { shell: Some(program.display().to_string()), ..order("echo one; sleep 0.5; echo two") };
    let (status, heard) = World::new().start(&sshd.target(), &order).await;
    assert_eq!((status, heard.stdout.as_slice()), (Ok(AttemptStatus::Done(Exit::Code(0))), &b"one\ntwo\n"[..]));
    assert!(heard.stderr.is_empty());
    assert!(plain_ssh(&sshd, "sh -c :").stdout.starts_with(b"Welcome"));
}
