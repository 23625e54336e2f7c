//! The page with everything that one host said in a run.

use serde::Serialize;

use crate::web::view::output::Chunk;

#[derive(Debug, Clone, Serialize)]
pub struct HostLogPage {
    pub run: String,
    pub title: String,
    pub state: String,
    pub tone: &'static str,
    pub host: String,
    pub address: String,
    pub note: Option<String>,
    pub hosts: Vec<HostLink>,
    pub many_hosts: bool,
    pub hosts_more: usize,
    pub steps: Vec<HostStep>,
    pub live: bool,
    pub seq: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct HostLink {
    pub href: String,
    pub host: String,
    pub current: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct HostStep {
    pub id: String,
    pub number: String,
    pub name: String,
    pub mark: &'static str,
    pub tone: &'static str,
    pub state: &'static str,
    pub lasted: Option<String>,
    pub detail: Option<String>,
    pub body: String,
    /// Not folded when the page comes.
    pub open: bool,
    /// The page with all of its output; none if it has not run.
    pub href: Option<String>,
    pub outcome: String,
    pub words: String,
    /// `1,204 earlier lines`.
    pub earlier: Option<String>,
    pub prefix: String,
    pub chunks: Vec<Chunk>,
}
