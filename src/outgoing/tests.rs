//! Facts about the guard, over real connections to a listener on loopback.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{ANSWER_BYTES_MAX, Answer, Ask, Client, HeaderMap, Lookup, Method, Outgoing, OutgoingError, Refused};
use crate::config::Allowed;

/// Answers everything with these bytes, and counts who connected.
async fn listener(answer: Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback is there");
    let (address, seen) = (listener.local_addr().expect("it is bound"), Arc::new(AtomicUsize::new(0)));
    let counted = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(&answer).await;
            });
        }
    });
    (address, seen)
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

/// Every name has these addresses.
fn says(addresses: &'static [&'static str]) -> Lookup {
    Arc::new(move |_| {
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().expect("an address")).collect();
        Box::pin(async move { Ok(addresses) })
    })
}

fn client(allow: &[&str], lookup: Lookup) -> Client {
    let allow = allow.iter().map(|text| match text.parse() {
        Ok(network) => Allowed::Network(network),
        Err(_) => Allowed::Host((*text).to_owned()),
    });
    Outgoing::with_lookup(allow.collect(), lookup).client(None).expect("TLS is there")
}

async fn get(client: &Client, url: &str) -> Result<Answer, OutgoingError> {
    let url = url.parse().expect("an address");
    client.ask(Ask { method: Method::GET, url, headers: HeaderMap::new(), body: Vec::new() }).await
}

fn refusal(asked: Result<Answer, OutgoingError>, what: &str) -> Refused {
    match asked {
        Err(OutgoingError::Refused(refused)) => refused,
        Err(other) => panic!("{what}: {other:?}"),
        Ok(_) => panic!("{what} was asked"),
    }
}

#[tokio::test]
async fn no_spelling_of_a_private_address_is_asked() {
    let (address, seen) = listener(ok("inside")).await;
    let client = client(&[], says(&["127.0.0.1"]));
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "10.0.0.1",
        "[fe80::1]",
        "224.0.0.1",
        "127\u{3002}0.0.1",
        "\u{ff11}27.0.0.1",
    ] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{}/", address.port());
            let refused = refusal(get(&client, &url).await, &url);
            assert!(matches!(refused, Refused::NotPublic { .. }), "{url}: {refused}");
        }
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0, "nobody was connected to");
}

#[tokio::test]
async fn a_name_is_judged_by_every_address_that_it_has() {
    let (address, seen) = listener(ok("inside")).await;
    for addresses in [
        ["127.0.0.1", "127.0.0.1"].as_slice(),
        &["8.8.8.8", "127.0.0.1"],
        &["127.0.0.1", "8.8.8.8"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["fd00:ec2::254"],
        &["169.254.169.254"],
    ] {
        let addresses: &'static [&'static str] = addresses.to_vec().leak();
        let client = client(&[], says(addresses));
        let refused = refusal(get(&client, &format!("https://metadata.example.org:{}/", address.port())).await, "it");
        assert!(matches!(&refused, Refused::NotPublic { host, .. } if host == "metadata.example.org"), "{refused}");
        assert!(refused.to_string().contains("outgoing.allow"), "{refused}");
    }
    let none = client(&[], says(&[]));
    assert!(matches!(refusal(get(&none, "https://x.example.org/").await, "it"), Refused::NoAddress { .. }));
    assert_eq!(seen.load(Ordering::SeqCst), 0, "nobody was connected to");
}

#[tokio::test]
async fn what_is_listed_is_asked_and_nothing_beside_it() {
    let (address, seen) = listener(ok("inside")).await;
    let port = address.port();
    let by_name = client(&["vault.internal"], says(&["127.0.0.1"]));
    assert_eq!(
        &get(&by_name, &format!("http://vault.internal:{port}/")).await.expect("it is listed").body[..],
        b"inside"
    );
    assert_eq!(
        &get(&by_name, &format!("http://Vault.Internal.:{port}/")).await.expect("it is listed").body[..],
        b"inside"
    );
    for url in [format!("http://127.0.0.1:{port}/"), format!("https://other.internal:{port}/")] {
        assert!(matches!(refusal(get(&by_name, &url).await, &url), Refused::NotPublic { .. }), "{url}");
    }
    let by_range = client(&["127.0.0.0/8"], says(&["127.0.0.1"]));
    assert!(get(&by_range, &format!("http://127.0.0.1:{port}/")).await.is_ok());
    let plain = format!("http://public.example.org:{port}/");
    assert!(matches!(refusal(get(&by_range, &plain).await, &plain), Refused::Plain { .. }));
    assert!(matches!(refusal(get(&by_range, "ftp://127.0.0.1/").await, "ftp"), Refused::Scheme));
    assert_eq!(seen.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (inner, seen) = listener(ok("inside")).await;
    let answer =
        format!("HTTP/1.1 302 Found\r\nlocation: http://{inner}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let (address, _) = listener(answer.into_bytes()).await;
    let client = client(&["127.0.0.1"], says(&["127.0.0.1"]));
    let answer = get(&client, &format!("http://{address}/")).await.expect("it answers");
    assert_eq!((answer.status.as_u16(), seen.load(Ordering::SeqCst)), (302, 0));
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off_with_or_without_a_length() {
    let endless = [&b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"[..], &vec![b'x'; ANSWER_BYTES_MAX + 1]].concat();
    let stated = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", ANSWER_BYTES_MAX + 1).into_bytes();
    let client = client(&["127.0.0.1"], says(&["127.0.0.1"]));
    for answer in [endless, stated] {
        let (address, _) = listener(answer).await;
        let asked = get(&client, &format!("http://{address}/")).await;
        assert!(matches!(asked, Err(OutgoingError::TooLong { .. })));
    }
}

#[tokio::test]
async fn an_error_names_the_host_and_nothing_of_the_request() {
    let client = client(&["127.0.0.1"], says(&["127.0.0.1"]));
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("loopback is there").local_addr().expect("bound");
    let Err(error) = get(&client, &format!("http://{closed}/hunter2?token=hunter2")).await else {
        panic!("it answers")
    };
    let told = format!("{error} {error:?}");
    assert!(told.contains("127.0.0.1") && !told.contains("hunter2"), "{told}");
}
