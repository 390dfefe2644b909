//! Pages: how many rows a page holds, and where it ends when rows are large.

use crate::grpc::page_token::{PageMark, PageScope};
use prost::Message;
use tonic::Status;
use turnstone_proto::invalid_field;

/// Rows of a page unless the caller says otherwise.
const PAGE_ROWS_DEFAULT: u32 = 100;
/// Most rows of a page; a caller who asks for more gets these (AIP-158).
const PAGE_ROWS_MAX: u32 = 1_000;
/// A page ends early at this size: clients refuse messages of more than 4 MiB unless told otherwise.
pub(crate) const PAGE_BYTES_MAX: usize = 3 * 1024 * 1024;

/// The rows that a request's `page_size` stands for.
pub(crate) fn page_rows(page_size: i32) -> Result<u32, Status> {
    match u32::try_from(page_size) {
        Ok(0) => Ok(PAGE_ROWS_DEFAULT),
        Ok(rows) => Ok(rows.min(PAGE_ROWS_MAX)),
        Err(_) => Err(invalid_field(
            "page_size",
            format!("{page_size} is negative; use 0 for the default of {PAGE_ROWS_DEFAULT}"),
        )),
    }
}

/// Makes a page of rows, of which one more than `rows_max` was asked for: the messages, and the token of the next page, empty where
/// this is the last. A page holds at least one row where there is one.
pub(crate) fn page_of<R, K: PageMark, M: Message>(
    scope: &PageScope,
    rows_max: u32,
    rows: Vec<R>,
    mark: impl Fn(&R) -> K,
    convert: impl Fn(R) -> M,
) -> (Vec<M>, String) {
    let marks: Vec<K> = rows.iter().map(mark).collect();
    let messages: Vec<M> = rows.into_iter().map(convert).collect();
    let (page, more) = cut_page(messages, rows_max, Message::encoded_len);
    match page.len().checked_sub(1).filter(|_| more) {
        Some(last) => (page, scope.token(&marks[last])),
        None => (page, String::new()),
    }
}

/// Cuts rows to a page by their number and their size in bytes. True where rows are left for a next page.
pub(crate) fn cut_page<R>(mut rows: Vec<R>, rows_max: u32, size: impl Fn(&R) -> usize) -> (Vec<R>, bool) {
    let mut bytes = 0;
    let fitting = rows
        .iter()
        .take(rows_max as usize)
        .take_while(|row| {
            let first = bytes == 0;
            bytes += size(row).max(1);
            first || bytes <= PAGE_BYTES_MAX
        })
        .count();
    let more = fitting < rows.len();
    rows.truncate(fitting);
    (rows, more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use turnstone_proto::v1::Entry;

    fn entries(count: usize, bytes: usize) -> Vec<Entry> {
        (0..count)
            .map(|_| Entry {
                text: "x".repeat(bytes),
                ..Entry::default()
            })
            .collect()
    }

    #[test]
    fn sizes_follow_the_improvement_proposal() {
        assert_eq!(page_rows(0).expect("default"), 100);
        assert_eq!(page_rows(7).expect("as asked"), 7);
        assert_eq!(page_rows(i32::MAX).expect("coerced"), 1_000);
        assert!(page_rows(-1).is_err());
    }

    #[test]
    fn pages_end_at_their_rows_or_at_their_bytes() {
        let lengths = |rows: Vec<Entry>, rows_max| {
            let (page, more) = cut_page(rows, rows_max, Message::encoded_len);
            (page.len(), more)
        };
        assert_eq!(lengths(entries(3, 10), 3), (3, false));
        assert_eq!(lengths(entries(4, 10), 3), (3, true));
        assert_eq!(lengths(entries(5, 1024 * 1024), 100), (2, true));
        assert_eq!(lengths(entries(2, PAGE_BYTES_MAX * 2), 100), (1, true));
        assert_eq!(lengths(entries(0, 0), 100), (0, false));
    }
}
