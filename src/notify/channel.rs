//! Webhooks: our own, signed one, Slack's and ntfy's. All go through the one HTTP client with its guard.
//!
//! **The signed webhook.** `POST` with a JSON body and the headers `Steadyhand-Timestamp` (seconds since 1970) and
//! `Steadyhand-Signature: v1=HEX`, where HEX is HMAC-SHA256 with the shared key over the timestamp, a `.` and the body
//! as sent. Refuse a timestamp that is more than five minutes away: then nobody can play an old message again.
//! `Idempotency-Key` is the same each time that a message is sent. Any status from 200 to 299 takes it.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::text::Outgo;
use crate::outgoing::{Ask, Client, HeaderMap, HeaderName, HeaderValue, Method, Url, header};
use crate::redact::SecretText;

/// A section of Slack holds three thousand letters.
const SLACK_CHARACTERS_MAX: usize = 2_900;

/// Posts our own form.
pub async fn webhook(
    client: &Client,
    to: &SecretText,
    key: &SecretText,
    outgo: &Outgo,
    now_ms: i64,
) -> Result<(), String> {
    let body = json!({
        "v": 1, "id": outgo.id, "thread": outgo.thread, "subject": outgo.body.subject, "text": outgo.body.text,
        "note": outgo.body.note, "answer": outgo.answer, "about": outgo.about,
    })
    .to_string();
    let timestamp = (now_ms / 1000).to_string();
    let mut headers = json_headers(outgo)?;
    headers.insert(HeaderName::from_static("steadyhand-timestamp"), value(&timestamp)?);
    let signature = format!("v1={}", signature(key.expose(), &timestamp, &body));
    headers.insert(HeaderName::from_static("steadyhand-signature"), value(&signature)?);
    post(client, to, headers, body).await
}

/// HMAC-SHA256 over timestamp, `.` and body, in hexadecimal.
pub fn signature(key: &str, timestamp: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key of HMAC has any length");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Posts what Slack, and what speaks like it, takes.
pub async fn slack(client: &Client, to: &SecretText, outgo: &Outgo) -> Result<(), String> {
    let text: String = escaped(&outgo.body.text).chars().take(SLACK_CHARACTERS_MAX).collect();
    let mut buttons = vec![button("I have it", &outgo.answer)];
    buttons.extend(outgo.about.as_ref().map(|about| button("Look at it", about)));
    let body = json!({
        "text": format!("{}: {text}", escaped(&outgo.body.subject)),
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": format!("*{}*\n{text}", escaped(&outgo.body.note))}},
            {"type": "actions", "elements": buttons},
        ],
    });
    post(client, to, json_headers(outgo)?, body.to_string()).await
}

fn button(label: &str, url: &str) -> serde_json::Value {
    json!({"type": "button", "text": {"type": "plain_text", "text": label}, "url": url})
}

/// `&`, `<` and `>` begin links and names of people and groups there: nobody calls `<!channel>` by what they write.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Posts to a topic of ntfy.
pub async fn ntfy(client: &Client, to: &SecretText, token: Option<&SecretText>, outgo: &Outgo) -> Result<(), String> {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("title"), value(&ascii(&outgo.body.subject))?);
    headers.insert(HeaderName::from_static("priority"), HeaderValue::from_static("urgent"));
    headers.insert(HeaderName::from_static("click"), value(&outgo.answer)?);
    headers.insert(HeaderName::from_static("idempotency-key"), value(&outgo.id)?);
    if let Some(token) = token {
        headers.insert(header::AUTHORIZATION, value(&format!("Bearer {}", token.expose()))?);
    }
    post(client, to, headers, format!("{}\n{}", outgo.body.text, outgo.body.note)).await
}

fn json_headers(outgo: &Outgo) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(HeaderName::from_static("idempotency-key"), value(&outgo.id)?);
    Ok(headers)
}

fn value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|_| "it cannot stand in a header".to_owned())
}

/// Headers hold ASCII alone.
fn ascii(text: &str) -> String {
    text.chars().map(|letter| if letter.is_ascii_graphic() || letter == ' ' { letter } else { '?' }).collect()
}

async fn post(client: &Client, to: &SecretText, headers: HeaderMap, body: String) -> Result<(), String> {
    // Never the address itself: it opens the channel to whoever knows it.
    let url: Url = to.expose().trim().parse().map_err(|_| "its address is none that can be asked".to_owned())?;
    let asked = client.ask(Ask { method: Method::POST, url, headers, body: body.into_bytes() }).await;
    let answer = asked.map_err(|error| error.to_string())?;
    if answer.status.is_success() {
        Ok(())
    } else {
        Err(format!("it answers with the status {}", answer.status.as_u16()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_rfc_4231_over_timestamp_and_body() {
        // Test case 2 of RFC 4231 has the data "what do ya want for nothing?"; ours is put together around a dot.
        let mut mac = Hmac::<Sha256>::new_from_slice(b"Jefe").expect("any length");
        mac.update(b"what do ya want for nothing?");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let found: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, expected);
        assert_ne!(signature("key", "1", "23"), signature("key", "12", "3"), "the dot keeps the two apart");
    }

    #[test]
    fn nobody_calls_a_whole_slack_channel_by_what_they_write() {
        assert_eq!(escaped("<!channel> a & b"), "&lt;!channel&gt; a &amp; b");
    }
}
