//! Pages climb on a manual clock, messages reach real servers of this process, and answers end it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use steadyhand::access::account::AccountName;
use steadyhand::clock::{Clock, Manual};
use steadyhand::config::{Allowed, Channel, Mail, MailTls, Notify, SecretRef};
use steadyhand::engine::{Engine, Parts};
use steadyhand::library::Library;
use steadyhand::notify::delivery::Delivery;
use steadyhand::notify::pager::{Pager, PagerError};
use steadyhand::oncall::escalation::{Over, Standing};
use steadyhand::outgoing::Outgoing;
use steadyhand::secrets::NamedSecrets;
use steadyhand::store::{DatabaseUrl, Store};
use steadyhand::transport::recorded::Recorded;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

const ONCALL: &str = "steadyhand: 1
zone: UTC
rotations:
  web: {members: [anna, ben], start: 2026-11-02, handover: {days: [mon], at: \"09:00\"}}
channels: [chat]
chains:
  web:
    title: Web shop
    levels:
      - {who: rotation:web, timeout: 5m}
      - {who: [user:lena, channel:chat], timeout: 10m}
  hook: {levels: [{who: user:hook}]}
  empty: {levels: [{who: user:nobody-known}]}
";

/// 2026-11-16 is a Monday; anna's second turn has begun.
const NOW: &str = "2026-11-16T12:00:00Z";

struct World {
    folder: TempDir,
    store: Store,
    clock: Arc<Manual>,
    engine: Engine,
    pager: Pager,
    directory: Notify,
}

impl World {
    async fn start(channels: impl FnOnce(&Path) -> Notify) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let repository = folder.path().join("repository");
        std::fs::create_dir_all(repository.join("runbooks")).expect("a folder can be made");
        std::fs::write(repository.join("oncall.yaml"), ONCALL).expect("a file can be written");
        let data = folder.path().join("data");
        let store = Store::open(&DatabaseUrl::in_data_dir(&data), &data).await.expect("the store opens");
        let now = NOW.parse::<jiff::Timestamp>().expect("a time").as_millisecond();
        let clock = Arc::new(Manual::at(now));
        let engine = Engine::new(Parts {
            store: store.clone(),
            library: Library::open(&repository).await.expect("the library opens"),
            transport: Arc::new(Recorded::new()),
            clock: clock.clone(),
            secrets: Arc::new(NamedSecrets::none()),
            lock: None,
        });
        let directory = channels(folder.path());
        let pager = Pager::new(engine.clone(), directory.clone());
        Self { folder, store, clock, engine, pager, directory }
    }

    fn delivery(&self) -> Delivery {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let secrets = Arc::new(NamedSecrets::none());
        let outgoing = Outgoing::new(vec![Allowed::Network("127.0.0.1".parse().expect("an address"))]);
        let made =
            Delivery::new(self.store.clone(), clock, secrets, &outgoing, self.directory.clone(), "https://ops.test/");
        made.expect("TLS is there")
    }

    async fn pass(&self, minutes: u64) {
        self.clock.advance(Duration::from_secs(minutes * 60));
        self.pager.tick().await.expect("pages climb");
    }
}

fn account(name: &str) -> AccountName {
    name.parse().expect("a name")
}

/// A secret lies in a file, and the configuration says where.
fn in_file(folder: &Path, name: &str, text: &str) -> SecretRef {
    let path: PathBuf = folder.join(name);
    std::fs::write(&path, text).expect("a file can be written");
    SecretRef::File(path)
}

fn people(channels: &[(&str, Channel)]) -> BTreeMap<AccountName, Vec<Channel>> {
    channels.iter().map(|(name, channel)| (account(name), vec![channel.clone()])).collect()
}

fn mails(port: u16, to: &[&str]) -> Notify {
    let mail = Mail {
        from: "steadyhand@ops.test".to_owned(),
        host: "127.0.0.1".to_owned(),
        port,
        tls: MailTls::None,
        login: None,
    };
    let channels: Vec<(&str, Channel)> =
        to.iter().map(|name| (*name, Channel::Email(format!("{name}@ops.test")))).collect();
    Notify { mail: Some(mail), people: people(&channels), ..Notify::default() }
}

/// A small mail server that speaks SMTP and keeps what it takes.
async fn mail_server() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let taken = Arc::new(Mutex::new(Vec::new()));
    let all = taken.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let all = all.clone();
            tokio::spawn(async move {
                let (reader, mut writer) = stream.into_split();
                let mut lines = BufReader::new(reader).lines();
                let _ = writer.write_all(b"220 mail.test ESMTP\r\n").await;
                let mut mail = String::new();
                let mut is_data = false;
                while let Ok(Some(line)) = lines.next_line().await {
                    if is_data {
                        if line == "." {
                            is_data = false;
                            all.lock().expect("nobody panics here").push(std::mem::take(&mut mail));
                            let _ = writer.write_all(b"250 taken\r\n").await;
                        } else {
                            mail.push_str(&line);
                            mail.push('\n');
                        }
                        continue;
                    }
                    let answer: &[u8] = match line.split(' ').next().unwrap_or_default() {
                        "DATA" => {
                            is_data = true;
                            b"354 go on\r\n"
                        }
                        "QUIT" => b"221 bye\r\n",
                        "EHLO" => b"250-mail.test\r\n250 8BITMIME\r\n",
                        _ => b"250 ok\r\n",
                    };
                    let _ = writer.write_all(answer).await;
                }
            });
        }
    });
    (port, taken)
}

/// A web server that answers with a status and keeps the requests.
async fn web_server(status: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = format!("http://{}/hook/SECRETPATH", listener.local_addr().expect("it is bound"));
    let taken = Arc::new(Mutex::new(Vec::new()));
    let all = taken.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let all = all.clone();
            tokio::spawn(async move {
                let (mut request, mut buffer) = (Vec::new(), vec![0; 65_536]);
                loop {
                    let count = stream.read(&mut buffer).await.unwrap_or(0);
                    request.extend_from_slice(&buffer[..count]);
                    let text = String::from_utf8_lossy(&request).into_owned();
                    let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                        let length = head.to_lowercase().lines().find_map(|line| {
                            line.strip_prefix("content-length:").and_then(|length| length.trim().parse::<usize>().ok())
                        });
                        body.len() >= length.unwrap_or(0)
                    });
                    if whole || count == 0 {
                        all.lock().expect("nobody panics here").push(text);
                        break;
                    }
                }
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    (address, taken)
}

fn said(taken: &Arc<Mutex<Vec<String>>>) -> Vec<String> {
    taken.lock().expect("nobody panics here").clone()
}

#[tokio::test]
async fn an_unanswered_page_climbs_level_by_level_on_the_clock_alone() {
    let (port, taken) = mail_server().await;
    let world = World::start(|_| mails(port, &["anna", "lena"])).await;
    let delivery = world.delivery();
    let found = world.pager.raise("web", "the shop is down", Some("/runs/1"), "user:zoe").await.expect("it is raised");
    delivery.send_due().await.expect("it is sent");
    let first = said(&taken);
    assert_eq!(first.len(), 1, "anna alone is told");
    assert!(
        first[0].contains("To: anna@ops.test") && first[0].contains("Auto-Submitted: auto-generated"),
        "{}",
        first[0]
    );
    assert!(first[0].contains(&format!("References: <page-{}@ops.test>", found.id)), "{}", first[0]);
    world.pass(4).await;
    delivery.send_due().await.expect("nothing is due");
    assert_eq!(said(&taken).len(), 1);
    world.pass(1).await;
    delivery.send_due().await.expect("it is sent");
    assert_eq!(said(&taken).len(), 2);
    assert!(said(&taken)[1].contains("To: lena@ops.test"));
    world.pass(10).await;
    let page = world.pager.page(found.id).await.expect("it can be read").expect("it is there").page;
    assert!(matches!(page.standing, Standing::Exhausted { .. }), "{:?}", page.standing);
}

#[tokio::test]
async fn pages_are_raised_and_climb_while_the_repository_cannot_be_read() {
    let world = World::start(|_| mails(1, &["anna", "lena"])).await;
    let repository = world.folder.path().join("repository");
    let restarted = Engine::new(Parts {
        store: world.store.clone(),
        library: Library::open(&repository).await.expect("the library opens"),
        transport: Arc::new(Recorded::new()),
        clock: world.clock.clone(),
        secrets: Arc::new(NamedSecrets::none()),
        lock: None,
    });
    let restarted = Pager::new(restarted, world.directory.clone());
    let first = world.pager.raise("web", "help", None, "user:zoe").await.expect("it is raised").id;
    std::fs::rename(&repository, world.folder.path().join("away")).expect("it can be moved");
    world.pass(5).await;
    let told = async |id| -> Vec<Option<String>> {
        let messages = world.pager.messages(id).await.expect("they can be read");
        messages.into_iter().map(|message| message.person).collect()
    };
    assert_eq!(told(first).await, [Some("anna".to_owned()), Some("lena".to_owned())]);
    let second = world.pager.raise("web", "help", None, "user:zoe").await.expect("the chain is known from before").id;
    assert_eq!(told(second).await, [Some("anna".to_owned())]);
    let on_call = world.engine.on_call().await.expect("it is known from before");
    assert!(on_call.trouble.is_some_and(|trouble| trouble.contains("stays in force")));
    // A server that never knew whom the rotation means pages those who are named.
    world.clock.advance(Duration::from_secs(5 * 60));
    assert!(restarted.tick().await.is_err(), "and says what is wrong");
    assert_eq!(told(second).await, [Some("anna".to_owned()), Some("lena".to_owned())]);
}

#[tokio::test]
async fn an_answer_ends_it_and_takes_back_what_is_not_sent() {
    let (port, taken) = mail_server().await;
    let world = World::start(|_| mails(port, &["anna", "lena"])).await;
    let found = world.pager.raise("web", "", None, "user:zoe").await.expect("it is raised");
    world.pager.acknowledge(found.id, "user:anna", Over::SignedIn, None).await.expect("it is hers");
    world.delivery().send_due().await.expect("nothing is due");
    world.pass(60).await;
    world.delivery().send_due().await.expect("nothing is due");
    assert_eq!(said(&taken), Vec::<String>::new());
    let again = world.pager.acknowledge(found.id, "user:ben", Over::SignedIn, None).await;
    assert!(matches!(again, Err(PagerError::Refused(_))), "{again:?}");
}

#[tokio::test]
async fn a_channel_that_is_down_is_tried_again_and_the_next_level_is_paged_in_time() {
    let (down, asked) = web_server("503 Busy").await;
    let (port, taken) = mail_server().await;
    let world = World::start(|folder| {
        let mut notify = mails(port, &["lena"]);
        notify.people.insert(account("anna"), vec![Channel::Slack(in_file(folder, "slack", &down))]);
        notify
    })
    .await;
    let delivery = world.delivery();
    let found = world.pager.raise("web", "help", None, "user:zoe").await.expect("it is raised");
    delivery.send_due().await.expect("it is tried");
    delivery.send_due().await.expect("it waits for its time");
    assert_eq!(said(&asked).len(), 1);
    world.pass(1).await;
    delivery.send_due().await.expect("it is tried again");
    assert_eq!(said(&asked).len(), 2);
    let key = |request: &str| {
        request.lines().find(|line| line.to_lowercase().starts_with("idempotency-key")).map(str::to_owned)
    };
    assert_eq!(key(&said(&asked)[0]), key(&said(&asked)[1]), "whoever gets it twice can tell");
    world.pass(4).await;
    delivery.send_due().await.expect("the next level is told");
    assert_eq!(said(&taken).len(), 1, "lena is told in time");
    let messages = world.pager.messages(found.id).await.expect("they can be read");
    let failed = messages.iter().find(|message| message.person.as_deref() == Some("anna")).expect("it is shown");
    assert!(
        failed.last_error.as_ref().is_some_and(|error| error.contains("503") && !error.contains("SECRETPATH")),
        "{failed:?}"
    );
}

#[tokio::test]
async fn a_channel_that_hangs_holds_up_no_other() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let hangs = format!("http://{}/hook", silent.local_addr().expect("it is bound"));
    let (port, taken) = mail_server().await;
    let world = World::start(|folder| {
        let mut notify = mails(port, &["hook"]);
        notify.people.insert(account("anna"), vec![Channel::Slack(in_file(folder, "slack", &hangs))]);
        notify
    })
    .await;
    let delivery = world.delivery();
    world.pager.raise("web", "help", None, "user:zoe").await.expect("it is raised");
    let arrives = async {
        let _held = silent.accept().await.expect("it is tried");
        world.pager.raise("hook", "help", None, "user:zoe").await.expect("it is raised");
        while said(&taken).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let both = async {
        tokio::select! {
            ended = delivery.keep_sending(tokio::task::yield_now) => panic!("it goes on for ever: {ended:?}"),
            () = arrives => {}
        }
    };
    tokio::time::timeout(Duration::from_secs(10), both).await.expect("it does not wait for what hangs");
}

#[tokio::test]
async fn what_was_not_sent_when_the_server_ended_is_sent_after_the_next_start() {
    let (port, taken) = mail_server().await;
    let world = World::start(|_| mails(port, &["anna", "lena"])).await;
    world.pager.raise("web", "help", None, "user:zoe").await.expect("it is raised");
    world.engine.drain().await;
    let data = world.folder.path().join("data");
    let store = Store::open(&DatabaseUrl::in_data_dir(&data), &data).await.expect("it opens again");
    let clock: Arc<dyn Clock> = world.clock.clone();
    let (secrets, outgoing) = (Arc::new(NamedSecrets::none()), Outgoing::new(Vec::new()));
    let delivery = Delivery::new(store, clock, secrets, &outgoing, world.directory.clone(), "https://ops.test");
    let delivery = delivery.expect("TLS is there");
    delivery.send_due().await.expect("it is sent");
    delivery.send_due().await.expect("nothing is left");
    assert_eq!(said(&taken).len(), 1);
}

#[tokio::test]
async fn a_webhook_is_signed_over_its_time_and_body() {
    let (address, taken) = web_server("204 No Content").await;
    let world = World::start(|folder| Notify {
        people: people(&[(
            "hook",
            Channel::Webhook {
                address: in_file(folder, "hook", &address),
                key: in_file(folder, "key", "a shared key"),
            },
        )]),
        ..Notify::default()
    })
    .await;
    world.pager.raise("hook", "look", Some("/runs/1"), "user:zoe").await.expect("it is raised");
    world.delivery().send_due().await.expect("it is sent");
    let request = said(&taken).pop().expect("it was taken");
    let (head, body) = request.split_once("\r\n\r\n").expect("it has a body");
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_lowercase().starts_with(name)).expect("it is there");
        line.split_once(": ").expect("it has a value").1.to_owned()
    };
    let timestamp = header("steadyhand-timestamp");
    let expected = hmac(b"a shared key", format!("{timestamp}.{body}").as_bytes());
    assert_eq!(header("steadyhand-signature"), format!("v1={expected}"));
    let body: serde_json::Value = serde_json::from_str(body).expect("it is JSON");
    assert_eq!((body["text"].as_str(), body["about"].as_str()), (Some("look"), Some("https://ops.test/runs/1")));
}

/// HMAC-SHA256 as RFC 2104 writes it down, apart from the library that makes ours.
fn hmac(key: &[u8], text: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    let padded = |with: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect() };
    let inner = Sha256::digest([padded(0x36).as_slice(), text].concat());
    let outer = Sha256::digest([padded(0x5c).as_slice(), inner.as_slice()].concat());
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn whoever_cannot_be_reached_is_said_at_once_and_an_unknown_chain_names_those_there_are() {
    let world = World::start(|_| Notify::default()).await;
    let found = world.pager.raise("empty", "help", None, "user:zoe").await.expect("it is stored");
    assert!(matches!(found.page.standing, Standing::Exhausted { .. }));
    let refused = world.pager.raise("wbe", "help", None, "user:zoe").await.expect_err("there is none");
    assert_eq!(refused.to_string(), "there is no chain \"wbe\": there is empty, hook, web");
    for about in ["https://evil.test/", "//evil.test", "/a\"b"] {
        let refused = world.pager.raise("web", "", Some(about), "user:zoe").await;
        assert!(matches!(refused, Err(PagerError::About)), "{about}");
    }
}
