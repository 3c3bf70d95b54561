//! Keyset paging: a cursor holds the sort values of a row, never an offset.
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::AppError;

/// How many items a page has when the client does not say.
pub const PAGE_DEFAULT: i64 = 50;
/// How many items a page has at the most.
pub const PAGE_MAX: i64 = 100;

/// Which way a page goes from its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    #[serde(rename = "n")]
    Next,
    #[serde(rename = "p")]
    Prev,
}

/// Where a page starts: behind (or before) the row with these sort values.
/// `binding` is what the cursor was made for; a changed filter or sort refuses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(rename = "d")]
    pub direction: Direction,
    #[serde(rename = "k")]
    pub key: Value,
    #[serde(rename = "i")]
    pub id: Uuid,
    #[serde(rename = "b")]
    binding: u64,
}

impl Cursor {
    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

/// What a client asks of a list: how many, from where, and for which filter and sort.
#[derive(Debug, Clone)]
pub struct PageRequest {
    pub limit: i64,
    pub cursor: Option<Cursor>,
    binding: u64,
}

impl PageRequest {
    /// `binding` is the filter and sort in one text. Fails with [`AppError::Malformed`] when the limit
    /// is not positive, or the cursor is not ours or was made for another filter.
    pub fn new(limit: Option<i64>, cursor: Option<&str>, binding: &str) -> Result<Self, AppError> {
        Self::bound(limit, cursor, fnv1a(binding))
    }

    fn bound(limit: Option<i64>, cursor: Option<&str>, binding: u64) -> Result<Self, AppError> {
        let limit = limit.unwrap_or(PAGE_DEFAULT);
        if limit < 1 {
            return Err(AppError::Malformed("limit must be at least 1".into()));
        }
        let cursor = cursor.map(|text| Cursor::decode(text).ok_or("cursor is not valid"));
        let cursor = cursor.transpose().map_err(|e| AppError::Malformed(e.into()))?;
        if cursor.as_ref().is_some_and(|c| c.binding != binding) {
            let detail = "cursor belongs to another filter or sort; start again without it";
            return Err(AppError::Malformed(detail.into()));
        }
        Ok(Self { limit: limit.min(PAGE_MAX), cursor, binding })
    }

    /// As [`PageRequest::new`], before it is known what the cursor was made for.
    pub fn check(limit: Option<i64>, cursor: Option<&str>) -> Result<(), AppError> {
        let own = cursor.and_then(Cursor::decode).map_or(0, |cursor| cursor.binding);
        Self::bound(limit, cursor, own).map(drop)
    }

    /// How many rows to fetch: one more than asked tells whether there is another page.
    pub fn fetch(&self) -> i64 {
        self.limit + 1
    }

    /// True when rows must be fetched in reverse order.
    pub fn backward(&self) -> bool {
        self.cursor.as_ref().is_some_and(|c| c.direction == Direction::Prev)
    }

    /// Makes the page of the `fetch()` rows that were loaded in the order of `backward()`.
    pub fn page<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> (Value, Uuid)) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let (mut has_next, mut has_prev) = (more, self.cursor.is_some());
        if self.backward() {
            rows.reverse();
            (has_next, has_prev) = (true, more);
        }
        let cursor = |row: Option<&T>, direction| {
            row.map(|row| {
                let (key, id) = key(row);
                Cursor { direction, key, id, binding: self.binding }.encode()
            })
        };
        let next = cursor(rows.last().filter(|_| has_next), Direction::Next);
        let prev = cursor(rows.first().filter(|_| has_prev), Direction::Prev);
        Page { items: rows, next, prev, total: None }
    }
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The cursor of the next page; null on the last.
    pub next: Option<String>,
    /// The cursor of the previous page; null on the first.
    pub prev: Option<String>,
    /// How many there are in all; only with `Prefer: return=total-count`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
}

impl<T> Page<T> {
    /// As [`Page::map`], with what can fail.
    pub fn try_map<U, E>(self, f: impl FnMut(T) -> Result<U, E>) -> Result<Page<U>, E> {
        let items = self.items.into_iter().map(f).collect::<Result<_, E>>()?;
        Ok(Page { items, next: self.next, prev: self.prev, total: self.total })
    }

    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        let items = self.items.into_iter().map(f).collect();
        Page { items, next: self.next, prev: self.prev, total: self.total }
    }
}

/// FNV-1a, 64 bits: stable across versions and machines, unlike the standard library's hasher.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(ids: &[u128]) -> Vec<Uuid> {
        ids.iter().copied().map(Uuid::from_u128).collect()
    }

    fn key(id: &Uuid) -> (Value, Uuid) {
        (Value::Null, *id)
    }

    #[test]
    fn a_full_page_leads_to_the_next_and_back() {
        let first = PageRequest::new(Some(2), None, "f").unwrap().page(rows(&[1, 2, 3]), key);
        assert_eq!((first.items.len(), first.prev), (2, None));
        let request = PageRequest::new(Some(2), first.next.as_deref(), "f").unwrap();
        assert_eq!(request.cursor.as_ref().unwrap().id, Uuid::from_u128(2));
        let second = request.page(rows(&[3]), key);
        assert_eq!(second.next, None);
        let back = PageRequest::new(Some(2), second.prev.as_deref(), "f").unwrap();
        assert!(back.backward());
        assert_eq!(back.page(rows(&[2, 1]), key).items, rows(&[1, 2]));
    }

    #[test]
    fn a_cursor_is_refused_for_another_filter_and_when_it_is_garbage() {
        let page = PageRequest::new(Some(1), None, "a").unwrap().page(rows(&[1, 2]), key);
        assert!(PageRequest::new(Some(1), page.next.as_deref(), "b").is_err());
        assert!(PageRequest::new(Some(1), Some("%%%"), "a").is_err());
    }

    #[test]
    fn a_limit_is_coerced_down_and_never_zero() {
        assert_eq!(PageRequest::new(Some(1000), None, "").unwrap().limit, PAGE_MAX);
        assert!(PageRequest::new(Some(0), None, "").is_err());
        assert!(PageRequest::new(Some(-1), None, "").is_err());
    }
}
