//! Asks for a new password: without showing it in a terminal, or as one line from a program. Never an argument,
//! which every account of the machine can read in the list of processes.

use std::io::{self, BufRead, IsTerminal, Read};

use anyhow::{Context, bail};
use zeroize::Zeroizing;

use crate::access::account::AccountName;
use crate::access::password::{PASSWORD_BYTES_MAX, Password};
use crate::cli::keyboard;
use crate::cli::terminal::Terminal;

pub(super) fn ask(terminal: &mut Terminal, name: &AccountName) -> anyhow::Result<Password> {
    let password = if io::stdin().is_terminal() {
        let first = Zeroizing::new(keyboard::secret(&format!("New password of {name}: "), terminal)?);
        let second = Zeroizing::new(keyboard::secret("The same again: ", terminal)?);
        if *first != *second {
            bail!("the two passwords differ: nothing was changed");
        }
        Password::typed(first.as_str())
    } else {
        let mut line = Zeroizing::new(String::new());
        let limit = u64::try_from(PASSWORD_BYTES_MAX + 2).unwrap_or(u64::MAX);
        let read = io::stdin().lock().take(limit).read_line(&mut line);
        read.context("cannot read the password from standard input")?;
        Password::typed(line.trim_end_matches(['\r', '\n']))
    };
    password.check(name.as_str())?;
    Ok(password)
}
