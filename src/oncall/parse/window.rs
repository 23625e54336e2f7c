//! `windows`: spans of time by name.

use jiff::tz::TimeZone;

use super::WHY_CHARACTERS_MAX;
use super::time::{DAYS, moment, time, zone_or};
use crate::oncall::window::{Span, Window};
use crate::yaml::{self, Item};

/// Spans of one window: years of holidays.
const SPANS_MAX: usize = 500;

/// One span, or a list of them.
pub(super) fn window(item: Item<'_>, zone: Option<&TimeZone>) -> Option<Window> {
    let items = match &item.node.kind {
        yaml::Kind::Sequence(_) => item.list()?,
        yaml::Kind::Scalar(_) | yaml::Kind::Mapping(_) | yaml::Kind::Refused => vec![item],
    };
    if items.len() > SPANS_MAX {
        item.error("schema[type]", format!("more than {SPANS_MAX} spans"), "remove those that are over");
        return None;
    }
    let mut window = Window { spans: Vec::new(), why: None };
    for item in items {
        let (span, why) = span(item, zone)?;
        window.spans.push(span);
        window.why = window.why.or(why);
    }
    Some(window)
}

fn span(item: Item<'_>, zone: Option<&TimeZone>) -> Option<(Span, Option<String>)> {
    let mut fields = item.fields()?;
    let days = fields.get("days").map(|days| days.list_of(|day| day.choice(&DAYS)));
    let zone = zone_or(&mut fields, zone);
    let (from, to) = (fields.required("from"), fields.required("to"));
    let why = fields.get("why").and_then(|why| why.line(WHY_CHARACTERS_MAX)).map(str::to_owned);
    fields.finish();
    let (from, to, zone) = (from?, to?, zone?);
    let span = match days {
        Some(days) => Span::Weekly { days: days?, from: time(from)?, to: time(to)?, zone },
        None => {
            let (from_ms, to_ms) = (moment(from, &zone)?, moment(to, &zone)?);
            if to_ms <= from_ms {
                to.error("schema[type]", "it ends before it begins", "exchange `from` and `to`");
                return None;
            }
            Span::Once { from_ms, to_ms }
        }
    };
    Some((span, why))
}
