//! What is open of a customer: invoices it owes, credit it has, and what that comes to.

use billing::ids::CustomerId;
use billing::input::settlement::OpenItemQuery;
use billing::kind::Kind;
use billing::money::{Currency, Money};
use billing::refusal::Refusal;
use billing::settlement::{OpenItemType, PublicBalance, PublicOpenItem, PublicOpenItems, Side};
use store::open_items::{self as shelf, Listed, Origin};
use store::{customers, db::Tx};

use crate::{Error, View};

/// A customer's open items, oldest first, with their balance in each currency.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`.
pub fn list(view: &mut View<'_>, id: CustomerId, query: OpenItemQuery) -> Result<PublicOpenItems, Error> {
    check_customer(view.tx, view.company.id, id)?;
    let today = view.today();
    let currency = query.currency.as_deref().and_then(Currency::parse);
    let mut listed = shelf::of_customer(view.tx, view.company.id, id)?;
    listed.retain(|own| currency.is_none_or(|currency| own.item.open.currency() == currency));
    let base = view.company.currency;
    let mut balances: Vec<(Money, Money, i64)> = Vec::new();
    for own in &listed {
        let open = own.item.open;
        let is_overdue = open.minor() > 0 && own.due_on.is_some_and(|due| due < today);
        let overdue = if is_overdue { open } else { Money::zero(open.currency()) };
        match balances.iter_mut().find(|(balance, ..)| balance.currency() == open.currency()) {
            Some((balance, late, of_base)) => {
                *balance += open;
                *late += overdue;
                *of_base += own.item.base_open;
            }
            None => balances.push((open, overdue, own.item.base_open)),
        }
    }
    let balance = |(balance, overdue, of_base): (Money, Money, i64)| PublicBalance {
        currency: balance.currency().code().to_owned(),
        balance: balance.to_string(),
        overdue: overdue.to_string(),
        base_balance: Money::new(of_base, base).to_string(),
    };
    Ok(PublicOpenItems {
        customer_id: id,
        date: today.to_string(),
        data: listed.into_iter().map(|own| public(own, base)).collect(),
        balances: balances.into_iter().map(balance).collect(),
    })
}

/// The customer is there.
pub(crate) fn check_customer(
    tx: &mut dyn Tx,
    company_id: billing::ids::CompanyId,
    id: CustomerId,
) -> Result<billing::customers::Customer, Error> {
    let missing = || Refusal::missing("CUSTOMER_NOT_FOUND", "There is no such customer in this company.");
    Ok(customers::get(tx, company_id, id)?.ok_or_else(missing)?)
}

fn public(own: Listed, base: Currency) -> PublicOpenItem {
    let Listed { item, amount, date, due_on, kind, number, reminded } = own;
    let item_type = match (item.origin, kind) {
        (Origin::Payment(_), _) => OpenItemType::Overpayment,
        (Origin::Reminder(_), _) => OpenItemType::ReminderFee,
        (Origin::Document(_), Some(Kind::CreditNote)) => OpenItemType::CreditNote,
        (Origin::Document(_), _) => OpenItemType::Invoice,
    };
    PublicOpenItem {
        id: item.id,
        item_type,
        side: if item.open.is_negative() { Side::Credit } else { Side::Debit },
        customer_id: item.customer_id,
        document_id: item.origin.document().or(reminded),
        payment_id: item.origin.payment(),
        reminder_id: item.origin.reminder(),
        number,
        date: date.to_string(),
        due_date: due_on.map(|day| day.to_string()),
        currency: item.open.currency().code().to_owned(),
        amount: Money::new(amount, item.open.currency()).abs().to_string(),
        open_amount: item.open.abs().to_string(),
        base_open_amount: Money::new(item.base_open, base).abs().to_string(),
    }
}
