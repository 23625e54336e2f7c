//! Pages that climb, the links to answer them with, and messages that are on their way.
//!
//! What a page decides and the messages that follow from it are stored in one transaction: a crash just before leaves
//! neither, just after both. A message is sent at least once: it is marked as sent after the channel took it.

use uuid::Uuid;

use super::Store;
use super::db::{Sql, StoreError, Tx, execute, read, sql};
use crate::audit::entry::NewEntry;
use crate::id::Digest;

/// Messages of one page that are shown.
pub const MESSAGES_MAX: u32 = 200;

/// A page as it is stored; `state` is [`crate::oncall::escalation::Page`] as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRow {
    pub id: Uuid,
    pub chain: String,
    pub raised_by: String,
    pub raised_at_ms: i64,
    pub is_open: bool,
    pub next_at_ms: Option<i64>,
    /// 1 when raised, one more with each change.
    pub version: u64,
    pub state: String,
}

/// A message to one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: Uuid,
    /// Names what caused it: the same cause makes it once.
    pub key: String,
    pub channel: String,
    pub person: Option<String>,
    pub page: Option<Uuid>,
    /// The run that it is about.
    pub run: Option<Uuid>,
    pub body: String,
    pub made_at_ms: i64,
    /// When it is tried next; none: it was sent, or it is not tried any more.
    pub next_at_ms: Option<i64>,
    pub attempts: u32,
    pub sent_at_ms: Option<i64>,
    pub last_error: Option<String>,
}

/// A link of a message, with which its person may answer once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageLink {
    pub page: Uuid,
    pub person: String,
    pub made_at_ms: i64,
    pub is_used: bool,
}

const STORE: &str = "store a page";
const READ: &str = "read pages";

impl Store {
    /// Stores a page that was raised, with its first messages; that it was is recorded.
    ///
    /// # Errors
    /// The database failed, or it could not be recorded: then there is no page.
    pub async fn raise_page(&self, row: &PageRow, messages: &[Message], entry: &NewEntry) -> Result<(), StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        let (by, chain) = (row.raised_by.as_str(), row.chain.as_str());
        execute!(
            tx,
            INSERT,
            row.id,
            chain,
            by,
            row.raised_at_ms,
            i64::from(row.is_open),
            row.next_at_ms,
            row.state.as_str()
        )
        .map_err(self.db.failed(STORE))?;
        self.insert_messages(&mut tx, messages).await?;
        self.record_in(&mut tx, entry).await?;
        self.db.commit(tx, STORE).await
    }

    /// Stores what became of a page if it is still at `row.version`, with the messages that follow. An answered page
    /// takes its messages back that are not sent yet. False: somebody else changed it meanwhile.
    ///
    /// # Errors
    /// As of [`Store::raise_page`].
    pub async fn change_page(
        &self,
        row: &PageRow,
        messages: &[Message],
        entry: Option<&NewEntry>,
        used_link: Option<Digest>,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        let (version, is_open) = (row.version.cast_signed(), i64::from(row.is_open));
        let changed = execute!(tx, CHANGE, row.id, version, is_open, row.next_at_ms, row.state.as_str())
            .map_err(self.db.failed(STORE))?;
        if changed == 0 {
            return Ok(false);
        }
        self.insert_messages(&mut tx, messages).await?;
        if !row.is_open {
            execute!(tx, TAKE_BACK, row.id).map_err(self.db.failed(STORE))?;
        }
        if let Some(hash) = used_link {
            execute!(tx, USE_LINK, hash.0.as_slice(), now_ms).map_err(self.db.failed(STORE))?;
        }
        if let Some(entry) = entry {
            self.record_in(&mut tx, entry).await?;
        }
        self.db.commit(tx, STORE).await?;
        Ok(true)
    }

    async fn insert_messages(&self, tx: &mut Tx, messages: &[Message]) -> Result<(), StoreError> {
        for message in messages {
            execute!(
                *tx,
                INSERT_MESSAGE,
                message.id,
                message.key.as_str(),
                message.channel.as_str(),
                message.person.as_deref(),
                message.page,
                message.run,
                message.body.as_str(),
                message.made_at_ms,
                message.next_at_ms
            )
            .map_err(self.db.failed(STORE))?;
        }
        Ok(())
    }

    /// Adds messages that are not there yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_messages(&self, messages: &[Message]) -> Result<(), StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        self.insert_messages(&mut tx, messages).await?;
        self.db.commit(tx, STORE).await
    }

    /// # Errors
    /// When the database fails.
    pub async fn page(&self, id: Uuid) -> Result<Option<PageRow>, StoreError> {
        let found = read!(self.db, fetch_optional FoundPage, BY_ID, id).map_err(self.db.failed(READ))?;
        Ok(found.map(PageRow::from))
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pages(&self, limit: u32) -> Result<Vec<PageRow>, StoreError> {
        let found = read!(self.db, fetch_all FoundPage, NEWEST, i64::from(limit)).map_err(self.db.failed(READ))?;
        Ok(found.into_iter().map(PageRow::from).collect())
    }

    /// Pages whose time has come.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pages_due(&self, now_ms: i64, limit: u32) -> Result<Vec<PageRow>, StoreError> {
        let found = read!(self.db, fetch_all FoundPage, DUE, now_ms, i64::from(limit)).map_err(self.db.failed(READ))?;
        Ok(found.into_iter().map(PageRow::from).collect())
    }

    /// The messages of a page, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn messages_of_page(&self, page: Uuid) -> Result<Vec<Message>, StoreError> {
        let limit = i64::from(MESSAGES_MAX);
        let found = read!(self.db, fetch_all FoundMessage, OF_PAGE, page, limit).map_err(self.db.failed(READ))?;
        Ok(found.into_iter().map(Message::from).collect())
    }

    /// Messages whose time has come.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn messages_due(&self, now_ms: i64, limit: u32) -> Result<Vec<Message>, StoreError> {
        let limit = i64::from(limit);
        let found =
            read!(self.db, fetch_all FoundMessage, MESSAGES_DUE, now_ms, limit).map_err(self.db.failed(READ))?;
        Ok(found.into_iter().map(Message::from).collect())
    }

    /// How sending went: `sent_at_ms`, or what failed and when it is tried again. What was taken back meanwhile stays so.
    ///
    /// # Errors
    /// When the database fails; then it is sent once more.
    pub async fn message_tried(&self, message: &Message) -> Result<(), StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        let (attempts, error) = (i64::from(message.attempts), message.last_error.as_deref());
        execute!(tx, TRIED, message.id, attempts, message.next_at_ms, message.sent_at_ms, error)
            .map_err(self.db.failed(STORE))?;
        self.db.commit(tx, STORE).await
    }

    /// Makes a link for a person to answer with.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn make_page_link(&self, hash: Digest, page: Uuid, person: &str, now_ms: i64) -> Result<(), StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        execute!(tx, MAKE_LINK, hash.0.as_slice(), page, person, now_ms).map_err(self.db.failed(STORE))?;
        self.db.commit(tx, STORE).await
    }

    /// # Errors
    /// When the database fails.
    pub async fn page_link(&self, hash: Digest) -> Result<Option<PageLink>, StoreError> {
        type Row = (Uuid, String, i64, Option<i64>);
        let found = read!(self.db, fetch_optional Row, LINK, hash.0.as_slice()).map_err(self.db.failed(READ))?;
        Ok(found.map(|(page, person, made_at_ms, used_at_ms)| PageLink {
            page,
            person,
            made_at_ms,
            is_used: used_at_ms.is_some(),
        }))
    }
}

#[derive(sqlx::FromRow)]
struct FoundPage {
    id: Uuid,
    chain: String,
    raised_by: String,
    raised_at_ms: i64,
    is_open: i64,
    next_at_ms: Option<i64>,
    version: i64,
    state: String,
}

impl From<FoundPage> for PageRow {
    fn from(found: FoundPage) -> Self {
        Self {
            id: found.id,
            chain: found.chain,
            raised_by: found.raised_by,
            raised_at_ms: found.raised_at_ms,
            is_open: found.is_open != 0,
            next_at_ms: found.next_at_ms,
            version: found.version.cast_unsigned(),
            state: found.state,
        }
    }
}

#[derive(sqlx::FromRow)]
struct FoundMessage {
    id: Uuid,
    key: String,
    channel: String,
    person: Option<String>,
    page: Option<Uuid>,
    run: Option<Uuid>,
    body: String,
    made_at_ms: i64,
    next_at_ms: Option<i64>,
    attempts: i64,
    sent_at_ms: Option<i64>,
    last_error: Option<String>,
}

impl From<FoundMessage> for Message {
    fn from(found: FoundMessage) -> Self {
        Self {
            id: found.id,
            key: found.key,
            channel: found.channel,
            person: found.person,
            page: found.page,
            run: found.run,
            body: found.body,
            made_at_ms: found.made_at_ms,
            next_at_ms: found.next_at_ms,
            attempts: u32::try_from(found.attempts).unwrap_or(u32::MAX),
            sent_at_ms: found.sent_at_ms,
            last_error: found.last_error,
        }
    }
}

macro_rules! page_columns {
    () => {
        "select id, chain, raised_by, raised_at_ms, is_open, next_at_ms, version, state from page "
    };
}
macro_rules! message_columns {
    () => {
        "select id, key, channel, person, page, run, body, made_at_ms, next_at_ms, attempts, sent_at_ms, last_error \
         from outbox "
    };
}

const INSERT: Sql = sql!(
    "insert into page (id, chain, raised_by, raised_at_ms, is_open, next_at_ms, version, state) \
     values ($1, $2, $3, $4, $5, $6, 1, $7)"
);
const CHANGE: Sql = sql!(
    "update page set is_open = $3, next_at_ms = $4, state = $5, version = version + 1 where id = $1 and version = $2"
);
const BY_ID: Sql = sql!(concat!(page_columns!(), "where id = $1"));
const NEWEST: Sql = sql!(concat!(page_columns!(), "order by raised_at_ms desc, id desc limit $1"));
const DUE: Sql = sql!(concat!(
    page_columns!(),
    "where is_open = 1 and next_at_ms is not null and next_at_ms <= $1 order by next_at_ms, id limit $2"
));
const INSERT_MESSAGE: Sql = sql!(
    "insert into outbox (id, key, channel, person, page, run, body, made_at_ms, next_at_ms, attempts) \
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0) on conflict (key) do nothing"
);
const TAKE_BACK: Sql = sql!("update outbox set next_at_ms = null where page = $1 and sent_at_ms is null");
const OF_PAGE: Sql = sql!(concat!(message_columns!(), "where page = $1 order by made_at_ms, id limit $2"));
const MESSAGES_DUE: Sql = sql!(concat!(
    message_columns!(),
    "where next_at_ms is not null and next_at_ms <= $1 order by next_at_ms, id limit $2"
));
const TRIED: Sql = sql!(
    "update outbox set attempts = $2, next_at_ms = case when next_at_ms is null then null else cast($3 as bigint) end, \
     sent_at_ms = $4, last_error = $5 where id = $1"
);
const MAKE_LINK: Sql = sql!("insert into page_link (token_hash, page, person, made_at_ms) values ($1, $2, $3, $4)");
const LINK: Sql = sql!("select page, person, made_at_ms, used_at_ms from page_link where token_hash = $1");
const USE_LINK: Sql = sql!("update page_link set used_at_ms = $2 where token_hash = $1 and used_at_ms is null");

/// For the statement test.
pub(super) const STATEMENTS: &[Sql] = &[
    INSERT,
    CHANGE,
    BY_ID,
    NEWEST,
    DUE,
    INSERT_MESSAGE,
    TAKE_BACK,
    OF_PAGE,
    MESSAGES_DUE,
    TRIED,
    MAKE_LINK,
    LINK,
    USE_LINK,
];
