//! Nothing is lost: real engines over real sshd hosts, while servers, connections, hosts and disks fail.

mod approvals;
mod connections;
mod crash;
mod custody;
mod endings;
mod guards;
mod hosts;
mod ledger;
mod named_secrets;
mod people;
mod program;
mod secrets;
mod stopping;
mod storage;
mod unknown;
mod values;
mod world;
