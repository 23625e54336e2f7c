//! Sends messages whose time has come, each at least once.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::text::{Body, Outgo};
use super::{channel, mail};
use crate::access::secret::{self, Door};
use crate::clock::Clock;
use crate::config::{Channel, Notify, SecretRef};
use crate::entropy;
use crate::outgoing::{Client, Outgoing, OutgoingError};
use crate::redact::SecretText;
use crate::secrets::NamedSecrets;
use crate::store::pages::Message;
use crate::store::{Store, StoreError};

/// Messages that are sent side by side.
const SIDE_BY_SIDE_MAX: u32 = 200;

/// Of these to one person's one channel: one that hangs must leave room for all others.
const OF_ONE_CHANNEL_MAX: usize = 5;

/// Messages that one look takes in, so that it sees beyond those that wait for a channel.
const LOOKED_AT_MAX: u32 = 1_000;

/// How long one may take.
const SEND_TIME: Duration = Duration::from_secs(25);

/// How long is waited after each failure; the last is for all that follow.
const AGAIN_MS: [i64; 6] = [5_000, 15_000, 30_000, 60_000, 120_000, 300_000];

/// Two hours, and nobody is helped by the message any more.
pub const ATTEMPTS_MAX: u32 = 30;

/// Sends messages.
pub struct Delivery {
    store: Store,
    clock: Arc<dyn Clock>,
    secrets: Arc<NamedSecrets>,
    client: Client,
    directory: Arc<Notify>,
    /// Where people reach the server, without a slash at its end.
    base: String,
}

/// What came of a try.
enum Tried {
    Sent,
    /// To be tried again.
    Failed(String),
    /// Never to be tried again.
    Dropped(String),
}

impl Delivery {
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        secrets: Arc<NamedSecrets>,
        outgoing: &Outgoing,
        directory: Notify,
        base: &str,
    ) -> Result<Self, OutgoingError> {
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { store, clock, secrets, client: outgoing.client(None)?, directory: Arc::new(directory), base })
    }

    /// Sends what is due. A crash after a channel took a message and before that is stored sends it once more, under the
    /// same id.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn send_due(&self) -> Result<(), StoreError> {
        let due = self.store.messages_due(self.clock.wall_ms(), SIDE_BY_SIDE_MAX).await?;
        for sent in join_all(due.into_iter().map(|message| self.send(message))).await {
            sent?;
        }
        Ok(())
    }

    /// Sends what is due, and looks for more whenever a `nap` is over, whatever hangs meanwhile.
    ///
    /// # Errors
    /// The store cannot be read or written; what was under way has ended then.
    pub async fn keep_sending<N: Future<Output = ()>>(&self, nap: impl Fn() -> N) -> Result<Infallible, StoreError> {
        let mut sending = FuturesUnordered::new();
        let mut under_way = HashMap::new();
        let failed = 'looks: loop {
            let due = match self.store.messages_due(self.clock.wall_ms(), LOOKED_AT_MAX).await {
                Ok(due) => due,
                Err(error) => break error,
            };
            for message in due {
                let (id, way) = (message.id, (message.person.clone(), message.channel.clone()));
                let has_room = under_way.len() < SIDE_BY_SIDE_MAX as usize
                    && under_way.values().filter(|other| **other == way).count() < OF_ONE_CHANNEL_MAX;
                if has_room && !under_way.contains_key(&id) {
                    under_way.insert(id, way);
                    sending.push(async move { (id, self.send(message).await) });
                }
            }
            let mut napping = pin!(nap());
            loop {
                tokio::select! {
                    () = &mut napping => break,
                    Some((id, sent)) = sending.next() => {
                        under_way.remove(&id);
                        if let Err(error) = sent {
                            break 'looks error;
                        }
                    }
                }
            }
        };
        while sending.next().await.is_some() {}
        Err(failed)
    }

    async fn send(&self, mut message: Message) -> Result<(), StoreError> {
        let tried = match tokio::time::timeout(SEND_TIME, self.try_once(&message)).await {
            Ok(tried) => tried?,
            Err(_) => Tried::Failed(format!("it was not taken within {} s", SEND_TIME.as_secs())),
        };
        let now_ms = self.clock.wall_ms();
        message.attempts += 1;
        match tried {
            Tried::Sent => {
                (message.sent_at_ms, message.next_at_ms, message.last_error) = (Some(now_ms), None, None);
            }
            Tried::Dropped(why) => (message.next_at_ms, message.last_error) = (None, Some(why)),
            Tried::Failed(why) => {
                let step = usize::try_from(message.attempts).unwrap_or(usize::MAX).min(AGAIN_MS.len()) - 1;
                let again = message.attempts < ATTEMPTS_MAX;
                message.next_at_ms = again.then(|| now_ms + AGAIN_MS[step]);
                tracing::warn!(message = %message.id, attempt = message.attempts, error = why, "a message was not taken");
                message.last_error = Some(why);
            }
        }
        self.store.message_tried(&message).await
    }

    async fn try_once(&self, message: &Message) -> Result<Tried, StoreError> {
        let Some(channel) = self.channel(message) else {
            return Ok(Tried::Dropped("the server's configuration file has no such channel any more".to_owned()));
        };
        let Some(body) = Body::from_stored(&message.body) else {
            return Ok(Tried::Dropped("it is of a version that this server does not know".to_owned()));
        };
        let Some(outgo) = self.outgo(message, body).await? else {
            return Ok(Tried::Dropped("it was answered before".to_owned()));
        };
        Ok(match self.over(channel, &outgo).await {
            Ok(()) => Tried::Sent,
            Err(why) => Tried::Failed(why),
        })
    }

    fn channel(&self, message: &Message) -> Option<&Channel> {
        match &message.person {
            None => self.directory.channels.get(&message.channel),
            Some(person) => {
                let of_person = self.directory.people.get(&person.parse().ok()?)?;
                of_person.get(message.channel.parse::<usize>().ok()?)
            }
        }
    }

    /// With a fresh link for its person: what the store keeps opens nothing. None: somebody has answered.
    async fn outgo(&self, message: &Message, body: Body) -> Result<Option<Outgo>, StoreError> {
        let about = body.about.as_ref().map(|about| format!("{}{about}", self.base));
        let id = message.id.to_string();
        let Some(page) = message.page else {
            let answer = about.clone().unwrap_or_else(|| self.base.clone());
            let thread = message.run.map_or_else(|| id.clone(), |run| format!("run-{run}"));
            return Ok(Some(Outgo { id, thread, body, answer, about }));
        };
        if !self.store.page(page).await?.is_some_and(|page| page.is_open) {
            return Ok(None);
        }
        let answer = match &message.person {
            // Many read it: whoever answers is to say who they are.
            None => format!("{}/pages/{page}", self.base),
            Some(person) => {
                let fresh = secret::text(Door::Page, entropy::fresh_token());
                let hash = secret::hash(Door::Page, &fresh).expect("it was made for this door");
                self.store.make_page_link(hash, page, person, self.clock.wall_ms()).await?;
                format!("{}/answer/{fresh}", self.base)
            }
        };
        Ok(Some(Outgo { id, thread: format!("page-{page}"), body, answer, about }))
    }

    async fn over(&self, over: &Channel, outgo: &Outgo) -> Result<(), String> {
        let now_ms = self.clock.wall_ms();
        match over {
            Channel::Email(to) => {
                let mail = self.directory.mail.as_ref().ok_or("no mail server is named")?;
                let password = match &mail.login {
                    Some((_, password)) => Some(self.secret(password).await?),
                    None => None,
                };
                mail::send(mail, password.as_ref().map(SecretText::expose), to, outgo, now_ms).await
            }
            Channel::Slack(to) => channel::slack(&self.client, &self.secret(to).await?, outgo).await,
            Channel::Ntfy { address, token } => {
                let token = match token {
                    Some(token) => Some(self.secret(token).await?),
                    None => None,
                };
                channel::ntfy(&self.client, &self.secret(address).await?, token.as_ref(), outgo).await
            }
            Channel::Webhook { address, key } => {
                let (address, key) = (self.secret(address).await?, self.secret(key).await?);
                channel::webhook(&self.client, &address, &key, outgo, now_ms).await
            }
        }
    }

    async fn secret(&self, reference: &SecretRef) -> Result<SecretText, String> {
        self.secrets.resolve(reference).await.map_err(|error| format!("its address or key cannot be had: {error}"))
    }
}
