//! The run core: what a run will do, what happened, and what follows, as functions of (state, input, time).
//!
//! # Glossary
//! One term, one meaning; these words are used alike in code, pages, API and documents.
//!
//! - **runbook**: one YAML file in git; **step**: one of its items, in order; **precondition**: a check before step 1.
//! - **host**: a target in the inventory. **run**: one execution of one runbook on some hosts.
//! - **plan**: what a run will do exactly, frozen at its start; **plan digest**: its SHA-256.
//! - **cell**: one step on one host. **wave**: the hosts of a step that one confirmation lets go on.
//! - **attempt**: one execution of one command on one host; a cell has attempts for its preview, guards, main
//!   command, verify and undo. **tether**: the script on the host that holds an attempt until it is stored.
//! - **guard**: a check that must hold right before a step. **gesture**: what a person does to confirm.
//! - **event**: what happened, stored; **effect**: what is to be done, after the event is stored.
//! - **unknown**: nobody can say what became of an attempt; only a person resolves it.
//! - **pace**: how far a run goes by itself. **wheel**: what the one driver of a run holds; others watch.
//! - **approval**: a second person's word that lets a step begin, once. **look**: what the engine finds of the world
//!   right before a step. **window**: a span of time with a name.
//! - **capture**: a value read from output. **head**: the first 64 KiB of a stream.

pub mod action;
pub mod apply;
pub mod approval;
pub mod approval_view;
pub mod asking;
pub mod decide;
pub mod evaluate;
pub mod event;
pub mod freeze;
pub mod friction;
pub mod need;
pub mod outcome;
pub mod picture;
pub mod plan;
pub mod script;
pub mod state;
pub mod view;
pub mod wake;
pub mod wave;
pub mod words;
