//! The model's credit notes: which invoice lines a note means, and what it takes of them.

use serde_json::{Value, json};

use super::left::{Ask, Excess, Figures, Group, Left};
use super::ratio::Ratio;
use super::world::{
    Document, Kind, Line, Refusal, Sold, World, check_has_product, check_size, day, decimals, groups, line_total,
    money, number, plain, refuse, share_vat,
};

/// One VAT group of one invoice while a note is worked out.
struct Open {
    invoice: usize,
    group: Group,
}

fn exceeds(details: Value) -> Refusal {
    Refusal { status: 400, code: "CREDIT_NOTE_EXCEEDS_INVOICE", faults: Vec::new(), details }
}

/// What a note takes of an invoice for one of its lines.
type Share = (usize, Figures);

/// A line of the note that takes something of an invoice line.
struct Piece {
    note_line: usize,
    open: usize,
    member: usize,
    ask: Ask,
}

impl World {
    /// Makes a credit note; its place among the documents.
    pub fn credit(&mut self, body: &Value) -> Result<usize, Refusal> {
        let customer = self.customer(body)?;
        let (invoices, named) = self.meant(body)?;
        for invoice in &invoices {
            if self.documents[*invoice].customer != customer {
                return refuse(400, "CREDIT_NOTE_CUSTOMER_MISMATCH");
            }
            if !self.documents[*invoice].is_booked {
                return refuse(400, "INVOICE_NOT_CREDITABLE");
            }
        }
        let of_invoices = invoices.first().map(|invoice| self.documents[*invoice].currency);
        let currency = World::currency(body).or(of_invoices).unwrap_or(self.customers[customer].currency);
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

        let mut open = self.open_groups(&invoices);
        let (lines, shares) = if invoices.is_empty() {
            (self.priced(body, customer, currency, date, tax_point, -1)?, Vec::new())
        } else {
            let pricing = |asked: &Value| self.price(asked, customer, currency, date, tax_point, -1);
            self.matched(body, &pricing, &mut open, &invoices, named, currency)?
        };
        let means_no_invoice = |line: &Line| line.sold.as_ref().is_some_and(|sold| sold.credits.is_none());
        if lines.iter().any(means_no_invoice) && self.customers[customer].is_contradictory {
            return refuse(400, "VAT_ZONE_CONFLICT");
        }
        let mut note = Document {
            kind: Kind::Note,
            id: String::new(),
            number: None,
            customer,
            date,
            tax_point,
            terms: 0,
            currency,
            lines,
            is_booked: false,
            is_deleted: false,
            exchange_rate: None,
            links: Vec::new(),
            pending: 0,
            allocated: 0,
            open: (0, 0),
        };
        check_size(&note)?;
        for invoice in &invoices {
            let gross: i128 =
                shares.iter().filter(|share| share.0 == *invoice).map(|(_, taken)| taken.net + taken.vat).sum();
            if self.documents[*invoice].credited() + gross > self.documents[*invoice].amount() {
                return Err(exceeds(json!({ "invoiceNumber": self.number_of(&self.documents[*invoice]) })));
            }
            note.links.push((*invoice, gross));
        }
        note.links.sort_by_key(|(invoice, _)| self.documents[*invoice].number);

        // From here on it is so.
        self.numbers.1 += 1;
        note.number = Some(self.numbers.1);
        let at = self.documents.len();
        for (invoice, gross) in &note.links {
            self.documents[*invoice].links.push((at, *gross));
            self.documents[*invoice].pending += gross;
        }
        for Open { invoice, group } in open {
            for (place, left) in group.places.iter().zip(group.lines) {
                self.documents[invoice].lines[*place].left = Some(left);
            }
        }
        self.documents.push(note);
        Ok(at)
    }

    /// The invoices a body names: by number, and by lines in their order.
    fn meant(&self, body: &Value) -> Result<(Vec<usize>, Option<usize>), Refusal> {
        let mut found = Vec::new();
        if let Some(number) = body["invoiceNumber"].as_str() {
            let is_it =
                |d: &Document| d.kind == Kind::Invoice && d.number.is_some_and(|n| format!("INV-{n:05}") == number);
            match self.documents.iter().position(is_it) {
                Some(at) => found.push(at),
                None => return refuse(404, "INVOICE_NOT_FOUND"),
            }
        }
        let named = found.first().copied();
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
        Ok((found, named))
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
    ) -> Result<(Vec<Line>, Vec<Share>), Refusal> {
        check_has_product(body)?;
        let mut lines: Vec<Line> = Vec::new();
        let mut pieces: Vec<Piece> = Vec::new();
        let mut unmatched: Vec<usize> = Vec::new();
        // Of each of the note's lines, the line of the body it is of.
        let mut origins: Vec<usize> = Vec::new();
        for (origin, asked) in body["lines"].as_array().unwrap().iter().enumerate() {
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
                let ask = if is_overridden {
                    Ask::Price(quantity, line_total(quantity, unit_price, discount, currency)?)
                } else {
                    Ask::Quantity(quantity)
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
        let excess = |asked_line: usize, invoice: usize, place: Option<usize>, excess: Excess| {
            let invoice = &self.documents[invoice];
            let Excess { is_of_quantity, billed, credited, asked, .. } = excess;
            let figure = |figure: Ratio| if is_of_quantity { figure.text(0) } else { money(figure.round(), currency) };
            exceeds(json!({
                "property": format!("lines.{asked_line}"), "line": asked_line, "invoiceNumber": self.number_of(invoice),
                "invoiceLineId": place.map(|place| &invoice.lines[place].id),
                "what": if is_of_quantity { "quantity" } else { "amount" },
                "billed": figure(billed), "credited": figure(credited), "asked": figure(asked),
            }))
        };
        let mut shares = Vec::new();
        for (at, Open { invoice, group }) in open.iter_mut().enumerate() {
            let own: Vec<&Piece> = pieces.iter().filter(|piece| piece.open == at).collect();
            let asks: Vec<(usize, Ask)> = own.iter().map(|piece| (piece.member, piece.ask)).collect();
            let taken = group.credit(&asks).map_err(|over| {
                let piece = own[over.ask];
                excess(origins[piece.note_line], *invoice, Some(group.places[piece.member]), over)
            })?;
            for (piece, taken) in own.iter().zip(taken) {
                lines[piece.note_line].sold.as_mut().unwrap().figures = taken.turned();
                shares.push((*invoice, taken));
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
            for taken in open.group.credit(&asks).expect("a spread is within what is left") {
                sum.add(taken);
                shares.push((open.invoice, taken));
            }
            (sold.figures, sold.is_settled) = (sum.turned(), true);
        }
        share_vat(&mut lines);
        Ok((lines, shares))
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
        let quantity = number(asked, "quantity").unwrap();
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
