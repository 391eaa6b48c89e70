//! The company: the tenant whose documents, numbers and books these are.

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json as object;

use crate::country::Country;
use crate::customers::registration_number_of;
use crate::identifiers;
use crate::ids::CompanyId;
use crate::input::company::{CompanyPatch, NewCompany};
use crate::json;
use crate::money::Currency;
use crate::refusal::{Faults, Refusal};
use crate::status::statuses;

statuses! {
    /// Whether a company does business or tries things out.
    CompanyMode {
        /// Real business.
        Live "live"
        /// A trial: keys begin `lb_test_`, papers are marked TEST.
        Test "test"
    }
}

/// A company as it is kept and published.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Company {
    /// Its id.
    pub id: CompanyId,
    /// Legal name.
    pub name: String,
    /// ISO 3166 code of the country it is established in.
    pub country_code: String,
    /// The currency of its books.
    pub currency: Currency,
    /// Language of its papers where the buyer has none: `da` or `en`.
    pub preferred_language: String,
    /// IANA zone that decides what day it is.
    pub time_zone: String,
    /// Live or test.
    pub mode: CompanyMode,
    /// Whether it charges VAT at all.
    pub is_vat_registered: bool,
    /// Street and house number.
    pub address: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Address for business mail.
    pub email: Option<String>,
    /// Address for mail about billing.
    pub billing_email: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// VAT number with its country's prefix.
    pub vat: Option<String>,
    /// Number in the business register (CVR).
    pub registration_number: Option<String>,
    /// First name of the contact person.
    pub contact_person_first_name: Option<String>,
    /// Last name of the contact person.
    pub contact_person_last_name: Option<String>,
    /// IBAN payments are asked to.
    pub iban: Option<String>,
    /// BIC of its bank.
    pub bic: Option<String>,
    /// Domestic account number.
    pub bank_account: Option<String>,
    /// GLN of the company.
    pub ean_number: Option<String>,
    /// Peppol endpoint as `0184:12345678`.
    pub peppol_endpoint: Option<String>,
    /// Month the fiscal year begins in, 1 to 12.
    pub fiscal_year_start: u32,
    /// Nothing is posted on or before this day.
    #[serde(serialize_with = "json::opt_day")]
    #[schemars(with = "Option<json::Day>")]
    pub locked_through: Option<Date>,
    /// The address its mails are from; its billing address, else its address, where there is none.
    pub sender_email: Option<String>,
    /// The address answers to its mails go to.
    pub reply_to_email: Option<String>,
    /// When it was made.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub updated_at: Timestamp,
}

/// The currency a field names.
///
/// # Errors
/// `isISO4217CurrencyCode` where it names none.
pub fn currency_of(code: &str, property: &str) -> Result<Currency, Faults> {
    Currency::parse(code).ok_or_else(|| {
        let mut faults = Faults::default();
        let message = format!("{property} must be a valid ISO4217 currency code");
        faults.add(property, "isISO4217CurrencyCode", message);
        faults
    })
}

impl Company {
    /// A new company: currency, language and zone are its country's where it does not say otherwise.
    ///
    /// # Errors
    /// Faults of `countryCode`, `currency` and `vatRates` that stand in no type.
    pub fn founded(id: CompanyId, input: NewCompany, now: Timestamp) -> Result<Company, Faults> {
        let NewCompany {
            name,
            country_code,
            currency,
            preferred_language,
            time_zone,
            mode,
            is_vat_registered,
            address,
            postal_code,
            city,
            email,
            vat,
            iban,
            vat_rates,
        } = input;
        let mut faults = Faults::default();
        let rates: Vec<_> = vat_rates.unwrap_or_default().into_iter().map(|rate| rate.0).collect();
        if (1..rates.len()).any(|at| rates[..at].contains(&rates[at])) {
            faults.add("vatRates", "arrayUnique", "All vatRates's elements must be unique");
        }
        let Some(country) = Country::parse(&country_code) else {
            faults.add("countryCode", "isISO31661Alpha2", "countryCode must be a valid ISO31661 Alpha2 code");
            return Err(faults);
        };
        let currency = currency_of(currency.as_deref().unwrap_or(country.currency), "currency");
        let currency = match currency {
            Ok(currency) if faults.is_empty() => currency,
            Ok(_) => return Err(faults),
            Err(other) => {
                faults.0.extend(other.0);
                return Err(faults);
            }
        };
        let vat = vat.map(|number| number.0);
        Ok(Company {
            id,
            name: name.0,
            registration_number: registration_number_of(&country_code, vat.as_deref()),
            country_code: country_code.0,
            currency,
            preferred_language: preferred_language.map_or(country.language(), |l| l.as_str()).to_owned(),
            time_zone: time_zone.map_or_else(|| country.time_zone.to_owned(), |zone| zone.0),
            mode: mode.unwrap_or(CompanyMode::Live),
            is_vat_registered: is_vat_registered.unwrap_or(true),
            address: address.map(|text| text.0),
            postal_code: postal_code.map(|text| text.0),
            city: city.map(|text| text.0),
            email: email.map(|text| text.0),
            billing_email: None,
            phone: None,
            vat,
            contact_person_first_name: None,
            contact_person_last_name: None,
            iban: iban.map(|text| text.0),
            bic: None,
            bank_account: None,
            ean_number: None,
            peppol_endpoint: None,
            fiscal_year_start: 1,
            locked_through: None,
            sender_email: None,
            reply_to_email: None,
            created_at: now,
            updated_at: now,
        })
    }

    /// What a booked document of a live company must say of its seller and this
    /// one does not (momsbekendtgørelsen § 58: name, address, registration number).
    pub fn missing_for_booking(&self) -> Vec<&'static str> {
        if self.mode == CompanyMode::Test {
            return Vec::new();
        }
        let facts = [
            ("address", self.address.is_none()),
            ("postalCode", self.postal_code.is_none()),
            ("city", self.city.is_none()),
            ("vat", self.is_vat_registered && self.vat.is_none()),
        ];
        facts.into_iter().filter(|(_, missing)| *missing).map(|(field, _)| field).collect()
    }

    /// From whom its mails are and where answers to them go, where that is another address. `None` where it
    /// has no address at all.
    pub fn mails_from(&self) -> Option<(&str, Option<&str>)> {
        let own = self.billing_email.as_deref().or(self.email.as_deref());
        let from = self.sender_email.as_deref().or(own)?;
        let reply_to = self.reply_to_email.as_deref().or(own).filter(|address| *address != from);
        Some((from, reply_to))
    }

    /// The company after a change; `now` is when it was last changed, where anything did.
    ///
    /// # Errors
    /// `isISO4217CurrencyCode` where the currency is none; `isCvr`, `isPeppolEndpoint` and `isBIC` where a
    /// number has not its form.
    pub fn changed(&self, patch: CompanyPatch, now: Timestamp) -> Result<Company, Faults> {
        let CompanyPatch {
            name,
            country_code,
            currency,
            preferred_language,
            time_zone,
            mode,
            is_vat_registered,
            address,
            postal_code,
            city,
            email,
            billing_email,
            phone,
            vat,
            registration_number,
            contact_person_first_name,
            contact_person_last_name,
            iban,
            bic,
            bank_account,
            ean_number,
            peppol_endpoint,
            fiscal_year_start,
            locked_through,
            sender_email,
            reply_to_email,
        } = patch;
        let before = self.clone();
        let currency = currency.map(|code| currency_of(&code, "currency")).transpose()?;
        let country_code = country_code.map_or(before.country_code, |code| code.0);
        let vat = vat.map(|number| number.0).over(before.vat);
        // What was taken from the VAT number follows it; what was said stays.
        let taken = registration_number_of(&self.country_code, self.vat.as_deref());
        let said = before.registration_number.filter(|number| taken.as_ref() != Some(number));
        let registration_number = registration_number.map(|number| number.0).over(said);
        let registration_number = registration_number.or_else(|| registration_number_of(&country_code, vat.as_deref()));
        let after = Company {
            id: before.id,
            name: name.map_or(before.name, |name| name.0),
            country_code,
            currency: currency.unwrap_or(before.currency),
            preferred_language: preferred_language.map_or(before.preferred_language, |l| l.as_str().to_owned()),
            time_zone: time_zone.map_or(before.time_zone, |zone| zone.0),
            mode: mode.unwrap_or(before.mode),
            is_vat_registered: is_vat_registered.unwrap_or(before.is_vat_registered),
            address: address.map(|text| text.0).over(before.address),
            postal_code: postal_code.map(|text| text.0).over(before.postal_code),
            city: city.map(|text| text.0).over(before.city),
            email: email.map(|text| text.0).over(before.email),
            billing_email: billing_email.map(|text| text.0).over(before.billing_email),
            phone: phone.map(|text| text.0).over(before.phone),
            vat,
            registration_number,
            contact_person_first_name: contact_person_first_name
                .map(|text| text.0)
                .over(before.contact_person_first_name),
            contact_person_last_name: contact_person_last_name.map(|text| text.0).over(before.contact_person_last_name),
            iban: iban.map(|text| text.0).over(before.iban),
            bic: bic.map(|text| text.0).over(before.bic),
            bank_account: bank_account.map(|text| text.0).over(before.bank_account),
            ean_number: ean_number.map(|text| text.0).over(before.ean_number),
            peppol_endpoint: peppol_endpoint.map(|text| text.0).over(before.peppol_endpoint),
            fiscal_year_start: fiscal_year_start.unwrap_or(before.fiscal_year_start),
            locked_through: locked_through.map(|day| day.0).over(before.locked_through),
            sender_email: sender_email.map(|text| text.0).over(before.sender_email),
            reply_to_email: reply_to_email.map(|text| text.0).over(before.reply_to_email),
            created_at: before.created_at,
            updated_at: before.updated_at,
        };
        self.check_numbers(&after)?;
        let updated_at = if after == *self { self.updated_at } else { now };
        Ok(Company { updated_at, ..after })
    }

    /// Numbers that a change touches have their form, and their check digit where the rule is public.
    fn check_numbers(&self, after: &Company) -> Result<(), Faults> {
        let mut faults = Faults::default();
        let is_moved = after.country_code != self.country_code || after.registration_number != self.registration_number;
        let number = after.registration_number.as_deref().filter(|_| is_moved && after.country_code == "DK");
        if number.is_some_and(|number| !identifiers::is_cvr(number)) {
            let message = "registrationNumber must be a CVR number: 8 digits with check digit";
            faults.add("registrationNumber", "isCvr", message);
        }
        let endpoint = after.peppol_endpoint.as_deref().filter(|_| after.peppol_endpoint != self.peppol_endpoint);
        if endpoint.is_some_and(|endpoint| !identifiers::is_peppol_endpoint(endpoint)) {
            let message = "peppolEndpoint must be a scheme and an id, as 0184:12345678";
            faults.add("peppolEndpoint", "isPeppolEndpoint", message);
        }
        let bic = after.bic.as_deref().filter(|_| after.bic != self.bic);
        if bic.is_some_and(|bic| !identifiers::is_bic(bic)) {
            faults.add("bic", "isBIC", "bic must be a BIC: 8 or 11 capital letters and digits, as DABADKKK");
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// What books are kept in can't change once there are any.
    ///
    /// # Errors
    /// `COMPANY_HAS_BOOKINGS`.
    pub fn check_books(&self, after: &Company) -> Result<(), Refusal> {
        let fixed = [
            ("currency", self.currency == after.currency),
            ("countryCode", self.country_code == after.country_code),
            ("mode", self.mode == after.mode),
        ];
        match fixed.into_iter().find(|(_, stays)| !stays) {
            None => Ok(()),
            Some((property, _)) => {
                let message = format!("Something is booked in this company; its {property} stays.");
                Err(Refusal::new("COMPANY_HAS_BOOKINGS", message).with(object!({ "property": property })))
            }
        }
    }

    /// The fiscal year a day belongs to, named by the calendar year it begins in.
    pub fn fiscal_year(&self, day: Date) -> i64 {
        let begins_later = i64::from(day.month()) < i64::from(self.fiscal_year_start);
        i64::from(day.year()) - i64::from(begins_later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn company() -> Company {
        let at = "2026-06-10T12:00:00Z".parse().unwrap();
        Company {
            id: CompanyId(uuid::Uuid::nil()),
            name: "Bi ApS".to_owned(),
            country_code: "DK".to_owned(),
            currency: Currency::DKK,
            preferred_language: "da".to_owned(),
            time_zone: "Europe/Copenhagen".to_owned(),
            mode: CompanyMode::Live,
            is_vat_registered: true,
            address: Some("Havnegade 1".to_owned()),
            postal_code: None,
            city: None,
            email: None,
            billing_email: None,
            phone: None,
            vat: None,
            registration_number: None,
            contact_person_first_name: None,
            contact_person_last_name: None,
            iban: None,
            bic: None,
            bank_account: None,
            ean_number: None,
            peppol_endpoint: None,
            fiscal_year_start: 7,
            locked_through: None,
            sender_email: None,
            reply_to_email: None,
            created_at: at,
            updated_at: at,
        }
    }

    fn patch(body: &str) -> CompanyPatch {
        serde_json::from_str(body).unwrap()
    }

    #[test]
    fn a_patch_keeps_clears_and_sets() {
        let before = company();
        let later = "2026-06-11T12:00:00Z".parse().unwrap();
        assert_eq!(before.changed(patch("{}"), later).unwrap(), before);
        let after =
            before.changed(patch(r#"{"address": null, "city": "Aarhus", "vat": "DK12345674"}"#), later).unwrap();
        assert_eq!((after.address.as_deref(), after.city.as_deref()), (None, Some("Aarhus")));
        assert_eq!(after.registration_number.as_deref(), Some("12345674"));
        assert_eq!((after.name.as_str(), after.updated_at), ("Bi ApS", later));
        let own = before.changed(patch(r#"{"vat": "DK12345674", "registrationNumber": "87654370"}"#), later).unwrap();
        assert_eq!(own.registration_number.as_deref(), Some("87654370"));
        // What was said stays; what came with the VAT number goes with it.
        let of = |company: &Company, body: &str| company.changed(patch(body), later).unwrap().registration_number;
        assert_eq!(of(&own, r#"{"vat": null}"#).as_deref(), Some("87654370"));
        assert_eq!(of(&after, r#"{"vat": "DK87654370"}"#).as_deref(), Some("87654370"));
        assert_eq!(of(&after, r#"{"vat": null}"#), None);
        assert!(before.changed(patch(r#"{"currency": "XXX"}"#), later).is_err());
    }

    #[test]
    fn a_mail_is_from_the_sender_else_from_the_company_and_answers_find_it() {
        for (addresses, from, reply_to) in [
            ("{}", None, None),
            (r#"{"email": "a@b.example"}"#, Some("a@b.example"), None),
            (r#"{"email": "a@b.example", "billingEmail": "c@b.example"}"#, Some("c@b.example"), None),
            (r#"{"email": "a@b.example", "senderEmail": "s@b.example"}"#, Some("s@b.example"), Some("a@b.example")),
            (r#"{"senderEmail": "s@b.example"}"#, Some("s@b.example"), None),
            (r#"{"email": "a@b.example", "replyToEmail": "r@b.example"}"#, Some("a@b.example"), Some("r@b.example")),
            (r#"{"replyToEmail": "r@b.example"}"#, None, None),
        ] {
            let company = company().changed(patch(addresses), company().updated_at).unwrap();
            assert_eq!(company.mails_from(), from.map(|from| (from, reply_to)), "{addresses}");
        }
    }

    #[test]
    fn a_company_begins_as_its_country_has_it() {
        let founded = |body: &str| {
            let at = company().created_at;
            Company::founded(CompanyId(uuid::Uuid::nil()), serde_json::from_str(body).unwrap(), at)
        };
        let danish = founded(r#"{"name": "Bi ApS", "countryCode": "DK", "vat": "DK12345674"}"#).unwrap();
        assert_eq!((danish.currency, danish.preferred_language.as_str()), (Currency::DKK, "da"));
        assert_eq!((danish.time_zone.as_str(), danish.mode), ("Europe/Copenhagen", CompanyMode::Live));
        assert_eq!(danish.registration_number.as_deref(), Some("12345674"));
        let german =
            founded(r#"{"name": "Biene GmbH", "countryCode": "DE", "currency": "USD", "mode": "test"}"#).unwrap();
        assert_eq!((german.currency.code(), german.preferred_language.as_str()), ("USD", "de"));
        for (body, property) in [
            (r#"{"name": "Bi", "countryCode": "QQ"}"#, "countryCode"),
            (r#"{"name": "Bi", "countryCode": "DK", "currency": "XXX"}"#, "currency"),
            (r#"{"name": "Bi", "countryCode": "DK", "vatRates": [25, "25.0"]}"#, "vatRates"),
        ] {
            assert_eq!(founded(body).unwrap_err().0[0].property, property);
        }
    }

    #[test]
    fn what_books_are_kept_in_stays() {
        let before = company();
        for (body, refused) in [
            (r#"{"currency": "EUR"}"#, Some("currency")),
            (r#"{"countryCode": "SE"}"#, Some("countryCode")),
            (r#"{"mode": "test"}"#, Some("mode")),
            (r#"{"currency": "DKK", "mode": "live"}"#, None),
            (r#"{"name": "Humle ApS"}"#, None),
        ] {
            let after = before.changed(patch(body), before.updated_at).unwrap();
            let answer = before.check_books(&after);
            assert_eq!(answer.err().map(|r| r.details["property"].clone()), refused.map(Into::into), "{body}");
        }
    }

    #[test]
    fn a_fiscal_year_is_named_by_where_it_begins() {
        for (day, year) in [("2026-06-30", 2025), ("2026-07-01", 2026), ("2026-12-31", 2026), ("2027-01-01", 2026)] {
            assert_eq!(company().fiscal_year(day.parse().unwrap()), year, "{day}");
        }
    }
}
