//! The order of what is on its way to one endpoint: of each resource one event at a time and in the log's
//! order, of different resources many side by side. Pure: no clock, no shelves, no network.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use billing::ids::EventId;
use jiff::Timestamp;
use uuid::Uuid;

/// An event on its way.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Item {
    pub(super) event_id: EventId,
    pub(super) kind: String,
    pub(super) resource_id: Uuid,
    /// When it happened and what it says; none of what comes from a row, until it is read.
    pub(super) told: Option<(Timestamp, String)>,
    pub(super) attempts: u32,
    pub(super) first_attempt_at: Option<Timestamp>,
    /// Whether it has a row of its own: then the place may move past it.
    pub(super) has_row: bool,
}

/// All that is on its way to an endpoint.
#[derive(Default)]
pub(super) struct Queue {
    /// The last event of the log that was taken in or passed over.
    position: i64,
    items: BTreeMap<i64, Item>,
    by_resource: HashMap<Uuid, VecDeque<i64>>,
    /// The first of each resource, if it is not on its way: to be sent at once, or when it is due.
    ready: BTreeSet<i64>,
    waiting: BTreeSet<(Timestamp, i64)>,
    flying: usize,
    rows: usize,
}

impl Queue {
    /// Begins after a place of the log.
    pub(super) fn after(place: i64) -> Queue {
        Queue { position: place, ..Queue::default() }
    }

    /// The last event of the log that was taken in.
    pub(super) fn position(&self) -> i64 {
        self.position
    }

    /// How many are being sent.
    pub(super) fn flying(&self) -> usize {
        self.flying
    }

    /// How many have a row and are not at their end.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// How many have none: what is in memory only.
    pub(super) fn without_row(&self) -> usize {
        self.items.len() - self.rows
    }

    /// Takes in what has a row: first of all, in the order of the events.
    pub(super) fn take_row(&mut self, sequence: i64, item: Item, due_at: Option<Timestamp>) {
        self.rows += 1;
        self.put(sequence, item, due_at);
    }

    /// Takes in the next event of the log. One that has a row is there already.
    pub(super) fn take_event(&mut self, sequence: i64, item: Item) {
        self.pass(sequence);
        if !self.items.contains_key(&sequence) {
            self.put(sequence, item, None);
        }
    }

    /// Passes over events of the log that are not for this endpoint.
    pub(super) fn pass(&mut self, sequence: i64) {
        self.position = self.position.max(sequence);
    }

    fn put(&mut self, sequence: i64, item: Item, due_at: Option<Timestamp>) {
        let queue = self.by_resource.entry(item.resource_id).or_default();
        queue.push_back(sequence);
        if queue.len() == 1 {
            match due_at {
                Some(due_at) => _ = self.waiting.insert((due_at, sequence)),
                None => _ = self.ready.insert(sequence),
            }
        }
        self.items.insert(sequence, item);
    }

    /// Has those sent at once that wait for longer than anything can: a clock that was ahead put them off. How
    /// many they are.
    pub(super) fn set_right(&mut self, latest: Timestamp) -> usize {
        let mut count = 0;
        while let Some(&(due_at, sequence)) = self.waiting.last().filter(|(due_at, _)| *due_at > latest) {
            self.waiting.remove(&(due_at, sequence));
            self.ready.insert(sequence);
            count += 1;
        }
        count
    }

    /// The next to be sent, if any is due.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<i64> {
        while let Some(&(due_at, sequence)) = self.waiting.first().filter(|(due_at, _)| *due_at <= now) {
            self.waiting.remove(&(due_at, sequence));
            self.ready.insert(sequence);
        }
        let sequence = self.ready.pop_first()?;
        self.flying += 1;
        Some(sequence)
    }

    /// One of them.
    pub(super) fn item(&mut self, sequence: i64) -> Option<&mut Item> {
        self.items.get_mut(&sequence)
    }

    /// What is sent is at its end, delivered or given up: the next of its resource is ready.
    pub(super) fn end(&mut self, sequence: i64) {
        self.flying -= 1;
        let Some(item) = self.items.remove(&sequence) else { return };
        self.rows -= usize::from(item.has_row);
        let Some(queue) = self.by_resource.get_mut(&item.resource_id) else { return };
        queue.pop_front();
        match queue.front() {
            Some(next) => _ = self.ready.insert(*next),
            None => _ = self.by_resource.remove(&item.resource_id),
        }
    }

    /// What is sent is to be tried again. Answers those behind it that have no row yet: they wait as long.
    pub(super) fn retry(&mut self, sequence: i64, due_at: Timestamp) -> Vec<i64> {
        self.flying -= 1;
        self.waiting.insert((due_at, sequence));
        let Some(item) = self.items.get(&sequence) else { return Vec::new() };
        let behind = self.by_resource.get(&item.resource_id).into_iter().flatten().copied();
        behind.filter(|next| self.items.get(next).is_some_and(|item| !item.has_row)).collect()
    }

    /// Whether an event that waits for another of its resource waits behind one that has a row.
    pub(super) fn is_behind_a_row(&self, sequence: i64) -> bool {
        let Some(item) = self.items.get(&sequence) else { return false };
        let first = self.by_resource.get(&item.resource_id).and_then(|queue| queue.front());
        first.is_some_and(|first| *first != sequence && self.items.get(first).is_some_and(|item| item.has_row))
    }

    /// Says that these have a row by now.
    pub(super) fn have_rows(&mut self, sequences: &[i64]) {
        for sequence in sequences {
            if let Some(item) = self.items.get_mut(sequence) {
                self.rows += usize::from(!item.has_row);
                item.has_row = true;
                // It may wait for hours; it is read again when its time has come.
                item.told = None;
            }
        }
    }

    /// How far the endpoint has come: all up to there is at its end or has a row.
    pub(super) fn place(&self) -> i64 {
        let open = self.items.iter().find(|(_, item)| !item.has_row);
        open.map_or(self.position, |(sequence, _)| self.position.min(sequence - 1))
    }

    /// When the next one is due that waits for its time.
    pub(super) fn due_at(&self) -> Option<Timestamp> {
        self.waiting.first().map(|(due_at, _)| *due_at)
    }

    /// Whether nothing can be sent before something else happens.
    pub(super) fn is_still(&self) -> bool {
        self.flying == 0 && self.ready.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn item(resource: u128) -> Item {
        Item {
            event_id: EventId(Uuid::from_u128(1)),
            kind: "x.created".to_owned(),
            resource_id: Uuid::from_u128(resource),
            told: Some((at(0), "{}".to_owned())),
            attempts: 0,
            first_attempt_at: None,
            has_row: false,
        }
    }

    fn all_next(queue: &mut Queue, now: i64) -> Vec<i64> {
        std::iter::from_fn(|| queue.next(at(now))).collect()
    }

    #[test]
    fn of_a_resource_one_flies_and_the_place_waits_for_it() {
        let mut queue = Queue::after(10);
        for (sequence, resource) in [(11, 1), (12, 1), (13, 2), (14, 1)] {
            queue.take_event(sequence, item(resource));
        }
        queue.pass(15);
        assert_eq!(all_next(&mut queue, 0), [11, 13]);
        queue.end(13);
        assert_eq!(queue.place(), 10, "11 is not at its end");
        queue.end(11);
        assert_eq!(queue.place(), 11);
        assert_eq!(all_next(&mut queue, 0), [12]);
        queue.end(12);
        assert_eq!(all_next(&mut queue, 0), [14]);
        queue.end(14);
        assert_eq!((queue.place(), queue.is_still()), (15, true));
    }

    #[test]
    fn one_that_failed_holds_up_its_resource_and_no_other() {
        let mut queue = Queue::after(0);
        for (sequence, resource) in [(1, 1), (2, 2), (3, 1), (4, 2)] {
            queue.take_event(sequence, item(resource));
        }
        assert_eq!(all_next(&mut queue, 0), [1, 2]);
        assert_eq!(queue.retry(1, at(30)), [1, 3], "both get a row");
        queue.have_rows(&[1, 3]);
        queue.end(2);
        assert_eq!(queue.place(), 3);
        assert_eq!((queue.rows(), queue.without_row()), (2, 1));
        assert_eq!(all_next(&mut queue, 29), [4]);
        queue.end(4);
        assert_eq!((queue.place(), queue.due_at()), (4, Some(at(30))));
        // A later event of it waits too, and behind a row.
        queue.take_event(5, item(1));
        assert!(queue.is_behind_a_row(5) && !queue.is_behind_a_row(1));
        assert!(all_next(&mut queue, 29).is_empty());
        assert_eq!(all_next(&mut queue, 30), [1]);
        queue.end(1);
        assert_eq!(all_next(&mut queue, 30), [3]);
    }

    #[test]
    fn what_was_put_off_by_a_clock_that_was_ahead_is_sent_at_once() {
        let mut queue = Queue::after(0);
        for (sequence, due_at) in [(1, 90), (2, 100), (3, 101), (4, 5_000)] {
            queue.take_row(sequence, Item { has_row: true, ..item(sequence as u128) }, Some(at(due_at)));
        }
        // A row of the third's resource waits behind it.
        queue.take_row(5, Item { has_row: true, ..item(3) }, None);
        assert_eq!(queue.set_right(at(100)), 2);
        assert_eq!(all_next(&mut queue, 0), [3, 4]);
        queue.end(3);
        assert_eq!(all_next(&mut queue, 0), [5]);
        assert_eq!((queue.set_right(at(100)), queue.due_at()), (0, Some(at(90))));
    }

    #[test]
    fn what_has_a_row_is_not_taken_from_the_log_again() {
        let mut queue = Queue::after(4);
        queue.take_row(7, Item { has_row: true, told: None, ..item(1) }, Some(at(9)));
        queue.take_row(8, Item { has_row: true, told: None, ..item(1) }, None);
        for sequence in 5..=8 {
            queue.take_event(sequence, item(1));
        }
        // 7 was there first: 5 and 6 were sent before it failed, and are sent again behind it.
        assert_eq!((queue.rows(), queue.without_row(), queue.position()), (2, 2, 8));
        assert!(all_next(&mut queue, 8).is_empty());
        assert_eq!(all_next(&mut queue, 9), [7]);
    }
}
