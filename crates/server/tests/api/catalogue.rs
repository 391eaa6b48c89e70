//! Product groups, products and prices: their fields, their life, and what use does to them.

use serde_json::{Value, json};

use crate::house::{Company, line, text};

/// Path of a resource.
fn at(path: &str, resource: &Value) -> String {
    format!("/v1/{path}/{}", text(&resource["id"]))
}

fn group(company: &Company) -> Value {
    company.api.get("/v1/product-groups").is(200)["data"][0].clone()
}

fn product(company: &Company, number: &str) -> Value {
    let body = json!({ "number": number, "name": "Honey", "productGroupId": group(company)["id"] });
    company.api.post("/v1/products", &body).is(201)
}

on_both_engines! {
    /// A group of one's own: accounts with a VAT code, shown with number and name; kept while products use it.
    fn a_product_group_is_made_changed_and_deleted(house) {
        let company = house.company();
        let first = group(&company);
        assert_eq!((&first["domesticAccountNumber"], &first["euAccountNumber"]), (&json!(1010), &json!(1050)));
        assert_eq!((&first["abroadAccountNumber"], &first["domesticWithoutVatAccountNumber"]), (&json!(1060), &json!(1070)));
        let mut body = json!({
            "number": "2", "name": "Courses", "description": "Evening classes", "domesticAccountId": first["domesticAccountId"],
            "euAccountId": first["euAccountId"], "abroadAccountId": first["abroadAccountId"],
            "domesticWithoutVatAccountId": first["domesticWithoutVatAccountId"],
        });
        let answer = company.api.post("/v1/product-groups", &body);
        let location = answer.header("location").unwrap().to_owned();
        let made = answer.is(201);
        assert!(location.ends_with(&at("product-groups", &made)), "{location}");
        assert_eq!((&made["name"], &made["description"], &made["productCount"]), (&json!("Courses"), &json!("Evening classes"), &json!(0)));
        company.api.post("/v1/product-groups", &body).refused(400, "PRODUCT_GROUP_NUMBER_ALREADY_EXISTS");
        // An account without a VAT code for sales can't say what VAT a sale bears.
        body["number"] = json!("3");
        body["euAccountId"] = company.api.get("/v1/accounts?accountNumber=5820").is(200)[0]["id"].clone();
        let refused = company.api.post("/v1/product-groups", &body);
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert!(refused.text().contains("euAccountId"), "{}", refused.text());

        let place = at("product-groups", &made);
        let changed = company.api.patch(&place, &json!({ "name": "Teaching", "description": null })).is(200);
        assert_eq!((&changed["name"], &changed["description"], &changed["number"]), (&json!("Teaching"), &json!(null), &json!("2")));
        assert_eq!(company.api.patch(&place, &json!({})).is(200), changed, "nothing asked, nothing changed");
        let sold = json!({ "number": "C-1", "name": "Queens", "productGroupId": made["id"] });
        let sold = company.api.post("/v1/products", &sold).is(201);
        assert_eq!(company.api.get(&place).is(200)["productCount"], 1);
        company.api.delete(&place).refused(400, "PRODUCT_GROUP_IN_USE");
        assert_eq!(company.api.delete(&at("products", &sold)).status, 204);
        assert_eq!(company.api.delete(&place).status, 204);
        company.api.get(&place).refused(404, "PRODUCT_GROUP_NOT_FOUND");
        assert_eq!(company.api.get("/v1/product-groups").is(200)["total"], 1);
    }

    /// Each field of a product, its unique number, and the list that leaves prices out.
    fn a_product_has_all_its_fields(house) {
        let company = house.company();
        let body = json!({
            "number": "H-500", "name": "Heather honey", "productGroupId": group(&company)["id"], "description": "500 g",
            "unit": "H87", "isGoods": true, "externalSystemId": "erp-77", "metadata": { "shelf": "B4" },
        });
        let made = company.api.post("/v1/products", &body).is(201);
        for (field, value) in body.as_object().unwrap() {
            assert_eq!(&made[field], value, "{field}");
        }
        assert_eq!((&made["isActive"], &made["prices"]), (&json!(true), &json!([])));
        company.api.post("/v1/products", &body).refused(400, "PRODUCT_NUMBER_ALREADY_EXISTS");
        let place = at("products", &made);
        let changed = company.api.patch(&place, &json!({ "unit": null, "isActive": false, "metadata": { "row": "1" } })).is(200);
        assert_eq!((&changed["unit"], &changed["isActive"], &changed["metadata"]), (&json!(null), &json!(false), &json!({ "row": "1" })));
        company.api.patch(&place, &json!({ "name": null })).faulty("name", "isNotEmpty");
        product(&company, "Z-1");
        let found = |query: &str| {
            let list = company.api.get(&format!("/v1/products?{query}")).is(200);
            assert!(list["data"].as_array().unwrap().iter().all(|product| product.get("prices").is_none()), "{list}");
            list["data"].as_array().unwrap().iter().map(|p| text(&p["number"]).to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(found("isActive=true"), "Z-1");
        assert_eq!(found("metadata[row]=1"), "H-500");
        assert_eq!(found("search=HEATHER"), "H-500");
        assert_eq!(found("sortBy=number&sortOrder=asc"), "H-500 Z-1");
        assert_eq!(found(&format!("productGroupId={}", text(&group(&company)["id"]))).len(), "H-500 Z-1".len());
    }

    /// A group names four accounts: each is needed, is there, and those that VAT is charged by say how much.
    fn a_group_names_accounts_that_tell_the_vat_of_a_sale(house) {
        let company = house.company();
        let first = group(&company);
        let fields = ["domesticAccountId", "euAccountId", "abroadAccountId", "domesticWithoutVatAccountId"];
        let mut body = json!({ "number": "2", "name": "Courses" });
        for field in fields {
            body[field] = first[field].clone();
        }
        let account = |number: u32| company.api.get(&format!("/v1/accounts?accountNumber={number}")).is(200)[0]["id"].clone();
        let foreign = json!("0190a1b2-0000-7000-8000-000000000001");
        for field in ["number", "name"].into_iter().chain(fields) {
            let mut without = body.clone();
            without.as_object_mut().unwrap().remove(field);
            company.api.post("/v1/product-groups", &without).faulty(field, "isNotEmpty");
        }
        let made = company.api.post("/v1/product-groups", &body).is(201);
        let place = at("product-groups", &made);
        for field in fields {
            let details = company.api.patch(&place, &json!({ field: foreign })).refused(404, "ACCOUNT_NOT_FOUND");
            assert_eq!(details["property"], field);
            company.api.patch(&place, &json!({ field: null })).faulty(field, "isNotEmpty");
        }
        // 5820 has no VAT code, 2010 one for purchases.
        for field in &fields[..3] {
            for number in [5820, 2010] {
                let details = company.api.patch(&place, &json!({ *field: account(number) })).refused(400, "ACCOUNT_VAT_CODE_REQUIRED");
                assert_eq!(details["property"], *field);
            }
        }
        assert_eq!(company.api.get(&place).is(200), made, "a refusal changes nothing");
        company.api.patch(&place, &json!({ "number": "1" })).refused(400, "PRODUCT_GROUP_NUMBER_ALREADY_EXISTS");
        let swapped = json!({ "euAccountId": first["abroadAccountId"], "abroadAccountId": first["euAccountId"] });
        let changed = company.api.patch(&place, &swapped).is(200);
        assert_eq!((&changed["euAccountNumber"], &changed["abroadAccountNumber"]), (&json!(1060), &json!(1050)));
        assert_eq!(changed["euAccountName"], first["abroadAccountName"]);
    }

    /// What a product needs, what it must not share, and what becomes of its prices.
    fn a_product_is_checked_and_changed(house) {
        let company = house.company();
        let first = group(&company);
        let body = json!({ "number": "H-1", "name": "Honey", "productGroupId": first["id"], "externalSystemId": "erp-1" });
        for field in ["number", "name", "productGroupId"] {
            let mut without = body.clone();
            without.as_object_mut().unwrap().remove(field);
            company.api.post("/v1/products", &without).faulty(field, "isNotEmpty");
        }
        let foreign = json!("0190a1b2-0000-7000-8000-000000000001");
        let made = company.api.post("/v1/products", &body).is(201);
        let least = ["description", "unit"].map(|field| made[field].clone());
        assert_eq!((least, &made["isGoods"], &made["metadata"]), ([json!(null), json!(null)], &json!(false), &json!({})));
        let other = product(&company, "H-2");
        let with = |number: &str, id: &str, group: &Value| {
            company.api.post("/v1/products", &json!({ "number": number, "name": "Wax", "productGroupId": group, "externalSystemId": id }))
        };
        assert_eq!(with("H-3", "erp-1", &first["id"]).refused(400, "EXTERNAL_SYSTEM_ID_ALREADY_EXISTS")["property"], "externalSystemId");
        assert_eq!(with("H-1", "erp-3", &first["id"]).refused(400, "PRODUCT_NUMBER_ALREADY_EXISTS")["property"], "number");
        assert_eq!(with("H-3", "erp-3", &foreign).refused(404, "PRODUCT_GROUP_NOT_FOUND")["property"], "productGroupId");
        let patch = |change: Value| company.api.patch(&at("products", &other), &change);
        patch(json!({ "number": "H-1" })).refused(400, "PRODUCT_NUMBER_ALREADY_EXISTS");
        patch(json!({ "externalSystemId": "erp-1" })).refused(400, "EXTERNAL_SYSTEM_ID_ALREADY_EXISTS");
        patch(json!({ "productGroupId": foreign })).refused(404, "PRODUCT_GROUP_NOT_FOUND");
        patch(json!({ "metadata": { "k": 7 } })).faulty("metadata.k", "isString");
        assert_eq!(company.api.get(&at("products", &other)).is(200), other, "a refusal changes nothing");
        let same = json!({ "number": "H-1", "externalSystemId": "erp-1" });
        assert_eq!(company.api.patch(&at("products", &made), &same).is(200), made);
        // Into another group: the VAT of its prices is that of the group's accounts.
        let mut untaxed = json!({ "number": "2", "name": "Courses" });
        for field in ["domesticAccountId", "euAccountId", "abroadAccountId", "domesticWithoutVatAccountId"] {
            untaxed[field] = first["domesticWithoutVatAccountId"].clone();
        }
        let untaxed = company.api.post("/v1/product-groups", &untaxed).is(201);
        let price = json!({ "productId": other["id"], "billingPeriodType": "ONE_TIME", "pricingModel": "FLAT_RATE", "unitAmount": "10" });
        let price = company.api.post("/v1/product-prices", &price).is(201);
        assert_eq!(price["vatRatesByZone"]["domestic"], "25");
        let moved = patch(json!({ "productGroupId": untaxed["id"] })).is(200);
        assert_eq!(moved["prices"][0]["vatRatesByZone"]["domestic"], "0");
        // With a product go its prices that nothing names.
        assert_eq!(company.api.delete(&at("products", &other)).status, 204);
        company.api.get(&at("product-prices", &price)).refused(404, "PRICE_NOT_FOUND");
    }

    /// What fits together in a price: interval and period, model and amount, meter and usage.
    fn a_price_is_checked(house) {
        let company = house.company();
        let sold = product(&company, "H-1");
        let price = |changes: Value| {
            let mut body = json!({ "productId": sold["id"], "billingPeriodType": "ONE_TIME", "pricingModel": "FLAT_RATE", "unitAmount": "10" });
            crate::house::merge(&mut body, changes);
            company.api.post("/v1/product-prices", &body)
        };
        for field in ["productId", "billingPeriodType", "pricingModel", "unitAmount"] {
            price(json!({ field: null })).faulty(field, "isNotEmpty");
        }
        for (changes, field, rule) in [
            (json!({ "billingPeriodType": "SOMETIMES" }), "billingPeriodType", "isIn"),
            (json!({ "pricingModel": "HAGGLE" }), "pricingModel", "isIn"),
            (json!({ "unitAmount": "-1" }), "unitAmount", "min"),
            (json!({ "unitAmount": "1.1234567" }), "unitAmount", "isDecimal"),
            (json!({ "currency": "XXX" }), "currency", "isISO4217CurrencyCode"),
            (json!({ "billingInterval": "MONTH" }), "billingInterval", "isEmpty"),
            (json!({ "billingIntervalCount": 2 }), "billingIntervalCount", "isEmpty"),
            (json!({ "billingPeriodType": "RECURRING" }), "billingInterval", "isNotEmpty"),
            (json!({ "billingPeriodType": "RECURRING", "billingInterval": "FORTNIGHT" }), "billingInterval", "isIn"),
            (json!({ "billingPeriodType": "RECURRING", "billingInterval": "MONTH", "billingIntervalCount": 0 }), "billingIntervalCount", "min"),
            (json!({ "billingPeriodType": "RECURRING", "billingInterval": "MONTH", "meterId": "m" }), "meterId", "isEmpty"),
            (json!({ "billingPeriodType": "USAGE", "billingInterval": "MONTH" }), "meterId", "isNotEmpty"),
            (json!({ "tiers": [{ "upTo": null, "unitAmount": "1" }] }), "tiers", "isEmpty"),
        ] {
            price(changes).faulty(field, rule);
        }
        let foreign = "0190a1b2-0000-7000-8000-000000000001";
        assert_eq!(price(json!({ "productId": foreign })).refused(404, "PRODUCT_NOT_FOUND")["property"], "productId");
        let usage = json!({ "billingPeriodType": "USAGE", "billingInterval": "MONTH", "meterId": "m" });
        assert_eq!(price(usage).refused(404, "METER_NOT_FOUND")["property"], "meterId");
        assert_eq!(company.api.get(&at("products", &sold)).is(200)["prices"], json!([]), "what is refused is not made");
        for interval in ["DAY", "WEEK", "MONTH", "YEAR"] {
            let made = price(json!({ "billingPeriodType": "RECURRING", "billingInterval": interval })).is(201);
            assert_eq!((&made["billingInterval"], &made["billingIntervalCount"]), (&json!(interval), &json!(1)));
        }
        // What the former kind had goes with it.
        let made = price(json!({ "billingPeriodType": "RECURRING", "billingInterval": "MONTH", "billingIntervalCount": 3 })).is(201);
        let place = at("product-prices", &made);
        let once = company.api.patch(&place, &json!({ "billingPeriodType": "ONE_TIME" })).is(200);
        assert_eq!((&once["billingInterval"], &once["billingIntervalCount"]), (&json!(null), &json!(null)));
        company.api.patch(&place, &json!({ "billingPeriodType": "RECURRING" })).faulty("billingInterval", "isNotEmpty");
        // The currencies it can be taken in: its own, and those that are quoted today.
        assert_eq!(once["availableCurrencies"], json!(["DKK"]));
        for currency in ["EUR", "SEK"] {
            let rate = json!({ "currency": currency, "date": "2026-01-01", "rate": "7.4567" });
            company.api.send("PUT", "/v1/exchange-rates", &rate).is(200);
        }
        assert_eq!(company.api.get(&place).is(200)["availableCurrencies"], json!(["DKK", "EUR", "SEK"]));
    }

    /// Of a price that a line names nothing changes but its nickname.
    fn nothing_of_a_locked_price_changes(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let place = format!("/v1/product-prices/{}", text(&price));
        company.draft(&customer, json!([line(&price, "1")]));
        let before = company.api.get(&place).is(200);
        for change in [
            json!({ "unitAmount": "310" }), json!({ "unitAmount": "300" }), json!({ "currency": "EUR" }), json!({ "pricingModel": "VOLUME" }),
            json!({ "billingPeriodType": "RECURRING", "billingInterval": "MONTH" }), json!({ "billingInterval": null }),
            json!({ "billingIntervalCount": null }), json!({ "meterId": null }), json!({ "tiers": null }),
            json!({ "nickname": "New", "unitAmount": "1" }),
        ] {
            company.api.patch(&place, &change).refused(400, "PRICE_LOCKED");
        }
        assert_eq!(company.api.get(&place).is(200), before);
        // Its life goes on.
        assert_eq!(company.api.patch(&place, &json!({ "nickname": null })).is(200)["nickname"], json!(null));
        for (verb, status) in [("disable", "DISABLED"), ("activate", "ACTIVE"), ("archive", "ARCHIVED")] {
            let after = company.api.post(&format!("{place}/{verb}"), &json!({})).is(200);
            assert_eq!((&after["status"], &after["isLocked"], &after["unitAmount"]), (&json!(status), &json!(true), &before["unitAmount"]));
        }
        company.api.post(&format!("{place}/set-default"), &json!({})).refused(400, "PRICE_STATUS_INVALID");
    }

    /// A line takes no price that is a draft, disabled or archived, on any kind of document.
    fn only_active_prices_are_sold(house) {
        let company = house.company();
        let (customer, sold) = (company.customer(json!({})), product(&company, "H-1"));
        let body = json!({ "productId": sold["id"], "billingPeriodType": "ONE_TIME", "pricingModel": "FLAT_RATE", "unitAmount": "10" });
        for verbs in [&[][..], &["activate", "disable"], &["archive"], &["activate", "archive"]] {
            let price = company.api.post("/v1/product-prices", &body).is(201);
            for verb in verbs {
                company.api.post(&format!("{}/{verb}", at("product-prices", &price)), &json!({})).is(200);
            }
            for path in ["invoices", "credit-notes", "quotes", "order-confirmations"] {
                let body = json!({ "customerId": customer, "lines": [line(&price["id"], "1")] });
                company.api.post(&format!("/v1/{path}"), &body).refused(400, "PRICE_NOT_ACTIVE");
            }
            assert_eq!(company.api.get(&at("product-prices", &price)).is(200)["isLocked"], false, "a refused line names nothing");
        }
    }

    /// Draft, active, disabled, archived: each step, and each that is none.
    fn a_price_lives_from_draft_to_archived(house) {
        let company = house.company();
        let sold = product(&company, "H-1");
        let body = json!({
            "productId": sold["id"], "billingPeriodType": "ONE_TIME", "pricingModel": "FLAT_RATE", "unitAmount": "12.345678",
            "nickname": "List price",
        });
        let price = company.api.post("/v1/product-prices", &body).is(201);
        assert_eq!((&price["status"], &price["isDefault"], &price["isLocked"]), (&json!("DRAFT"), &json!(true), &json!(false)));
        assert_eq!((&price["unitAmount"], &price["baseCurrency"], &price["currency"]), (&json!("12.345678"), &json!("DKK"), &json!("DKK")));
        assert_eq!(price["vatRatesByZone"], json!({ "domestic": "25", "eu": "0", "abroad": "0", "domestic_without_vat": "0" }));
        let second = company.api.post("/v1/product-prices", &body).is(201);
        assert_eq!(second["isDefault"], false, "the first of a product is its default");
        let step = |price: &Value, verb: &str| company.api.post(&format!("{}/{verb}", at("product-prices", price)), &json!({}));
        step(&price, "disable").refused(400, "PRICE_STATUS_INVALID");
        for (verb, status) in [("activate", "ACTIVE"), ("disable", "DISABLED"), ("activate", "ACTIVE")] {
            assert_eq!(step(&price, verb).is(200)["status"], status, "{verb}");
        }
        step(&price, "activate").refused(400, "PRICE_STATUS_INVALID");
        assert_eq!(step(&second, "set-default").is(200)["isDefault"], true);
        assert_eq!(company.api.get(&at("product-prices", &price)).is(200)["isDefault"], false);
        assert_eq!(step(&price, "archive").is(200)["status"], "ARCHIVED");
        for verb in ["activate", "disable", "archive"] {
            step(&price, verb).refused(400, "PRICE_STATUS_INVALID");
        }
        let shown = company.api.get(&at("products", &sold)).is(200);
        assert_eq!(shown["prices"].as_array().unwrap().len(), 2);
        // A draft that nothing names can go.
        assert_eq!(company.api.delete(&at("product-prices", &second)).status, 204);
        company.api.get(&at("product-prices", &second)).refused(404, "PRICE_NOT_FOUND");
    }

    /// Named by a line, were it a draft's, a price keeps its amounts for good.
    fn a_price_that_was_used_is_locked(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let place = format!("/v1/product-prices/{}", text(&price));
        company.api.patch(&place, &json!({ "unitAmount": "310" })).is(200);
        let draft = company.draft(&customer, json!([line(&price, "1")]));
        assert_eq!(draft["subtotal"], "310.00");
        company.api.patch(&place, &json!({ "unitAmount": "320" })).refused(400, "PRICE_LOCKED");
        let renamed = company.api.patch(&place, &json!({ "nickname": "Old list" })).is(200);
        assert_eq!((&renamed["nickname"], &renamed["isLocked"]), (&json!("Old list"), &json!(true)));
        company.api.delete(&place).refused(400, "PRICE_LOCKED");
        let product = format!("/v1/products/{}", text(&renamed["productId"]));
        company.api.delete(&product).refused(400, "PRODUCT_IN_USE");
        assert_eq!(company.api.delete(&format!("/v1/invoices/{}", text(&draft["id"]))).status, 204);
        company.api.delete(&place).refused(400, "PRICE_LOCKED");
    }

    /// A line takes an active price of an active product, in a currency that is known.
    fn a_line_takes_an_active_price_only(house) {
        let company = house.company();
        let customer = company.customer(json!({}));
        let sold = product(&company, "H-1");
        let body = json!({ "productId": sold["id"], "billingPeriodType": "ONE_TIME", "pricingModel": "FLAT_RATE", "unitAmount": "10" });
        let price = company.api.post("/v1/product-prices", &body).is(201);
        let draft = |more: Value| {
            let mut body = json!({ "customerId": customer, "lines": [line(&price["id"], "1")] });
            crate::house::merge(&mut body, more);
            company.api.post("/v1/invoices", &body)
        };
        draft(json!({})).refused(400, "PRICE_NOT_ACTIVE");
        company.api.post(&format!("{}/activate", at("product-prices", &price)), &json!({})).is(200);
        draft(json!({})).is(201);
        draft(json!({ "currency": "EUR" })).refused(400, "EXCHANGE_RATE_MISSING");
        let rate = json!({ "currency": "EUR", "date": "2026-01-01", "rate": "7.4567" });
        company.api.send("PUT", "/v1/exchange-rates", &rate).is(200);
        // 10.00 DKK are 1.341075… EUR: a price of whole øre gives one of whole cents.
        let made = draft(json!({ "currency": "EUR" })).is(201);
        assert_eq!((&made["lines"][0]["unitPrice"], &made["subtotal"]), (&json!("1.34"), &json!("1.34")));
        // 0.0088 DKK are 0.00118014… EUR, and 0.01 DKK 0.00134107…: neither becomes free.
        for (amount, unit_price, subtotal) in [("0.0088", "0.00118", "18.88"), ("0.01", "0.001341", "21.46")] {
            let lines = json!([line(&company.price(amount), "16000")]);
            let made = draft(json!({ "currency": "EUR", "lines": lines })).is(201);
            assert_eq!((&made["lines"][0]["unitPrice"], &made["subtotal"]), (&json!(unit_price), &json!(subtotal)));
        }
        company.api.patch(&at("products", &sold), &json!({ "isActive": false })).is(200);
        draft(json!({})).refused(400, "PRODUCT_INACTIVE");
    }
}
