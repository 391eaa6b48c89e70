//! Whole invoices given back in whole credit notes, as the verbs write them: lines by quantity, by
//! amount, at prices and discounts of the caller's, by price over several lines, and amounts that
//! match no line; one note over two invoices; notes voided and written anew in between. What is
//! given back is what was billed: of every line, VAT group and total, in both currencies.
//! `LEDGERBEE_CREDIT_CASES` says how many (100,000), `LEDGERBEE_CREDIT_SEED` with which they begin.

use std::fmt;

use billing::credit::Mode;
use billing::crediting::{self, CreditedInvoice, NoteShare};
use billing::document::Document;
use billing::kind::Kind;
use billing::lines::{AskedLine, Line, share_vat};
use billing::money::{Currency, Money};
use billing::parts;
use billing::refusal::Refusal;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::cases::{Random, over_all, say, setting};
use crate::shop::{PRICES, RATES, Shop, asked, price};

/// A currency and that of the books, and the rate between them.
const MONEYS: [(&str, &str, &str); 6] = [
    ("DKK", "DKK", "1"),
    ("EUR", "DKK", "7.4567"),
    ("KWD", "EUR", "2.8741093"),
    ("DKK", "JPY", "21.337"),
    ("JPY", "JPY", "1"),
    ("JPY", "EUR", "0.0061327"),
];

/// Which case it is, for messages.
#[derive(Clone, Copy)]
struct At(u64);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LEDGERBEE_CREDIT_SEED={} LEDGERBEE_CREDIT_CASES=1", self.0)
    }
}

/// What stands of a note: what it asked for, what it took, and the document.
struct Note {
    shares: Vec<NoteShare>,
    document: Document,
}

/// A life of invoices and the notes on them.
struct Life {
    at: At,
    random: Random,
    shop: Shop,
    currency: Currency,
    billed: Vec<Document>,
    invoices: Vec<CreditedInvoice>,
    notes: Vec<Note>,
    releases: i64,
    found: Found,
}

/// What was seen: notes written, refused, and how far VAT was off at worst, in millionths of a minor unit.
#[derive(Clone, Copy, Default)]
struct Found {
    written: u64,
    refused: u64,
    released: u64,
    worst: i64,
}

/// The notes' lines as asked, and whether they go beyond what is left.
struct Wish {
    lines: Vec<AskedLine>,
    named: Option<usize>,
    is_too_much: bool,
}

impl Life {
    fn begin(at: At) -> Life {
        let mut random = Random(at.0);
        let is_long = at.0.is_multiple_of(10_000);
        let (currency, base, rate) = MONEYS[if is_long { random.place(4) } else { random.place(MONEYS.len()) }];
        let currency: Currency = currency.parse().unwrap();
        let mut shop = Shop::new(currency, base.parse().unwrap(), rate.parse().unwrap());
        let count = if !is_long && random.chance(15) { 2 } else { 1 };
        let has_below = random.chance(15);
        let (mut billed, mut invoices) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let rates = if is_long { 1 } else { random.within(1..4) };
            let lines = if is_long { 1_000 } else { random.within(1..7) };
            let asked: Vec<AskedLine> = (0..lines)
                .map(|_| {
                    let rate = usize::try_from(random.within(0..rates)).unwrap();
                    line(&mut random, rate)
                })
                .collect();
            let below: Vec<bool> = asked.iter().map(|_| has_below && random.chance(30)).collect();
            let (mut document, mut invoice) = shop.invoice(&asked, &below);
            if document.amount.is_negative() {
                // An invoice is over something: it is credited by less than nothing otherwise.
                (document, invoice) = shop.invoice(&asked, &[]);
            }
            billed.push(document);
            invoices.push(invoice);
        }
        let found = Found::default();
        Life { at, random, shop, currency, billed, invoices, notes: Vec::new(), releases: 0, found }
    }

    /// What a note asks for: some lines of what is left, each in one of the ways.
    fn wish(&mut self) -> Wish {
        let is_over_several = self.invoices.len() > 1 && self.random.chance(60);
        let named = (!is_over_several).then(|| self.random.place(self.invoices.len()));
        let percent = self.random.pick(&[20, 50, 100]);
        let mut wish = Wish { lines: Vec::new(), named, is_too_much: false };
        for at in 0..self.invoices.len() {
            if named.is_some_and(|named| named != at) {
                continue;
            }
            for line in 0..self.invoices[at].lines.len() {
                if self.random.chance(percent) {
                    let asked = self.ask(at, line, named.is_some(), &mut wish.is_too_much);
                    wish.lines.extend(asked);
                }
            }
        }
        wish
    }

    /// An ask of a random way for a random part of a line.
    fn ask(&mut self, invoice: usize, at: usize, is_named: bool, is_too_much: &mut bool) -> Option<AskedLine> {
        let Life { random, currency, .. } = self;
        let line = &self.invoices[invoice].lines[at];
        let exponent = currency.exponent();
        let by_id = |quantity: Decimal| AskedLine { invoice_line_id: Some(line.id), ..asked(None, quantity) };
        let left = Decimal::new(line.state.net_left().abs(), exponent);
        if random.chance(1) {
            *is_too_much = true;
            let more = Decimal::new(1, exponent);
            return Some(match random.chance(50) {
                true => by_id(line.state.quantity_left + Decimal::new(1, 6)),
                false => AskedLine { amount: Some(left + more), ..by_id(Decimal::ONE) },
            });
        }
        let part = Decimal::new(random.within(1..1_000), 3);
        let quantity = (line.state.quantity_left * part).round_dp(6);
        let amount = Decimal::new(line.state.net_left().abs() * random.within(1..1_001) / 1_000, exponent);
        let way = random.within(0..100);
        if (70..80).contains(&way) && is_named && !amount.is_zero() {
            // A price that no invoice has: counted against the VAT group.
            let rate = RATES.iter().position(|rate| line.line.vat_rate == number(rate))?;
            let bonus = asked(Some(price(rate, PRICES - 1)), Decimal::ONE);
            return Some(AskedLine { unit_price: Some(amount), ..bonus });
        }
        if way >= 80 || quantity.is_zero() {
            return if way % 2 == 0 && !amount.is_zero() {
                Some(AskedLine { amount: Some(amount), ..by_id(Decimal::ONE) })
            } else if !line.state.quantity_left.is_zero() && (line.state.net == 0 || !left.is_zero()) {
                Some(by_id(line.state.quantity_left))
            } else {
                None
            };
        }
        match way {
            0..30 => Some(by_id(quantity)),
            30..40 if is_named => Some(asked(line.line.price_id, quantity)),
            30..55 => {
                let most = (amount / quantity).round_dp_with_strategy(6, RoundingStrategy::ToZero);
                Some(AskedLine { unit_price: Some(most).filter(|price| !price.is_zero()), ..by_id(quantity) })
            }
            _ => {
                let discount = Decimal::new(random.within(200_000..1_000_001), 4);
                Some(AskedLine { discount_percent: Some(discount), ..by_id(quantity) })
            }
        }
    }

    /// Writes a note on what is left, as the verbs do: the invoices are moved on, or it is refused
    /// and nothing has changed.
    fn write(&mut self, wish: &Wish) -> Result<Note, Refusal> {
        let mut invoices = self.invoices.clone();
        let credited = self.shop.with(Kind::CreditNote, |pricing, ids| {
            crediting::credit(pricing, &wish.lines, &mut invoices, wish.named, ids)
        });
        let mut credited = credited?;
        share_vat(&mut credited.lines, |line| line.base_total.is_none());
        let document = self.shop.document(Kind::CreditNote, credited.lines);
        let note = Note { shares: credited.shares, document };
        if note.document.amount.minor() > 0 {
            return Err(Refusal::new("CREDIT_NOTE_NOT_A_CREDIT", "The credit note is not a credit."));
        }
        let before = std::mem::replace(&mut self.invoices, invoices);
        self.count(&note, 1);
        let over = self.invoices.iter().any(|invoice| invoice.credited > invoice.amount);
        if over {
            assert!(self.has_below(), "an invoice is over-credited: {}", self.at);
            self.invoices = before;
            return Err(Refusal::new("CREDIT_NOTE_EXCEEDS_INVOICE", "It is more than the invoice billed."));
        }
        self.check(&before, &note);
        Ok(note)
    }

    /// Whether a line is below zero, as the billing engine makes them.
    fn has_below(&self) -> bool {
        self.invoices.iter().any(|invoice| invoice.lines.iter().any(|line| line.state.net < 0))
    }

    /// Counts a note on its invoices, or off them.
    fn count(&mut self, note: &Note, sign: i64) {
        for taken in &note.shares {
            let invoice = self.invoices.iter_mut().find(|invoice| invoice.id == taken.invoice_id).unwrap();
            invoice.credited += sign * (taken.share.net + taken.share.vat);
        }
    }

    /// Gives back what a note took, as a void does and a PATCH before its new lines apply.
    fn release(&mut self, note: &Note) {
        for taken in &note.shares {
            let invoice = self.invoices.iter_mut().find(|invoice| invoice.id == taken.invoice_id).unwrap();
            let line = invoice.lines.iter_mut().find(|line| line.id == taken.invoice_line_id).unwrap();
            line.state.release(&taken.share);
        }
        self.count(note, -1);
        self.releases += 1;
        self.found.released += 1;
    }

    /// Holds one note against what each promises.
    fn check(&mut self, before: &[CreditedInvoice], note: &Note) {
        let at = self.at;
        let within = |part: i64, whole: i64| part * whole.signum() >= 0 && part.abs() <= whole.abs();
        for (invoice, was) in self.invoices.iter().zip(before) {
            for (line, then) in invoice.lines.iter().zip(&was.lines) {
                let mode = invoice.groups.iter().find(|group| group.rate == line.line.vat_rate).unwrap().mode;
                let now = &line.state;
                let own = || note.shares.iter().filter(|taken| taken.invoice_line_id == line.id);
                if own().next().is_none() {
                    assert_eq!(now, &then.state, "a line outside the note was touched: {at}");
                }
                assert!(within(now.credited_net, now.net), "a line is over-credited: {now:?}: {at}");
                assert!(within(now.credited_base_net, now.base_net), "over-credited in base: {now:?}: {at}");
                let is_within = within(now.credited_vat, now.vat) && within(now.credited_base_vat, now.base_vat);
                assert!(mode == Mode::Group || is_within, "VAT is over-credited: {now:?}: {at}");
                assert!(now.quantity_left >= Decimal::ZERO, "more pieces than there were: {now:?}: {at}");
                let sum = |of: fn(&NoteShare) -> i64| own().map(of).sum::<i64>();
                let taken = (sum(|t| t.share.net), sum(|t| t.share.vat), sum(|t| t.share.base_net));
                let then = &then.state;
                let moved = (
                    now.credited_net - then.credited_net,
                    now.credited_vat - then.credited_vat,
                    now.credited_base_net - then.credited_base_net,
                );
                assert_eq!(taken, moved, "the shares are what is counted: {at}");
            }
        }
        self.check_lines(note);
        self.check_sums(note);
    }

    /// Each line of a note is what it took, turned round, in both currencies.
    fn check_lines(&self, note: &Note) {
        for line in &note.document.lines {
            let product = line.product().unwrap();
            let own = || note.shares.iter().filter(|taken| taken.note_line_id == line.id);
            let sum = |of: fn(&NoteShare) -> i64| -own().map(of).sum::<i64>();
            let took =
                [sum(|t| t.share.net), sum(|t| t.share.vat), sum(|t| t.share.base_net), sum(|t| t.share.base_vat)];
            let says = [Some(product.total), Some(product.vat), product.base_total, product.base_vat];
            assert_eq!(says.map(|amount| amount.unwrap().minor()), took, "{}", self.at);
        }
    }

    /// The note by itself is what EN 16931 wants: sums are exact (BR-CO-10, BR-CO-13 to BR-CO-15), and
    /// the VAT of each category is that of its rate within less than one unit of the currency (BR-CO-17).
    fn check_sums(&mut self, note: &Note) {
        let at = self.at;
        let Document { lines, groups, subtotal, vat, amount, base_amount, base_vat, .. } = &note.document;
        let sum = |of: fn(&Line) -> Money| lines.iter().map(|line| of(line).minor()).sum::<i64>();
        assert_eq!(subtotal.minor(), sum(|line| line.product().unwrap().total), "{at}");
        assert_eq!(vat.minor(), sum(|line| line.product().unwrap().vat), "{at}");
        assert_eq!(amount.minor(), subtotal.minor() + vat.minor(), "{at}");
        let in_groups =
            |of: fn(&billing::document::VatGroup) -> Money| groups.iter().map(|g| of(g).minor()).sum::<i64>();
        assert_eq!((in_groups(|g| g.taxable), in_groups(|g| g.vat)), (subtotal.minor(), vat.minor()), "{at}");
        let bases = sum(|line| line.product().unwrap().base_total.unwrap());
        let base_vats = sum(|line| line.product().unwrap().base_vat.unwrap());
        assert_eq!((base_amount.unwrap().minor(), base_vat.unwrap().minor()), (bases + base_vats, base_vats), "{at}");

        let exponent = self.currency.exponent();
        for group in groups {
            let own = || self.invoices.iter().flat_map(|i| &i.groups).filter(|own| own.rate == group.rate);
            let is_small = own().all(|own| own.mode == Mode::Line) && self.invoices.iter().all(|i| i.lines.len() <= 30);
            let scaled = (group.rate * Decimal::from(10_000)).trunc().mantissa();
            let off = i128::from(group.vat.minor()) * 1_000_000 - scaled * i128::from(group.taxable.minor());
            let off = i64::try_from(off.abs()).unwrap();
            self.found.worst = self.found.worst.max(if exponent == 0 { 0 } else { off });
            // Without decimals what is given back leaves the rounding of its note to those that follow, and
            // among lines of both signs two halves are rounded away from each other.
            let rounds = if exponent == 0 { 1 + self.releases + i64::from(self.has_below()) } else { 1 };
            let unit = 1_000_000 * 10_i64.pow(exponent) * rounds * i64::try_from(self.invoices.len()).unwrap();
            assert!(off < unit, "VAT {} of {} is {off} millionths off: {at}", group.vat, group.taxable);
            let four = 4_000_000 * i64::try_from(self.invoices.len()).unwrap();
            assert!(!is_small || off < four, "VAT {} of {} is {off} millionths off: {at}", group.vat, group.taxable);
        }
    }

    /// Up to twelve notes, some of them voided or written anew, and the rest.
    fn live(mut self) -> Found {
        let most = if self.invoices.iter().any(|invoice| invoice.lines.len() > 100) { 4 } else { 12 };
        for _ in 0..self.random.within(0..most) {
            let step = if self.notes.is_empty() { 100 } else { self.random.within(0..100) };
            if step < 10 {
                let place = self.random.place(self.notes.len());
                let note = self.notes.swap_remove(place);
                self.release(&note);
                continue;
            }
            let place = if step < 20 { Some(self.random.place(self.notes.len())) } else { None };
            self.step(place);
        }
        for at in 0..self.invoices.len() {
            let Ok(lines) = parts::lines(&self.invoices[at], None) else { continue };
            let wish = Wish { lines, named: Some(at), is_too_much: false };
            match self.write(&wish) {
                Ok(note) => self.notes.push(note),
                // What is left comes to less than nothing: lines below zero stand alone.
                Err(refusal) => {
                    assert!(self.has_below(), "{refusal:?}: {}", self.at);
                    return self.found;
                }
            }
        }
        self.check_end();
        self.found
    }

    /// A new note, or the one at `place` written anew; what is refused leaves all as it was.
    fn step(&mut self, place: Option<usize>) {
        let kept = self.invoices.clone();
        let releases = self.releases;
        let old = place.map(|place| self.notes.swap_remove(place));
        if let Some(old) = &old {
            self.release(old);
        }
        let wish = self.wish();
        if wish.lines.is_empty() {
            (self.invoices, self.releases) = (kept, releases);
            self.notes.extend(old);
            return;
        }
        match self.write(&wish) {
            Ok(note) => {
                assert!(!wish.is_too_much, "more is credited than is left: {}", self.at);
                self.found.written += 1;
                self.notes.push(note);
            }
            Err(refusal) => {
                let known = ["CREDIT_NOTE_EXCEEDS_INVOICE", "CREDIT_NOTE_NOT_A_CREDIT"];
                assert!(known.contains(&refusal.code), "{refusal:?}: {}", self.at);
                self.found.refused += 1;
                (self.invoices, self.releases) = (kept, releases);
                self.notes.extend(old);
            }
        }
    }

    /// All is given back: of every line, every VAT group and the total, and the papers say so.
    fn check_end(&self) {
        let at = self.at;
        for invoice in &self.invoices {
            assert_eq!(invoice.credited, invoice.amount, "the total is not given back: {at}");
            for group in &invoice.groups {
                let own = || invoice.lines.iter().filter(|line| line.line.vat_rate == group.rate).map(|l| &l.state);
                let given = (own().map(|l| l.credited_vat).sum(), own().map(|l| l.credited_base_vat).sum());
                let billed: (i64, i64) = (own().map(|l| l.vat).sum(), own().map(|l| l.base_vat).sum());
                assert_eq!(given, billed, "a VAT group is not given back: {at}");
                for line in own() {
                    let given = (line.credited_net, line.credited_base_net);
                    assert_eq!(given, (line.net, line.base_net), "a line is not given back: {at}");
                    let vat = (line.credited_vat, line.credited_base_vat);
                    assert!(group.mode == Mode::Group || vat == (line.vat, line.base_vat), "{line:?}: {at}");
                }
            }
        }
        let figures = |document: &Document| {
            [
                document.subtotal.minor(),
                document.vat.minor(),
                document.amount.minor(),
                document.base_amount.unwrap().minor(),
                document.base_vat.unwrap().minor(),
            ]
        };
        let sums = |documents: &mut dyn Iterator<Item = &Document>| {
            documents.map(figures).fold([0; 5], |sum, one| std::array::from_fn(|at| sum[at] + one[at]))
        };
        let given = sums(&mut self.notes.iter().map(|note| &note.document));
        let billed = sums(&mut self.billed.iter());
        assert_eq!(given.map(|amount| -amount), billed, "the papers do not come to nothing: {at}");
    }
}

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// A line of an invoice at a rate, at a price of the caller's or as the catalogue has it, in tiers too.
fn line(random: &mut Random, rate: usize) -> AskedLine {
    let quantity = Decimal::new(random.within(1..9_999), random.pick(&[0, 0, 1, 3, 6]));
    let unit_price = Decimal::new(random.within(0..999_999), random.pick(&[0, 2, 2, 4, 6]));
    let discount = random.pick(&["0", "0", "12.5", "33.3333"]);
    let is_by_catalogue = random.chance(40);
    AskedLine {
        unit_price: Some(unit_price).filter(|_| !is_by_catalogue),
        discount_percent: Some(number(discount)),
        ..asked(Some(price(rate, random.place(PRICES - 1))), quantity)
    }
}

#[test]
fn whole_documents_give_back_what_was_billed() {
    let cases = setting("LEDGERBEE_CREDIT_CASES", 100_000);
    let found = over_all(
        cases,
        |seed| Life::begin(At(seed)).live(),
        |a, b| Found {
            written: a.written + b.written,
            refused: a.refused + b.refused,
            released: a.released + b.released,
            worst: a.worst.max(b.worst),
        },
    );
    let Found { written, refused, released, worst } = found;
    say(&format!(
        "documents: {cases} lives, {written} notes, {refused} refused, {released} voided or written anew, VAT off by at \
         most {}.{:06} minor units",
        worst / 1_000_000,
        worst % 1_000_000,
    ));
    assert!(cases < 1_000 || written > 2 * refused, "most notes are written");
}
