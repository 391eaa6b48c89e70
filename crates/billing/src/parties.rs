//! Seller and buyer as printed: made from company and customer, pinned at booking.

use crate::company::Company;
use crate::customers::{Contact, Customer, Department};
use crate::document::{Buyer, Seller};

/// The company as it is now.
pub fn seller(company: &Company) -> Seller {
    Seller {
        name: company.name.clone(),
        address: company.address.clone(),
        postal_code: company.postal_code.clone(),
        city: company.city.clone(),
        country_code: company.country_code.clone(),
        vat_number: company.vat.clone(),
        registration_number: company.registration_number.clone(),
        email: company.email.clone(),
        phone: company.phone.clone(),
        iban: company.iban.clone(),
        bic: company.bic.clone(),
        bank_account: company.bank_account.clone(),
        ean_number: company.ean_number.clone(),
        peppol_endpoint: company.peppol_endpoint.clone(),
    }
}

/// The customer as it is now; a department gives its own address and EAN number.
pub fn buyer(customer: &Customer, department: Option<&Department>, contact: Option<&Contact>) -> Buyer {
    let own = |of: fn(&Department) -> &Option<String>| department.and_then(|d| of(d).clone());
    let has_address = department.is_some_and(|d| d.address.is_some());
    let address = |of: fn(&Department) -> &Option<String>, else_: &Option<String>| {
        if has_address { own(of) } else { else_.clone() }
    };
    Buyer {
        customer_number: customer.customer_number.clone(),
        name: customer.name.clone(),
        department_name: department.map(|d| d.name.clone()),
        contact_name: contact.map(|c| c.name.clone()),
        address: address(|d| &d.address, &customer.address),
        postal_code: address(|d| &d.postal_code, &customer.postal_code),
        city: address(|d| &d.city, &customer.city),
        country_code: address(|d| &d.country_code, &None).unwrap_or_else(|| customer.country_code.clone()),
        vat_number: customer.vat_number.clone(),
        registration_number: customer.registration_number.clone(),
        ean_number: own(|d| &d.ean_number).or_else(|| customer.ean_number.clone()),
        peppol_endpoint: customer.peppol_endpoint.clone(),
        email: own(|d| &d.email).or_else(|| contact.and_then(|c| c.email.clone())).or_else(|| customer.email.clone()),
    }
}
