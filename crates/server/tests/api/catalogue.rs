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
