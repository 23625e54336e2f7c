-- The newest nudge of each run: somebody said that it waits. All of them are in the audit log.

create table run_nudge (
    run       blob   not null primary key references run (id) on delete cascade,
    nudged_by text   not null,
    at_ms     bigint not null
) without rowid;
