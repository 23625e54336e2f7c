-- Who is on call and who is told: calendars of other systems as they were last read, pages that climb until somebody
-- answers, links to answer with, and messages that are on their way.

create table oncall_feed (
    name          text   primary key not null,
    text          blob   not null,
    fetched_at_ms bigint,
    tried_at_ms   bigint not null,
    trouble       text
) without rowid;

-- `state` is the page's own story as versioned JSON; what is looked for has columns.
create table page (
    id           blob   primary key not null,
    chain        text   not null,
    raised_by    text   not null,
    raised_at_ms bigint not null,
    is_open      bigint not null,
    next_at_ms   bigint,
    version      bigint not null,
    state        text   not null
);
create index page_by_time on page (raised_at_ms, id);
create index page_open on page (next_at_ms, id) where is_open = 1;

create table page_link (
    token_hash blob   primary key not null,
    page       blob   not null references page (id) on delete cascade,
    person     text   not null,
    made_at_ms bigint not null,
    used_at_ms bigint
) without rowid;

-- A message to one channel. `key` names what caused it, so that the same cause makes it once.
create table outbox (
    id          blob   primary key not null,
    key         text   not null unique,
    channel     text   not null,
    person      text,
    page        blob   references page (id) on delete cascade,
    run         blob,
    body        text   not null,
    made_at_ms  bigint not null,
    next_at_ms  bigint,
    attempts    bigint not null,
    sent_at_ms  bigint,
    last_error  text
);
create index outbox_due on outbox (next_at_ms, id) where next_at_ms is not null;
create index outbox_by_page on outbox (page, made_at_ms, id);
