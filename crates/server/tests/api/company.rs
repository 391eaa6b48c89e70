//! The company: each field and its rules, what booking asks of it and fixes in it, and the books it begins with.

use serde_json::{Value, json};

use crate::house::{Company, line, text};

const PLACE: &str = "/v1/company";

/// A field, a good value, bad ones with the rule each breaks, and whether null clears it.
type Field = (&'static str, Value, Vec<(Value, &'static str)>, bool);

fn fields() -> Vec<Field> {
    let long = |length: usize| json!("x".repeat(length + 1));
    let words = |most: usize| vec![(json!(""), "isNotEmpty"), (long(most), "maxLength"), (json!(7), "isString")];
    let mail = || vec![(json!("bodil"), "isEmail"), (json!(""), "isEmail")];
    vec![
        ("name", json!("Bikuben A/S"), words(200), false),
        ("countryCode", json!("SE"), vec![(json!("XX"), "isISO31661Alpha2"), (json!("se"), "isISO31661Alpha2")], false),
        (
            "currency",
            json!("SEK"),
            vec![(json!("XXX"), "isISO4217CurrencyCode"), (json!("kr."), "isISO4217CurrencyCode")],
            false,
        ),
        ("preferredLanguage", json!("en"), vec![(json!("fr"), "isIn")], false),
        ("timeZone", json!("Europe/Stockholm"), vec![(json!("Europe/Silkeborg"), "isTimeZone")], false),
        ("mode", json!("test"), vec![(json!("trial"), "isIn")], false),
        ("isVatRegistered", json!(false), vec![(json!("no"), "isBoolean")], false),
        ("address", json!("Storgatan 1"), words(500), true),
        ("postalCode", json!("211 20"), words(20), true),
        ("city", json!("Malmö"), words(100), true),
        ("email", json!("post@bikuben.example"), mail(), true),
        ("billingEmail", json!("bog@bikuben.example"), mail(), true),
        ("senderEmail", json!("fra@bikuben.example"), mail(), true),
        ("replyToEmail", json!("svar@bikuben.example"), mail(), true),
        ("phone", json!("+46 40 12 34 56"), words(50), true),
        (
            "vat",
            json!("SE556188840401"),
            vec![(json!("SE556188840501"), "isVatNumber"), (json!("556188840401"), "isVatNumber")],
            true,
        ),
        ("registrationNumber", json!("556188-8404"), words(50), true),
        ("contactPersonFirstName", json!("Bodil"), words(100), true),
        ("contactPersonLastName", json!("Bi"), words(100), true),
        ("iban", json!("SE4550000000058398257466"), vec![(json!("SE4550000000058398257467"), "isIBAN")], true),
        (
            "bic",
            json!("ESSESESS"),
            vec![(json!("ESSESES"), "isBIC"), (json!("essesess"), "isBIC"), (json!("ESSESESSXXXX"), "maxLength")],
            true,
        ),
        ("bankAccount", json!("5439 12 345 67"), words(50), true),
        ("eanNumber", json!("5790000436057"), vec![(json!("5790000436058"), "isGln")], true),
        (
            "peppolEndpoint",
            json!("0007:5561888404"),
            vec![(json!("5561888404"), "isPeppolEndpoint"), (json!("0088:5790000436058"), "isPeppolEndpoint")],
            true,
        ),
        ("fiscalYearStart", json!(7), vec![(json!(0), "min"), (json!(13), "max"), (json!("July"), "isInt")], false),
        (
            "lockedThrough",
            json!("2025-06-30"),
            vec![(json!("2025-06-31"), "isDateString"), (json!("30.06.2025"), "isDateString")],
            true,
        ),
    ]
}

fn events(company: &Company) -> String {
    company.house.books.value(&format!("select count(*) from events where company_id = '{}'", company.id))
}

fn codes(company: &Company) -> Vec<(String, String)> {
    let codes = company.api.get("/v1/vat-codes").is(200);
    codes
        .as_array()
        .unwrap()
        .iter()
        .map(|code| (text(&code["vatCode"]).to_owned(), text(&code["vatRate"]).to_owned()))
        .collect()
}

/// The rates of the codes for sales at home.
fn rates(company: &Company) -> Vec<String> {
    let of_a_rate =
        |name: &str| name.strip_prefix('S').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let mut found: Vec<String> =
        codes(company).into_iter().filter(|(name, _)| of_a_rate(name)).map(|(_, rate)| rate).collect();
    found.sort();
    found
}

on_both_engines! {
    /// Every field is there, null where nothing is known; those that have no null have what the country gives.
    fn a_company_tells_all_its_fields(house) {
        let company = house.company_with(&["--country", "DK"]);
        let told = company.api.get(PLACE).is(200);
        let mut names: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
        let fields = fields();
        let mut meant: Vec<&str> = fields.iter().map(|(name, ..)| *name).chain(["id", "createdAt", "updatedAt"]).collect();
        names.sort_unstable();
        meant.sort_unstable();
        assert_eq!(names, meant);
        for (field, _, _, may_be_null) in &fields {
            assert_eq!(told[field].is_null(), *may_be_null, "{field}");
        }
        for (field, value) in [
            ("id", json!(company.id)), ("name", json!("Bikuben ApS")), ("countryCode", json!("DK")), ("currency", json!("DKK")),
            ("preferredLanguage", json!("da")), ("timeZone", json!("Europe/Copenhagen")), ("mode", json!("live")),
            ("isVatRegistered", json!(true)), ("fiscalYearStart", json!(1)),
        ] {
            assert_eq!(told[field], value, "{field}");
        }
    }

    /// Each field by itself: kept, cleared where it may be, refused with its rule; what is refused changes nothing.
    fn each_field_is_changed_and_checked(house) {
        let company = house.company();
        for (field, good, bad, may_be_null) in fields() {
            let before = company.api.get(PLACE).is(200);
            for (value, rule) in bad {
                let beside = if field == "phone" { "city" } else { "phone" };
                company.api.patch(PLACE, &json!({ field: value, beside: "+45 1" })).faulty(field, rule);
            }
            if !may_be_null {
                company.api.patch(PLACE, &json!({ field: null })).faulty(field, "isNotEmpty");
            }
            assert_eq!(company.api.get(PLACE).is(200), before, "{field}: a refusal changes nothing");
            let changed = company.api.patch(PLACE, &json!({ field: good })).is(200);
            assert_eq!(changed[field], good, "{field}");
            assert_eq!(company.api.get(PLACE).is(200), changed, "{field}");
        }
        let set = company.api.get(PLACE).is(200);
        for (field, good, _, may_be_null) in fields() {
            assert_eq!(set[field], good, "{field} stays when others are set");
            if may_be_null && field != "registrationNumber" {
                assert_eq!(company.api.patch(PLACE, &json!({ field: null })).is(200)[field], json!(null), "{field}");
            }
        }
        let (told, now) = (events(&company), company.api.get(PLACE).is(200));
        assert_eq!(company.api.patch(PLACE, &json!({})).is(200), now);
        assert_eq!(events(&company), told, "what changes nothing is no event");
        company.api.patch(PLACE, &json!({ "vat": "DK", "iban": "x", "colour": "red" })).faulty("colour", "whitelistValidation");
    }

    /// For Denmark the CVR number comes with the VAT number and goes with it; one that was said is checked and stays.
    fn a_registration_number_follows_the_vat_number(house) {
        let company = house.company();
        let number = |body: Value| company.api.patch(PLACE, &body).is(200)["registrationNumber"].clone();
        assert_eq!(company.api.get(PLACE).is(200)["registrationNumber"], "12345674");
        assert_eq!(number(json!({ "vat": "DK87654370" })), "87654370");
        company.api.patch(PLACE, &json!({ "registrationNumber": "12345678" })).faulty("registrationNumber", "isCvr");
        assert_eq!(number(json!({ "registrationNumber": "19552101" })), "19552101");
        assert_eq!(number(json!({ "vat": "DK12345674" })), "19552101");
        assert_eq!(number(json!({ "registrationNumber": null })), "12345674");
        assert_eq!(number(json!({ "vat": null })), json!(null));
    }

    /// A draft and a numbered draft of a note are in no books; the first booking fixes currency, country and mode.
    fn what_books_are_kept_in_stays_once_something_is_booked(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let draft = company.draft(&customer, json!([line(&price, "1")]));
        company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
        for change in [json!({ "mode": "test" }), json!({ "mode": "live" }), json!({ "countryCode": "SE" }), json!({ "countryCode": "DK" })] {
            company.api.patch(PLACE, &change).is(200);
        }
        company.sent("invoices", &draft);
        for (field, other, same) in [("currency", "EUR", "DKK"), ("mode", "test", "live"), ("countryCode", "SE", "DK")] {
            let before = company.api.get(PLACE).is(200);
            let details = company.api.patch(PLACE, &json!({ field: other, "city": "Gudenå" })).refused(400, "COMPANY_HAS_BOOKINGS");
            assert_eq!(details["property"], field);
            assert_eq!(company.api.get(PLACE).is(200), before);
            assert_eq!(company.api.patch(PLACE, &json!({ field: same })).is(200), before);
        }
        company.check_books();
    }

    /// What is missing is named, alone or together; notes are held to it as invoices are, offers are not.
    fn a_live_company_books_when_it_is_complete(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let send = |path: &str, document: &Value| {
            company.api.post(&format!("/v1/{path}/{}/send", text(&document["id"])), &json!({ "deliveryType": "Manual" }))
        };
        let draft = company.draft(&customer, json!([line(&price, "1")]));
        let note = company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
        let whole = company.api.get(PLACE).is(200);
        let fields = ["address", "postalCode", "city", "vat"];
        for field in fields {
            company.api.patch(PLACE, &json!({ field: null })).is(200);
            for (path, document) in [("invoices", &draft), ("credit-notes", &note)] {
                let details = send(path, document).refused(400, "COMPANY_INCOMPLETE");
                assert_eq!(details["missing"], json!([field]), "{path}");
                assert_eq!(company.now(path, document)["sentAt"], json!(null));
            }
            company.api.patch(PLACE, &json!({ field: whole[field] })).is(200);
        }
        company.api.patch(PLACE, &json!({ "address": null, "postalCode": null, "city": null, "vat": null })).is(200);
        let details = send("invoices", &draft).refused(400, "COMPANY_INCOMPLETE");
        assert_eq!(details["missing"], json!(fields));
        // An offer is in no books.
        for path in ["quotes", "order-confirmations"] {
            let offer = company.api.post(&format!("/v1/{path}"), &json!({ "customerId": customer, "lines": [line(&price, "1")] })).is(201);
            send(path, &offer).is(200);
        }
        // Who charges no VAT has no VAT number to tell.
        let rest = json!({ "address": "Lyngvej 7", "postalCode": "8600", "city": "Silkeborg", "isVatRegistered": false });
        company.api.patch(PLACE, &rest).is(200);
        let untaxed = company.customer(json!({ "vatZone": "domestic_without_vat" }));
        let draft = company.draft(&untaxed, json!([line(&price, "1")]));
        send("invoices", &draft).is(200);
        company.check_books();
    }

    /// A company that tries things out is asked for nothing.
    fn a_test_company_books_as_it_is(house) {
        let company = house.company_with(&["--country", "DK", "--test"]);
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        assert_eq!(company.invoice(&customer, json!([line(&price, "1")]))["number"], "INV-00001");
        assert_eq!(company.api.get(PLACE).is(200)["vat"], json!(null));
    }

    /// The day of a document is the company's: between these two places there are 25 hours, so never the same day.
    fn the_time_zone_says_what_day_it_is(house) {
        let day = |zone: &str| {
            let company = house.company_with(&["--country", "DK", "--time-zone", zone]);
            let draft = company.draft(&company.customer(json!({})), json!([line(&company.price("1"), "1")]));
            text(&draft["date"]).to_owned()
        };
        // In this order: a day that ends between the two makes the later one later still.
        let (earlier, later) = (day("Pacific/Pago_Pago"), day("Pacific/Kiritimati"));
        assert!(earlier < later, "{earlier} and {later}");
    }

    /// The Danish chart, its codes, and all else that a company begins with.
    fn a_danish_company_begins_with_danish_books(house) {
        let company = house.company();
        let meant = [("I25", "25"), ("IVV", "25"), ("IVY", "25"), ("U25", "25"), ("UEKS", "0"), ("UEU", "0"), ("UFRI", "0"), ("UOB", "0")];
        let mut found = codes(&company);
        found.sort();
        assert_eq!(found.iter().map(|(code, rate)| (code.as_str(), rate.as_str())).collect::<Vec<_>>(), meant);
        let accounts = company.api.get("/v1/accounts").is(200);
        let account = |number: i64| accounts.as_array().unwrap().iter().find(|account| account["accountNumber"] == number).unwrap();
        assert_eq!((&account(1010)["name"], &account(5600)["name"]), (&json!("Salg af varer og ydelser m/moms"), &json!("Debitorer")));
        begins_with_all(&company, ("Kunder", "Varer og ydelser"), &["25", "0", "0", "0"]);
    }

    /// Elsewhere a chart in English, with a code for each rate of the country.
    fn other_countries_begin_with_their_rates(house) {
        // Rates as of November 2026, by the notices that billing::country names.
        for (country, currency, language, zone, meant) in [
            ("DE", "EUR", "de", "Europe/Berlin", &["19", "7"][..]),
            ("FI", "EUR", "en", "Europe/Helsinki", &["25.5", "13.5", "10"]),
            ("AT", "EUR", "de", "Europe/Vienna", &["20", "13", "10", "4.9"]),
            ("SE", "SEK", "sv", "Europe/Stockholm", &["25", "12", "6"]),
            ("NO", "NOK", "nb", "Europe/Oslo", &["25", "15", "12"]),
            ("US", "USD", "en", "America/New_York", &["0"]),
        ] {
            let company = house.company_with(&["--country", country]);
            let told = company.api.get(PLACE).is(200);
            let by_country = ["currency", "preferredLanguage", "timeZone"].map(|field| text(&told[field]).to_owned());
            assert_eq!(by_country, [currency, language, zone], "{country}");
            let mut sorted = meant.to_vec();
            sorted.sort_unstable();
            assert_eq!(rates(&company), sorted, "{country}");
            begins_with_all(&company, ("Customers", "Goods and services"), &[meant[0], "0", "0", "0"]);
        }
    }

    /// The operator may name other rates, also for Denmark.
    fn rates_are_named_by_the_operator(house) {
        for country in ["CH", "DK"] {
            let company = house.company_with(&["--country", country, "--vat-rates", "8.1,2.6,3.8"]);
            assert_eq!(rates(&company), ["2.6", "3.8", "8.1"], "{country}");
            begins_with_all(&company, ("", ""), &["8.1", "0", "0", "0"]);
        }
    }

    /// The key is printed, and kept as a hash only.
    fn the_first_key_is_shown_once(house) {
        let company = house.company();
        let kept = house.books.whole(&company.id);
        assert!(!format!("{kept:?}").contains(&company.api.key), "a key is kept as it is");
        assert!(!house.command(&["key", "list", "--company", &company.id, "--json"]).contains(&company.api.key));
        assert!(!company.api.get("/v1/api-key").is(200).to_string().contains(&company.api.key));
    }
}

/// A group of customers and one of products by these names (empty for any), whose accounts bear these rates at home, in
/// the EU, abroad and without VAT; a series, a template and a category for each kind, and a first document that works.
fn begins_with_all(company: &Company, (customers, products): (&str, &str), zones: &[&str; 4]) {
    let named = |found: &Value, meant: &str| meant.is_empty() || found == meant;
    let groups = company.api.get("/v1/customer-groups").is(200);
    assert!(groups.as_array().unwrap().len() == 1 && named(&groups[0]["name"], customers), "{groups}");
    assert_eq!(groups[0]["accountNumber"], 5600);
    let groups = company.api.get("/v1/product-groups").is(200)["data"].clone();
    assert!(groups.as_array().unwrap().len() == 1 && named(&groups[0]["name"], products), "{groups}");
    let series = company.api.get("/v1/number-series").is(200);
    let mut kinds: Vec<&str> = series.as_array().unwrap().iter().map(|one| text(&one["documentType"])).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["creditNote", "invoice", "orderConfirmation", "quote"]);
    let templates = company.api.get("/v1/document-templates").is(200);
    let defaults = templates["data"].as_array().unwrap().iter().filter(|template| template["isDefault"] == true);
    assert_eq!(defaults.count(), 4);
    assert_eq!(
        company
            .house
            .books
            .value(&format!("select count(*) from journal_categories where company_id = '{}'", company.id)),
        "1"
    );
    let price = company.price("100");
    let of_price = company.api.get(&format!("/v1/product-prices/{}", text(&price))).is(200)["vatRatesByZone"].clone();
    for (zone, rate) in ["domestic", "eu", "abroad", "domestic_without_vat"].iter().zip(zones) {
        assert_eq!(of_price[zone], *rate, "{zone}");
    }
}
