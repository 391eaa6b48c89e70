//! The one table of routes: what the API offers, row by row.

use std::sync::Arc;

use app::archive::File;
use app::documents::{self, CreditNotes, Invoices, OrderConfirmations, Quotes};
use app::templates::Form;
use app::{
    App, Caller, Error, accounts, allocations, companies, contacts, convert, credit_notes, customer_groups, customers,
    departments, dunning, einvoices, erasure, events, exchange_rates, invoices, keys, number_series, open_items,
    oss_rates, payments, prices, product_groups, products, refunds, reminders, statements, templates, vat_codes,
    webhooks, write_offs,
};
use billing::csv;
use billing::formats::XmlQuery;
use billing::ids::{CustomerId, DocumentId, TemplateId};
use billing::input::settlement::{StatementFormat, StatementQuery};
use billing::input::templates::{PreviewFormat, PreviewInput};
use billing::kind::Kind;
use billing::scope::Scope::{
    AccountsRead, AccountsWrite, AuditRead, CompanyRead, CompanyWrite, CustomersRead, CustomersWrite,
    DocumentTemplatesRead, DocumentTemplatesWrite, EventsRead, InvoicesRead, InvoicesWrite, OrderConfirmationsRead,
    OrderConfirmationsWrite, ProductsRead, ProductsWrite, QuotesRead, QuotesWrite, VatCodesRead, WebhookEndpointsRead,
    WebhookEndpointsWrite,
};

use super::imports::import;
use super::resource::tie;
use super::route::{
    CSV, JSON, PDF, PNG, Route, act, add, change, create, end, file, forms, list, list_of, make, order, read, remove,
    replace, set, show, table, xml,
};
use super::stream::follow;
use super::trial::sketch;

fn invoice_xml(app: &Arc<App>, by: &Caller, id: DocumentId, query: XmlQuery) -> Result<File, Error> {
    einvoices::xml(app, by, Kind::Invoice, id, query)
}

fn credit_note_xml(app: &Arc<App>, by: &Caller, id: DocumentId, query: XmlQuery) -> Result<File, Error> {
    einvoices::xml(app, by, Kind::CreditNote, id, query)
}

fn statement(app: &Arc<App>, by: &Caller, id: CustomerId, query: StatementQuery, media: &str) -> Result<File, Error> {
    if media == CSV { statements::csv(app, by, id, query) } else { statements::pdf(app, by, id, query) }
}

fn statement_format(query: &StatementQuery) -> Option<&'static str> {
    query.format.map(|format| match format {
        StatementFormat::Json => JSON,
        StatementFormat::Csv => CSV,
        StatementFormat::Pdf => PDF,
    })
}

fn preview(app: &Arc<App>, by: &Caller, id: TemplateId, input: PreviewInput, media: &str) -> Result<File, Error> {
    let form = match input.format {
        Some(PreviewFormat::Png) => Form::Picture,
        Some(PreviewFormat::Pdf) => Form::Pdf,
        None if media == PNG => Form::Picture,
        None => Form::Pdf,
    };
    templates::preview(app, by, id, input, form)
}

/// Where an order confirmation stands that was made of a quote; an invoice says no type.
fn confirmed(made: &str) -> Option<&'static str> {
    #[derive(serde::Deserialize)]
    struct Made {
        r#type: Kind,
    }
    let made: Made = serde_json::from_str(made).ok()?;
    (made.r#type == Kind::OrderConfirmation).then_some("/v1/order-confirmations")
}

/// Every route below `/api`.
#[rustfmt::skip]
pub fn routes() -> Vec<Route> {
    tie(vec![
        show("/v1/api-key", CompanyRead, "What the key in use may do", keys::show).for_every_key(),

        show("/v1/company", CompanyRead, "The company", companies::show),
        set("PATCH", "/v1/company", CompanyWrite, "Change the company", companies::change),

        show("/v1/dunning-schedule", CompanyRead, "When invoices that are not paid are reminded of, and what that costs", dunning::show),
        set("PUT", "/v1/dunning-schedule", CompanyWrite, "Put a dunning schedule in the place of the one before", dunning::put),

        show("/v1/number-series", CompanyRead, "How documents are numbered", number_series::list),
        read("/v1/number-series/{id}", CompanyRead, "One number series", number_series::get),
        change("/v1/number-series/{id}", CompanyWrite, "Change how documents are numbered from the next one on", number_series::change),
        read("/v1/number-series/{id}/audit", AuditRead, "What a series has given, every void, and the proof that nothing is missing", number_series::audit),

        list("/v1/accounts", AccountsRead, "The chart of accounts", accounts::list),
        create("/v1/accounts", AccountsWrite, "Add an account", accounts::create),
        read("/v1/accounts/{id}", AccountsRead, "One account", accounts::get),
        change("/v1/accounts/{id}", AccountsWrite, "Change an account", accounts::change),
        show("/v1/vat-codes", VatCodesRead, "The VAT codes with their rates", vat_codes::list),
        create("/v1/vat-codes", AccountsWrite, "Add a VAT code", vat_codes::create),
        read("/v1/vat-codes/{id}", VatCodesRead, "One VAT code with its rates", vat_codes::get),
        change("/v1/vat-codes/{id}", AccountsWrite, "Change a VAT code or add a rate from a day on", vat_codes::change),
        list("/v1/exchange-rates", VatCodesRead, "Exchange rates, newest first", exchange_rates::list),
        set("PUT", "/v1/exchange-rates", AccountsWrite, "Set the rate of a currency on a day", exchange_rates::put),
        list("/v1/oss-rates", VatCodesRead, "VAT rates of other EU countries (One-Stop-Shop), by country and day", oss_rates::list),
        set("PUT", "/v1/oss-rates", AccountsWrite, "Set the VAT rate of another EU country from a day on", oss_rates::put),
        list("/v1/document-templates", DocumentTemplatesRead, "Document templates", templates::list),
        create("/v1/document-templates", DocumentTemplatesWrite, "Add a document template; it is tried out first", templates::create).after(templates::try_out),
        read("/v1/document-templates/{id}", DocumentTemplatesRead, "One document template with its source and settings", templates::get),
        replace("/v1/document-templates/{id}", DocumentTemplatesWrite, "Put a new version in a template's place; it is tried out first", templates::replace).after(templates::try_out),
        remove("/v1/document-templates/{id}", DocumentTemplatesWrite, "Retire a template; what was booked with it keeps its version", templates::delete),
        sketch("/v1/document-templates/{id}/preview", DocumentTemplatesWrite, "What a document, or a sample, looks like with a template: a PDF, or a PNG of a page", preview),

        list("/v1/customer-groups", CustomersRead, "Customer groups", customer_groups::list),
        create("/v1/customer-groups", CustomersWrite, "Add a customer group", customer_groups::create),
        read("/v1/customer-groups/{id}", CustomersRead, "One customer group", customer_groups::get),
        change("/v1/customer-groups/{id}", CustomersWrite, "Change a customer group", customer_groups::update),
        list("/v1/customers", CustomersRead, "Customers by their number; with `page` or `cursor` in parts", customers::list),
        create("/v1/customers", CustomersWrite, "Add a customer", customers::create),
        import("/v1/customers/import", CustomersWrite, "Import customers: a table (CSV) or lines of JSON, with what becomes of each row", customers::look_ahead, customers::create, customers::told),
        read("/v1/customers/{id}", CustomersRead, "One customer", customers::get),
        change("/v1/customers/{id}", CustomersWrite, "Change a customer", customers::update),
        order("/v1/customers/{id}/erase", CustomersWrite, "Erase a private person: the books keep what the law asks for, all else goes", erasure::erase),
        list_of("/v1/customers/{id}/contacts", CustomersRead, "The people at a customer", contacts::list),
        add("/v1/customers/{id}/contacts", CustomersWrite, "Add a person to a customer", contacts::add),
        read("/v1/customers/{id}/contacts/{contactId}", CustomersRead, "One person at a customer", contacts::get),
        change("/v1/customers/{id}/contacts/{contactId}", CustomersWrite, "Change a person at a customer", contacts::change),
        remove("/v1/customers/{id}/contacts/{contactId}", CustomersWrite, "Delete a person no unsent document names", contacts::delete),
        end("/v1/customers/{id}/contacts/{contactId}/erase", CustomersWrite, "Erase a person at a customer: what is booked keeps the name, all else goes", erasure::erase_contact),
        list_of("/v1/customers/{id}/departments", CustomersRead, "The departments of a customer", departments::list),
        add("/v1/customers/{id}/departments", CustomersWrite, "Add a department to a customer", departments::add),
        read("/v1/customers/{id}/departments/{departmentId}", CustomersRead, "One department of a customer", departments::get),
        change("/v1/customers/{id}/departments/{departmentId}", CustomersWrite, "Change a department of a customer", departments::change),
        remove("/v1/customers/{id}/departments/{departmentId}", CustomersWrite, "Delete a department no unsent document names", departments::delete),
        list_of("/v1/customers/{id}/open-items", CustomersRead, "What is open of a customer, and what that comes to", open_items::list),
        forms("/v1/customers/{id}/statement", CustomersRead, "What was owed, what happened, what is owed", statement_format, statements::get, statement),

        list("/v1/product-groups", ProductsRead, "Product groups", product_groups::list),
        create("/v1/product-groups", ProductsWrite, "Add a product group", product_groups::create),
        read("/v1/product-groups/{id}", ProductsRead, "One product group", product_groups::get),
        change("/v1/product-groups/{id}", ProductsWrite, "Change a product group", product_groups::update),
        remove("/v1/product-groups/{id}", ProductsWrite, "Delete a product group that is not in use", product_groups::delete),
        list("/v1/products", ProductsRead, "Products, without their prices", products::list),
        create("/v1/products", ProductsWrite, "Add a product", products::create),
        import("/v1/products/import", ProductsWrite, "Import products: a table (CSV) or lines of JSON, with what becomes of each row", products::look_ahead, products::create, products::told),
        read("/v1/products/{id}", ProductsRead, "One product with its prices", products::get),
        change("/v1/products/{id}", ProductsWrite, "Change a product", products::update),
        remove("/v1/products/{id}", ProductsWrite, "Delete a product whose prices are not in use", products::delete),
        create("/v1/product-prices", ProductsWrite, "Add a price to a product", prices::create),
        read("/v1/product-prices/{id}", ProductsRead, "One price", prices::get),
        change("/v1/product-prices/{id}", ProductsWrite, "Change a price that is not in use", prices::update),
        remove("/v1/product-prices/{id}", ProductsWrite, "Delete a price that is not in use", prices::delete),
        order("/v1/product-prices/{id}/activate", ProductsWrite, "Make a price usable", prices::activate),
        order("/v1/product-prices/{id}/disable", ProductsWrite, "Keep a price from new documents", prices::disable),
        order("/v1/product-prices/{id}/archive", ProductsWrite, "End a price for good", prices::archive),
        order("/v1/product-prices/{id}/set-default", ProductsWrite, "Make a price its product's default", prices::set_default),

        table("/v1/invoices", InvoicesRead, "Invoices, newest first, without their lines; as CSV the whole list", documents::list::<Invoices>, csv::INVOICES),
        create("/v1/invoices", InvoicesWrite, "Draft an invoice", documents::create::<Invoices>),
        read("/v1/invoices/{id}", InvoicesRead, "One invoice", documents::get::<Invoices>),
        change("/v1/invoices/{id}", InvoicesWrite, "Write a draft anew", documents::change::<Invoices>),
        remove("/v1/invoices/{id}", InvoicesWrite, "Delete a draft", documents::delete::<Invoices>),
        act("/v1/invoices/{id}/send", InvoicesWrite, "Number, book and send an invoice", documents::send::<Invoices>),
        remove("/v1/invoices/{id}/send", InvoicesWrite, "Take a scheduled sending of an invoice back", documents::take_back::<Invoices>),
        make("/v1/invoices/{id}/credit", "/v1/credit-notes", InvoicesWrite, "Credit the rest of an invoice, or lines of it", credit_notes::credit_invoice),
        order("/v1/invoices/{id}/cancel", InvoicesWrite, "End an invoice that was never booked", invoices::cancel),
        file("/v1/invoices/{id}/pdf", InvoicesRead, "An invoice's PDF", documents::pdf::<Invoices>),
        xml("/v1/invoices/{id}/xml", InvoicesRead, "An invoice as an e-invoice, once it is booked", invoice_xml),
        read("/v1/invoices/{id}/delivery-status", InvoicesRead, "What became of an invoice's sending", documents::delivery_status::<Invoices>),

        add("/v1/invoices/{id}/payments", InvoicesWrite, "Record a payment; what is too much stays as the customer's credit", payments::record),
        list_of("/v1/invoices/{id}/payments", InvoicesRead, "An invoice's payments", payments::list),
        read("/v1/invoices/{id}/payments/{paymentId}", InvoicesRead, "One payment", payments::get),
        remove("/v1/invoices/{id}/payments/{paymentId}", InvoicesWrite, "Take a payment back by its mirror entry", payments::reverse),
        act("/v1/invoices/{id}/write-off", InvoicesWrite, "Give up what is open of an invoice", write_offs::write_off),
        list_of("/v1/invoices/{id}/write-offs", InvoicesRead, "An invoice's write-offs", write_offs::list),
        read("/v1/invoices/{id}/write-offs/{writeOffId}", InvoicesRead, "One write-off", write_offs::get),
        remove("/v1/invoices/{id}/write-offs/{writeOffId}", InvoicesWrite, "Take a write-off back by its mirror entry", write_offs::reverse),

        read("/v1/invoices/{id}/dunning", InvoicesRead, "How far an invoice is reminded of, and what is next", dunning::of_invoice),
        replace("/v1/invoices/{id}/dunning", InvoicesWrite, "Hold an invoice's reminders back, or do so no more", dunning::hold),
        add("/v1/invoices/{id}/reminders", InvoicesWrite, "Remind of an invoice now, by the next step of the schedule", reminders::remind),
        list_of("/v1/invoices/{id}/reminders", InvoicesRead, "An invoice's reminders", reminders::list),
        read("/v1/invoices/{id}/reminders/{reminderId}", InvoicesRead, "One reminder", reminders::get),
        remove("/v1/invoices/{id}/reminders/{reminderId}/fee", InvoicesWrite, "Take the fee of a reminder back by its mirror entry", reminders::waive),

        table("/v1/credit-notes", InvoicesRead, "Credit notes, newest first, without their lines; as CSV the whole list", documents::list::<CreditNotes>, csv::CREDIT_NOTES),
        create("/v1/credit-notes", InvoicesWrite, "Make a credit note; it is numbered at once", credit_notes::create),
        read("/v1/credit-notes/{id}", InvoicesRead, "One credit note", documents::get::<CreditNotes>),
        change("/v1/credit-notes/{id}", InvoicesWrite, "Write a numbered draft anew", credit_notes::change),
        remove("/v1/credit-notes/{id}", InvoicesWrite, "Always refused: a numbered credit note is never deleted", credit_notes::delete),
        act("/v1/credit-notes/{id}/send", InvoicesWrite, "Book and send a credit note", documents::send::<CreditNotes>),
        remove("/v1/credit-notes/{id}/send", InvoicesWrite, "Take a scheduled sending of a credit note back", documents::take_back::<CreditNotes>),
        act("/v1/credit-notes/{id}/void", InvoicesWrite, "Retire a draft that will not be sent; its number stays, explained", credit_notes::void),
        make("/v1/credit-notes/{id}/reverse", "/v1/invoices", InvoicesWrite, "Draft the invoice that undoes a booked credit note", credit_notes::reverse),
        file("/v1/credit-notes/{id}/pdf", InvoicesRead, "A credit note's PDF", documents::pdf::<CreditNotes>),
        xml("/v1/credit-notes/{id}/xml", InvoicesRead, "A credit note as an e-invoice, once it is booked", credit_note_xml),
        read("/v1/credit-notes/{id}/delivery-status", InvoicesRead, "What became of a credit note's sending", documents::delivery_status::<CreditNotes>),
        add("/v1/credit-notes/{id}/allocations", InvoicesWrite, "Set a credit note off against an invoice", allocations::of_note),
        list_of("/v1/credit-notes/{id}/allocations", InvoicesRead, "What a credit note is set off against", allocations::list_of_note),
        remove("/v1/credit-notes/{id}/allocations/{allocationId}", InvoicesWrite, "Take an allocation back by its mirror entry", allocations::reverse_of_note),
        add("/v1/credit-notes/{id}/refunds", InvoicesWrite, "Record that a credit note is paid out", refunds::of_note),
        list_of("/v1/credit-notes/{id}/refunds", InvoicesRead, "What of a credit note is paid out", refunds::list_of_note),
        remove("/v1/credit-notes/{id}/refunds/{refundId}", InvoicesWrite, "Take a refund back by its mirror entry", refunds::reverse_of_note),

        table("/v1/quotes", QuotesRead, "Quotes, newest first, without their lines; as CSV the whole list", documents::list::<Quotes>, csv::QUOTES),
        create("/v1/quotes", QuotesWrite, "Draft a quote", documents::create::<Quotes>),
        read("/v1/quotes/{id}", QuotesRead, "One quote", documents::get::<Quotes>),
        change("/v1/quotes/{id}", QuotesWrite, "Write a draft anew", documents::change::<Quotes>),
        remove("/v1/quotes/{id}", QuotesWrite, "Delete a draft", documents::delete::<Quotes>),
        act("/v1/quotes/{id}/send", QuotesWrite, "Number and send a quote", documents::send::<Quotes>),
        order("/v1/quotes/{id}/accept", QuotesWrite, "The buyer takes the offer", convert::accept),
        order("/v1/quotes/{id}/reject", QuotesWrite, "The buyer does not", convert::reject),
        make("/v1/quotes/{id}/convert", "/v1/invoices", QuotesWrite, "Make an order confirmation or an invoice of a quote, once", convert::quote).or_at(confirmed),
        file("/v1/quotes/{id}/pdf", QuotesRead, "A quote's PDF", documents::pdf::<Quotes>),
        read("/v1/quotes/{id}/delivery-status", QuotesRead, "What became of a quote's sending", documents::delivery_status::<Quotes>),

        table("/v1/order-confirmations", OrderConfirmationsRead, "Order confirmations, newest first, without their lines; as CSV the whole list", documents::list::<OrderConfirmations>, csv::ORDER_CONFIRMATIONS),
        create("/v1/order-confirmations", OrderConfirmationsWrite, "Draft an order confirmation", documents::create::<OrderConfirmations>),
        read("/v1/order-confirmations/{id}", OrderConfirmationsRead, "One order confirmation", documents::get::<OrderConfirmations>),
        change("/v1/order-confirmations/{id}", OrderConfirmationsWrite, "Write a draft anew", documents::change::<OrderConfirmations>),
        remove("/v1/order-confirmations/{id}", OrderConfirmationsWrite, "Delete a draft", documents::delete::<OrderConfirmations>),
        act("/v1/order-confirmations/{id}/send", OrderConfirmationsWrite, "Number and send an order confirmation", documents::send::<OrderConfirmations>),
        make("/v1/order-confirmations/{id}/convert", "/v1/invoices", OrderConfirmationsWrite, "Make an invoice of an order confirmation, once", convert::order_confirmation),
        file("/v1/order-confirmations/{id}/pdf", OrderConfirmationsRead, "An order confirmation's PDF", documents::pdf::<OrderConfirmations>),
        read("/v1/order-confirmations/{id}/delivery-status", OrderConfirmationsRead, "What became of an order confirmation's sending", documents::delivery_status::<OrderConfirmations>),

        add("/v1/open-items/{id}/allocations", InvoicesWrite, "Set a credit item, as an overpayment, off against an invoice", allocations::of_item),
        list_of("/v1/open-items/{id}/allocations", InvoicesRead, "What a credit item is set off against", allocations::list_of_item),
        remove("/v1/open-items/{id}/allocations/{allocationId}", InvoicesWrite, "Take an allocation back by its mirror entry", allocations::reverse_of_item),
        add("/v1/open-items/{id}/refunds", InvoicesWrite, "Record that a credit item, as an overpayment, is paid out", refunds::of_item),
        list_of("/v1/open-items/{id}/refunds", InvoicesRead, "What of a credit item is paid out", refunds::list_of_item),
        remove("/v1/open-items/{id}/refunds/{refundId}", InvoicesWrite, "Take a refund back by its mirror entry", refunds::reverse_of_item),

        list("/v1/events", EventsRead, "What happened, the oldest first, from any point on", events::list),
        follow("/v1/events/stream", EventsRead, "What happens, as it happens: server-sent events, taken up again by `Last-Event-ID`"),
        list("/v1/webhook-endpoints", WebhookEndpointsRead, "Webhook endpoints, newest first", webhooks::list),
        create("/v1/webhook-endpoints", WebhookEndpointsWrite, "Add a webhook endpoint; its secret is shown here only", webhooks::create).after(webhooks::try_new),
        read("/v1/webhook-endpoints/{id}", WebhookEndpointsRead, "One webhook endpoint", webhooks::get),
        change("/v1/webhook-endpoints/{id}", WebhookEndpointsWrite, "Change a webhook endpoint", webhooks::update).after(webhooks::try_change),
        remove("/v1/webhook-endpoints/{id}", WebhookEndpointsWrite, "Delete a webhook endpoint with its deliveries", webhooks::delete),
        order("/v1/webhook-endpoints/{id}/roll-secret", WebhookEndpointsWrite, "Give an endpoint a new secret; the old one signs beside it for 24 hours", webhooks::roll_secret),
        order("/v1/webhook-endpoints/{id}/test", WebhookEndpointsWrite, "Send an endpoint a test event", webhooks::test),
        act("/v1/webhook-endpoints/{id}/replay", WebhookEndpointsWrite, "Send an endpoint everything after an event, once more", webhooks::replay),
        list_of("/v1/webhook-endpoints/{id}/deliveries", WebhookEndpointsRead, "What was sent to an endpoint and what became of it, newest event first", webhooks::list_deliveries),
        read("/v1/webhook-endpoints/{id}/deliveries/{deliveryId}", WebhookEndpointsRead, "One delivery", webhooks::get_delivery),
        order("/v1/webhook-endpoints/{id}/deliveries/{deliveryId}/redeliver", WebhookEndpointsWrite, "Make a delivery once more", webhooks::redeliver),
    ])
}
