//! Follows a run until it ends, needs a person whom nobody can ask here, or is left.

use std::io::Write;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::asker::{Asked, Asker};
use crate::cli::checklist::Screen;
use crate::cli::client::{Changes, Client, Problem};
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
    let mut told_to_end = ToldToEnd::listen(asker.as_ref())?;
    loop {
        screen.show(&view, terminal)?;
        if view.ended_at_ms.is_some() || (asker.is_none() && needs_a_person(&view)) {
            return Ok(view);
        }
        let asked = tokio::select! {
            asked = wait_or_ask(client, &view, &mut changes, asker.as_mut(), screen, terminal) => asked?,
            () = told_to_end.recv() => return Ok(view),
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

/// Waits until there is something to look at; what the run needs meanwhile is asked.
async fn wait_or_ask(
    client: &Client,
    view: &RunView,
    changes: &mut Changes<'_>,
    asker: Option<&mut Asker>,
    screen: &mut Screen,
    terminal: &mut Terminal,
) -> anyhow::Result<Asked> {
    let Some(asker) = asker else {
        changes.next().await;
        return Ok(Asked::Look);
    };
    if needs_a_person(view) {
        screen.leave();
        return asker.ask(client, view, terminal).await;
    }
    tokio::select! {
        () = changes.next() => Ok(Asked::Look),
        () = asker.interrupted() => {
            screen.leave();
            asker.offer_to_leave(client, view, terminal).await
        }
    }
}

/// SIGTERM, and Ctrl-C where it asks nothing: the run is left as it is, in order.
struct ToldToEnd {
    terminate: Signal,
    interrupt: Option<Signal>,
}

impl ToldToEnd {
    fn listen(asker: Option<&Asker>) -> anyhow::Result<Self> {
        let interrupt = match asker {
            Some(_) => None,
            None => Some(signal(SignalKind::interrupt())?),
        };
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt })
    }

    async fn recv(&mut self) {
        match &mut self.interrupt {
            None => {
                self.terminate.recv().await;
            }
            Some(interrupt) => {
                tokio::select! {
                    _ = self.terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
        }
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
    view.waiting.as_ref().is_some_and(|need| !matches!(need, Need::Storage { .. } | Need::Lock { .. }))
}
