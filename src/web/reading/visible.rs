//! Pages of a list without what its reader may not see, and without a word about it.

use std::future::Future;

/// Rows that one page reads at most while it looks for those that its reader may see. Past this the page is shorter and
/// says where to go on: that is all that a reader can learn of what is hidden, that it is very much.
const ROWS_READ_MAX: usize = 10_000;

/// Rows that are read at once after the first page turned out not to be enough.
const ROWS_AT_ONCE: u32 = 200;

/// A page of `limit` visible rows, and where the next one begins if there is another visible row.
///
/// `read` gives at most so many rows from a place on, and the place behind them if there are more; `sees` says whether
/// the reader may see a row; `after` is the place behind a row.
///
/// # Errors
/// Those of `read`.
pub async fn page<Row, Place, Reading, Error>(
    limit: u32,
    mut place: Option<Place>,
    mut read: impl FnMut(Option<Place>, u32) -> Reading,
    sees: impl Fn(&Row) -> bool,
    after: impl Fn(&Row) -> Place,
) -> Result<(Vec<Row>, Option<Place>), Error>
where
    Place: Copy,
    Reading: Future<Output = Result<(Vec<Row>, Option<Place>), Error>>,
{
    let mut seen: Vec<Row> = Vec::new();
    let mut read_count = 0;
    // One row more than a page tells whether there is a next one: the database's own word for it counts hidden rows.
    let mut at_once = limit.saturating_add(1).min(ROWS_AT_ONCE);
    loop {
        let (rows, next) = read(place, at_once).await?;
        read_count += rows.len();
        place = next;
        for row in rows {
            if !sees(&row) {
                continue;
            }
            if seen.len() == limit as usize {
                let next = seen.last().map(after);
                return Ok((seen, next));
            }
            seen.push(row);
        }
        if place.is_none() || read_count >= ROWS_READ_MAX {
            return Ok((seen, place));
        }
        at_once = ROWS_AT_ONCE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers downwards from below `total`, of which the reader sees those that `sees` says.
    fn listed(total: u32, limit: u32, from: Option<u32>, sees: impl Fn(&u32) -> bool) -> (Vec<u32>, Option<u32>) {
        let read = |below: Option<u32>, count: u32| {
            let below = below.unwrap_or(total);
            let rows: Vec<u32> = (0..below).rev().take(count as usize).collect();
            let next = rows.last().copied().filter(|last| *last > 0);
            std::future::ready(Ok::<_, std::convert::Infallible>((rows, next)))
        };
        let page = page(limit, from, read, sees, |row| *row);
        let Ok(page) = futures_util::FutureExt::now_or_never(page).expect("nothing is waited for");
        page
    }

    #[test]
    fn a_page_ends_without_a_next_one_when_only_hidden_rows_follow() {
        assert_eq!(listed(1_000, 2, None, |row| *row >= 998), (vec![999, 998], None));
        assert_eq!(listed(1_000, 2, None, |_| false), (vec![], None));
        assert_eq!(listed(5, 5, None, |_| true), (vec![4, 3, 2, 1, 0], None));
    }

    #[test]
    fn the_place_of_the_next_page_is_that_of_a_row_that_was_shown() {
        let (rows, next) = listed(1_000, 2, None, |row| row % 100 == 7);
        assert_eq!((rows, next), (vec![907, 807], Some(807)));
        assert_eq!(listed(1_000, 2, next, |row| row % 100 == 7), (vec![707, 607], Some(607)));
        assert_eq!(listed(1_000, 2, Some(207), |row| row % 100 == 7), (vec![107, 7], None));
    }

    #[test]
    fn looking_for_visible_rows_has_an_end() {
        let (rows, next) = listed(50_000, 2, None, |row| *row == 3);
        assert_eq!(rows, [] as [u32; 0]);
        assert!(next.is_some_and(|next| next > 39_000), "it goes on from there: {next:?}");
    }
}
