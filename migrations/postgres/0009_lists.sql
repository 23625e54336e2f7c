-- Lists stay instant with 100,000 runs. A search looks through each distinct text once, not through each run: runs of
-- one runbook share theirs. The last success of a runbook is one look into an index.

create table run_text (
    search text primary key not null
);
insert into run_text (search) select distinct search from run;

create index run_by_search on run (search, started_at_ms, id);
create index run_by_outcome on run (runbook, state, started_at_ms, id);
