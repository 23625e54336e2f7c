//! `steadyhand demo`: the whole product on one machine, thrown away at the end.

mod hosts;
mod people;
mod processes;
mod repository;
mod sshd;
mod throwaway;

use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use super::explain::Explain;
use super::parts::{DataOptions, build_engine};
use super::serve::{Beside, LogFormat, admin_link, log_to_stderr, serve_until_signal};
use super::settings::Settings;
use super::terminal::Terminal;
use crate::auditor::keeper::Keeper;
use crate::auditor::key;
use crate::engine::Engine;
use crate::web::{Listening, WebOptions};

use hosts::Hosts;
use throwaway::Throwaway;

/// Where `serve` listens too.
const PORT: u16 = 7878;

/// Ports tried after it where something listens there already.
const PORTS_MAX: u16 = 20;

/// What is thrown away need not be stored to its end.
const DRAIN_MAX: Duration = Duration::from_secs(3);

const AFTER_HELP: &str = "\
Everything lies in one folder below TMPDIR. Ctrl-C ends the hosts and what runs on them, and removes it. What a
demo that was killed has left is removed at the next start.

Exit codes: 0 ended by a signal, 2 could not start (the message says why)";

/// Serve example runbooks over three throwaway hosts
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Demo {
    /// Where to listen [default: 127.0.0.1:7878, or the next free port]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,

    /// Use this machine itself for all three hosts, without SSH
    #[arg(long)]
    local: bool,
}

/// The signals that end a demo. Listened to from the first moment: what is made before serving is removed as well.
struct Endings {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Endings {
    fn listen() -> anyhow::Result<Self> {
        let [interrupt, terminate, hang_up] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        Ok(Self { interrupt: interrupt?, terminate: terminate?, hang_up: hang_up? })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

impl Demo {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        log_to_stderr(LogFormat::Human, "warn");
        super::runtime()?.block_on(self.play(terminal))
    }

    async fn play(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let mut endings = Endings::listen()?;
        let swept = throwaway::sweep().await;
        if swept > 0 {
            let whose = if swept == 1 { "a killed demo".to_owned() } else { format!("{swept} killed demos") };
            writeln!(terminal.out, "Removed what {whose} had left.")?;
        }
        let throwaway = Throwaway::make().explain("cannot make a folder for the demo", "name one: TMPDIR=DIR")?;
        let outcome = self.play_in(&throwaway.folder, &mut endings, terminal).await;
        let next = format!("end what still uses it, then: rm -rf {}", throwaway.folder.display());
        let ended = throwaway.end().await.explain("cannot remove what the demo made", next);
        outcome.and_then(|code| ended.map(|()| code))
    }

    /// Until a signal; whoever called removes what was made.
    async fn play_in(&self, folder: &Path, endings: &mut Endings, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let started = tokio::select! {
            started = self.start(folder, terminal) => started?,
            () = endings.any() => return Ok(ExitCode::SUCCESS),
        };
        let Started { engine, listener, hosts: _hosts, keeper } = started;
        let beside = Beside { keeper: Some(keeper), ..Beside::default() };
        let serving = serve_until_signal(engine, listener, WebOptions::default(), None, beside);
        tokio::pin!(serving);
        tokio::select! {
            served = &mut serving => return served,
            () = endings.any() => {}
        }
        timeout(DRAIN_MAX, serving).await.unwrap_or(Ok(ExitCode::SUCCESS))
    }

    async fn start(&self, folder: &Path, terminal: &mut Terminal) -> anyhow::Result<Started> {
        let listener = self.bind(terminal).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let next = "see the cause above; another folder: TMPDIR=DIR";
        let (hosts, warnings) = hosts::start(folder, self.local).await.explain("cannot prepare the hosts", next)?;
        for warning in warnings {
            writeln!(terminal.out, "{warning}")?;
        }
        let repo = folder.join("repository");
        repository::write(&repo, &hosts).await.explain("cannot write the demo's runbooks", next)?;
        let data = DataOptions { data: Some(folder.join("data")), database: None };
        let engine = build_engine(&data, &repo, Some(hosts::homes(folder)), &Settings::default()).await?;
        let link = admin_link(&engine, &base).await?;
        let ben = people::make(&engine, &base).await?;
        write!(terminal.out, "{}", welcome(&link, &ben, &hosts))?;
        terminal.out.flush()?;
        let key = key::load_or_make(&folder.join("data")).explain("cannot sign checkpoints of the audit log", next)?;
        let keeper = Keeper::new(engine.store().clone(), engine.clock().clone(), key, Vec::new());
        Ok(Started { engine, listener, hosts, keeper })
    }

    async fn bind(&self, terminal: &mut Terminal) -> anyhow::Result<TcpListener> {
        let next = "stop what listens there, or choose another place with --listen";
        let plain = |address| Listening { address, tls: None, behind_proxy: false };
        if let Some(address) = self.listen {
            let next = "listen on this machine alone: --listen 127.0.0.1:7878";
            plain(address).check(&WebOptions::default()).explain("cannot serve the demo like this", next)?;
        }
        let first = self.listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)));
        let mut bound = TcpListener::bind(first).await;
        for port in PORT + 1..=PORT + PORTS_MAX {
            match &bound {
                Err(error) if self.listen.is_none() && error.kind() == ErrorKind::AddrInUse => {}
                Ok(_) | Err(_) => break,
            }
            bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        }
        let listener = bound.explain(format!("cannot listen on {first}"), next)?;
        let port = listener.local_addr()?.port();
        if self.listen.is_none() && port != PORT {
            writeln!(terminal.out, "Something else listens on port {PORT}; the demo takes {port}.")?;
        }
        Ok(listener)
    }
}

/// All that serves until the end.
struct Started {
    engine: Engine,
    listener: TcpListener,
    /// SSH servers end when this is dropped.
    hosts: Hosts,
    keeper: Keeper,
}

fn welcome(link: &str, ben: &str, hosts: &Hosts) -> String {
    let hosts = match hosts {
        Hosts::Sshd(_) => "web-1, web-2 and db-1: three SSH servers on loopback addresses".to_owned(),
        Hosts::Local { why } => format!("web-1, web-2 and db-1: this machine itself, without SSH ({why})"),
    };
    format!(
        "\
Steadyhand demo

  Log in, once:  {link}
  As ben, once:  {ben}
                 (in a private window: he approves what you ask for, and only looks otherwise)

  Hosts:  {hosts}.
          db-1 is labelled env=prod: what changes there asks for more.

  Try \"Service not answering\" on web-1: a service hangs there. The runbook looks at it, asks you
  whether to restart it, restarts it, and waits until it answers. About a minute.
  Then \"Rolling restart of a service\" on all three, one host first, and share what you see by link.

Ctrl-C ends it and removes everything.
"
    )
}
