-- The server's own stream of the audit log. Its actor is the person, and the token that the person used if any.
create table audit_entry (
    seq       integer  primary key not null,
    at_ms     bigint not null,
    kind      text   not null,
    person    text   not null,
    token     text,
    object    text   not null,
    body      text   not null,
    prev_hash blob  not null,
    hash      blob  not null
);
create index audit_entry_by_time on audit_entry (at_ms, seq);
create index audit_entry_by_person on audit_entry (person, at_ms, seq);
create index audit_entry_by_kind on audit_entry (kind, at_ms, seq);
create index audit_entry_by_object on audit_entry (object, at_ms, seq);

-- One row: the end of that stream, and up to where a checkpoint has seen it.
create table audit_head (
    id              bigint primary key not null check (id = 1),
    last_seq        bigint not null,
    head_hash       blob  not null,
    checkpoint_seq  bigint not null
);
insert into audit_head (id, last_seq, head_hash, checkpoint_seq) values (1, 0, zeroblob(32), 0);

create table audit_checkpoint (
    number     bigint primary key not null,
    text       text   not null,
    public_key blob  not null,
    signature  blob  not null
);

-- Checkpoints on their way outside.
create table audit_anchor (
    anchor      text   not null,
    checkpoint  bigint not null,
    sent_at_ms  bigint,
    attempts    bigint not null,
    next_try_ms bigint not null,
    last_error  text,
    primary key (anchor, checkpoint)
);
create index audit_anchor_unsent on audit_anchor (anchor, checkpoint) where sent_at_ms is null;

-- Up to where a checkpoint has seen a run: the runs that went on since are found without looking at the others.
alter table run add column checkpoint_seq bigint not null default 0;
create index run_beyond_checkpoint on run (id) where last_seq > checkpoint_seq;

-- What people did in runs, by time, for the audit page: everything but what the engine tells of its own work, so that
-- a kind of event that comes later is found too.
create index run_event_by_time on run_event (at_ms, run, seq, kind) where kind not in (
    'host_proven', 'step_entered', 'wait_started', 'attempt_planned', 'attempt_running', 'attempt_unreachable',
    'attempt_overdue', 'attempt_stop_failed', 'attempt_ended', 'guard_held', 'step_worked', 'verify_postponed',
    'values_captured', 'retry_scheduled', 'step_finished'
);
