//! The lines of an ssh_config with the conditions that they stand under, included files in their place.

/// The depth that OpenSSH allows.
pub const INCLUDE_DEPTH_MAX: usize = 16;

/// All files together. A configuration of ten thousand hosts has about this many.
const LINES_MAX: usize = 100_000;

/// One file of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigText {
    /// For messages: the path as a person would write it.
    pub name: String,
    pub text: String,
}

/// One setting.
#[derive(Debug)]
pub(super) struct Line {
    /// Lower-case.
    pub keyword: String,
    pub words: Vec<String>,
    /// `~/.ssh/config line 3`.
    pub place: String,
    /// All must hold: those of the files that include this one, then its own.
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone)]
enum Condition {
    /// `Host` with its patterns.
    Host(Vec<String>),
    /// `Match` with its criteria.
    Match(Vec<String>),
}

/// Whether a line is for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holds {
    Yes,
    No,
    /// It depends on a criterion that is not decided here.
    Unknown(String),
}

impl Line {
    /// Whether all conditions hold, for a host asked for as `alias` and reached as `reached`.
    pub fn holds(&self, alias: &str, reached: &str) -> Holds {
        let mut unknown = None;
        for condition in &self.conditions {
            match condition.holds(alias, reached) {
                Holds::Yes => {}
                Holds::No => return Holds::No,
                Holds::Unknown(criterion) => unknown = Some(criterion),
            }
        }
        unknown.map_or(Holds::Yes, Holds::Unknown)
    }
}

impl Condition {
    fn holds(&self, alias: &str, reached: &str) -> Holds {
        match self {
            Self::Host(patterns) => yes_or_no(list_matches(patterns.iter().map(String::as_str), alias)),
            Self::Match(criteria) => match_holds(criteria, alias, reached),
        }
    }
}

fn match_holds(criteria: &[String], alias: &str, reached: &str) -> Holds {
    let mut unknown = None;
    let mut words = criteria.iter();
    while let Some(word) = words.next() {
        let criterion = word.to_ascii_lowercase();
        let name = match criterion.as_str() {
            "all" => continue,
            "host" => reached,
            "originalhost" => alias,
            // These have no argument.
            "canonical" | "final" => {
                unknown = Some(criterion);
                continue;
            }
            _ => {
                words.next();
                unknown = Some(criterion);
                continue;
            }
        };
        let patterns = words.next().map(String::as_str).unwrap_or_default();
        if !list_matches(patterns.split(','), name) {
            return Holds::No;
        }
    }
    unknown.map_or(Holds::Yes, Holds::Unknown)
}

fn yes_or_no(holds: bool) -> Holds {
    if holds { Holds::Yes } else { Holds::No }
}

/// One pattern matches, and none that is negated with `!` does.
fn list_matches<'a>(patterns: impl Iterator<Item = &'a str>, name: &str) -> bool {
    let mut matched = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(negated) if glob_matches(negated, name) => return false,
            Some(_) => {}
            None => matched |= glob_matches(pattern, name),
        }
    }
    matched
}

/// `*` and `?`, letters without regard to case. Linear in the product of the lengths: on a mismatch only
/// the last `*` takes one more letter.
pub fn glob_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut matched) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while matched < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, matched));
                at += 1;
            }
            Some(letter) if *letter == b'?' || letter.eq_ignore_ascii_case(&name[matched]) => {
                at += 1;
                matched += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                matched = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

/// Reads a file and what it includes.
pub(super) fn read_lines(
    main: &ConfigText,
    include: &dyn Fn(&str) -> Result<Vec<ConfigText>, String>,
) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    read_file(main, include, &[], 0, &mut lines)?;
    Ok(lines)
}

fn read_file(
    file: &ConfigText,
    include: &dyn Fn(&str) -> Result<Vec<ConfigText>, String>,
    outer: &[Condition],
    depth: usize,
    lines: &mut Vec<Line>,
) -> Result<(), String> {
    let mut conditions = outer.to_vec();
    for (index, text) in file.text.lines().enumerate() {
        let place = format!("{} line {}", file.name, index + 1);
        let Some((keyword, words)) = split(text).map_err(|reason| format!("{place}: {reason}"))? else { continue };
        match keyword.as_str() {
            "host" => conditions = [outer, &[Condition::Host(words.clone())]].concat(),
            "match" => conditions = [outer, &[Condition::Match(words.clone())]].concat(),
            "include" => {
                if depth == INCLUDE_DEPTH_MAX {
                    return Err(format!("{place}: Include goes deeper than {INCLUDE_DEPTH_MAX} files"));
                }
                for pattern in &words {
                    for inner in include(pattern).map_err(|reason| format!("{place}: {reason}"))? {
                        read_file(&inner, include, &conditions, depth + 1, lines)?;
                    }
                }
                continue;
            }
            _ => {}
        }
        if lines.len() == LINES_MAX {
            return Err(format!("{place}: more than {LINES_MAX} settings"));
        }
        lines.push(Line { keyword, words, place, conditions: conditions.clone() });
    }
    Ok(())
}

/// `Keyword word "more words"` or `Keyword=word`; nothing for blank lines and comments.
fn split(line: &str) -> Result<Option<(String, Vec<String>)>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let end = line.find(|letter: char| letter.is_whitespace() || letter == '=').unwrap_or(line.len());
    let rest = line[end..].trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    Ok(Some((line[..end].to_ascii_lowercase(), words(rest)?)))
}

fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '#' {
            break;
        }
        let (word, after) = if matches!(first, '"' | '\'') {
            rest[1..].split_once(first).ok_or("a quote is not closed")?
        } else {
            rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()))
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    Ok(words)
}
