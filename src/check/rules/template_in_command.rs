//! `template-in-command`: a template where only a shell variable is safe. Found by the parser.

use crate::check::rule::{Finder, Profile, Rule};
use crate::diagnostic::Severity;

pub(in crate::check) const RULE: Rule = Rule {
    name: "template-in-command",
    severity: Severity::Error,
    profile: Profile::Min,
    what: "A command holds `{{`.",
    why: "A value pasted into a command's text is run by the shell: a file named `x; rm -rf /` becomes a command. \
          Values reach commands as variables, where no content can do harm.",
    source: "format.md, rule 2; GitHub Security Lab, Keeping your GitHub Actions and workflows secure, part 2: \
             untrusted input.",
    bad: "check: df -P {{mount}}",
    good: "check: df -P \"$mount\"",
    finder: Finder::Parser,
};
