//! A list as a file: all of it, with a page of it in memory at a time.

use std::future::Future;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt as _, stream};

use crate::web::problem::Problem;
use crate::web::query::Fields;

/// In which form a list is taken along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    JsonLines,
    Csv,
}

impl Form {
    /// # Errors
    /// It is neither of the two.
    pub fn asked(asked: &Fields) -> Result<Self, Problem> {
        match asked.filled("format") {
            None | Some("json") => Ok(Self::JsonLines),
            Some("csv") => Ok(Self::Csv),
            Some(_) => Err(Problem::bad_request("format is json or csv")),
        }
    }

    /// The name of the file, of a list of this name.
    pub fn file(self, list: &str) -> String {
        match self {
            Self::JsonLines => format!("{list}.jsonl"),
            Self::Csv => format!("{list}.csv"),
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::JsonLines => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

enum Next<Place> {
    First,
    After(Place),
    Done,
}

/// The file of a list. `read` gives the text of the page at a place, and the place behind it if there is more. A failure
/// cuts the answer off, so that nobody takes a part for the whole.
pub fn file<Place, Reading, Error>(
    form: Form,
    list: &str,
    csv_header: &'static str,
    mut read: impl FnMut(Option<Place>) -> Reading + Send + 'static,
) -> Response
where
    Place: Send + 'static,
    Reading: Future<Output = Result<(String, Option<Place>), Error>> + Send + 'static,
    Error: std::error::Error + Send + Sync + 'static,
{
    let first = if form == Form::Csv { csv_header } else { "" };
    let pages = stream::unfold(Next::First, move |next| {
        let place = match next {
            Next::Done => return futures_util::future::Either::Left(std::future::ready(None)),
            Next::First => None,
            Next::After(place) => Some(place),
        };
        let header = if place.is_none() { first } else { "" };
        let reading = read(place);
        futures_util::future::Either::Right(async move {
            Some(match reading.await {
                Ok((text, next)) => (Ok(Bytes::from(format!("{header}{text}"))), next.map_or(Next::Done, Next::After)),
                Err(error) => (Err(error), Next::Done),
            })
        })
    });
    let headers = [
        (header::CONTENT_TYPE, form.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", form.file(list))),
    ];
    // Fused: what compresses an answer asks once more behind its end.
    (headers, Body::from_stream(pages.fuse())).into_response()
}
