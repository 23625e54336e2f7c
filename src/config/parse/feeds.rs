//! `feeds`: where the addresses of calendars are. An address opens its calendar, so it stands nowhere in the file.

use std::collections::BTreeMap;

use super::super::model::SecretRef;
use super::secrets::reference;
use crate::inventory::Base;
use crate::yaml::Item;

/// Calendars of one server: each is fetched every few minutes.
const FEEDS_MAX: usize = 50;

pub(super) fn feeds(item: Item<'_>, base: &Base) -> Option<BTreeMap<String, SecretRef>> {
    let mut feeds = BTreeMap::new();
    for (item, name) in item.entries_up_to(FEEDS_MAX)? {
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_name) {
            item.key_error("config[feed]", "this is not a valid name of a feed", "use letters, digits, `_` and `-`");
        }
        if let Some(address) = reference(item, base) {
            feeds.insert(name.to_owned(), address);
        }
    }
    Some(feeds)
}
