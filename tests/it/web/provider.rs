//! A real OpenID Connect provider as a child process, and a browser that fills in its forms.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use reqwest::{Method, StatusCode, Url, redirect};
use serde_json::{Value, json};
use steadyhand::config::Allowed;
use steadyhand::outgoing::Outgoing;
use steadyhand::sign_on::Configuration;

/// Pages that one login leads through at most.
const HOPS_MAX: usize = 20;

/// The provider. Dropping it ends it.
pub struct Provider {
    pub issuer: String,
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Provider {
    /// Starts it. It answers once [`Provider::knows`] was called.
    pub fn start() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc");
        assert!(folder.join("node_modules").is_dir(), "run `scripts/setup test` first: the provider is not installed");
        let mut child = Command::new("node")
            .arg("provider.js")
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It warns that it is a development set-up, which it is.
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut provider = Self { issuer: String::new(), child, lines };
        let port = provider.line()["port"].as_u64().expect("it says its port");
        provider.issuer = format!("http://127.0.0.1:{port}");
        provider
    }

    /// Tells it who sends people: clients `steadyhand` and `other`, which come back to `base`.
    pub fn knows(&mut self, base: &str, claims_in_id_token: bool) {
        let client = |name: &str| {
            json!({
                "client_id": name, "client_secret": "a secret of the test",
                "redirect_uris": [format!("{base}/login/provider/callback")],
            })
        };
        let told =
            json!({"clients": [client("steadyhand"), client("other")], "claims_in_id_token": claims_in_id_token});
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        writeln!(stdin, "{told}").expect("it reads");
        assert_eq!(self.line()["ready"], true);
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("it writes");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    /// What a server is configured with.
    pub fn configuration(&self, client: &str) -> Configuration {
        // It listens on a loopback address, which no server reaches unless it is listed.
        let here = Allowed::Host("localhost".to_owned());
        let network = Allowed::Network("127.0.0.0/8".parse().expect("a network"));
        let outgoing = Outgoing::new(vec![here, network]);
        Configuration::new(&self.issuer, client, Some("a secret of the test"), &outgoing).expect("it is one")
    }

    /// Makes a person, or changes what is said of one.
    pub async fn person(&self, subject: &str, claims: &Value) {
        let request = client().put(format!("{}/people/{subject}", self.issuer)).body(claims.to_string());
        let answer = request.send().await.expect("it answers");
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(redirect::Policy::none()).no_proxy().build().expect("a client can be made")
}

/// A browser with its cookies at the provider.
#[derive(Default)]
pub struct Browser {
    cookies: BTreeMap<String, String>,
    /// Forms that asked for a name and a password.
    pub logins: usize,
}

impl Browser {
    /// Follows `address` through the provider's pages as `subject`, until it leads back; gives where to.
    pub async fn through(&mut self, address: &str, subject: &str) -> String {
        let mut url: Url = address.parse().expect("it is an address");
        let provider = url.origin();
        let mut form = None;
        for _ in 0..HOPS_MAX {
            if url.origin() != provider {
                return url.to_string();
            }
            let (answer, headers) = self.ask(&url, form.take()).await;
            if let Some(to) = headers.get("location") {
                url = url.join(to.to_str().expect("addresses are ASCII")).expect("it is an address");
            } else if answer.contains("name=\"prompt\" value=\"login\"") {
                self.logins += 1;
                form = Some(format!("prompt=login&login={subject}&password=any"));
            } else if answer.contains("name=\"prompt\" value=\"consent\"") {
                form = Some("prompt=consent".to_owned());
            } else {
                panic!("{url} is neither a form nor leads on: {answer}");
            }
        }
        panic!("it does not lead back: {url}");
    }

    async fn ask(&mut self, url: &Url, form: Option<String>) -> (String, reqwest::header::HeaderMap) {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let method = if form.is_some() { Method::POST } else { Method::GET };
        let request = client()
            .request(method, url.clone())
            .header("cookie", cookies.join("; "))
            .header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(form.unwrap_or_default()).send().await.expect("the provider answers");
        let headers = answer.headers().clone();
        for set in headers.get_all("set-cookie") {
            let set = set.to_str().expect("cookies are ASCII");
            let (name, value) =
                set.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie is a pair");
            if set.contains("expires=Thu, 01 Jan 1970") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        (answer.text().await.expect("a page is text"), headers)
    }
}
