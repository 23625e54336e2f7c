//! The handoff: what one person on call gives to the next, and that it was understood. Pure: facts and the time are
//! arguments, and nothing here reaches out.
//!
//! The record follows I-PASS, in its order: **I** illness severity, **P** patient summary, **A** action list,
//! **S** situation awareness and contingency, **S** synthesis by the receiver (Starmer et al., NEJM 2014;371:1803).
//! The server fills in facts; people write the judgement. That is kept by types: what the server adds
//! ([`record::DraftedItem`]) has no place for a severity, a basis or a word of the receiver.
//!
//! # Glossary
//! - **sender**, **receiver**: the outgoing and the incoming person of a **shift boundary**; exactly one of each.
//! - **item**: what is handed over: a service, an incident, something that keeps coming back. Ordered by severity.
//! - **fact**: something the server saw, with its **evidence** (run, step, event); it may be hidden with a reason,
//!   never edited. **judgement**: what the sender wrote.
//! - **revision**: the record as saved once; a **signature** binds to the digest of one.
//! - **read-back**: an item in the receiver's own words. **recap**: the whole in their own words.
//! - **custody**: who holds an item: its **holder** is its contact, and has the wheel of its runs. Not who is paged for
//!   what is new: that is the schedule's alone ([`timing::paged`]).
//!
//! # Its life
//! ```text
//! draft → ready → offered ⇄ questioned
//!                    ↓ ↘ taken unbriefed (nothing was signed)
//!               acknowledged ⇄ amended
//!                    ↓
//!                 closed          void: from anywhere before closed
//! ```
//! Beside it stands how overdue it is ([`timing`]): reminded, secondary paged, lead paged, unattended.

pub mod apply;
pub mod checks;
pub mod decide;
pub mod draft;
pub mod due;
pub mod event;
pub mod form;
pub mod measures;
pub mod read_back;
pub mod record;
pub mod state;
#[cfg(test)]
mod tests;
pub mod timing;
pub mod view;
