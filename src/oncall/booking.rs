//! One entry of a calendar that another system keeps, and whom it means.

use std::sync::Arc;

use super::model::{Aliases, People};
use super::shift::Holder;

/// An entry: from, to, and by what it names somebody. Where systems put the name differs; [`Booking::holder`] knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// Milliseconds since 1970; the end is no part of it.
    pub from_ms: i64,
    pub to_ms: i64,
    /// The title as it stands there: `On Call - Anna Bauer - Web`.
    pub title: Arc<str>,
    /// Addresses of whom it names, without `mailto:`. Shared, like the title: a rule makes thousands of one entry.
    pub emails: Arc<[String]>,
    /// What the other system numbers them by.
    pub ids: Vec<String>,
}

impl Booking {
    /// Whether it belongs to a rotation that takes only entries with this text in the title.
    pub fn is_of(&self, only: Option<&str>) -> bool {
        only.is_none_or(|only| self.title.to_lowercase().contains(&only.to_lowercase()))
    }

    /// Whom it means: by address, then by id, then by name, whoever wrote the calendar.
    pub fn holder(&self, people: &People) -> Holder {
        let by =
            |fits: &dyn Fn(&Aliases) -> bool| people.iter().find(|(_, aliases)| fits(aliases)).map(|(name, _)| name);
        let email = |aliases: &Aliases| shares(&aliases.emails, &self.emails);
        let id = |aliases: &Aliases| shares(&aliases.ids, &self.ids);
        let names = self.names();
        let name = |aliases: &Aliases| shares(&aliases.names, &names);
        if let Some(known) = by(&email).or_else(|| by(&id)).or_else(|| by(&name)) {
            return Holder::Account(known.clone());
        }
        // A calendar that writes accounts needs no table.
        match names.iter().find_map(|name| name.parse().ok()) {
            Some(account) => Holder::Account(account),
            None => Holder::Unknown(names.into_iter().next().unwrap_or_else(|| self.title.to_string())),
        }
    }

    /// What in the title may be a name, likeliest first.
    fn names(&self) -> Vec<String> {
        let title = self.title.trim();
        let mut names = Vec::new();
        // PagerDuty: `On Call - NAME - SCHEDULE`; a name may have ` - ` in it, a schedule's rarely.
        if let Some(rest) = title.strip_prefix("On Call - ") {
            names.push(rest.rsplit_once(" - ").map_or(rest, |(name, _)| name));
        }
        // LinkedIn oncall: `TEAM ROLE shift: NAME`.
        if let Some((_, name)) = title.split_once(" shift: ") {
            names.push(name);
        }
        // Grafana OnCall: `[L1] NAME`, or the name alone.
        if let Some((_, name)) = title.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            names.push(name);
        }
        // GoAlert: `NAME On-Call (GoAlert: SCHEDULE)`.
        if let Some((name, _)) = title.split_once(" On-Call (") {
            names.push(name);
        }
        names.push(title);
        names.into_iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    }
}

fn shares(known: &[String], named: &[String]) -> bool {
    known.iter().any(|known| named.iter().any(|named| known.trim().to_lowercase() == named.trim().to_lowercase()))
}
