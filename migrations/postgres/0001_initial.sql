-- Times are milliseconds since 1970 (UTC), ids are 16-byte UUIDs, digests are 32 bytes.

create table run (
    id            uuid   primary key not null,
    runbook       text   not null,
    title         text   not null,
    commit_id     text,
    state         text   not null,
    waiting       text,
    started_by    text   not null,
    started_at_ms bigint not null,
    ended_at_ms   bigint,
    step_done     bigint not null,
    step_total    bigint not null,
    last_seq      bigint not null,
    head_hash     bytea  not null,
    search        text   not null,
    hosts         text   not null
);
create index run_by_time on run (started_at_ms, id);
create index run_by_state on run (state, started_at_ms, id);
create index run_by_runbook on run (runbook, started_at_ms, id);
create index run_by_person on run (started_by, started_at_ms, id);
create index run_unfinished on run (started_at_ms, id) where ended_at_ms is null;

create table run_host (
    host          text   not null,
    started_at_ms bigint not null,
    run           uuid   not null references run (id) on delete cascade,
    primary key (host, started_at_ms, run)
);
create index run_host_by_run on run_host (run);

create table run_event (
    run       uuid   not null references run (id),
    seq       bigint not null,
    at_ms     bigint not null,
    kind      text   not null,
    body      text   not null,
    prev_hash bytea  not null,
    hash      bytea  not null,
    primary key (run, seq)
);

create table run_lease (
    run            uuid   primary key not null,
    owner          text   not null,
    epoch          bigint not null,
    lease_until_ms bigint not null
);

create table attempt_output (
    attempt       uuid    primary key not null,
    run           uuid    not null,
    step          text    not null,
    host          text    not null,
    number        bigint  not null,
    purpose       text    not null,
    stdout_raw    bigint  not null,
    stderr_raw    bigint  not null,
    lines         bigint  not null,
    bytes         bigint  not null,
    lines_dropped bigint  not null,
    bytes_dropped bigint  not null,
    finished      boolean not null
);
create index attempt_output_by_run on attempt_output (run, attempt);

create table output_segment (
    attempt    uuid   not null references attempt_output (attempt),
    idx        bigint not null,
    idx_last   bigint not null,
    first_line bigint not null,
    last_line  bigint not null,
    first_ms   bigint not null,
    last_ms    bigint not null,
    bytes_raw  bigint not null,
    inline     bytea,
    blob_key   text,
    primary key (attempt, idx),
    check ((inline is null) <> (blob_key is null))
);
create index output_segment_by_line on output_segment (attempt, last_line);

create table share (
    id             uuid    primary key not null,
    token_hash     bytea   not null unique,
    run            uuid    not null,
    scope          text    not null,
    label          text    not null,
    created_by     text    not null,
    created_at_ms  bigint  not null,
    expires_at_ms  bigint  not null,
    revoked_at_ms  bigint,
    views          bigint  not null,
    last_view_ms   bigint,
    requires_login boolean not null,
    snapshot       bytea,
    snapshot_key   text,
    check ((snapshot is null) <> (snapshot_key is null))
);
create index share_by_run on share (run, created_at_ms, id);

create table api_token (
    id            uuid   primary key not null,
    name          text   not null,
    token_hash    bytea  not null unique,
    actor         text   not null,
    scopes        text   not null,
    created_at_ms bigint not null,
    expires_at_ms bigint,
    last_used_ms  bigint,
    revoked_at_ms bigint
);
create index api_token_by_time on api_token (created_at_ms, id);

create table session (
    token_hash    bytea  primary key not null,
    actor         text   not null,
    created_at_ms bigint not null,
    last_seen_ms  bigint not null,
    expires_at_ms bigint not null
);
create index session_by_expiry on session (expires_at_ms);

create table login_link (
    token_hash    bytea  primary key not null,
    actor         text   not null,
    created_at_ms bigint not null,
    expires_at_ms bigint not null,
    used_at_ms    bigint
);

create table setting (
    name    text   primary key not null,
    value   text   not null,
    version bigint not null
);
