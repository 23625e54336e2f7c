//! The one place that knows lettre: a message as a mail, and its way to the server that takes it on.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::text::Outgo;
use crate::config::{Mail, MailTls};

/// For each answer of the server.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// Sends one mail. `password` belongs to the login of `mail`.
///
/// # Errors
/// The server did not take it: why, without the password.
pub async fn send(mail: &Mail, password: Option<&str>, to: &str, outgo: &Outgo, now_ms: i64) -> Result<(), String> {
    let message = message(mail, to, outgo, now_ms)?;
    let builder = match mail.tls {
        MailTls::Starttls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&mail.host),
        MailTls::Implicit => AsyncSmtpTransport::<Tokio1Executor>::relay(&mail.host),
        MailTls::None => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&mail.host)),
    };
    let mut builder = builder.map_err(|error| told(&error))?.port(mail.port).timeout(Some(ANSWER_TIME));
    if let (Some((user, _)), Some(password)) = (&mail.login, password) {
        builder = builder.credentials(Credentials::new(user.clone(), password.to_owned()));
    }
    // Not pooled: a page is rare, and a connection that went stale would cost it a try.
    builder.build().send(message).await.map(drop).map_err(|error| told(&error))
}

fn message(mail: &Mail, to: &str, outgo: &Outgo, now_ms: i64) -> Result<Message, String> {
    let mailbox = |address: &str| -> Result<Mailbox, String> {
        address.parse().map_err(|error: lettre::address::AddressError| format!("{address}: {error}"))
    };
    let domain = mail.from.rsplit('@').next().unwrap_or("localhost");
    let id = |name: &str| format!("<{name}@{domain}>");
    let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
    // Answering machines stay silent (RFC 3834), and all mails of one page are one thread.
    let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    let part = |kind, text: String| SinglePart::builder().header(kind).body(text);
    Message::builder()
        .from(mailbox(&mail.from)?)
        .to(mailbox(to)?)
        .subject(outgo.body.subject.replace(['\r', '\n'], " "))
        .date(now)
        .message_id(Some(id(&outgo.id)))
        .in_reply_to(id(&outgo.thread))
        .references(id(&outgo.thread))
        .raw_header(automatic)
        .multipart(
            MultiPart::alternative()
                .singlepart(part(ContentType::TEXT_PLAIN, outgo.plain()))
                .singlepart(part(ContentType::TEXT_HTML, outgo.html())),
        )
        .map_err(|error| error.to_string())
}

fn told(error: &lettre::transport::smtp::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("the mail server did not take it: {error}{cause}")
}
