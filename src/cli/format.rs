//! The `--format` of commands that print data.

use clap::ValueEnum;

/// Text for people, or JSON for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum DataFormat {
    /// Text for people
    #[default]
    Human,
    /// One JSON document
    Json,
}
