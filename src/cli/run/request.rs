//! Arguments as the body of a start.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Run;
use crate::cli::keyboard;
use crate::cli::terminal::Terminal;
use crate::environment;

/// The body of `POST /api/v1/runs`.
pub(super) fn body(run: &Run, terminal: &mut Terminal) -> anyhow::Result<Value> {
    let mut body = Map::new();
    body.insert("runbook".to_owned(), json!(path(run.runbook.as_deref().unwrap_or_default())));
    body.insert("inputs".to_owned(), json!(pairs(&run.set)?));
    body.insert("pace".to_owned(), json!(if run.auto { "auto" } else { "step" }));
    body.insert("secrets".to_owned(), json!(secrets(&run.secret, run.may_ask(), terminal)?));
    if !run.on.is_empty() {
        body.insert("hosts".to_owned(), json!(run.on));
    }
    if let Some(select) = &run.select {
        body.insert("select".to_owned(), json!(select));
    }
    if let Some(git_ref) = &run.git_ref {
        body.insert("ref".to_owned(), json!(git_ref));
    }
    if let Some(hosts) = run.confirm_hosts {
        body.insert("confirm".to_owned(), json!({"hosts": hosts}));
    }
    if let Some(reason) = &run.reason {
        body.insert("reason".to_owned(), json!(reason));
    }
    if !run.override_window.is_empty() {
        body.insert("override_windows".to_owned(), json!(run.override_window));
    }
    Ok(Value::Object(body))
}

/// `runbooks/web/disk.yaml`, as a shell completes it, is `web/disk`.
fn path(given: &str) -> &str {
    match given.strip_suffix(".yaml") {
        Some(path) => path.strip_prefix("./").unwrap_or(path).trim_start_matches("runbooks/"),
        None => given,
    }
}

/// `name=value`, each.
pub(in crate::cli) fn pairs(given: &[String]) -> anyhow::Result<BTreeMap<&str, &str>> {
    let mut pairs = BTreeMap::new();
    for pair in given {
        let Some((name, value)) = pair.split_once('=') else {
            anyhow::bail!("`{pair}` is not NAME=VALUE");
        };
        anyhow::ensure!(pairs.insert(name, value).is_none(), "{name} is set twice");
    }
    Ok(pairs)
}

/// The values of secret inputs, from the environment or from the keyboard.
pub(in crate::cli) fn secrets(
    names: &[String],
    may_ask: bool,
    terminal: &mut Terminal,
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut secrets = BTreeMap::new();
    for name in names {
        let variable = format!("STEADYHAND_SECRET_{}", name.to_uppercase());
        let value = match environment::text(&variable) {
            Some(value) => value,
            None if may_ask => keyboard::secret(&format!("{name} (not shown): "), terminal)?,
            None => anyhow::bail!("the secret {name} has no value: set {variable}"),
        };
        secrets.insert(name.clone(), value);
    }
    Ok(secrets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_as_a_shell_completes_it_names_its_runbook() {
        assert_eq!(path("runbooks/web/disk.yaml"), "web/disk");
        assert_eq!(path("./runbooks/web/disk.yaml"), "web/disk");
        assert_eq!(path("web/disk"), "web/disk");
    }

    #[test]
    fn a_value_may_hold_what_separates_it_from_its_name() {
        assert_eq!(pairs(&["a=b=c".to_owned()]).unwrap()["a"], "b=c");
        assert!(pairs(&["a".to_owned()]).is_err());
        assert!(pairs(&["a=1".to_owned(), "a=2".to_owned()]).is_err());
    }
}
