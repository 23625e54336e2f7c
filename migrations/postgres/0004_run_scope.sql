-- What decides who may see and touch a run: its runbook, tags, and hosts with their labels, as JSON text with its own
-- version. Empty for runs of before there were roles; only who may have every host is shown those.

alter table run add column scope text not null default '';
