//! An attempt's output as a file, however large: a page of lines in memory at a time, and only as fast as whoever asked
//! for it reads.

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde::Serialize;

use crate::engine::output::{OutputError, OutputReader, PageLimits, ROW_BYTES_MAX, Row};
use crate::run::outcome::Stream;
use crate::run::view::{AttemptView, CellView, StepView};
use crate::web::ansi::{Keep, Painter};
use crate::web::format;

/// Rows and bytes of one piece of the file.
const PIECE: PageLimits = PageLimits { rows_max: 5_000, bytes_max: 1024 * 1024 };

/// Stands where a line has more than a piece holds; in JSON the last object of the line says so.
const CUT: &str = "\n[the rest of this line is left out here: take the bytes as they came]\n";

/// In which form output is given away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Lines alone: two of them can be compared.
    Text,
    /// With the time and the stream of each line.
    Log,
    /// A list of objects.
    Json,
}

impl Form {
    /// `txt`, `log`, `json`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "txt" => Some(Self::Text),
            "log" => Some(Self::Log),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Log => "log",
            Self::Json => "json",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Text | Self::Log => "text/plain; charset=utf-8",
            Self::Json => "application/json",
        }
    }
}

#[derive(Serialize)]
struct LineOfFile<'a> {
    line: u64,
    at: String,
    ms: u64,
    stream: Stream,
    text: &'a str,
    /// The rest of this line is left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
}

/// Lines `range` (all unless said) of an attempt as a file.
pub fn file(
    reader: OutputReader,
    (step, cell): (&StepView, &CellView),
    attempt: &AttemptView,
    form: Form,
    range: Option<(u64, u64)>,
) -> Response {
    let (from, to) = range.unwrap_or((1, i64::MAX as u64));
    let name = format!("{}-{}-{}.{}", step.id, cell.host, attempt.number, form.ending());
    let started_ms = attempt.started_at_ms;
    let painters = [Painter::new(), Painter::new()];
    let begun =
        Writing { reader, form, started_ms, to, painters, line_open: false, listed: false, next: Next::First(from) };
    let headers = [
        (header::CONTENT_TYPE, form.kind().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    // Fused: what compresses an answer asks once more behind its end.
    let body = stream::unfold(begun, |writing| async {
        match writing.next {
            Next::Done => None,
            Next::First(_) | Next::Line(_) => Some(writing.piece().await),
        }
    });
    (headers, Body::from_stream(body.fuse())).into_response()
}

struct Writing {
    reader: OutputReader,
    form: Form,
    started_ms: i64,
    to: u64,
    painters: [Painter; 2],
    /// The row before was not the end of its line.
    line_open: bool,
    /// The list of objects has begun.
    listed: bool,
    next: Next,
}

#[derive(Clone, Copy)]
enum Next {
    First(u64),
    Line(u64),
    Done,
}

impl Writing {
    /// The next piece. A failure cuts the answer off, so that nobody takes a part for the whole.
    async fn piece(mut self) -> (Result<Bytes, OutputError>, Self) {
        let from = match self.next {
            Next::First(from) | Next::Line(from) => from,
            Next::Done => return (Ok(Bytes::new()), self),
        };
        let page = match self.reader.lines(from, self.to, PIECE).await {
            Ok(page) => page,
            Err(error) => {
                self.next = Next::Done;
                return (Err(error), self);
            }
        };
        let mut text = String::new();
        let is_cut = is_cut(&page.rows);
        for (position, row) in page.rows.iter().enumerate() {
            self.add(&mut text, row, is_cut && position + 1 == page.rows.len());
        }
        if is_cut && self.form != Form::Json {
            text.push_str(CUT);
        }
        self.next = page.next.map_or(Next::Done, Next::Line);
        if matches!(self.next, Next::Done) {
            text.push_str(match self.form {
                Form::Json if !self.listed => "[]\n",
                Form::Json => "\n]\n",
                Form::Text | Form::Log => "",
            });
        }
        (Ok(text.into()), self)
    }

    fn add(&mut self, text: &mut String, row: &Row, cut: bool) {
        let painter = &mut self.painters[usize::from(row.stream == Stream::Stderr)];
        let said = painter.plain(&row.bytes, Keep::Nothing);
        let ms = i64::try_from(row.ms).unwrap_or(i64::MAX);
        let at = || format::iso(self.started_ms.saturating_add(ms));
        if self.form == Form::Json {
            let line = LineOfFile { line: row.line, at: at(), ms: row.ms, stream: row.stream, text: &said, cut };
            text.push_str(if self.listed { ",\n" } else { "[\n" });
            self.listed = true;
            text.push_str(&serde_json::to_string(&line).unwrap_or_default());
            return;
        }
        // A prompt without an end of line is followed by a line of the other stream.
        if self.line_open && !row.continues {
            text.push('\n');
        }
        if self.form == Form::Log && !row.continues {
            let stream = if row.stream == Stream::Stderr { "err" } else { "out" };
            text.push_str(&format!("{} {stream} ", at()));
        }
        text.push_str(&said);
        self.line_open = row.continued;
        if !row.continued {
            text.push('\n');
        }
    }
}

/// Whether the last line has more than a piece holds.
fn is_cut(rows: &[Row]) -> bool {
    let Some(last) = rows.last().filter(|row| row.continued) else { return false };
    let bytes: usize = rows.iter().rev().take_while(|row| row.line == last.line).map(|row| row.bytes.len()).sum();
    bytes + ROW_BYTES_MAX > PIECE.bytes_max
}
