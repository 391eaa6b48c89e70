//! Crediting invoices: which invoice line each line of a credit note means, and
//! what it takes from it. The arithmetic of one VAT group stands in [`credit`](crate::credit).

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::json;

use crate::credit::{Ask, Exceeds, Group, LineState, Share};
use crate::document::VatGroup;
use crate::draft::{self, Pricing};
use crate::ids::{CustomerId, DocumentId, LineId};
use crate::lines::{AskedLine, Line, LineBody, Particulars, ProductLine, Taxation, group_lines};
use crate::money::{Currency, Money, line_total};
use crate::refusal::Refusal;
use crate::status::statuses;

/// A booked invoice that is credited, with how far each of its lines has been.
#[derive(Clone, Debug)]
pub struct CreditedInvoice {
    /// Its id.
    pub id: DocumentId,
    /// Its number.
    pub number: String,
    /// Its date.
    pub date: Date,
    /// Who was invoiced.
    pub customer_id: CustomerId,
    /// Its currency.
    pub currency: Currency,
    /// The rate pinned on it, null in the company's currency.
    pub exchange_rate: Option<Decimal>,
    /// Its amount incl. VAT, minor units.
    pub amount: i64,
    /// What all credit notes that are not voided have taken of it, minor units.
    pub credited: i64,
    /// Its product lines in order.
    pub lines: Vec<InvoiceLine>,
    /// Its VAT groups.
    pub groups: Vec<VatGroup>,
}

/// One line of an invoice that is credited.
#[derive(Clone, Debug)]
pub struct InvoiceLine {
    /// Its id.
    pub id: LineId,
    /// The line as booked.
    pub line: ProductLine,
    /// How far it has been credited.
    pub state: LineState,
}

statuses! {
    /// How a line of a note says what it credits.
    AskMode {
        /// So many, at the invoice's price.
        Quantity "quantity"
        /// So much.
        Amount "amount"
        /// So many, at a price of the caller's.
        Price "price"
    }
}

/// What one line of a credit note takes from one invoice line.
#[derive(Clone, PartialEq, Debug)]
pub struct NoteShare {
    /// The line of the credit note.
    pub note_line_id: LineId,
    /// The invoice.
    pub invoice_id: DocumentId,
    /// The invoice's line.
    pub invoice_line_id: LineId,
    /// How it was asked.
    pub mode: AskMode,
    /// Amounts and quantity taken, as on the invoice.
    pub share: Share,
}

/// The lines of a credit note and what they take from which invoice.
#[derive(Clone, Debug)]
pub struct Credited {
    /// The note's lines, signed, those that credit an invoice with their VAT.
    pub lines: Vec<Line>,
    /// What they take.
    pub shares: Vec<NoteShare>,
}

/// One VAT group of one invoice while a note is worked out.
struct Open {
    invoice: usize,
    taxed: Taxation,
    members: Vec<usize>,
    group: Group,
}

/// One piece of a note: a line that takes something from one invoice line.
struct Piece {
    note_line: usize,
    open: usize,
    member: usize,
    ask: Ask,
}

/// Works out the lines of a note against the invoices it credits. A line means
/// the invoice line it names; one that names none means, when an invoice is
/// `named`, the invoice line with its price, else the VAT group of its rate.
/// Without a `named` invoice such a line stands for itself.
///
/// The invoices' states are moved on; on refusal they are to be thrown away.
///
/// # Errors
/// `INVOICE_LINE_NOT_FOUND`, `CREDIT_NOTE_LINE_NOT_ON_INVOICE`,
/// `CREDIT_NOTE_EXCEEDS_INVOICE`, and what [`Pricing::product`] refuses.
pub fn credit(
    pricing: &Pricing<'_>,
    asked: &[AskedLine],
    invoices: &mut [CreditedInvoice],
    named: Option<usize>,
    new_id: &mut dyn FnMut() -> LineId,
) -> Result<Credited, Refusal> {
    draft::check_has_product(asked)?;
    let mut open = open_groups(invoices);
    let mut lines: Vec<Line> = Vec::with_capacity(asked.len());
    let mut origin: Vec<usize> = Vec::with_capacity(asked.len());
    let mut pieces: Vec<Piece> = Vec::new();
    let mut unmatched: Vec<usize> = Vec::new();
    for (at, line) in asked.iter().enumerate() {
        let at = line.place.unwrap_or(at);
        if let Some(plain) = draft::plain(line, new_id()) {
            lines.push(plain);
            origin.push(at);
            continue;
        }
        let found = find(line, at, invoices, named, &pieces, &open)?;
        if found.is_empty() {
            if named.is_some() {
                unmatched.push(lines.len());
            }
            lines.push(Line { id: new_id(), body: LineBody::Product(Box::new(pricing.product(line, at)?)) });
            origin.push(at);
        }
        for (invoice, member, quantity) in found {
            let original = &invoices[invoice].lines[member];
            let (body, ask) = from_original(line, original, quantity, invoices[invoice].currency)?;
            let (open_at, member_at) = place(&open, invoice, member);
            pieces.push(Piece { note_line: lines.len(), open: open_at, member: member_at, ask });
            lines.push(Line { id: new_id(), body: LineBody::Product(Box::new(body)) });
            origin.push(at);
        }
    }

    let mut shares: Vec<NoteShare> = Vec::new();
    for (at, opened) in open.iter_mut().enumerate() {
        let of_group: Vec<&Piece> = pieces.iter().filter(|piece| piece.open == at).collect();
        let asks: Vec<(usize, Ask)> = of_group.iter().map(|piece| (piece.member, piece.ask)).collect();
        if asks.is_empty() {
            continue;
        }
        let taken = opened.group.credit(&asks).map_err(|exceeds| {
            // Of several lines that mean one invoice line it is the first that goes too far with those before it.
            let counts: Vec<usize> = (1..asks.len()).collect();
            let refused = counts.partition_point(|count| opened.group.clone().credit(&asks[..*count]).is_ok());
            refuse_excess(&exceeds, origin[of_group[refused].note_line], opened, invoices)
        })?;
        for (piece, share) in of_group.iter().zip(taken) {
            keep(&mut shares, &mut lines, piece.note_line, opened, invoices, piece.member, mode(&piece.ask), share);
        }
    }
    for note_line in unmatched {
        spread(&mut open, named, note_line, origin[note_line], &mut lines, &mut shares, invoices)?;
    }
    for group in open {
        for (member, state) in group.members.iter().zip(group.group.lines) {
            invoices[group.invoice].lines[*member].state = state;
        }
    }
    Ok(Credited { lines, shares })
}

fn open_groups(invoices: &[CreditedInvoice]) -> Vec<Open> {
    let mut open = Vec::new();
    for (invoice, credited) in invoices.iter().enumerate() {
        for (taxed, members) in group_lines(credited.lines.iter().map(|l| &l.line)) {
            let stored = credited.groups.iter().find(|group| group.is_of(&taxed));
            let mode = stored.expect("each line of a booked invoice has its VAT group").mode;
            let lines = members.iter().map(|member| credited.lines[*member].state.clone()).collect();
            open.push(Open { invoice, members, group: Group { rate: taxed.rate, mode, lines }, taxed });
        }
    }
    open
}

fn place(open: &[Open], invoice: usize, member: usize) -> (usize, usize) {
    let found = open.iter().enumerate().find_map(|(at, group)| {
        let inside = group.members.iter().position(|m| *m == member)?;
        (group.invoice == invoice).then_some((at, inside))
    });
    found.expect("each line stands in one group")
}

/// The invoice lines a note's line means, each with the quantity it takes there.
fn find(
    line: &AskedLine,
    at: usize,
    invoices: &[CreditedInvoice],
    named: Option<usize>,
    pieces: &[Piece],
    open: &[Open],
) -> Result<Vec<(usize, usize, Decimal)>, Refusal> {
    let not_on_invoice = |property: &str, message: &str| {
        let details = json!({ "property": format!("lines.{at}.{property}") });
        Refusal::new("CREDIT_NOTE_LINE_NOT_ON_INVOICE", message).with(details)
    };
    if let Some(id) = line.invoice_line_id {
        let found = invoices
            .iter()
            .enumerate()
            .find_map(|(invoice, credited)| Some((invoice, credited.lines.iter().position(|l| l.id == id)?)));
        let (invoice, member) = found.ok_or_else(|| {
            let message = "There is no such product line on a booked invoice of this customer.";
            Refusal::missing_at("INVOICE_LINE_NOT_FOUND", message, format!("lines.{at}.invoiceLineId"))
        })?;
        if named.is_some_and(|named| named != invoice) {
            return Err(not_on_invoice("invoiceLineId", "The line is on another invoice than the one named."));
        }
        let original = &invoices[invoice].lines[member].line;
        if line.price_id.is_some() && line.price_id != original.price_id {
            return Err(not_on_invoice("priceId", "The invoice line was charged at another price than the one named."));
        }
        return Ok(vec![(invoice, member, line.quantity)]);
    }
    let Some(invoice) = named else { return Ok(Vec::new()) };
    let candidates: Vec<usize> = (0..invoices[invoice].lines.len())
        .filter(|member| invoices[invoice].lines[*member].line.price_id == line.price_id)
        .collect();
    if candidates.len() < 2 {
        return Ok(candidates.into_iter().map(|member| (invoice, member, line.quantity)).collect());
    }
    // On several lines: in line order, the note's line split where one is used up.
    // What is over stays with the last, so that the refusal names it.
    let mut rest = line.quantity;
    let mut found: Vec<(usize, usize, Decimal)> = Vec::new();
    for member in &candidates {
        let (open_at, member_at) = place(open, invoice, *member);
        let in_this_note: Decimal = pieces
            .iter()
            .filter(|piece| piece.open == open_at && piece.member == member_at)
            .map(|piece| asked_quantity(&piece.ask))
            .sum();
        let left = invoices[invoice].lines[*member].state.quantity_left - in_this_note;
        let take = rest.min(left);
        if take > Decimal::ZERO {
            found.push((invoice, *member, take));
            rest -= take;
        }
    }
    if rest > Decimal::ZERO {
        match found.last_mut() {
            Some((_, _, quantity)) => *quantity += rest,
            None => found.push((invoice, candidates[candidates.len() - 1], rest)),
        }
    }
    Ok(found)
}

fn asked_quantity(ask: &Ask) -> Decimal {
    match ask {
        Ask::Quantity(quantity) | Ask::Price { quantity, .. } => *quantity,
        Ask::Amount(_) | Ask::Rest => Decimal::ZERO,
    }
}

fn mode(ask: &Ask) -> AskMode {
    match ask {
        Ask::Quantity(_) | Ask::Rest => AskMode::Quantity,
        Ask::Price { .. } => AskMode::Price,
        Ask::Amount(_) => AskMode::Amount,
    }
}

/// A line that takes price, discount, VAT, text and dimensions from the original.
fn from_original(
    line: &AskedLine,
    original: &InvoiceLine,
    quantity: Decimal,
    currency: Currency,
) -> Result<(ProductLine, Ask), Refusal> {
    if let Some(amount) = line.amount {
        return by_amount(amount, original, currency);
    }
    let unit_price = line.unit_price.unwrap_or(original.line.unit_price);
    let discount_percent = line.discount_percent.unwrap_or(original.line.discount_percent);
    let is_overridden = line.unit_price.is_some() || line.discount_percent.is_some();
    let ask = if is_overridden {
        let net = line_total(quantity, unit_price, discount_percent, currency)?.minor();
        // Negative only on lines the billing engine made.
        Ask::Price { quantity, net: if original.state.net < 0 { -net } else { net } }
    } else {
        Ask::Quantity(quantity)
    };
    let body = ProductLine {
        description: line.description.clone().unwrap_or_else(|| original.line.description.clone()),
        quantity,
        unit_price,
        discount_percent,
        particulars: line.particulars.crediting(&original.line.particulars),
        invoice_line_id: Some(original.id),
        ..original.line.clone()
    };
    Ok((body, ask))
}

/// A line that credits an amount: one piece at that price, and no quantity off.
fn by_amount(amount: Decimal, original: &InvoiceLine, currency: Currency) -> Result<(ProductLine, Ask), Refusal> {
    let net = line_total(Decimal::ONE, amount, Decimal::ZERO, currency)?.minor();
    let body = ProductLine {
        quantity: Decimal::ONE,
        unit_price: amount,
        discount_percent: Decimal::ZERO,
        particulars: Particulars::default().crediting(&original.line.particulars),
        invoice_line_id: Some(original.id),
        ..original.line.clone()
    };
    // Negative only on lines the billing engine made.
    Ok((body, Ask::Amount(if original.state.net < 0 { -net } else { net })))
}

/// Notes a share and gives the note's line what it takes, with the credit's sign
/// (an invoice's amounts turned round: the mirror of what was billed).
fn keep(
    shares: &mut Vec<NoteShare>,
    lines: &mut [Line],
    note_line: usize,
    open: &Open,
    invoices: &[CreditedInvoice],
    member: usize,
    mode: AskMode,
    share: Share,
) {
    let invoice = &invoices[open.invoice];
    let original = &invoice.lines[open.members[member]];
    let note_line_id = lines[note_line].id;
    if let Some(line) = lines[note_line].product_mut() {
        let base = original.line.base_total.map_or(invoice.currency, Money::currency);
        line.total = Money::new(-share.net, invoice.currency);
        line.vat = Money::new(-share.vat, invoice.currency);
        line.base_total = Some(Money::new(-share.base_net, base));
        line.base_vat = Some(Money::new(-share.base_vat, base));
    }
    shares.push(NoteShare { note_line_id, invoice_id: invoice.id, invoice_line_id: original.id, mode, share });
}

/// A line that matches no invoice line is counted against the invoice's VAT group
/// of the same category, rate and country, by what is left of each line's net.
fn spread(
    open: &mut [Open],
    named: Option<usize>,
    note_line: usize,
    at: usize,
    lines: &mut [Line],
    shares: &mut Vec<NoteShare>,
    invoices: &[CreditedInvoice],
) -> Result<(), Refusal> {
    let note_line_id = lines[note_line].id;
    let Some(line) = lines[note_line].product_mut() else { return Ok(()) };
    let taxed = line.taxation();
    let group = open.iter_mut().find(|group| Some(group.invoice) == named && group.taxed == taxed);
    let group = group.ok_or_else(|| {
        let message = "The invoice has no line with this price, and no VAT group of this category and rate.";
        let details = json!({ "property": format!("lines.{at}.priceId") });
        Refusal::new("CREDIT_NOTE_LINE_NOT_ON_INVOICE", message).with(details)
    })?;
    let asks = group.group.spread(-line.total.minor());
    let asks = asks.map_err(|exceeds| refuse_excess(&exceeds, at, group, invoices))?;
    let taken = group.group.credit(&asks);
    let taken = taken.map_err(|exceeds| refuse_excess(&exceeds, at, group, invoices))?;
    let invoice = &invoices[group.invoice];
    let (mut vat, mut base_net, mut base_vat) = (0, 0, 0);
    for ((member, _), share) in asks.iter().zip(taken) {
        vat += share.vat;
        base_net += share.base_net;
        base_vat += share.base_vat;
        let original = &invoice.lines[group.members[*member]];
        shares.push(NoteShare {
            note_line_id,
            invoice_id: invoice.id,
            invoice_line_id: original.id,
            mode: AskMode::Amount,
            share,
        });
    }
    let base = invoice.lines.first().and_then(|l| l.line.base_total).map_or(invoice.currency, Money::currency);
    line.vat = Money::new(-vat, invoice.currency);
    line.base_total = Some(Money::new(-base_net, base));
    line.base_vat = Some(Money::new(-base_vat, base));
    Ok(())
}

/// Which line of its group an excess is about; none when it is the group's.
fn member_of(exceeds: &Exceeds) -> Option<usize> {
    match exceeds {
        Exceeds::Net { line, .. } | Exceeds::Quantity { line, .. } => Some(*line),
        Exceeds::Group { .. } => None,
    }
}

fn refuse_excess(exceeds: &Exceeds, at: usize, open: &Open, invoices: &[CreditedInvoice]) -> Refusal {
    let invoice = &invoices[open.invoice];
    let original = member_of(exceeds).map(|member| &invoice.lines[open.members[member]]);
    let money = |minor: i64| Money::new(minor, invoice.currency).to_string();
    let plain = |quantity: Decimal| quantity.normalize().to_string();
    let (what, billed, credited, asked) = match exceeds {
        Exceeds::Net { billed, credited, asked, .. } | Exceeds::Group { billed, credited, asked } => {
            ("amount", money(*billed), money(*credited), money(*asked))
        }
        Exceeds::Quantity { left, asked, .. } => {
            let billed = original.map(|l| l.line.quantity).unwrap_or_default();
            ("quantity", plain(billed), plain(billed - *left), plain(*asked))
        }
    };
    let message = format!(
        "Line {} would credit more than invoice {} billed: {what} billed {billed}, already credited {credited}, \
         asked {asked}.",
        at + 1,
        invoice.number,
    );
    Refusal::new("CREDIT_NOTE_EXCEEDS_INVOICE", message).with(json!({
        "property": format!("lines.{at}"), "line": at, "invoiceNumber": invoice.number,
        "invoiceLineId": original.map(|line| line.id), "what": what,
        "billed": billed, "credited": credited, "asked": asked,
    }))
}
