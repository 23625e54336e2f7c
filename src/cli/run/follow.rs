//! Follows a run until it ends, needs a person whom nobody can ask here, or is left.

use std::time::Duration;

use crate::cli::checklist::Screen;
use crate::cli::client::Client;
use crate::cli::terminal::Terminal;
use crate::run::view::{Need, RunView};

/// Looks come no closer together than this, however fast the run is.
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);

/// Follows the run and gives its last picture.
pub(in crate::cli) async fn follow(
    client: &Client,
    run: &str,
    _may_ask: bool,
    screen: &mut Screen,
    terminal: &mut Terminal,
) -> anyhow::Result<RunView> {
    let mut view = client.view(run).await?;
    let mut changes = client.changes(&view);
    loop {
        screen.show(&view, terminal)?;
        if view.ended_at_ms.is_some() || needs_a_person(&view) {
            return Ok(view);
        }
        changes.next().await;
        let next = client.view(run).await?;
        if next == view {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        view = next;
    }
}

/// A full disk is no question: the run goes on by itself when there is room.
fn needs_a_person(view: &RunView) -> bool {
    view.waiting.as_ref().is_some_and(|need| !matches!(need, Need::Storage { .. }))
}
