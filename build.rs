//! Rebuilds the crate when a migration changes: `sqlx::migrate!` embeds the folders, and cargo would not notice.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
