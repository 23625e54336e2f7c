-- Locks of runs on hosts: taken in the transaction that stores a run's start, given back in the one that stores its end.
-- A row whose run has ended is in nobody's way.

create table run_lock (
    name     text   not null,
    host     text   not null,
    run      uuid   not null references run (id) on delete cascade,
    epoch    bigint not null,
    since_ms bigint not null,
    primary key (name, host)
);
create index run_lock_by_run on run_lock (run);
