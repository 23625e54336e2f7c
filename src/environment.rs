//! Reads of the process's environment, in one place, so that what outside can change is found by one search.
//! Arguments of the command line read theirs through clap's `env`, which `--help` shows.

use std::ffi::OsString;

/// The text of a variable; `None` if it is not set, empty, or not UTF-8. Empty counts as unset, as
/// `NO_COLOR` and the XDG folders want it.
pub fn text(name: &str) -> Option<String> {
    os_text(name).and_then(|value| value.into_string().ok())
}

/// The same for paths, which need not be UTF-8.
#[expect(clippy::disallowed_methods, reason = "this file is the one place that reads the environment")]
pub fn os_text(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The text of a variable, which is then in the environment no more: no program that is started later inherits it.
/// (Whoever may read this process's memory still finds it; the kernel shows the first environment to the same account.)
///
/// To be called before any other thread runs.
#[expect(clippy::disallowed_methods, reason = "this file is the one place that changes the environment")]
pub fn take(name: &str) -> Option<String> {
    let value = text(name);
    // SAFETY: callers have no other thread yet, so nobody reads the environment meanwhile.
    unsafe { std::env::remove_var(name) };
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_set_is_read_and_one_that_is_not_is_none() {
        assert!(text("PATH").is_some());
        assert_eq!(text("STEADYHAND_NOBODY_SETS_THIS"), None);
    }
}
