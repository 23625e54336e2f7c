//! https, through the real program: which protocols, which keys, new certificates, and what plain HTTP may do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use reqwest::redirect;
use tempfile::TempDir;

use super::program::{Program, until};

/// A certificate for 127.0.0.1 by a name of its own, and its key.
fn certificate(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", &format!("/CN={name}"), "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("its mode can be set");
    (certificate, key)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}

fn https() -> Program {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (certificate, key) = certificate(folder.path(), "first");
    Program::start_in(folder, &[], &["--tls-cert", text(&certificate), "--tls-key", text(&key)], "info")
}

fn client(program: &Program) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let pem = fs::read(program.folder.path().join("cert.pem")).expect("it is there");
    let authority = reqwest::Certificate::from_pem(&pem).expect("it is a certificate");
    reqwest::Client::builder()
        .tls_certs_only([authority])
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client can be made")
}

/// What `openssl s_client` sees.
fn handshake(program: &Program, arguments: &[&str]) -> Output {
    let address = program.base.rsplit('/').next().expect("a split has a last part");
    Command::new("openssl")
        .args(["s_client", "-connect", address])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("openssl starts")
}

fn serve(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder can be made");
    Command::new(env!("CARGO_BIN_EXE_steadyhand"))
        .args(["serve", "--data"])
        .arg(folder.path().join("data"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

#[tokio::test]
async fn over_https_cookies_are_this_host_s_alone_and_browsers_are_told_to_stay_with_https() {
    let program = https();
    assert!(program.base.starts_with("https://127.0.0.1:"), "{}", program.base);
    let client = client(&program);
    let answer = client.get(format!("{}/login", program.base)).send().await.expect("it answers");
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    let form = client.post(format!("{}/login", program.base)).body(format!("token={}", program.login));
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let answer = form.send().await.expect("it answers");
    let cookie = answer.headers()["set-cookie"].to_str().expect("cookies are ASCII").to_owned();
    assert!(cookie.starts_with("__Host-steadyhand_session="), "{cookie}");
    for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.split("; ").any(|found| found == part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let (_, secret) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie has a value");
    for (name, expected) in [("__Host-steadyhand_session", 200), ("steadyhand_session", 401)] {
        let home = client.get(&program.base).header("cookie", format!("{name}={secret}")).send().await;
        assert_eq!(home.expect("it answers").status(), expected, "{name}");
    }
}

#[test]
fn tls_1_2_and_1_3_are_spoken_and_nothing_older() {
    let program = https();
    for (version, expected) in [("-tls1_3", true), ("-tls1_2", true), ("-tls1_1", false), ("-tls1", false)] {
        let seen = handshake(&program, &[version, "-cipher", "DEFAULT@SECLEVEL=0"]);
        assert_eq!(seen.status.success(), expected, "{version}: {}", String::from_utf8_lossy(&seen.stderr));
    }
}

#[test]
fn a_new_certificate_is_taken_at_sighup_and_a_broken_one_leaves_the_old_in_use() {
    let mut program = https();
    let subject = |program: &Program| {
        let seen = handshake(program, &[]);
        String::from_utf8_lossy(&seen.stdout).lines().find(|line| line.starts_with("subject=")).map(str::to_owned)
    };
    assert!(subject(&program).is_some_and(|subject| subject.contains("first")));
    certificate(program.folder.path(), "second");
    program.signal("HUP");
    until("the second is shown", || subject(&program).filter(|subject| subject.contains("second")));
    fs::write(program.folder.path().join("cert.pem"), "broken").expect("it can be written");
    program.signal("HUP");
    until("it is logged", || program.log().contains("the one before stays in use").then_some(()));
    assert!(subject(&program).is_some_and(|subject| subject.contains("second")));
    assert_eq!(program.end(), Some(0), "it drains as over plain HTTP");
}

#[test]
fn a_key_that_others_may_read_is_refused_and_so_is_what_does_not_go_together() {
    let folder = TempDir::new().expect("a folder can be made");
    let (certificate_path, key) = certificate(folder.path(), "first");
    let other = TempDir::new().expect("a folder can be made");
    let (_, other_key) = certificate(other.path(), "other");
    for mode in [0o604, 0o644, 0o620, 0o606] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).expect("its mode can be set");
        let refused =
            serve(&["--listen", "127.0.0.1:0", "--tls-cert", text(&certificate_path), "--tls-key", text(&key)]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{mode:o}: {said}");
        assert!(said.contains("by others") && said.contains("chmod 600"), "{mode:o}: {said}");
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("its mode can be set");
    for (certificate, key, expected) in [
        (&certificate_path, &other_key, "do not go together"),
        (&key, &key, "no certificate"),
        (&certificate_path, &certificate_path, "private key"),
    ] {
        if key == &certificate_path {
            fs::set_permissions(key, fs::Permissions::from_mode(0o600)).expect("its mode can be set");
        }
        let refused = serve(&["--listen", "127.0.0.1:0", "--tls-cert", text(certificate), "--tls-key", text(key)]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn plain_http_for_others_is_refused_with_the_three_ways_out() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let refused = serve(&["--listen", address]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        for part in ["plain HTTP", "--tls-cert", "127.0.0.1", "--behind-proxy"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    let refused = serve(&["--listen", "0.0.0.0:0", "--behind-proxy"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--public-url"));
    let demo = Command::new(env!("CARGO_BIN_EXE_steadyhand"))
        .args(["demo", "--listen", "0.0.0.0:0"])
        .env("TMPDIR", tempfile::tempdir().expect("a folder can be made").path())
        .output()
        .expect("the program starts");
    assert_eq!(demo.status.code(), Some(2), "{}", String::from_utf8_lossy(&demo.stderr));
}
