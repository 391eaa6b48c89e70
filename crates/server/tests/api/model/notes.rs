//! The model's credit notes: which invoice lines a note means, what it takes of them, and gives back.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::drafts::{check_has_product, check_size, groups, line_total, plain, share_vat};
use super::left::{Ask, Excess, Figures, Group, Left};
use super::ratio::Ratio;
use super::world::{
    Document, Kind, Line, Refusal, Sold, Taken, World, day, decimals, money, number, refuse, refuse_faults, refuse_with,
};

/// One VAT group of one invoice while a note is worked out.
struct Open {
    invoice: usize,
    group: Group,
}

/// A line of the note that takes something of an invoice line.
struct Piece {
    note_line: usize,
    open: usize,
    member: usize,
    ask: Ask,
}

/// The invoices a note is to credit.
struct Meant {
    customer: usize,
    invoices: Vec<usize>,
    /// The one named by its number.
    named: Option<usize>,
    /// What is said of the currency.
    currency: Option<&'static str>,
}

fn exceeds(details: Value) -> Refusal {
    Refusal { status: 400, code: "CREDIT_NOTE_EXCEEDS_INVOICE", faults: Vec::new(), details }
}

impl World {
    /// Makes a credit note; its place among the documents.
    pub fn credit(&mut self, body: &Value) -> Result<usize, Refusal> {
        let customer = self.customer(body)?;
        let mut named = None;
        if let Some(number) = body["invoiceNumber"].as_str() {
            let is_it = |d: &Document| d.kind == Kind::Invoice && self.number_of(d).as_deref() == Some(number);
            named = self.documents.iter().position(is_it);
            if named.is_none() {
                return refuse(404, "INVOICE_NOT_FOUND");
            }
        }
        let invoices = self.invoices_meant(body, named)?;
        self.note(body, Meant { customer, invoices, named, currency: World::currency(body) })
    }

    /// Makes a credit note of the rest of an invoice, or of the parts a body names.
    pub fn credit_parts(&mut self, invoice: usize, body: &Value) -> Result<usize, Refusal> {
        let currency = self.documents[invoice].currency;
        let parts = body["lines"].as_array();
        self.check_parts(currency, parts.map(Vec::as_slice).unwrap_or_default())?;
        self.check_creditable(invoice)?;
        let mut lines: Vec<Value> = Vec::new();
        let line = |id: &str| self.documents[invoice].lines.iter().find(|line| line.id == id && line.sold.is_some());
        // All of a line's quantity, or its amount where that is used up; nothing of a line without either.
        let rest = |line: &Line| {
            let left = line.left.expect("a booked invoice");
            if left.net() == 0 && (left.billed.net != 0 || left.quantity == Ratio::ZERO) {
                None
            } else if left.quantity == Ratio::ZERO {
                Some(("amount", money(left.net(), currency)))
            } else {
                Some(("quantity", left.quantity.text(0)))
            }
        };
        // Which line goes too far is not foreseen where one before it was skipped.
        let mut ask = |line: &Line, origin: usize, what: &str, how_much: &str| {
            let origin = (origin == lines.len()).then_some(origin);
            lines.push(json!({ "invoiceLineId": line.id, "origin": origin, what: how_much }));
        };
        match parts {
            None => {
                for line in self.documents[invoice].lines.iter().filter(|line| line.sold.is_some()) {
                    if let Some((what, how_much)) = rest(line) {
                        ask(line, 0, what, &how_much);
                    }
                }
            }
            Some(parts) => {
                for (origin, part) in parts.iter().enumerate() {
                    let Some(line) = line(part["invoiceLineId"].as_str().unwrap()) else {
                        let details = json!({ "property": format!("lines.{origin}.invoiceLineId") });
                        return refuse_with(404, "INVOICE_LINE_NOT_FOUND", details);
                    };
                    match (part["quantity"].as_str(), part["amount"].as_str()) {
                        (Some(quantity), _) => ask(line, origin, "quantity", quantity),
                        (None, Some(amount)) => ask(line, origin, "amount", amount),
                        (None, None) => {
                            if let Some((what, how_much)) = rest(line) {
                                ask(line, origin, what, &how_much);
                            }
                        }
                    }
                }
            }
        }
        if lines.is_empty() {
            let (billed, credited) = (self.documents[invoice].amount(), self.credited(invoice));
            let details = json!({
                "invoiceNumber": self.number_of(&self.documents[invoice]),
                "billed": money(billed, currency), "credited": money(credited, currency),
            });
            return refuse_with(400, "INVOICE_FULLY_CREDITED", details);
        }
        let mut asked = Map::new();
        asked.insert("lines".to_owned(), json!(lines));
        asked.extend(body["date"].as_str().map(|date| ("date".to_owned(), json!(date))));
        let customer = self.documents[invoice].customer;
        let meant = Meant { customer, invoices: vec![invoice], named: Some(invoice), currency: None };
        self.note(&Value::Object(asked), meant)
    }

    /// What is wrong with parts once the invoice's currency is known.
    fn check_parts(&self, currency: &str, parts: &[Value]) -> Result<(), Refusal> {
        let (mut faults, mut seen) = (Vec::new(), BTreeSet::new());
        for (at, part) in parts.iter().enumerate() {
            if !seen.insert(part["invoiceLineId"].as_str()) {
                faults.push(format!("lines.{at}.invoiceLineId"));
            }
            if number(part, "amount").is_some_and(|amount| amount.decimals().unwrap() > decimals(currency)) {
                faults.push(format!("lines.{at}.amount"));
            }
        }
        refuse_faults(faults)
    }

    /// Writes a draft anew: what it took is given back first. Who is credited, in which currency and
    /// which one invoice stay.
    pub fn rewrite_note(&mut self, at: usize, body: &Value) -> Result<(), Refusal> {
        self.check_note_is_draft(at)?;
        let customer = self.customer(body)?;
        let before = &self.documents[at];
        let named = match before.links.as_slice() {
            [(invoice, _)] => Some(*invoice),
            _ => None,
        };
        let (currency, number) = (before.currency, named.and_then(|it| self.number_of(&self.documents[it])));
        let kept = [
            ("customerId", customer == before.customer),
            ("currency", World::currency(body).is_none_or(|said| said == currency)),
            ("invoiceNumber", body["invoiceNumber"].is_null() || body["invoiceNumber"] == json!(number)),
        ];
        if let Some((property, _)) = kept.iter().find(|(_, is_kept)| !is_kept) {
            return refuse_with(400, "CREDIT_NOTE_NUMBERED", json!({ "property": property }));
        }
        let as_it_was = self.documents.clone();
        self.give_back(at);
        self.documents[at].links.clear();
        let made = self.invoices_meant(body, named).and_then(|invoices| {
            let meant = Meant { customer, invoices, named, currency: Some(currency) };
            self.work_out(body, &meant)
        });
        match made {
            Err(refusal) => {
                self.documents = as_it_was;
                Err(refusal)
            }
            Ok((note, open)) => {
                let Document { id, number, .. } = as_it_was[at].clone();
                self.documents[at] = Document { id, number, ..note };
                self.take(open);
                Ok(())
            }
        }
    }

    /// Retires a draft: its number and links stay, what it took is given back.
    pub fn void(&mut self, at: usize, reason: &str) -> Result<(), Refusal> {
        self.check_note_is_draft(at)?;
        self.give_back(at);
        self.documents[at].voided = Some(reason.to_owned());
        Ok(())
    }

    fn check_note_is_draft(&self, at: usize) -> Result<(), Refusal> {
        match &self.documents[at] {
            Document { voided: Some(_), .. } => refuse(400, "CREDIT_NOTE_VOIDED"),
            Document { is_booked: true, .. } => refuse(400, "DOCUMENT_NOT_DRAFT"),
            _ => Ok(()),
        }
    }

    /// Gives back what a note took of invoice lines; each of them begins a new epoch.
    fn give_back(&mut self, note: usize) {
        for Taken { invoice, line, figures, quantity } in std::mem::take(&mut self.documents[note].taken) {
            let left = self.documents[invoice].lines[line].left.as_mut().expect("a booked invoice");
            left.give_back(figures, quantity);
        }
    }

    /// Numbers a note and keeps it.
    fn note(&mut self, body: &Value, meant: Meant) -> Result<usize, Refusal> {
        let (note, open) = self.work_out(body, &meant)?;
        self.numbers.1 += 1;
        self.documents.push(Document { number: Some(self.numbers.1), ..note });
        self.take(open);
        Ok(self.documents.len() - 1)
    }

    /// Keeps what is left of each line after a note.
    fn take(&mut self, open: Vec<Open>) {
        for Open { invoice, group } in open {
            for (place, left) in group.places.iter().zip(group.lines) {
                self.documents[invoice].lines[*place].left = Some(left);
            }
        }
    }

    fn check_creditable(&self, invoice: usize) -> Result<(), Refusal> {
        let is_creditable = self.documents[invoice].is_booked && self.written_off(invoice) == 0;
        if is_creditable { Ok(()) } else { refuse(400, "INVOICE_NOT_CREDITABLE") }
    }

    /// A note without a number, and the groups it takes from with what is then left of them.
    fn work_out(&self, body: &Value, meant: &Meant) -> Result<(Document, Vec<Open>), Refusal> {
        let Meant { customer, invoices, named, currency } = meant;
        for invoice in invoices {
            if self.documents[*invoice].customer != *customer {
                return refuse(400, "CREDIT_NOTE_CUSTOMER_MISMATCH");
            }
            self.check_creditable(*invoice)?;
        }
        let of_invoices = invoices.first().map(|invoice| self.documents[*invoice].currency);
        let currency = currency.or(of_invoices).unwrap_or(self.customers[*customer].currency);
        if invoices.iter().any(|invoice| self.documents[*invoice].currency != currency) {
            return refuse(400, "CREDIT_NOTE_CURRENCY_MISMATCH");
        }
        let latest = invoices.iter().map(|invoice| self.documents[*invoice].date).max();
        let date = match day(body, "date") {
            None => latest.map_or(self.today, |latest| latest.max(self.today)),
            Some(date) if latest.is_some_and(|latest| date < latest) => {
                return refuse(400, "CREDIT_NOTE_DATE_BEFORE_INVOICE");
            }
            Some(date) => self.check_date(date)?,
        };
        let tax_point = day(body, "taxPointDate").unwrap_or(date);

        let mut open = self.open_groups(invoices);
        let (lines, taken) = if invoices.is_empty() {
            (self.priced(body, *customer, currency, date, tax_point, -1)?, Vec::new())
        } else {
            let pricing = |asked: &Value| self.price(asked, *customer, currency, date, tax_point, -1);
            self.matched(body, &pricing, &mut open, invoices, *named, currency)?
        };
        let means_no_invoice = |line: &Line| line.sold.as_ref().is_some_and(|sold| sold.credits.is_none());
        if lines.iter().any(means_no_invoice) && self.customers[*customer].is_contradictory {
            return refuse(400, "VAT_ZONE_CONFLICT");
        }
        let mut note = Document { tax_point, ..Document::new(Kind::Note, *customer, date, currency, lines) };
        check_size(&note)?;
        for invoice in invoices {
            let own = taken.iter().filter(|taken| taken.invoice == *invoice);
            let gross: i128 = own.map(|taken| taken.figures.net + taken.figures.vat).sum();
            if self.credited(*invoice) + gross > self.documents[*invoice].amount() {
                return Err(exceeds(json!({ "invoiceNumber": self.number_of(&self.documents[*invoice]) })));
            }
            note.links.push((*invoice, gross));
        }
        note.links.sort_by_key(|(invoice, _)| self.documents[*invoice].number);
        note.taken = taken;
        Ok((note, open))
    }

    /// The invoices a body means: the one named, and those of its lines, in their order.
    fn invoices_meant(&self, body: &Value, named: Option<usize>) -> Result<Vec<usize>, Refusal> {
        let mut found: Vec<usize> = named.into_iter().collect();
        for line in body["lines"].as_array().unwrap() {
            let Some(id) = line["invoiceLineId"].as_str() else { continue };
            let has =
                |d: &Document| d.kind == Kind::Invoice && !d.is_deleted && d.lines.iter().any(|line| line.id == id);
            match self.documents.iter().position(has) {
                Some(at) if !found.contains(&at) => found.push(at),
                Some(_) => {}
                None => return refuse(404, "INVOICE_LINE_NOT_FOUND"),
            }
        }
        Ok(found)
    }

    fn open_groups(&self, invoices: &[usize]) -> Vec<Open> {
        let mut open = Vec::new();
        for invoice in invoices {
            let Document { lines, currency, .. } = &self.documents[*invoice];
            for (category, rate, places) in groups(lines.iter().map(|line| line.sold.as_ref())) {
                let lines: Vec<Left> = places.iter().map(|at| lines[*at].left.expect("a booked invoice")).collect();
                let is_same =
                    |left: &Left| (left.billed.net, left.billed.vat) == (left.billed.base_net, left.billed.base_vat);
                let group = Group {
                    category,
                    rate: rate / Ratio::whole(100),
                    wins: decimals(currency) == 0 || places.len() > 100,
                    places,
                    has_own_base: !lines.iter().all(is_same),
                    lines,
                };
                open.push(Open { invoice: *invoice, group });
            }
        }
        open
    }

    /// The lines of a note that names invoices, and what each takes of which.
    fn matched(
        &self,
        body: &Value,
        pricing: &dyn Fn(&Value) -> Result<Sold, Refusal>,
        open: &mut [Open],
        invoices: &[usize],
        named: Option<usize>,
        currency: &'static str,
    ) -> Result<(Vec<Line>, Vec<Taken>), Refusal> {
        check_has_product(body)?;
        let mut lines: Vec<Line> = Vec::new();
        let mut pieces: Vec<Piece> = Vec::new();
        let mut unmatched: Vec<usize> = Vec::new();
        // Of each of the note's lines, the line of the body it is of.
        let mut origins: Vec<Option<usize>> = Vec::new();
        for (at, asked) in body["lines"].as_array().unwrap().iter().enumerate() {
            let origin = asked.get("origin").is_none_or(|origin| !origin.is_null()).then_some(at);
            if let Some(line) = plain(asked) {
                lines.push(line);
                origins.push(origin);
                continue;
            }
            let found = self.find_lines(asked, open, &pieces, invoices, named)?;
            if found.is_empty() {
                unmatched.extend(named.map(|_| lines.len()));
                lines.push(Line::new(pricing(asked)?));
                origins.push(origin);
            }
            for (at, member, quantity) in found {
                let invoice = open[at].invoice;
                let place = open[at].group.places[member];
                let original = self.documents[invoice].lines[place].sold.clone().unwrap();
                let (price, discount) = (number(asked, "unitPrice"), number(asked, "discountPercent"));
                let is_overridden = price.is_some() || discount.is_some();
                let unit_price = price.unwrap_or(original.unit_price);
                let discount = discount.unwrap_or(original.discount);
                // By amount: one at that price, and nothing of the quantity.
                let amount = number(asked, "amount");
                let (unit_price, discount) = amount.map_or((unit_price, discount), |amount| (amount, Ratio::ZERO));
                let ask = match amount {
                    Some(amount) => Ask::Amount(line_total(Ratio::whole(1), amount, Ratio::ZERO, currency)?),
                    None if is_overridden => {
                        Ask::Price(quantity, line_total(quantity, unit_price, discount, currency)?)
                    }
                    None => Ask::Quantity(quantity),
                };
                pieces.push(Piece { note_line: lines.len(), open: at, member, ask });
                let name = asked["description"].as_str().map_or(original.name.clone(), str::to_owned);
                origins.push(origin);
                let credits = Some((invoice, place));
                lines.push(Line::new(Sold {
                    name,
                    quantity,
                    unit_price,
                    discount,
                    credits,
                    is_settled: true,
                    ..original
                }));
            }
        }
        // An excess names the line of the body, the invoice and its line, and the figures.
        let excess = |asked_line: Option<usize>, invoice: usize, place: Option<usize>, excess: Excess| {
            let invoice = &self.documents[invoice];
            let Excess { is_of_quantity, billed, credited, asked, .. } = excess;
            let figure = |figure: Ratio| if is_of_quantity { figure.text(0) } else { money(figure.round(), currency) };
            let mut details = json!({
                "invoiceNumber": self.number_of(invoice),
                "invoiceLineId": place.map(|place| &invoice.lines[place].id),
                "what": if is_of_quantity { "quantity" } else { "amount" },
                "billed": figure(billed), "credited": figure(credited), "asked": figure(asked),
            });
            if let Some(line) = asked_line {
                (details["property"], details["line"]) = (json!(format!("lines.{line}")), json!(line));
            }
            exceeds(details)
        };
        let mut all_taken = Vec::new();
        for (at, Open { invoice, group }) in open.iter_mut().enumerate() {
            let own: Vec<&Piece> = pieces.iter().filter(|piece| piece.open == at).collect();
            let asks: Vec<(usize, Ask)> = own.iter().map(|piece| (piece.member, piece.ask)).collect();
            let taken = group.credit(&asks).map_err(|over| {
                let piece = own[over.ask];
                excess(origins[piece.note_line], *invoice, Some(group.places[piece.member]), over)
            })?;
            for (piece, taken) in own.iter().zip(taken) {
                lines[piece.note_line].sold.as_mut().unwrap().figures = taken.turned();
                let quantity = match piece.ask {
                    Ask::Quantity(quantity) | Ask::Price(quantity, _) => quantity,
                    Ask::Amount(_) => Ratio::ZERO,
                };
                let line = group.places[piece.member];
                all_taken.push(Taken { invoice: *invoice, line, figures: taken, quantity });
            }
        }
        // What matched no line is counted against the invoice's VAT group, over what is left of it.
        for note_line in unmatched {
            let sold = lines[note_line].sold.as_mut().unwrap();
            let is_its = |open: &&mut Open| {
                let group = &open.group;
                Some(open.invoice) == named
                    && group.category == sold.category
                    && group.rate == sold.rate / Ratio::whole(100)
            };
            let Some(open) = open.iter_mut().find(is_its) else {
                return refuse(400, "CREDIT_NOTE_LINE_NOT_ON_INVOICE");
            };
            let asks = open.group.spread(-sold.figures.net);
            let asks = asks.map_err(|over| excess(origins[note_line], open.invoice, None, over))?;
            let mut sum = Figures::default();
            let taken = open.group.credit(&asks).expect("a spread is within what is left");
            for ((member, _), figures) in asks.iter().zip(taken) {
                sum.add(figures);
                let (invoice, line) = (open.invoice, open.group.places[*member]);
                all_taken.push(Taken { invoice, line, figures, quantity: Ratio::ZERO });
            }
            (sold.figures, sold.is_settled) = (sum.turned(), true);
        }
        share_vat(&mut lines);
        Ok((lines, all_taken))
    }

    /// The invoice lines a note's line means: group, member, and the quantity it takes there.
    fn find_lines(
        &self,
        asked: &Value,
        open: &[Open],
        pieces: &[Piece],
        invoices: &[usize],
        named: Option<usize>,
    ) -> Result<Vec<(usize, usize, Ratio)>, Refusal> {
        let quantity = number(asked, "quantity").unwrap_or(Ratio::whole(1));
        let place_of = |invoice: usize, place: usize| {
            let at =
                open.iter().position(|open| open.invoice == invoice && open.group.places.contains(&place)).unwrap();
            (at, open[at].group.places.iter().position(|own| *own == place).unwrap())
        };
        let price_of = |invoice: usize, place: usize| {
            let sold = self.documents[invoice].lines[place].sold.as_ref();
            sold.map(|sold| self.prices[sold.price].id.as_str())
        };
        if let Some(id) = asked["invoiceLineId"].as_str() {
            let has = |invoice: &usize| self.documents[*invoice].lines.iter().position(|line| line.id == id);
            let (invoice, place) = invoices.iter().find_map(|i| Some((*i, has(i)?))).expect("it was found before");
            let Some(price) = price_of(invoice, place) else { return refuse(404, "INVOICE_LINE_NOT_FOUND") };
            if named.is_some_and(|named| named != invoice) || asked["priceId"].as_str().is_some_and(|own| own != price)
            {
                return refuse(400, "CREDIT_NOTE_LINE_NOT_ON_INVOICE");
            }
            let (at, member) = place_of(invoice, place);
            return Ok(vec![(at, member, quantity)]);
        }
        let Some(invoice) = named else { return Ok(Vec::new()) };
        let all = 0..self.documents[invoice].lines.len();
        let same: Vec<usize> = all.filter(|place| price_of(invoice, *place) == asked["priceId"].as_str()).collect();
        let Some(last) = same.last() else { return Ok(Vec::new()) };
        if same.len() == 1 {
            let (at, member) = place_of(invoice, *last);
            return Ok(vec![(at, member, quantity)]);
        }
        // On several, in line order; what is over is asked of the last, and refused there.
        let (mut rest, mut found) = (quantity, Vec::new());
        for place in &same {
            let (at, member) = place_of(invoice, *place);
            let mut left = open[at].group.lines[member].quantity;
            for piece in pieces.iter().filter(|piece| piece.open == at && piece.member == member) {
                if let Ask::Quantity(taken) | Ask::Price(taken, _) = piece.ask {
                    left = left - taken;
                }
            }
            let take = rest.min(left);
            if take > Ratio::ZERO {
                found.push((at, member, take));
                rest = rest - take;
            }
        }
        if rest > Ratio::ZERO {
            let (at, member) = place_of(invoice, *last);
            match found.last_mut() {
                Some(last) => last.2 = last.2 + rest,
                None => found.push((at, member, rest)),
            }
        }
        Ok(found)
    }
}
