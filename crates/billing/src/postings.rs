//! The ledger: what booking a document posts, and how entries are chained by hash.
//! Amounts are signed: above zero is debit, below is credit. The ledger does not
//! know what a credit note is; the sign was given in the lines.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::document::Document;
use crate::ids::{AccountId, CompanyId, CustomerId, DocumentId, EntryId, OpenItemId, TagId, VatCodeId};
use crate::lines::ProductLine;
use crate::money::{Currency, Money};
use crate::refusal::Refusal;
use crate::vat::VatCategory;

/// One line of a journal entry.
#[derive(Clone, PartialEq, Debug)]
pub struct Posting {
    /// The account.
    pub account_id: AccountId,
    /// In the document's currency.
    pub amount: Money,
    /// In the company's currency.
    pub base_amount: Money,
    /// Under which VAT code.
    pub vat_code_id: Option<VatCodeId>,
    /// VAT category, on revenue and VAT.
    pub vat_category: Option<VatCategory>,
    /// VAT rate in percent, on revenue and VAT.
    pub vat_rate: Option<Decimal>,
    /// Goods or service, on revenue.
    pub is_goods: Option<bool>,
    /// The open item it makes or moves, on receivables.
    pub open_item_id: Option<OpenItemId>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// The document.
    pub document_id: Option<DocumentId>,
    /// Values of dimensions.
    pub tag_ids: Vec<TagId>,
}

impl Posting {
    /// A posting on an account with nothing said beside it.
    pub fn plain(account_id: AccountId, amount: Money, base_amount: Money) -> Posting {
        Posting {
            account_id,
            amount,
            base_amount,
            vat_code_id: None,
            vat_category: None,
            vat_rate: None,
            is_goods: None,
            open_item_id: None,
            customer_id: None,
            document_id: None,
            tag_ids: Vec::new(),
        }
    }
}

/// A journal entry before it has its place in the chain. One that is read back
/// to recompute its hash carries its type as a `String`.
#[derive(Clone, PartialEq, Debug)]
pub struct NewEntry<Type = &'static str> {
    /// Its id.
    pub id: EntryId,
    /// `CUSTOMER_INVOICE`, `JOURNAL_ENTRY`, …
    pub entry_type: Type,
    /// The day it is posted on.
    pub date: Date,
    /// The currency of its amounts.
    pub currency: Currency,
    /// What it is.
    pub description: String,
    /// A reference: the document's number.
    pub reference: Option<String>,
    /// The document behind it.
    pub document_id: Option<DocumentId>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// SHA-256 of the document's snapshot.
    pub document_sha256: Option<String>,
    /// The entry it takes back.
    pub reverses: Option<EntryId>,
    /// Its lines: they add up to zero in both currencies.
    pub postings: Vec<Posting>,
    /// When it is written.
    pub created_at: Timestamp,
}

/// The accounts that postings need beside those on the lines.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// The receivables control account.
    pub receivables: AccountId,
    /// Where each VAT code books its VAT.
    pub vat: BTreeMap<VatCodeId, AccountId>,
}

/// What booking a document posts: receivable against revenue per account and VAT
/// per code. Lines know their base amounts by now; the receivable's base amount
/// is the sum of the others, so that no rounding account is needed.
///
/// # Errors
/// `VAT_ACCOUNT_MISSING` when a VAT code with VAT on it books to no account.
pub fn of_document(
    document: &Document,
    accounts: &Accounts,
    open_item_id: OpenItemId,
) -> Result<Vec<Posting>, Refusal> {
    let about = |posting: Posting| Posting {
        customer_id: Some(document.head.customer_id),
        document_id: Some(document.id),
        ..posting
    };
    let mut revenue: Vec<Posting> = Vec::new();
    let mut vat: Vec<Posting> = Vec::new();
    for line in document.products() {
        let (base_total, base_vat) = base(line, document)?;
        let posting = about(Posting {
            vat_code_id: line.vat_code_id,
            vat_category: Some(line.vat_category),
            vat_rate: Some(line.vat_rate),
            is_goods: Some(line.is_goods),
            tag_ids: line.particulars.tag_ids.clone(),
            ..Posting::plain(line.account_id, -line.total, -base_total)
        });
        add(&mut revenue, posting);
        if line.vat.is_zero() && base_vat.is_zero() {
            continue;
        }
        let account = line.vat_code_id.and_then(|code| accounts.vat.get(&code)).ok_or_else(|| {
            Refusal::new("VAT_ACCOUNT_MISSING", "A VAT code with VAT on it books to no account.")
                .with(json!({ "vatCodeId": line.vat_code_id }))
        })?;
        let posting = about(Posting {
            vat_code_id: line.vat_code_id,
            vat_category: Some(line.vat_category),
            vat_rate: Some(line.vat_rate),
            ..Posting::plain(*account, -line.vat, -base_vat)
        });
        add(&mut vat, posting);
    }
    let others = || revenue.iter().chain(&vat);
    let base_amount = -Money::sum(document.base_currency, others().map(|posting| posting.base_amount));
    let receivable = about(Posting {
        open_item_id: Some(open_item_id),
        ..Posting::plain(accounts.receivables, document.amount, base_amount)
    });
    Ok(std::iter::once(receivable).chain(revenue).chain(vat).collect())
}

fn base(line: &ProductLine, document: &Document) -> Result<(Money, Money), Refusal> {
    let not_pinned = || Refusal::new("EXCHANGE_RATE_MISSING", "The document's base amounts are not known.");
    debug_assert!(line.base_total.is_none_or(|base| base.currency() == document.base_currency));
    Ok((line.base_total.ok_or_else(not_pinned)?, line.base_vat.ok_or_else(not_pinned)?))
}

/// Adds a posting to one that differs in amounts only, else to the end.
fn add(postings: &mut Vec<Posting>, posting: Posting) {
    let same = postings.iter_mut().find(|other| {
        let amounts = Posting { amount: other.amount, base_amount: other.base_amount, ..posting.clone() };
        **other == amounts
    });
    match same {
        Some(other) => {
            other.amount += posting.amount;
            other.base_amount += posting.base_amount;
        }
        None => postings.push(posting),
    }
}

/// What takes an entry back: the same lines on the other side.
pub fn mirror(postings: Vec<Posting>) -> Vec<Posting> {
    let other_side =
        |posting: Posting| Posting { amount: -posting.amount, base_amount: -posting.base_amount, ..posting };
    postings.into_iter().map(other_side).collect()
}

/// What setting a credit item off against a debit item posts: the receivable of
/// each at its own carrying amount, and on the account of `difference` what is between them: exchange
/// gain or loss, or where both stand at one rate what comes of rounding.
pub fn of_allocation(
    credit: (AccountId, OpenItemId, Money),
    debit: (AccountId, OpenItemId, Money),
    amount: Money,
    difference: AccountId,
    customer_id: CustomerId,
) -> Vec<Posting> {
    let (credit_account, credit_item, credit_base) = credit;
    let (debit_account, debit_item, debit_base) = debit;
    let receivable = |account, item, amount, base| Posting {
        open_item_id: Some(item),
        customer_id: Some(customer_id),
        ..Posting::plain(account, amount, base)
    };
    let mut postings = vec![
        receivable(credit_account, credit_item, amount, credit_base),
        receivable(debit_account, debit_item, -amount, -debit_base),
    ];
    let between = debit_base - credit_base;
    if !between.is_zero() {
        postings.push(Posting::plain(difference, Money::zero(amount.currency()), between));
    }
    postings
}

/// The hash a chain begins with.
pub const FIRST_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The hash of an entry in its place: SHA-256 of its predecessor's hash and its
/// canonical JSON (keys sorted, decimals as strings, with its document's hash).
pub fn hash<Type: Serialize>(
    company_id: CompanyId,
    sequence: i64,
    entry: &NewEntry<Type>,
    previous_hash: &str,
) -> String {
    let postings: Vec<Value> = entry
        .postings
        .iter()
        .map(|p| {
            json!({
                "accountId": p.account_id, "amount": p.amount.to_string(), "baseAmount": p.base_amount.to_string(),
                "baseCurrency": p.base_amount.currency().code(), "currency": p.amount.currency().code(),
                "vatCodeId": p.vat_code_id, "vatCategory": p.vat_category,
                "vatRate": p.vat_rate.map(|rate| rate.normalize().to_string()), "isGoods": p.is_goods,
                "openItemId": p.open_item_id, "customerId": p.customer_id, "documentId": p.document_id,
                "tagIds": p.tag_ids,
            })
        })
        .collect();
    let mut value = json!({
        "companyId": company_id, "sequence": sequence, "id": entry.id, "entryType": entry.entry_type,
        "date": entry.date.to_string(), "currency": entry.currency.code(), "description": entry.description,
        "reference": entry.reference, "documentId": entry.document_id, "customerId": entry.customer_id,
        "documentSha256": entry.document_sha256, "postings": postings,
    });
    if let Some(reversed) = entry.reverses {
        value["reversesEntryId"] = json!(reversed);
    }
    sha256(&[previous_hash, &canonical(&value)])
}

/// SHA-256 of texts one after the other, in hex.
pub fn sha256(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
    }
    hex(&hasher.finalize())
}

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    // Of every request's key and fingerprint, so without the machinery of formats.
    let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' - 10 + half });
    for byte in bytes {
        text.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    text
}

/// JSON with its keys sorted and nothing between its tokens, so that equal values have equal texts.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (at, (name, item)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_canonical(item, text);
            }
            text.push('}');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

/// Postings add up to zero in their own currency and in the company's.
///
/// # Panics
/// When they do not: that is a fault of the program and must not be booked.
pub fn assert_balanced(postings: &[Posting]) {
    let Some(first) = postings.first() else { return };
    let sum = |of: fn(&Posting) -> Money, currency| Money::sum(currency, postings.iter().map(of));
    let amount = sum(|p| p.amount, first.amount.currency());
    let base = sum(|p| p.base_amount, first.base_amount.currency());
    assert!(amount.is_zero() && base.is_zero(), "an entry adds up to zero: {amount} and {base}");
}
