//! The people and departments of customers, and what documents take of them.

use serde_json::{Value, json};

use crate::house::{Company, line, text};

/// Where the people or departments of a customer stand.
fn below(customer: &Value, what: &str) -> String {
    format!("/v1/customers/{}/{what}", text(customer))
}

fn at(customer: &Value, what: &str, one: &Value) -> String {
    format!("{}/{}", below(customer, what), text(&one["id"]))
}

/// The names of those in a list, with a star at the default.
fn names(company: &Company, place: &str) -> String {
    let list = company.api.get(place).is(200);
    let named = list.as_array().expect("a plain array").iter().map(|one| {
        let star = if one["isDefault"] == true { "*" } else { "" };
        format!("{}{star}", text(&one["name"]))
    });
    named.collect::<Vec<_>>().join(" ")
}

/// An invoice to a customer with more said in its head.
fn draft(company: &Company, customer: &Value, price: &Value, more: Value) -> crate::house::Answer {
    let mut body = json!({ "customerId": customer, "lines": [line(price, "1")] });
    crate::house::merge(&mut body, more);
    company.api.post("/v1/invoices", &body)
}

on_both_engines! {
    /// Added, read, changed, cleared, deleted; one default at most; each deed told.
    fn a_contact_lives_below_its_customer(house) {
        let company = house.company();
        let customer = company.customer(json!({}));
        let place = below(&customer, "contacts");
        assert_eq!(company.api.get(&place).is(200), json!([]));
        let answer = company.api.post(&place, &json!({ "name": "Mette", "email": "mette@lind.example", "phone": "+45 20 30 40 50", "isDefault": true }));
        let location = answer.header("location").unwrap().to_owned();
        let mette = answer.is(201);
        assert!(location.ends_with(&at(&customer, "contacts", &mette)), "{location}");
        let expected = json!({
            "id": mette["id"], "customerId": customer, "name": "Mette", "email": "mette@lind.example",
            "phone": "+45 20 30 40 50", "isDefault": true, "receivesInvoices": false,
        });
        assert_eq!(mette, expected);
        let ole = company.api.post(&place, &json!({ "name": "Ole" })).is(201);
        assert_eq!((&ole["isDefault"], &ole["email"]), (&json!(false), &json!(null)));
        assert_eq!(names(&company, &place), "Mette* Ole");
        // The default steps down for the next.
        company.api.patch(&at(&customer, "contacts", &ole), &json!({ "isDefault": true })).is(200);
        assert_eq!(names(&company, &place), "Mette Ole*");
        company.api.post(&place, &json!({ "name": "Ida", "isDefault": true })).is(201);
        assert_eq!(names(&company, &place), "Mette Ole Ida*");
        // Documents are mailed to those that have an address.
        company.api.patch(&at(&customer, "contacts", &ole), &json!({ "receivesInvoices": true })).faulty("email", "isNotEmpty");
        let both = json!({ "receivesInvoices": true, "email": "ole@lind.example" });
        company.api.patch(&at(&customer, "contacts", &ole), &both).is(200);
        company.api.patch(&at(&customer, "contacts", &ole), &json!({ "email": null })).faulty("email", "isNotEmpty");
        let cleared = company.api.patch(&at(&customer, "contacts", &mette), &json!({ "email": null, "phone": null })).is(200);
        assert_eq!((&cleared["email"], &cleared["phone"], &cleared["name"]), (&json!(null), &json!(null), &json!("Mette")));
        company.api.patch(&at(&customer, "contacts", &mette), &json!({ "name": null })).faulty("name", "isNotEmpty");
        assert_eq!(company.api.patch(&at(&customer, "contacts", &mette), &json!({})).is(200), cleared);
        assert_eq!(company.api.get(&at(&customer, "contacts", &mette)).is(200), cleared);
        assert_eq!(company.api.delete(&at(&customer, "contacts", &mette)).status, 204);
        company.api.get(&at(&customer, "contacts", &mette)).refused(404, "CUSTOMER_CONTACT_NOT_FOUND");
        assert_eq!(names(&company, &place), "Ole Ida*");
        // Below another customer there is no such person.
        let other = company.customer(json!({ "vatNumber": null }));
        for method in ["GET", "PATCH", "DELETE"] {
            company.api.send(method, &at(&other, "contacts", &ole), &json!({})).refused(404, "CUSTOMER_CONTACT_NOT_FOUND");
        }
    }

    /// The same of departments, with every field.
    fn a_department_has_all_its_fields(house) {
        let company = house.company();
        let customer = company.customer(json!({}));
        let place = below(&customer, "departments");
        let body = json!({
            "name": "Skoleforvaltningen", "isDefault": true, "isActive": true, "eanNumber": "5790000436057", "address": "Søvej 1",
            "city": "Silkeborg", "postalCode": "8600", "countryCode": "DK", "email": "skole@silkeborg.example",
        });
        let made = company.api.post(&place, &body).is(201);
        for (field, value) in body.as_object().unwrap() {
            assert_eq!(&made[field], value, "{field}");
        }
        assert_eq!(made["customerId"], customer);
        company.api.post(&place, &json!({ "name": "Park", "eanNumber": "5790000436058" })).faulty("eanNumber", "isGln");
        let least = company.api.post(&place, &json!({ "name": "Park" })).is(201);
        assert_eq!((&least["isDefault"], &least["isActive"], &least["eanNumber"]), (&json!(false), &json!(true), &json!(null)));
        company.api.patch(&at(&customer, "departments", &least), &json!({ "isDefault": true, "isActive": false })).is(200);
        assert_eq!(names(&company, &place), "Skoleforvaltningen Park*");
        assert_eq!(names(&company, &format!("{place}?isActive=true")), "Skoleforvaltningen");
        let cleared = json!({ "eanNumber": null, "address": null, "city": null, "postalCode": null, "countryCode": null, "email": null });
        let cleared = company.api.patch(&at(&customer, "departments", &made), &cleared).is(200);
        for field in ["eanNumber", "address", "city", "postalCode", "countryCode", "email"] {
            assert_eq!(cleared[field], json!(null), "{field}");
        }
        assert_eq!(company.api.get(&at(&customer, "departments", &made)).is(200), cleared);
        assert_eq!(company.api.delete(&at(&customer, "departments", &made)).status, 204);
        company.api.delete(&at(&customer, "departments", &made)).refused(404, "CUSTOMER_DEPARTMENT_NOT_FOUND");
    }

    /// A department's EAN number and address stand for the customer's: in the draft as it is now, in what is
    /// booked as it was then, in the e-invoice too.
    fn a_document_goes_to_its_department_and_contact(house) {
        let company = house.company();
        let customer = company.customer(json!({ "customerType": "public", "eanNumber": "5790000435975", "address": "Torvet 3", "postalCode": "8000", "city": "Aarhus C" }));
        let price = company.price("100");
        let department = json!({ "name": "Skole", "eanNumber": "5790000436057", "address": "Søvej 1", "postalCode": "8600", "city": "Silkeborg" });
        let department = company.api.post(&below(&customer, "departments"), &department).is(201);
        let contact = json!({ "name": "Mette Holm", "email": "mette@lind.example" });
        let contact = company.api.post(&below(&customer, "contacts"), &contact).is(201);
        let head = json!({ "customerDepartmentId": department["id"], "customerContactId": contact["id"] });
        let made = draft(&company, &customer, &price, head.clone()).is(201);
        let buyer = &made["buyer"];
        for (field, value) in [
            ("departmentName", "Skole"), ("contactName", "Mette Holm"), ("eanNumber", "5790000436057"),
            ("address", "Søvej 1"), ("postalCode", "8600"), ("city", "Silkeborg"), ("email", "mette@lind.example"),
        ] {
            assert_eq!(buyer[field], value, "{field}");
        }
        // One that keeps no address of its own is reached at the customer's.
        let archive = company.api.post(&below(&customer, "departments"), &json!({ "name": "Arkiv", "eanNumber": "5790000436064" }));
        let archive = archive.is(201);
        let plain = draft(&company, &customer, &price, json!({ "customerDepartmentId": archive["id"] })).is(201);
        assert_eq!((&plain["buyer"]["address"], &plain["buyer"]["eanNumber"]), (&json!("Torvet 3"), &json!("5790000436064")));

        // A draft follows, what is booked does not.
        let moved = json!({ "address": "Søvej 2" });
        company.api.patch(&at(&customer, "departments", &department), &moved).is(200);
        assert_eq!(company.now("invoices", &made)["buyer"]["address"], "Søvej 2");
        let booked = company.sent("invoices", &made);
        company.api.patch(&at(&customer, "departments", &department), &json!({ "address": "Søvej 3", "eanNumber": null })).is(200);
        let now = company.now("invoices", &booked);
        assert_eq!((&now["buyer"]["address"], &now["buyer"]["eanNumber"]), (&json!("Søvej 2"), &json!("5790000436057")));
        let xml = company.api.get(&format!("/v1/invoices/{}/xml", text(&booked["id"]))).text();
        assert!(xml.contains(">5790000436057</cbc:EndpointID>") && xml.contains(">Skole<"), "{xml}");
        assert!(!xml.contains("5790000435975"), "the customer's own number is not told: {xml}");

        // Named by what is not sent yet they stay; by what is booked alone they may go.
        for what in ["departments", "contacts"] {
            let one = if what == "contacts" { &contact } else { &department };
            let again = draft(&company, &customer, &price, head.clone()).is(201);
            let code = if what == "contacts" { "CUSTOMER_CONTACT_IN_USE" } else { "CUSTOMER_DEPARTMENT_IN_USE" };
            company.api.delete(&at(&customer, what, one)).refused(400, code);
            assert_eq!(company.api.delete(&format!("/v1/invoices/{}", text(&again["id"]))).status, 204);
        }
        for (what, one) in [("departments", &department), ("contacts", &contact)] {
            assert_eq!(company.api.delete(&at(&customer, what, one)).status, 204);
        }
        assert_eq!(company.now("invoices", &booked), now, "what is booked stays as it is");
        draft(&company, &customer, &price, head).refused(404, "CUSTOMER_DEPARTMENT_NOT_FOUND");
        // Credit goes to the customer then.
        let note = company.api.post(&format!("/v1/invoices/{}/credit", text(&booked["id"])), &json!({})).is(201);
        assert_eq!((&note["customerDepartmentId"], &note["customerContactId"]), (&json!(null), &json!(null)));
        assert_eq!(note["buyer"]["address"], "Torvet 3");
    }

    /// Of another customer they are not there; a closed department takes no new document but credit.
    fn a_document_takes_only_what_is_its_customers(house) {
        let company = house.company();
        let (mine, other) = (company.customer(json!({})), company.customer(json!({ "vatNumber": null })));
        let price = company.price("100");
        let contact = company.api.post(&below(&other, "contacts"), &json!({ "name": "Ole" })).is(201);
        let department = company.api.post(&below(&other, "departments"), &json!({ "name": "Park" })).is(201);
        draft(&company, &mine, &price, json!({ "customerContactId": contact["id"] })).refused(404, "CUSTOMER_CONTACT_NOT_FOUND");
        let of_other = json!({ "customerDepartmentId": department["id"] });
        draft(&company, &mine, &price, of_other.clone()).refused(404, "CUSTOMER_DEPARTMENT_NOT_FOUND");
        let invoice = draft(&company, &other, &price, of_other.clone()).is(201);
        let invoice = company.sent("invoices", &invoice);
        company.api.patch(&at(&other, "departments", &department), &json!({ "isActive": false })).is(200);
        draft(&company, &other, &price, of_other.clone()).refused(400, "CUSTOMER_DEPARTMENT_INACTIVE");
        let note = company.credit(&other, Some(&invoice), json!([line(&price, "1")]), of_other).is(201);
        assert_eq!(note["buyer"]["departmentName"], "Park");
    }

    /// Defaults asked for at once leave one.
    fn many_defaults_at_once_leave_one(house) {
        let company = house.company();
        let customer = company.customer(json!({}));
        let place = below(&customer, "contacts");
        std::thread::scope(|scope| {
            for n in 0..8 {
                let (company, place) = (&company, &place);
                scope.spawn(move || company.api.post(place, &json!({ "name": format!("P{n}"), "isDefault": true })).is(201));
            }
        });
        assert_eq!(names(&company, &place).matches('*').count(), 1);
    }
}
