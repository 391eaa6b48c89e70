//! Tiered prices: what is taken of them, what documents make of them, and what credit gives back.

use serde_json::{Value, json};

use crate::house::{Company, line, text};

/// 1 to 5 at 7.00, 6 to 10 at 6.50, from 11 at 6.00 (docs.stripe.com, "Set up tiered pricing").
fn fonts() -> Value {
    json!([{ "upTo": "5", "unitAmount": "7" }, { "upTo": "10", "unitAmount": "6.5" }, { "unitAmount": "6" }])
}

fn price(company: &Company, model: &str, tiers: Value) -> Value {
    company.price_with(json!({}), json!({ "pricingModel": model, "unitAmount": null, "tiers": tiers }))
}

/// Unit price and total of each line.
fn lines(document: &Value) -> Vec<(String, String)> {
    let lines = document["lines"].as_array().unwrap().iter();
    lines.map(|line| (text(&line["unitPrice"]).to_owned(), text(&line["totalPrice"]).to_owned())).collect()
}

fn own(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(price, total)| ((*price).to_owned(), (*total).to_owned())).collect()
}

on_both_engines! {
    /// Each model is made, shown again with its tiers, and refused where they do not fit it.
    fn a_price_has_the_tiers_of_its_model(house) {
        let company = house.company();
        let product = company.api.get(&format!("/v1/product-prices/{}", text(&company.price("1")))).is(200)["productId"].clone();
        let make = |model: &str, more: Value| {
            let mut body = json!({ "productId": product, "billingPeriodType": "ONE_TIME", "pricingModel": model });
            crate::house::merge(&mut body, more);
            company.api.post("/v1/product-prices", &body)
        };
        let made = make("GRADUATED", json!({ "tiers": [{ "upTo": "5", "unitAmount": "7", "flatAmount": "10" }, { "upTo": null, "unitAmount": "6.5" }] })).is(201);
        let shown = json!([
            { "upTo": "5", "unitAmount": "7", "flatAmount": "10", "packageSize": null },
            { "upTo": null, "unitAmount": "6.5", "flatAmount": null, "packageSize": null },
        ]);
        assert_eq!((&made["tiers"], &made["unitAmount"]), (&shown, &json!(null)));
        let place = format!("/v1/product-prices/{}", text(&made["id"]));
        assert_eq!(company.api.get(&place).is(200), made);
        let of_product = company.api.get(&format!("/v1/products/{}", text(&product))).is(200);
        assert!(of_product["prices"].as_array().unwrap().contains(&made), "{of_product}");
        for (model, more, property, rule) in [
            ("VOLUME", json!({}), "tiers", "arrayMinSize"),
            ("VOLUME", json!({ "tiers": [] }), "tiers", "arrayMinSize"),
            ("VOLUME", json!({ "tiers": fonts(), "unitAmount": "1" }), "unitAmount", "isEmpty"),
            ("VOLUME", json!({ "tiers": [{ "upTo": "5", "unitAmount": "1" }] }), "tiers.0.upTo", "isEmpty"),
            ("GRADUATED", json!({ "tiers": [{ "unitAmount": "1" }, { "unitAmount": "2" }] }), "tiers.0.upTo", "isNotEmpty"),
            ("GRADUATED", json!({ "tiers": [{ "upTo": "5", "unitAmount": "1" }, { "upTo": "5", "unitAmount": "1" }, { "unitAmount": "2" }] }), "tiers.1.upTo", "min"),
            ("GRADUATED", json!({ "tiers": [{ "unitAmount": "1", "packageSize": "2" }] }), "tiers.0.packageSize", "isEmpty"),
            ("GRADUATED", json!({ "tiers": [{ "upTo": "0", "unitAmount": "1" }, { "unitAmount": "2" }] }), "tiers.0.upTo", "isPositive"),
            ("GRADUATED", json!({ "tiers": [{ "unitAmount": "-1" }] }), "tiers.0.unitAmount", "min"),
            ("PACKAGE", json!({ "tiers": [{ "unitAmount": "1" }] }), "tiers.0.packageSize", "isNotEmpty"),
            ("PACKAGE", json!({ "tiers": [{ "unitAmount": "1", "packageSize": "5", "upTo": "5" }] }), "tiers.0.upTo", "isEmpty"),
            ("PACKAGE", json!({ "tiers": [{ "unitAmount": "1", "packageSize": "5" }, { "unitAmount": "1", "packageSize": "5" }] }), "tiers", "arrayMaxSize"),
            ("FLAT_RATE", json!({ "unitAmount": "1", "tiers": [{ "unitAmount": "1" }] }), "tiers", "isEmpty"),
        ] {
            make(model, more).faulty(property, rule);
        }
        // Another model takes other fields: what the former had goes with it.
        company.api.patch(&place, &json!({ "pricingModel": "FLAT_RATE" })).faulty("unitAmount", "isNotEmpty");
        let flat = company.api.patch(&place, &json!({ "pricingModel": "FLAT_RATE", "unitAmount": "9" })).is(200);
        assert_eq!((&flat["unitAmount"], &flat["tiers"]), (&json!("9"), &json!([])));
        company.api.patch(&place, &json!({ "pricingModel": "PACKAGE" })).faulty("tiers", "arrayMinSize");
        let package = json!({ "pricingModel": "PACKAGE", "tiers": [{ "unitAmount": "25", "packageSize": "5" }] });
        let package = company.api.patch(&place, &package).is(200);
        assert_eq!((&package["unitAmount"], &package["tiers"][0]["packageSize"]), (&json!(null), &json!("5")));
        assert_eq!(company.api.patch(&place, &json!({ "tiers": [{ "unitAmount": "25.00", "packageSize": "5" }] })).is(200), package);
        company.api.patch(&place, &json!({ "tiers": null })).faulty("tiers", "arrayMinSize");
        assert_eq!(company.api.delete(&place).status, 204);
    }

    /// The tiers give the total; the unit price shown is what one comes to.
    fn a_line_is_charged_by_its_tiers(house) {
        let company = house.company();
        let customer = company.customer(json!({}));
        let volume = price(&company, "VOLUME", fonts());
        let graduated = price(&company, "GRADUATED", fonts());
        let package = price(&company, "PACKAGE", json!([{ "unitAmount": "25", "packageSize": "5" }]));
        for (price, quantity, unit_price, total) in [
            (&volume, "5", "7.00", "35.00"),
            (&volume, "6", "6.50", "39.00"),
            (&volume, "25", "6.00", "150.00"),
            (&graduated, "5", "7.00", "35.00"),
            (&graduated, "6", "6.916667", "41.50"), // 41.50 / 6 = 6.91666…
            (&graduated, "25", "6.30", "157.50"),
            (&package, "8", "6.25", "50.00"),
            (&package, "0.1", "250.00", "25.00"),
            (&package, "5", "5.00", "25.00"),
        ] {
            let draft = company.draft(&customer, json!([line(price, quantity)]));
            assert_eq!(lines(&draft), own(&[(unit_price, total)]), "{quantity}");
            assert_eq!(draft["subtotal"], total);
        }
        // A discount is of the tiers' total; a price of the caller's stands for the tiers.
        let cheaper = json!({ "priceId": graduated, "quantity": "6", "discountPercent": "10" });
        let named = json!({ "priceId": graduated, "quantity": "6", "unitPrice": "5" });
        let draft = company.draft(&customer, json!([cheaper, named]));
        assert_eq!(lines(&draft), own(&[("6.916667", "37.35"), ("5.00", "30.00")]));
        // Used, its tiers stay.
        let place = format!("/v1/product-prices/{}", text(&graduated));
        company.api.patch(&place, &json!({ "tiers": [{ "unitAmount": "1" }] })).refused(400, "PRICE_LOCKED");
        let named = company.api.patch(&place, &json!({ "nickname": "Fonts" })).is(200);
        assert_eq!((named["tiers"].as_array().unwrap().len(), &named["isLocked"]), (3, &json!(true)));
        assert_eq!(company.api.post(&format!("{place}/disable"), &json!({})).is(200)["tiers"], named["tiers"]);
        company.api.delete(&place).refused(400, "PRICE_LOCKED");
    }

    /// In another currency each amount of the tiers is converted as a flat amount is, then the tiers give the total.
    fn tiers_are_taken_in_the_documents_currency(house) {
        let company = house.company();
        let customer = company.customer(json!({ "currency": "EUR" }));
        let tiers = json!([{ "upTo": "5", "unitAmount": "7", "flatAmount": "10" }, { "unitAmount": "6.5" }]);
        let graduated = price(&company, "GRADUATED", tiers);
        let body = json!({ "customerId": customer, "lines": [line(&graduated, "6")] });
        company.api.post("/v1/invoices", &body).refused(400, "EXCHANGE_RATE_MISSING");
        let rate = json!({ "currency": "EUR", "date": "2026-01-01", "rate": "7.5" });
        company.api.send("PUT", "/v1/exchange-rates", &rate).is(200);
        // 7.00, 10.00 and 6.50 DKK are 0.93 (0.9333…), 1.33 (1.3333…) and 0.87 (0.8666…) EUR: 1.33 + 5 × 0.93 + 0.87.
        let draft = company.api.post("/v1/invoices", &body).is(201);
        assert_eq!(lines(&draft), own(&[("1.141667", "6.85")]));
    }

    /// Credit in parts and in any order gives back what the tiers came to, to the last unit.
    fn what_tiers_came_to_is_given_back_whole(house) {
        let company = house.company();
        let customer = company.customer(json!({}));
        let graduated = price(&company, "GRADUATED", json!([{ "upTo": "2", "unitAmount": "3.33", "flatAmount": "0.1" }, { "unitAmount": "1.117" }]));
        let package = price(&company, "PACKAGE", json!([{ "unitAmount": "9.99", "packageSize": "4" }]));
        let invoice = company.invoice(&customer, json!([line(&graduated, "7"), line(&package, "5")]));
        // 2 × 3.33 + 0.10 + 5 × 1.117 = 12.345; two packages.
        assert_eq!(lines(&invoice), own(&[("1.763571", "12.35"), ("3.996", "19.98")]));
        for quantity in ["3", "0.5"] {
            let note = company.credit(&customer, Some(&invoice), json!([line(&graduated, quantity)]), json!({})).is(201);
            company.sent("credit-notes", &note);
        }
        let rest = company.api.post(&format!("/v1/invoices/{}/credit", text(&invoice["id"])), &json!({})).is(201);
        company.sent("credit-notes", &rest);
        let now = company.now("invoices", &invoice);
        assert_eq!((&now["creditedAmount"], &now["openAmount"]), (&now["amount"], &json!("0.00")));
        company.check_books();
        company.settle();
        let xml = company.api.get(&format!("/v1/invoices/{}/xml?format=en16931-ubl", text(&invoice["id"])));
        assert_eq!(xml.status, 200, "{}", xml.text());
        // A note that credits nothing by its line is charged by the tiers too, with its sign.
        let alone = company.credit(&customer, None, json!([line(&package, "5")]), json!({})).is(201);
        assert_eq!(lines(&alone), own(&[("3.996", "-19.98")]));
    }
}
