//! `steadyhand handoff`: from the draft to "I have these", through the same requests as the pages.

use std::io::{Read, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use form_urlencoded::Serializer;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::checklist::one_line;
use super::client::{Client, Place, Problem};
use super::format::DataFormat;
use super::run::Exit;
use super::runs::when;
use super::settings::Settings;
use super::terminal::Terminal;
use crate::handoff::view::HandoffView;

/// Hand over a shift: draft, write, send, read back, accept
#[derive(Args)]
#[command(after_help = "\
Exit codes:
  0  done
  2  could not be done; the message says why
  3  refused: something is missing, or it is somebody else's to do")]
pub(super) struct Handoff {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// List handoffs, newest first
    List(List),
    /// Begin one: the facts of your shift are filled in
    Draft(Draft),
    /// Show one, as Markdown or as JSON
    Show(Show),
    /// Write the overview, or an item from a JSON file
    Write(WriteItem),
    /// Sign it as it is and offer it
    Send(Send),
    /// Read one item back in your own words, and decide on it
    Read(ReadBack),
    /// Answer a question of the receiver
    Answer(Answer),
    /// "I have these": items, actions and the wheel of their runs pass
    Accept(Accept),
    /// Take the offer back, or give it back to its sender
    Return(Return),
}

#[derive(Args)]
struct Common {
    #[command(flatten)]
    place: Place,

    /// Text for people, or one JSON document
    #[arg(long, value_enum, default_value_t)]
    format: DataFormat,
}

#[derive(Args)]
struct List {
    /// Only those in which somebody is still to do something
    #[arg(long)]
    open: bool,

    /// Part of what is written in them
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,

    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Draft {
    /// The account of who comes next
    #[arg(long, value_name = "NAME")]
    to: String,

    /// When their shift begins: "2026-11-25 08:00 Europe/Berlin" [default: in an hour]
    #[arg(long, value_name = "TIME")]
    boundary: Option<String>,

    #[arg(long, value_name = "NAME")]
    rotation: Option<String>,

    /// One sentence: it is offered at once, and the rest is owed
    #[arg(long, value_name = "SENTENCE")]
    emergency: Option<String>,

    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Show {
    /// The handoff's id
    handoff: String,

    /// default, short, or the name of a template in handoffs/ of the repository
    #[arg(long, value_name = "NAME")]
    form: Option<String>,

    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct WriteItem {
    /// The handoff's id
    handoff: String,

    /// The shift in one sentence
    #[arg(long, value_name = "SENTENCE", required_unless_present = "item")]
    overview: Option<String>,

    /// The key of an item, as `show` has it
    #[arg(long, value_name = "KEY", requires = "from")]
    item: Option<String>,

    /// JSON with severity, severity_basis, statement, plan, actions …; - for standard input
    #[arg(long, value_name = "FILE", requires = "item")]
    from: Option<String>,

    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Send {
    /// The handoff's id
    handoff: String,

    /// Why it is signed although a check does not hold: --why "Q6:web.disk=nothing to measure"
    #[arg(long, value_name = "CHECK=WHY")]
    why: Vec<String>,

    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct ReadBack {
    /// The handoff's id
    handoff: String,

    /// The key of the item
    item: String,

    /// What it is, what you will do, and what the "if" is, in your own words
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,

    /// You take it
    #[arg(long, conflicts_with_all = ["decline", "ask"])]
    accept: bool,

    /// You do not take it, and why
    #[arg(long, value_name = "WHY", conflicts_with = "ask")]
    decline: Option<String>,

    /// A question to the sender
    #[arg(long, value_name = "QUESTION")]
    ask: Option<String>,

    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Answer {
    /// The handoff's id
    handoff: String,

    /// The number of the question
    question: u32,

    text: String,

    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Accept {
    /// The handoff's id
    handoff: String,

    /// The whole in your own words
    #[arg(long, value_name = "TEXT", default_value = "")]
    recap: String,

    /// Past the boundary, where its sender has not signed it or does not answer: take it without a briefing
    #[arg(long, conflicts_with = "recap")]
    unbriefed: bool,

    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Return {
    /// The handoff's id
    handoff: String,

    /// Why
    reason: String,

    /// You offered it, and take the offer back
    #[arg(long)]
    withdraw: bool,

    #[command(flatten)]
    common: Common,
}

impl Handoff {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        super::runtime()?.block_on(async {
            match self.what.run(terminal).await {
                Err(error) if error.downcast_ref::<Problem>().is_some_and(Problem::is_refusal) => {
                    super::explain::write(&error, terminal)?;
                    Ok(Exit::Refused.into())
                }
                other => other.map(|()| ExitCode::SUCCESS),
            }
        })
    }
}

impl What {
    async fn run(self, terminal: &mut Terminal) -> anyhow::Result<()> {
        match self {
            Self::List(asked) => asked.run(terminal).await,
            Self::Show(asked) => asked.run(terminal).await,
            Self::Draft(asked) => asked.run(terminal).await,
            Self::Write(asked) => asked.run(terminal).await,
            Self::Send(asked) => {
                let pairs =
                    asked.why.iter().map(|pair| pair.split_once('=').map(|(name, why)| (name.to_owned(), json!(why))));
                let reasons: Option<Map<String, Value>> = pairs.collect();
                let reasons = reasons.context("give each reason as --why CHECK=WHY")?;
                asked.common.act(&asked.handoff, json!({"action": "send", "reasons": reasons}), terminal).await
            }
            Self::Read(asked) => asked.run(terminal).await,
            Self::Answer(asked) => {
                let body = json!({"action": "answer", "question": asked.question, "text": asked.text});
                asked.common.act(&asked.handoff, body, terminal).await
            }
            Self::Accept(asked) => {
                let body = match asked.unbriefed {
                    true => json!({"action": "take-unbriefed"}),
                    false => json!({"action": "accept", "recap": asked.recap}),
                };
                asked.common.act(&asked.handoff, body, terminal).await
            }
            Self::Return(asked) => {
                let action = if asked.withdraw { "withdraw" } else { "return" };
                let body = json!({"action": action, "reason": asked.reason});
                asked.common.act(&asked.handoff, body, terminal).await
            }
        }
    }
}

impl List {
    async fn run(self, terminal: &mut Terminal) -> anyhow::Result<()> {
        let mut query = Serializer::new(String::new());
        query.append_pair("open", if self.open { "true" } else { "false" });
        if let Some(text) = &self.search {
            query.append_pair("q", text);
        }
        let client = Client::open(&self.common.place).await?;
        let listed = client.ask(Method::GET, &format!("/api/v1/handoffs?{}", query.finish()), None).await;
        client.close().await;
        let listed: Value = listed?.read()?;
        if self.common.format == DataFormat::Json {
            return json_out(&listed, terminal);
        }
        let text = |row: &Value, name: &str| one_line(row[name].as_str().unwrap_or_default());
        for row in listed["handoffs"].as_array().into_iter().flatten() {
            let boundary = when(row["boundary_ms"].as_i64().unwrap_or_default());
            let (id, from, to) = (text(row, "id"), text(row, "from"), text(row, "to"));
            let (phase, overview) = (text(row, "phase"), text(row, "overview"));
            writeln!(terminal.out, "{id}  {boundary}  {from} -> {to}  {phase}  {overview}")?;
        }
        Ok(())
    }
}

impl Draft {
    async fn run(self, terminal: &mut Terminal) -> anyhow::Result<()> {
        let mut body = Map::new();
        body.insert("to".to_owned(), json!(self.to));
        for (name, value) in
            [("boundary", &self.boundary), ("rotation", &self.rotation), ("emergency", &self.emergency)]
        {
            if let Some(value) = value {
                body.insert(name.to_owned(), json!(value));
            }
        }
        let client = self.common.client().await?;
        let begun = client.ask(Method::POST, "/api/v1/handoffs", Some(&Value::Object(body))).await;
        client.close().await;
        self.common.print(begun?.read()?, terminal)
    }
}

impl Show {
    async fn run(self, terminal: &mut Terminal) -> anyhow::Result<()> {
        let client = Client::open(&self.common.place).await?;
        let path = format!("/api/v1/handoffs/{}", self.handoff);
        if self.common.format == DataFormat::Json {
            let shown = client.ask(Method::GET, &path, None).await;
            client.close().await;
            return json_out(&shown?.read()?, terminal);
        }
        let form: String =
            form_urlencoded::byte_serialize(self.form.as_deref().unwrap_or("default").as_bytes()).collect();
        let shown = client.ask(Method::GET, &format!("{path}/markdown?form={form}"), None).await;
        client.close().await;
        let text = String::from_utf8_lossy(&shown?.followed()?.body).into_owned();
        write!(terminal.out, "{text}")?;
        Ok(())
    }
}

impl WriteItem {
    async fn run(self, terminal: &mut Terminal) -> anyhow::Result<()> {
        let text = match self.from.as_deref() {
            None => None,
            Some("-") => {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
                Some(text)
            }
            Some(file) => Some(std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?),
        };
        let body = match (&self.item, text, &self.overview) {
            (Some(item), Some(text), _) => {
                let text: Value = serde_json::from_str(&text).context("the item is no JSON")?;
                json!({"action": "item", "item": item, "text": text})
            }
            (_, _, overview) => json!({"action": "overview", "overview": overview}),
        };
        self.common.act(&self.handoff, body, terminal).await
    }
}

impl ReadBack {
    async fn run(self, terminal: &mut Terminal) -> anyhow::Result<()> {
        let (decision, words) = match (self.accept, &self.decline, &self.ask) {
            (true, _, _) => (Some("accept"), ""),
            (_, Some(why), _) => (Some("decline"), why.as_str()),
            (_, _, Some(question)) => (Some("question"), question.as_str()),
            (false, None, None) => (None, ""),
        };
        let text = self.text.unwrap_or_default();
        let body =
            json!({"action": "read-item", "item": self.item, "text": text, "decision": decision, "words": words});
        self.common.act(&self.handoff, body, terminal).await
    }
}

impl Common {
    /// Without a server, this process carries the runs on while their wheel passes.
    async fn client(&self) -> anyhow::Result<Client> {
        match &self.place.server {
            Some(_) => Client::open(&self.place).await,
            None => Client::open_to_work(&self.place, &Settings::default()).await,
        }
    }

    /// Sends an action about what is there now: what changed since the command was typed would be unread, so the
    /// revision and the digest are those of one look right before.
    async fn act(&self, handoff: &str, mut body: Value, terminal: &mut Terminal) -> anyhow::Result<()> {
        let client = self.client().await?;
        let path = format!("/api/v1/handoffs/{handoff}");
        let done = async {
            let seen: HandoffView = client.ask(Method::GET, &path, None).await?.read()?;
            match body["action"].as_str() {
                Some("item" | "overview") => body["revision"] = json!(seen.revision),
                Some("send" | "accept") => body["digest"] = json!(seen.digest),
                _ => {}
            }
            client.ask(Method::POST, &format!("{path}/actions"), Some(&body)).await?.read()
        };
        let done = done.await;
        client.close().await;
        self.print(done?, terminal)
    }

    fn print(&self, shown: Value, terminal: &mut Terminal) -> anyhow::Result<()> {
        if self.format == DataFormat::Json {
            return json_out(&shown, terminal);
        }
        let view: HandoffView = serde_json::from_value(shown).context("the answer is of another version")?;
        let (from, to) = (one_line(&view.shift.outgoing.0), one_line(&view.shift.incoming.0));
        writeln!(terminal.out, "{}  {from} -> {to}  {}", view.id, view.phase)?;
        for line in &view.items {
            let severity = line.item.severity.map_or("not judged", crate::handoff::record::Severity::word);
            let holder = line.holder.as_ref().map(|holder| one_line(&holder.0)).unwrap_or_default();
            let decision = line.decision.as_deref().map(|decision| format!(", {decision}")).unwrap_or_default();
            writeln!(
                terminal.out,
                "  {}  {severity}: {}  held by {holder}{decision}",
                line.item.key,
                one_line(&line.item.title)
            )?;
        }
        for missing in &view.missing {
            writeln!(terminal.out, "  missing: {}", one_line(missing))?;
        }
        writeln!(terminal.out, "next: steadyhand handoff {}", self.next(&view))?;
        Ok(())
    }

    fn next(&self, view: &HandoffView) -> String {
        let (id, arguments) = (view.id, self.place.arguments());
        let unread = view.items.iter().find(|line| line.to_read && line.decision.is_none());
        match (view.phase.as_str(), unread) {
            ("draft", _) if view.items.iter().any(|line| line.item.severity.is_none()) => {
                let key =
                    view.items.iter().find(|line| line.item.severity.is_none()).map(|line| line.item.key.to_string());
                format!("write {id} --item {} --from FILE{arguments}", key.unwrap_or_default())
            }
            ("draft" | "ready", _) => format!("send {id}{arguments}"),
            ("offered" | "questioned" | "amended", Some(line)) => {
                format!("read {id} {} --text … --accept{arguments}", line.item.key)
            }
            ("offered" | "amended", None) => format!("accept {id} --recap …{arguments}"),
            _ => format!("show {id}{arguments}"),
        }
    }
}

fn json_out(shown: &Value, terminal: &mut Terminal) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut terminal.out, shown)?;
    writeln!(terminal.out)?;
    Ok(())
}
