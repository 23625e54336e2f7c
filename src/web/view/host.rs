//! A host's name as pages write it: what tells it from its neighbours is marked, and production is a word.

use serde::Serialize;

use crate::run::view::HostView;

/// A name in three parts: `web-`, `03`, `.example.org`. The one in the middle is what eyes take for another at 3 a.m.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostMark {
    pub stem: String,
    pub digits: String,
    pub rest: String,
}

impl HostMark {
    pub fn new(name: &str) -> Self {
        let label_end = name.find('.').unwrap_or(name.len());
        let label = &name[..label_end];
        let digits_end = label.rfind(|letter: char| letter.is_ascii_digit()).map_or(0, |position| position + 1);
        let before = &label[..digits_end];
        let digits_start = before
            .rfind(|letter: char| !letter.is_ascii_digit())
            .map_or(0, |position| position + before[position..].chars().next().map_or(1, char::len_utf8));
        let (stem, digits) =
            if digits_end == 0 { (label, "") } else { (&name[..digits_start], &name[digits_start..digits_end]) };
        let rest = &name[stem.len() + digits.len()..];
        Self { stem: stem.to_owned(), digits: digits.to_owned(), rest: rest.to_owned() }
    }
}

/// The environment that the hosts are labelled with; the first that is named, production before all others.
pub fn environment<'a>(hosts: impl Iterator<Item = &'a HostView> + Clone) -> Option<String> {
    let of = |host: &HostView| host.labels.get("env").cloned();
    hosts.clone().filter(|host| is_production(host)).find_map(of).or_else(|| hosts.clone().find_map(of))
}

pub fn is_production(host: &HostView) -> bool {
    host.labels.get("env").is_some_and(|environment| environment.starts_with("prod"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_host_is_marked_and_the_name_stays_whole() {
        for (name, digits) in [
            ("web-03", "03"),
            ("web-03.example.org", "03"),
            ("db1-replica", "1"),
            ("10-web-7b.eu", "7"),
            ("gateway.10.example", ""),
            ("7", "7"),
        ] {
            let mark = HostMark::new(name);
            assert_eq!(mark.digits, digits, "{name}");
            assert_eq!(format!("{}{}{}", mark.stem, mark.digits, mark.rest), name);
        }
    }
}
