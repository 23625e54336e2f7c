//! The demo's second person: what needs another pair of eyes can be tried alone, in two windows.

use crate::access::account::AccountName;
use crate::audit::entry::COMMAND_LINE;
use crate::cli::explain::Explain;
use crate::cli::login_link;
use crate::engine::Engine;
use crate::entropy;
use crate::store::people::{NewPerson, Source};

/// Who may do what there: whoever started it everything, ben approves and looks.
pub(super) const ACCESS: &str = "\
# The demo's policy. Whoever comes in by the demo's own link may do everything; ben has an account.
steadyhand: 1
teams:
  platform: [ben]
grants:
  - {who: everyone, role: viewer}
  - {who: team:platform, role: approver}
";

const BEN: &str = "ben";

/// Makes ben's account; gives the link that signs him in.
pub(super) async fn make(engine: &Engine, base: &str) -> anyhow::Result<String> {
    let (store, now_ms) = (engine.store(), engine.clock().wall_ms());
    let name: AccountName = BEN.parse()?;
    let person = NewPerson {
        id: entropy::fresh_uuid(now_ms),
        name: name.to_string(),
        display_name: "Ben".to_owned(),
        email: None,
        password_hash: None,
        source: Source::Local,
        groups: Vec::new(),
        created_at_ms: now_ms,
    };
    let next = "check the free space of the folder for temporary files";
    store.create_person(&person, COMMAND_LINE).await.explain("cannot make an account", next)?;
    login_link::make(store, now_ms, base, BEN, false).await
}
