//! What the hosts of a step said, equal outputs together.

use serde::Serialize;

use crate::web::view::compare::DiffBlock;
use crate::web::view::output::Link;

#[derive(Debug, Clone, Serialize)]
pub struct GroupsPage {
    pub run: String,
    pub title: String,
    pub step: String,
    pub step_number: String,
    pub step_name: String,
    /// `47 hosts said this, 3 differ`.
    pub headline: String,
    pub noise: bool,
    /// What was not looked at.
    pub note: Option<String>,
    pub groups: Vec<Group>,
    /// Groups that are not shown.
    pub more: Option<String>,
    pub steps: Vec<Link>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Group {
    pub id: String,
    /// `3 hosts`.
    pub count: String,
    pub names: String,
    pub names_id: String,
    pub names_rows: usize,
    /// The first of the names.
    pub hosts: String,
    pub outcome: String,
    pub tone: &'static str,
    pub href: String,
    /// Compares its first host with the first of the largest group.
    pub compare: Option<String>,
    pub lines: Vec<String>,
    pub more_lines: Option<String>,
    pub is_largest: bool,
    /// How it differs from the largest group.
    pub differs: String,
    pub blocks: Vec<DiffBlock>,
    pub is_cut: bool,
}
