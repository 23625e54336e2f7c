//! What is handed to a command arrives byte for byte and never runs; secrets leave no trace on the host.

use bytes::Bytes;
use steadyhand::redact::SecretText;
use steadyhand::run::outcome::Exit;
use steadyhand::transport::{AttemptOrder, AttemptStatus};

use super::{World, kept_file, local_target, order};
use crate::sshd::{Shell, Sshd};

/// Texts that shells, here-documents, printf and locales have been seen to bend.
fn hostile_texts() -> Vec<String> {
    let controls: String = (1..=0x1f_u8).chain([0x7f]).map(char::from).collect();
    let mut texts: Vec<String> = [
        "it's \"quoted\" `id` $(id) ${HOME} \\n \\ \\\\ %s %d !! ~ * ? [a]",
        "two\nlines\n\n",
        "EOF\nTH_EOF\n'\n\"\nth_release x\n)\n",
        "ünïcödé 日本語 🦀 \u{202e}\u{feff}",
        "-n -e --help",
        "' ; touch ~/pwned ; '",
        "",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push(controls);
    texts.push("64 KiB of it's $(x) \n".repeat(3200));
    // Every byte from 0x80 to 0xff, as they stand in UTF-8: dash and bash use some of them inside.
    texts.push(('\u{80}'..='\u{7ff}').collect());
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_values_arrive_byte_for_byte_and_never_run() {
    for shell in Shell::ALL {
        for locale in ["C.UTF-8", "C"] {
            let sshd = Sshd::named("web-1").shell(shell).env("LC_ALL", locale).start();
            let world = World::new();
            for text in hostile_texts() {
                let as_script = AttemptOrder { script: text.clone(), shell: Some("cat".to_owned()), ..order("") };
                let as_secret = AttemptOrder {
                    secrets: vec![("value".parse().expect("a name"), SecretText::new(text.clone()))],
                    ..order("printf %s \"$value\"")
                };
                let as_argument =
                    AttemptOrder { args: vec![text.clone(), String::new()], ..order("printf '%s|%s' \"$1\" $#") };
                let as_stdin = AttemptOrder { stdin: Bytes::from(text.clone()), ..order("cat") };
                for (what, order, expected) in [
                    ("script", as_script, text.clone()),
                    ("secret", as_secret, text.clone()),
                    ("argument", as_argument, format!("{text}|2")),
                    ("stdin", as_stdin, text.clone()),
                ] {
                    let (status, heard) = world.start(&sshd.target(), &order).await;
                    assert_eq!(status, Ok(AttemptStatus::Done(Exit::Code(0))), "{shell:?} {locale} {what}");
                    let same = heard.stdout == expected.as_bytes();
                    assert!(same, "{shell:?} {locale} {what} {text:?}: {:?}", String::from_utf8_lossy(&heard.stdout));
                }
            }
            assert!(!sshd.home().join("pwned").exists());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_may_hold_any_bytes() {
    for shell in Shell::ALL {
        let sshd = Sshd::named("web-1").shell(shell).start();
        let bytes: Vec<u8> = (0..=255).chain(*b"\\0101\\n%s'\\''").cycle().take(70_000).collect();
        let order = AttemptOrder { stdin: Bytes::from(bytes.clone()), ..order("cat") };
        let (_, heard) = World::new().start(&sshd.target(), &order).await;
        assert!(heard.stdout == bytes, "{shell:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_in_no_file_and_no_argument_list_on_the_host() {
    let needle = format!("hunter2-{}", uuid::Uuid::new_v4());
    for shell in Shell::ALL {
        let sshd = Sshd::named("web-1").shell(shell).start();
        let order = AttemptOrder {
            secrets: vec![("password".parse().expect("a name"), SecretText::new(needle.clone()))],
            ..order("printf %s \"$password\" | wc -c; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '")
        };
        let (status, heard) = World::new().start(&sshd.target(), &order).await;
        assert_eq!(status, Ok(AttemptStatus::Done(Exit::Code(0))));
        let seen = String::from_utf8_lossy(&heard.stdout);
        assert!(seen.starts_with("44\n") && !seen.contains(&needle), "{shell:?}: it stands in an argument list");
        for entry in std::fs::read_dir(sshd.attempts()).expect("attempts were kept").flatten() {
            let bytes = std::fs::read(entry.path()).expect("it is ours");
            assert!(!bytes.windows(needle.len()).any(|window| window == needle.as_bytes()), "{:?}", entry.path());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_sees_its_own_account_and_nothing_of_the_tether() {
    for shell in Shell::ALL {
        let sshd = Sshd::named("web-1").shell(shell).env("LC_ALL", "C.UTF-8").env("LANG", "en_US.UTF-8").start();
        let script = "umask; pwd; echo $LC_ALL $LANG; env | grep -c ^TH_; ls -l /proc/self/fd | wc -l; \
                      trap 'echo interrupted' INT; kill -INT $$; yes | head -n 1";
        let (status, heard) = World::new().start(&sshd.target(), &order(script)).await;
        assert_eq!(status, Ok(AttemptStatus::Done(Exit::Code(0))), "{shell:?}");
        let (home, umask) = (sshd.home(), umask(&sshd));
        // Three descriptors, the directory that ls reads, and the line "total".
        let expected = format!("{umask}{}\nC.UTF-8 en_US.UTF-8\n0\n5\ninterrupted\ny\n", home.display());
        assert_eq!(String::from_utf8_lossy(&heard.stdout), expected, "{shell:?}");
        assert_eq!(String::from_utf8_lossy(&heard.stderr), "", "{shell:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_output_keeps_its_order_and_a_script_file_its_interpreter() {
    let sshd = Sshd::named("web-1").start();
    let world = World::new();
    let merged = AttemptOrder { merge: true, ..order("for i in 1 2 3; do echo out$i; echo err$i >&2; done") };
    let (_, heard) = world.start(&sshd.target(), &merged).await;
    assert_eq!(heard.stdout, b"out1\nerr1\nout2\nerr2\nout3\nerr3\n");
    let file = AttemptOrder {
        shell: None,
        args: vec!["b  c".to_owned()],
        ..order("#!/usr/bin/env bash\necho \"$BASH\" \"$1\"")
    };
    let (_, heard) = world.start(&sshd.target(), &file).await;
    assert!(String::from_utf8_lossy(&heard.stdout).ends_with("/bash b  c\n"), "{heard:?}");
    let missing = AttemptOrder { shell: Some("/nowhere/bash".to_owned()), ..order("true") };
    let (status, heard) = world.start(&local_target("here"), &missing).await;
    assert_eq!(status, Ok(AttemptStatus::Done(Exit::Code(127))));
    assert!(String::from_utf8_lossy(&heard.stderr).contains("/nowhere/bash"), "{heard:?}");
    assert!(kept_file(&sshd, &merged.key, "script").exists());
}

fn umask(sshd: &Sshd) -> String {
    String::from_utf8_lossy(&crate::sshd::plain_ssh(sshd, "sh -c umask").stdout).into_owned()
}
