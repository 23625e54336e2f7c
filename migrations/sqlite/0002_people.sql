-- Accounts, and what proves them. Times are milliseconds since 1970 (UTC), ids are 16-byte UUIDs, digests 32 bytes.

create table person (
    id                   blob   primary key not null,
    -- Never changed and never used again: it stands in the record of every run. So accounts are not deleted either.
    name                 text   not null unique,
    display_name         text   not null,
    email                text,
    password_hash        text,
    totp_secret          blob,
    totp_confirmed_at_ms bigint,
    totp_last_step       bigint,
    source               text   not null,
    issuer               text,
    subject              text,
    claimed_groups       text   not null,
    created_at_ms        bigint not null,
    last_login_ms        bigint,
    disabled_at_ms       bigint,
    unique (issuer, subject),
    check ((source = 'oidc') = (issuer is not null and subject is not null))
);

create table recovery_code (
    person     blob   not null references person (id),
    code_hash  blob   not null,
    used_at_ms bigint,
    primary key (person, code_hash)
);

-- Between two answers of one person who is signing in: after the password and before the code, or while the
-- browser is at the provider.
create table login_step (
    token_hash    blob   primary key not null,
    person        blob   references person (id),
    kind          text   not null,
    body          text   not null,
    tries         bigint not null,
    created_at_ms bigint not null,
    expires_at_ms bigint not null
);
create index login_step_by_expiry on login_step (expires_at_ms);

-- Sessions and links of before cannot say whose they were: people sign in again, once.
drop table session;
create table session (
    token_hash          blob   primary key not null,
    id                  blob   not null unique,
    actor               text   not null,
    person              blob   references person (id),
    began               text   not null,
    claimed_groups      text   not null,
    created_at_ms       bigint not null,
    authenticated_at_ms bigint not null,
    last_seen_ms        bigint not null,
    expires_at_ms       bigint not null,
    user_agent          text   not null,
    peer                text   not null
);
create index session_by_expiry on session (expires_at_ms);
create index session_by_actor on session (actor, created_at_ms);

drop table login_link;
create table login_link (
    token_hash    blob   primary key not null,
    actor         text   not null,
    person        blob   references person (id),
    began         text   not null,
    created_at_ms bigint not null,
    expires_at_ms bigint not null,
    used_at_ms    bigint
);

alter table api_token add column owner blob references person (id);
create index api_token_by_owner on api_token (owner, created_at_ms);
