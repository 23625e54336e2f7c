//! Changes as they are found, each with its rating and the reason for it.

use std::fmt::Display;

use super::command::{pieces, suspect};
use super::{Change, Rating};

/// Findings of one file.
#[derive(Debug, Default)]
pub struct Changes {
    found: Vec<Change>,
    place: String,
}

impl Changes {
    /// What is found from now on stands at this place.
    pub fn at(&mut self, place: impl Into<String>) -> &mut Self {
        self.place = place.into();
        self
    }

    /// Notes a change.
    pub fn note(&mut self, rating: Rating, what: impl Into<String>, why: impl Into<String>) {
        let (place, what, why) = (self.place.clone(), what.into(), why.into());
        self.found.push(Change { rating, place, what, why, words: Vec::new() });
    }

    /// A text that is another, told word by word.
    pub fn reworded(&mut self, rating: Rating, what: &str, why: &str, [before, after]: [&str; 2]) {
        self.note(rating, what, why);
        if let Some(last) = self.found.last_mut() {
            last.words = pieces(before, after);
        }
    }

    /// A command that is new and is said to only read or hold back. It runs without being confirmed, so its text is told,
    /// and what may do more than read is more dangerous.
    pub fn new_command(&mut self, rating: Rating, what: &str, why: &str, command: &str) {
        match suspect(command) {
            Some(suspicion) => {
                let why = format!("it runs without being confirmed, and {suspicion}");
                self.reworded(Rating::MoreDangerous, what, &why, ["", command]);
            }
            None => self.reworded(rating, what, why, ["", command]),
        }
    }

    /// A hold that may have come, gone, or become another: gone is more dangerous, and so is another that nobody can
    /// weigh against the old one.
    pub fn hold<T: PartialEq>(&mut self, name: &str, [before, after]: [Option<&T>; 2], why: &str) {
        match (before, after) {
            (Some(_), None) => self.note(Rating::MoreDangerous, format!("{name} is gone"), why),
            (None, Some(_)) => self.note(Rating::Safer, format!("{name} is new"), why),
            (Some(before), Some(after)) if before != after => {
                self.note(Rating::MoreDangerous, format!("{name} is another"), format!("{why}; weigh the new one"));
            }
            _ => {}
        }
    }

    /// A limit, where smaller is safer and none is none.
    pub fn limit<T: PartialOrd>(
        &mut self,
        name: &str,
        [before, after]: [Option<T>; 2],
        words: impl Fn(&T) -> String,
        why: &str,
    ) {
        match (before, after) {
            (Some(before), None) => {
                self.note(Rating::MoreDangerous, format!("{name} is gone (it was {})", words(&before)), why);
            }
            (None, Some(after)) => self.note(Rating::Safer, format!("{name} is new: {}", words(&after)), why),
            (Some(before), Some(after)) if before != after => {
                let rating = if after > before { Rating::MoreDangerous } else { Rating::Safer };
                self.note(rating, format!("{name}: {} → {}", words(&before), words(&after)), why);
            }
            _ => {}
        }
    }

    /// Something that is only said otherwise.
    pub fn wording<T: PartialEq>(&mut self, name: &str, before: &T, after: &T) {
        if before != after {
            self.note(Rating::Same, format!("{name} is worded otherwise"), "it decides nothing");
        }
    }

    /// A value that decides, and of which no direction is known.
    pub fn decides<T: PartialEq + Display>(&mut self, rating: Rating, name: &str, before: &T, after: &T, why: &str) {
        if before != after {
            self.note(rating, format!("{name}: {before} → {after}"), why);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub fn into_vec(self) -> Vec<Change> {
        self.found
    }
}
