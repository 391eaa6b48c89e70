//! The lines: price, discount, quantity and unit (BG-25 to BG-31).

use billing::lines::ProductLine;
use billing::vat::VatCategory;
use en16931::invoice::{Code, InvoiceLine, Item, LineAllowanceCharge, LineVat, Period, PriceDetails};
use en16931::{InvoiceAmount, Percentage, Quantity, UnitPriceAmount};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::model::date;
use crate::units;
use crate::xml::plain;

/// A line with its net amount as exported. `text` are the text lines below it.
pub(crate) fn line(number: usize, product: &ProductLine, net: InvoiceAmount, text: Option<&str>) -> InvoiceLine {
    let unit = product.unit.as_deref().and_then(plain);
    let code = unit.as_deref().and_then(units::code);
    // A unit that no code stands for is said in words.
    let unknown = unit.filter(|_| code.is_none());
    let notes: Vec<&str> = unknown.as_deref().into_iter().chain(text).collect();
    let unit_code = Code::new(code.unwrap_or(units::ONE));
    let (start, end) = (product.particulars.period_start.and_then(date), product.particulars.period_end.and_then(date));
    let Priced { quantity, price, allowance } = priced(product, net);
    InvoiceLine {
        id: number.to_string(),
        note: plain(&notes.join("\n")),
        order_line_reference: None,
        accounting_reference: None,
        object_identifier: None,
        quantity: Quantity::new(quantity),
        unit_code: unit_code.clone(),
        net_amount: net,
        period: (start.is_some() || end.is_some()).then_some(Period { start, end }),
        allowances: allowance.into_iter().collect(),
        charges: Vec::new(),
        price: PriceDetails {
            net_price: UnitPriceAmount::new(price.of),
            base_quantity: price.per.map(Quantity::new),
            // Peppol R130: of the same unit as the quantity.
            base_quantity_code: price.per.map(|_| unit_code),
            ..PriceDetails::default()
        },
        vat: LineVat {
            category: Code::new(product.vat_category.as_str()),
            // EN 16931 BR-O-05: none outside the scope of VAT.
            rate: (product.vat_category != VatCategory::O).then(|| Percentage::new(product.vat_rate.normalize())),
        },
        item: Item {
            name: plain(&product.description),
            seller_identifier: product.product_number.as_deref().and_then(plain),
            ..Item::default()
        },
    }
}

struct Priced {
    quantity: Decimal,
    price: Price,
    allowance: Option<LineAllowanceCharge>,
}

/// A price of so many.
struct Price {
    of: Decimal,
    per: Option<Decimal>,
}

const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// Quantity, price and discount such that quantity × price less discount is the net amount to
/// the cent (Peppol R120): tiers and credits by amount have no price that does, so their price
/// is that of the whole quantity. The price is never negative (BR-27), so a line that goes
/// against its document has a negative quantity.
fn priced(product: &ProductLine, net: InvoiceAmount) -> Priced {
    let net = net.into_decimal();
    let quantity = product.quantity.abs().normalize();
    let signed = if net.is_sign_negative() && !net.is_zero() { -quantity } else { quantity };
    let whole = |before: Decimal, allowance| Priced {
        quantity: signed,
        price: Price { of: at_least_two_decimals(before), per: Some(quantity) },
        allowance,
    };
    let by_price = |allowance| Priced {
        quantity: signed,
        price: Price { of: at_least_two_decimals(product.unit_price), per: None },
        allowance,
    };
    let Some(gross) = quantity.checked_mul(product.unit_price) else { return whole(net.abs(), None) };
    let percent = product.discount_percent.normalize();
    if percent.is_zero() {
        let is_exact = (gross - net.abs()).abs() <= CENT;
        return if is_exact { by_price(None) } else { whole(net.abs(), None) };
    }
    if net.is_sign_negative() && !net.is_zero() {
        return whole(net.abs(), None);
    }
    let gross = to_cents(gross);
    let kept = (Decimal::ONE_HUNDRED - percent) / Decimal::ONE_HUNDRED;
    // In currencies without decimals the discount is rounded to whole units, and says no percentage then.
    let slack = if product.total.currency().exponent() == 0 { Decimal::new(5, 1) } else { CENT };
    let discounted = gross.checked_mul(kept);
    if discounted.is_some_and(|discounted| (discounted - net).abs() <= slack)
        && let Some(allowance) = allowance(gross, net, percent)
    {
        return by_price(allowance);
    }
    let before = (!kept.is_zero()).then(|| net.checked_div(kept)).flatten().map(to_cents);
    match before.and_then(|before| Some((before, allowance(before, net, percent)?))) {
        Some((before, allowance)) => whole(before, allowance),
        None => whole(net, None),
    }
}

/// A discount (BG-27), with base and percentage where they say the same to two cents (Peppol
/// R040); `Some(None)` where it comes to nothing, `None` where it can't be written.
fn allowance(before: Decimal, net: Decimal, percent: Decimal) -> Option<Option<LineAllowanceCharge>> {
    let difference = before - net;
    if difference.is_zero() {
        return Some(None);
    }
    let amount = InvoiceAmount::from_decimal_exact(difference).ok().filter(|_| difference > Decimal::ZERO)?;
    let base = InvoiceAmount::from_decimal_exact(before).ok()?;
    let by_percent = before.checked_mul(percent)? / Decimal::ONE_HUNDRED;
    let says_the_same = (by_percent - difference).abs() <= CENT;
    Some(Some(LineAllowanceCharge {
        amount,
        base_amount: says_the_same.then_some(base),
        percentage: says_the_same.then(|| Percentage::new(percent)),
        reason: Some("Discount".to_owned()),
        // UNTDID 5189: discount.
        reason_code: Some(Code::new("95")),
    }))
}

fn to_cents(number: Decimal) -> Decimal {
    number.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

fn at_least_two_decimals(number: Decimal) -> Decimal {
    let mut number = number.normalize();
    if number.scale() < 2 {
        number.rescale(2);
    }
    number
}
