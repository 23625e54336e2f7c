//! Follows a run until it ends, needs a person whom nobody can ask here, or is left.

use std::io::Write;
use std::time::Duration;

use super::asker::{Asked, Asker};
use crate::cli::checklist::Screen;
use crate::cli::client::{Client, Problem};
use crate::cli::terminal::Terminal;
use crate::run::view::{Need, RunView};

/// Looks come no closer together than this, however fast the run is.
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);

/// How long a server that has gone away is waited for, and how often it is tried.
const AWAY_LOOKS_MAX: u32 = 60;
const AWAY_LOOK: Duration = Duration::from_secs(1);

/// Follows the run and gives its last picture.
pub(in crate::cli) async fn follow(
    client: &Client,
    run: &str,
    mut asker: Option<Asker>,
    screen: &mut Screen,
    terminal: &mut Terminal,
) -> anyhow::Result<RunView> {
    let mut view = client.view(run).await?;
    let mut changes = client.changes(&view);
    loop {
        screen.show(&view, terminal)?;
        if view.ended_at_ms.is_some() {
            return Ok(view);
        }
        let asked = match (&mut asker, needs_a_person(&view)) {
            (None, true) => return Ok(view),
            (Some(asker), true) => {
                screen.leave();
                asker.ask(client, &view, terminal).await?
            }
            (None, false) => {
                changes.next().await;
                Asked::Look
            }
            (Some(asker), false) => tokio::select! {
                () = changes.next() => Asked::Look,
                () = asker.interrupted() => {
                    screen.leave();
                    asker.offer_to_leave(client, &view, terminal).await?
                }
            },
        };
        let next = look(client, run, terminal).await?;
        if matches!(asked, Asked::Leave) {
            return Ok(next);
        }
        if next == view {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        view = next;
    }
}

/// The run as it is now. A server that restarts takes its runs up again, so it is waited for.
async fn look(client: &Client, run: &str, terminal: &mut Terminal) -> anyhow::Result<RunView> {
    let mut looks = 0;
    loop {
        match client.view(run).await {
            Ok(view) => return Ok(view),
            Err(error) => {
                let told_off = error.downcast_ref::<Problem>().is_some_and(|problem| !problem.is_servers());
                looks += 1;
                if told_off || !client.is_remote() || looks > AWAY_LOOKS_MAX {
                    return Err(error);
                }
                if looks == 1 {
                    writeln!(terminal.err, "the server does not answer; the run is safe there, trying again")?;
                }
            }
        }
        tokio::time::sleep(AWAY_LOOK).await;
    }
}

/// A full disk is no question: the run goes on by itself when there is room.
fn needs_a_person(view: &RunView) -> bool {
    view.waiting.as_ref().is_some_and(|need| !matches!(need, Need::Storage { .. }))
}
