//! `channels` and `chains`: whom a page reaches, level by level.

use std::time::Duration;

use super::rotation::{bounded, known_rotation};
use super::{NAMED_MAX, TITLE_CHARACTERS_MAX, account, is_name, named, unknown};
use crate::oncall::Oncall;
use crate::oncall::model::{Chain, Level, Reach};
use crate::yaml::{Fields, Item};

/// Levels of one chain: whoever has not answered after ten does not.
const LEVELS_MAX: usize = 10;

/// People and channels of one level.
const WHO_MAX: usize = 20;

/// How often a chain may begin again.
const REPEAT_MAX: u32 = 10;

/// Shorter, and nobody could find the telephone; longer, and the page is none.
const TIMEOUT_MIN: Duration = Duration::from_secs(30);
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 3600);

/// How long somebody has to answer if the level does not say.
const TIMEOUT: Duration = Duration::from_secs(5 * 60);

pub(super) fn read(fields: &mut Fields<'_>, oncall: &mut Oncall) {
    if let Some(channels) = fields.get("channels").and_then(|item| bounded(item, NAMED_MAX, channel)) {
        oncall.channels = channels;
    }
    for (item, name) in named(fields, "chains", "chain", NAMED_MAX) {
        if let Some(chain) = chain(item, oncall) {
            oncall.chains.insert(name.to_owned(), chain);
        }
    }
}

/// A name only: addresses and secrets stand in the server's configuration file.
fn channel(item: Item<'_>) -> Option<String> {
    let name = item.filled_text()?;
    if !is_name(name) {
        let help = "write a name of `channels` in the server's configuration file; addresses stand there, not here";
        item.error("oncall[channel]", "this is no name for a channel", help);
        return None;
    }
    Some(name.to_owned())
}

fn chain(item: Item<'_>, oncall: &Oncall) -> Option<Chain> {
    let mut fields = item.fields()?;
    let title = fields.get("title").and_then(|title| title.line(TITLE_CHARACTERS_MAX)).map(str::to_owned);
    let levels =
        fields.required("levels").and_then(|levels| bounded(levels, LEVELS_MAX, |level| self::level(level, oncall)));
    let repeat = fields.get("repeat").map(|repeat| {
        let number = repeat.whole_number::<u32>()?;
        if number > REPEAT_MAX {
            repeat.error("schema[type]", format!("{number} is out of range"), format!("write 0 to {REPEAT_MAX}"));
            return None;
        }
        Some(number)
    });
    fields.finish();
    Some(Chain { title, levels: levels?, repeat: repeat.unwrap_or(Some(0))? })
}

fn level(item: Item<'_>, oncall: &Oncall) -> Option<Level> {
    let mut fields = item.fields()?;
    let who = fields.required("who").and_then(|who| match who.list_or_one() {
        items if items.is_empty() || items.len() > WHO_MAX => {
            who.error("schema[type]", format!("has {} entries", items.len()), format!("write 1 to {WHO_MAX}"));
            None
        }
        items => {
            let read: Vec<Option<Reach>> = items.into_iter().map(|item| reach(item, oncall)).collect();
            read.into_iter().collect::<Option<Vec<Reach>>>()
        }
    });
    let timeout = fields.get("timeout").map(|timeout| {
        let length = timeout.duration()?;
        if !(TIMEOUT_MIN..=TIMEOUT_MAX).contains(&length) {
            timeout.error("schema[type]", "is out of range", "write 30s to 24h");
            return None;
        }
        Some(length)
    });
    fields.finish();
    Some(Level { who: who?, timeout: timeout.unwrap_or(Some(TIMEOUT))? })
}

const WHO: &str = "write `rotation:NAME`, `user:NAME` or `channel:NAME`";

fn reach(item: Item<'_>, oncall: &Oncall) -> Option<Reach> {
    let text = item.filled_text()?;
    match text.split_once(':') {
        Some(("rotation", name)) => known_rotation(item, name, oncall).map(Reach::Rotation),
        Some(("user", name)) => account(item, name).map(Reach::Person),
        Some(("channel", name)) => {
            if !oncall.channels.iter().any(|known| known == name) {
                let add = format!("add it: `channels: [{name}]`");
                unknown(item, "oncall[unknown-channel]", "channel", name, oncall.channels.iter(), &add);
                return None;
            }
            Some(Reach::Channel(name.to_owned()))
        }
        Some(_) => {
            item.error("oncall[who]", format!("{text:?} reaches nobody"), WHO);
            None
        }
        None if oncall.places.contains_key(text) => {
            item.error(
                "oncall[who]",
                format!("{text:?} could be a rotation or a person"),
                format!("did you mean \"rotation:{text}\"?"),
            );
            None
        }
        None => {
            item.error("oncall[who]", format!("{text:?} could be a rotation or a person"), WHO);
            None
        }
    }
}
