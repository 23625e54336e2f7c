//! Accounts of people who speak in tests: a word counts only while its account stands.

use steadyhand::entropy;
use steadyhand::store::Store;
use steadyhand::store::people::{NewPerson, Source};

/// Makes accounts of these names; those that are there stay.
pub async fn make(store: &Store, names: &[&str]) {
    for name in names {
        let person = NewPerson {
            id: entropy::fresh_uuid(1),
            name: (*name).to_owned(),
            display_name: name.to_uppercase(),
            email: None,
            password_hash: None,
            source: Source::Local,
            groups: Vec::new(),
            created_at_ms: 1,
        };
        store.create_person(&person, "command-line").await.expect("the store is there");
    }
}
