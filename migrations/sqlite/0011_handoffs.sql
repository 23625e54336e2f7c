-- Handoffs: a row for lists, the log of what happened, and who holds which item. The log is the truth; it holds every
-- revision of the record. Row and items are projections, written in the transaction that appends to the log.

create table handoff (
    id              blob   primary key not null,
    rotation        text,
    sender          text   not null,
    receiver        text   not null,
    phase           text   not null,
    -- What is overdue, in words.
    overdue         text,
    overview        text   not null,
    items           bigint not null,
    unstable        bigint not null,
    watcher         bigint not null,
    begun_ms        bigint not null,
    boundary_ms     bigint not null,
    acknowledged_ms bigint,
    -- When time next changes something; none when it changes nothing any more.
    next_ms         bigint,
    -- JSON: what decides who may read it.
    scopes          text   not null,
    search          text   not null,
    last_seq        bigint not null,
    -- Up to where its text is kept as a commit, where that is asked for.
    kept_seq        bigint not null default 0,
    head_hash       blob   not null
);
create index handoff_by_time on handoff (begun_ms, id);
create index handoff_by_receiver on handoff (receiver, boundary_ms);
create index handoff_by_next on handoff (next_ms) where next_ms is not null;

create table handoff_event (
    handoff   blob   not null references handoff (id),
    seq       bigint not null,
    at_ms     bigint not null,
    kind      text   not null,
    body      text   not null,
    prev_hash blob   not null,
    hash      blob   not null,
    primary key (handoff, seq)
);

create table handoff_item (
    handoff  blob   not null references handoff (id),
    item     text   not null,
    title    text   not null,
    severity text,
    holder   text   not null,
    since_ms bigint not null,
    primary key (handoff, item)
) without rowid;

-- The runs of items: the page of a run says who holds it.
create table handoff_run (
    run     blob   not null,
    handoff blob   not null references handoff (id),
    item    text   not null,
    primary key (run, handoff, item)
) without rowid;
create index handoff_run_by_handoff on handoff_run (handoff);

-- A draft asks for the runs that ended in the shift.
create index run_by_end on run (ended_at_ms) where ended_at_ms is not null;
