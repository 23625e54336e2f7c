//! The demo's runbooks and inventory, as a repository of its own.

use std::fs;
use std::path::Path;

use rust_embed::Embed;

use super::hosts::{Hosts, STAGE};
use crate::cli::first_commit;

/// The examples of this repository, in the binary.
#[derive(Embed)]
#[folder = "runbooks"]
struct Examples;

/// The examples are for web hosts; the demo shows what changes where one host is in production.
const SELECTOR: (&str, &str) = ("select: role=web\n", "select: role in (web, db)\n");

/// Writes it into `folder`, which is new, and commits it where git is there.
pub(super) async fn write(folder: &Path, hosts: &Hosts) -> anyhow::Result<()> {
    for path in Examples::iter() {
        let file = folder.join("runbooks").join(path.as_ref());
        fs::create_dir_all(file.parent().expect("a file below the folder has one above it"))?;
        fs::write(file, example(&path))?;
    }
    fs::write(folder.join("inventory.yaml"), inventory(hosts))?;
    fs::write(folder.join(crate::access::FILE), super::people::ACCESS)?;
    first_commit::make(folder, "The demo's runbooks and hosts").await?;
    Ok(())
}

fn example(path: &str) -> String {
    let file = Examples::get(path).expect("the name came from the list of the same files");
    String::from_utf8_lossy(&file.data).replace(SELECTOR.0, SELECTOR.1)
}

fn inventory(hosts: &Hosts) -> String {
    let mut text =
        "# The demo's hosts. They, their keys and this file are gone when it ends.\nsteadyhand: 1\nhosts:\n".to_owned();
    for (index, actor) in STAGE.iter().enumerate() {
        let labels = format!("{{role: {}, env: {}, zone: {}}}", actor.role, actor.env, actor.zone);
        let road = match hosts {
            Hosts::Local { .. } => "    transport: local\n".to_owned(),
            Hosts::Sshd(servers) => servers[index].road(actor),
        };
        text.push_str(&format!("  {}:\n{road}    labels: {labels}\n", actor.name));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_example_can_be_run_on_each_host_of_the_demo() {
        assert!(Examples::iter().count() >= 5);
        for path in Examples::iter() {
            assert!(example(&path).contains("  select: role in (web, db)\n"), "{path}");
        }
    }

    #[test]
    fn the_inventory_of_local_hosts_is_valid() {
        let text = inventory(&Hosts::Local { why: "a test".to_owned() });
        let base = crate::inventory::entry::Base { folder: "/demo".into(), home: None };
        let parsed = crate::inventory::parse("inventory.yaml", text.as_bytes(), &base);
        let (inventory, diagnostics) = parsed.with_sources(Vec::new());
        assert_eq!(diagnostics, []);
        assert_eq!(inventory.targets().len(), 3);
    }
}
