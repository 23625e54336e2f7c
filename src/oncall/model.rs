//! What `oncall.yaml` says beside windows: who takes turns, who stands in, whom a page reaches and when it climbs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::turns::Turns;
use crate::access::account::AccountName;

/// One place that is always held by somebody, such as a team's first line.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotation {
    /// What people call it.
    pub title: Option<String>,
    /// Its times are shown in this zone.
    pub zone: TimeZone,
    pub source: Source,
}

/// Where the holders of a rotation come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// People take turns.
    Turns(Turns),
    /// A calendar that another system keeps.
    Feed {
        feed: String,
        /// Only entries whose title holds this text: a calendar may have more than one rotation.
        only: Option<String>,
    },
}

/// Somebody stands in, or nobody does: it wins over the rotation. A swap is two of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    pub rotation: String,
    /// None: nobody, on purpose.
    pub person: Option<AccountName>,
    /// Milliseconds since 1970; the end is no part of it.
    pub from_ms: i64,
    pub to_ms: i64,
    pub why: Option<String>,
}

/// Who is told of a page, one level after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    pub title: Option<String>,
    /// At least one.
    pub levels: Vec<Level>,
    /// How often it begins again at the first level when nobody has answered.
    pub repeat: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// At least one.
    pub who: Vec<Reach>,
    /// How long somebody of this level has to answer before the next is paged.
    pub timeout: Duration,
}

/// Somebody or something that a level reaches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Whoever holds the rotation at that moment.
    Rotation(String),
    Person(AccountName),
    /// A channel that many read.
    Channel(String),
}

impl Chain {
    /// Whom a text of a level reaches, as [`Reach`] is written.
    pub fn reach(text: &str) -> Option<Reach> {
        match text.split_once(':')? {
            ("rotation", name) => Some(Reach::Rotation(name.to_owned())),
            ("user", name) => name.parse().ok().map(Reach::Person),
            ("channel", name) => Some(Reach::Channel(name.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rotation(name) => write!(formatter, "rotation:{name}"),
            Self::Person(name) => write!(formatter, "user:{name}"),
            Self::Channel(name) => write!(formatter, "channel:{name}"),
        }
    }
}

/// Where a calendar is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feed {
    /// A file of the repository.
    File(String),
    /// An address that the server's configuration file has under this name: it opens the calendar to whoever knows it.
    Server(String),
}

/// By what a calendar may name a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases {
    pub emails: Vec<String>,
    /// As the other system numbers them.
    pub ids: Vec<String>,
    pub names: Vec<String>,
}

/// Accounts by what calendars call them.
pub type People = BTreeMap<AccountName, Aliases>;
