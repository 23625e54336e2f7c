//! Which lines of a known_hosts file speak of a host: what an approval of a change on that host is bound to.
//!
//! Not a verifier: ssh itself decides. This errs towards more lines, so that no change of what ssh would accept goes
//! unnoticed: hashed names cannot be read, patterns may match, and markers (`@revoked`, `@cert-authority`) rule over
//! others, so all of these count for every host.

use std::fmt::Write as _;

/// The lines of `text` (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT") that may speak of this address and port.
pub fn lines_about(text: &str, address: &str, port: u16) -> String {
    let named = if port == 22 { address.to_owned() } else { format!("[{address}]:{port}") };
    let mut about = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let names = line.split_whitespace().next().unwrap_or_default();
        if names.starts_with('@') || names.split(',').any(|name| may_be(name, &named, address)) {
            // Writing to a String cannot fail.
            let _ = writeln!(about, "{line}");
        }
    }
    about
}

fn may_be(name: &str, named: &str, address: &str) -> bool {
    name.starts_with('|')
        || name.contains(['*', '?', '!'])
        || name.eq_ignore_ascii_case(named)
        || name.eq_ignore_ascii_case(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# comment
web-1,10.0.0.1 ssh-ed25519 AAAA1
[web-1]:2222 ssh-ed25519 AAAA2
web-2 ssh-ed25519 AAAA3
*.example.org ssh-ed25519 AAAA4
|1|salt|hash ssh-ed25519 AAAA5
@revoked web-9 ssh-ed25519 AAAA6
";

    #[test]
    fn a_host_is_spoken_of_by_name_by_pattern_and_where_nobody_can_say() {
        let about = lines_about(TEXT, "10.0.0.1", 22);
        for part in ["AAAA1", "AAAA4", "AAAA5", "AAAA6"] {
            assert!(about.contains(part), "{part} in {about}");
        }
        for part in ["AAAA2", "AAAA3", "comment"] {
            assert!(!about.contains(part), "{part} in {about}");
        }
        assert!(lines_about(TEXT, "web-1", 2222).contains("AAAA2"));
    }
}
