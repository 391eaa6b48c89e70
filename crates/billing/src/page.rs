//! Lists: the envelope they are published in, what part of one is asked for, and
//! the cursor that continues it.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::postings::hex;
use crate::refusal::Faults;

/// How many a page holds when the caller does not say.
pub const DEFAULT_LIMIT: u32 = 25;

/// A part of a list. The counts are null where a cursor was given: nothing is counted then.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// The resources.
    pub data: Vec<T>,
    /// How many the whole list holds.
    pub total: Option<u64>,
    /// Which page this is, from 1.
    pub page: Option<u32>,
    /// How many a page holds.
    pub limit: u32,
    /// How many pages the whole list has.
    pub total_pages: Option<u64>,
    /// What `cursor` continues the list with; null at its end.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page asked for by its number.
    pub fn numbered(data: Vec<T>, total: u64, page: u32, limit: u32, next_cursor: Option<String>) -> Page<T> {
        let total_pages = Some(total.div_ceil(u64::from(limit)));
        Page { data, total: Some(total), page: Some(page), limit, total_pages, next_cursor }
    }

    /// A page asked for by a cursor.
    pub fn by_cursor(data: Vec<T>, limit: u32, next_cursor: Option<String>) -> Page<T> {
        Page { data, total: None, page: None, limit, total_pages: None, next_cursor }
    }

    /// The same page of something made of its resources.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        let Page { data, total, page, limit, total_pages, next_cursor } = self;
        Page { data: data.into_iter().map(f).collect(), total, page, limit, total_pages, next_cursor }
    }
}

/// What part of a list is asked for; `K` are the sort values a cursor carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part<K> {
    /// Where it begins.
    pub begin: Begin<K>,
    /// How many it holds at most.
    pub limit: u32,
}

/// Where a part of a list begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begin<K> {
    /// At a page, from 1; the list is counted.
    Page(u32),
    /// At its first resource; nothing is counted.
    First,
    /// After the resource with these sort values; nothing is counted.
    After(K),
}

impl<K: DeserializeOwned> Part<K> {
    /// The part a query asks for: the first page of 25 when it says nothing. An empty cursor begins a list.
    ///
    /// # Errors
    /// `isCursor` where the cursor is none of this list's, `isEmpty` where a page is asked for beside it.
    pub fn asked(page: Option<u32>, limit: Option<u32>, cursor: Option<&str>) -> Result<Part<K>, Faults> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        let mut faults = Faults::default();
        if cursor.is_some() && page.is_some() {
            faults.add("page", "isEmpty", "page should be empty beside cursor");
        }
        let begin = match cursor {
            None => Begin::Page(page.unwrap_or(1)),
            Some("") => Begin::First,
            Some(text) => match read_cursor(text) {
                Some(key) => Begin::After(key),
                None => {
                    faults.add("cursor", "isCursor", "cursor must be the nextCursor of this list");
                    Begin::First
                }
            },
        };
        if faults.is_empty() { Ok(Part { begin, limit }) } else { Err(faults) }
    }
}

impl<K> Part<K> {
    /// How many resources of the list stand before it, where it is counted in pages.
    pub fn offset(&self) -> u64 {
        match self.begin {
            Begin::Page(page) => u64::from(page.saturating_sub(1)) * u64::from(self.limit),
            Begin::First | Begin::After(_) => 0,
        }
    }

    /// How many to fetch: one more than it holds, which tells whether the list goes on.
    pub fn fetch(&self) -> u64 {
        u64::from(self.limit) + 1
    }

    /// The published page of what was fetched; `total` where the list was counted,
    /// `key` the sort values of a resource.
    pub fn page<T, C: Serialize>(&self, mut fetched: Vec<T>, total: Option<u64>, key: impl Fn(&T) -> C) -> Page<T> {
        let goes_on = fetched.len() > self.limit as usize;
        fetched.truncate(self.limit as usize);
        let next_cursor = fetched.last().filter(|_| goes_on).map(|last| write_cursor(&key(last)));
        match (&self.begin, total) {
            (Begin::Page(page), Some(total)) => Page::numbered(fetched, total, *page, self.limit, next_cursor),
            _ => Page::by_cursor(fetched, self.limit, next_cursor),
        }
    }
}

/// Sort values as an opaque text: their JSON in hex.
pub fn write_cursor<K: Serialize>(key: &K) -> String {
    hex(&serde_json::to_vec(key).expect("sort values are texts and numbers"))
}

/// The sort values of a cursor, where it is one.
pub fn read_cursor<K: DeserializeOwned>(text: &str) -> Option<K> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).ok();
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
    serde_json::from_slice(&bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_asks_for_a_part() {
        type Key = (String, String);
        fn asked(page: Option<u32>, limit: Option<u32>, cursor: Option<&str>) -> Result<Part<Key>, Faults> {
            Part::asked(page, limit, cursor)
        }
        assert_eq!(asked(None, None, None).unwrap(), Part { begin: Begin::Page(1), limit: 25 });
        assert_eq!(asked(Some(3), Some(10), None).unwrap().offset(), 20);
        assert_eq!(asked(None, Some(2), Some("")).unwrap(), Part { begin: Begin::First, limit: 2 });
        let key: Key = ("2026-06-10".to_owned(), "id".to_owned());
        assert_eq!(asked(None, None, Some(&write_cursor(&key))).unwrap().begin, Begin::After(key));
        for wrong in ["x", "zz", "+1", "é", "7b7d", "5b5d"] {
            let faults = asked(None, None, Some(wrong)).unwrap_err();
            assert_eq!((faults.0[0].property.as_str(), faults.0[0].rule), ("cursor", "isCursor"), "{wrong}");
        }
        assert_eq!(asked(Some(1), None, Some("")).unwrap_err().0[0].rule, "isEmpty");
    }

    #[test]
    fn a_page_says_whether_the_list_goes_on() {
        let part = |begin| Part::<u32> { begin, limit: 2 };
        let page = part(Begin::Page(1)).page(vec![1, 2, 3], Some(3), |n| *n);
        assert_eq!((page.data, page.total, page.page, page.total_pages), (vec![1, 2], Some(3), Some(1), Some(2)));
        assert_eq!(read_cursor(&page.next_cursor.unwrap()), Some(2));
        let last = part(Begin::After(2)).page(vec![3], None, |n| *n);
        assert_eq!((last.data, last.total, last.page, last.next_cursor), (vec![3], None, None, None));
        let past = part(Begin::Page(9)).page(Vec::<u32>::new(), Some(3), |n| *n);
        assert_eq!((past.total, past.total_pages, past.next_cursor), (Some(3), Some(2), None));
    }
}
