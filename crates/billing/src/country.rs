//! Countries: ISO 3166 codes, and for those a company is likely to be in its
//! currency, zone and VAT rates. Rates of the EU: the Commission's "VAT rates applied in the
//! Member States" (its database Taxes in Europe) and national notices, as of November 2026. What
//! changed last: CY 3 % from 21 July 2023; CZ and LU from 2024; SK from 2025; EE 24 % from
//! 1 July and RO from 1 August 2025; FI 13.5 % and LT 12 % from 2026; AT 4.9 % on some food from
//! 1 July 2026. Parking rates and those of regions are left out. Check yours before you rely on a
//! preset, and change the VAT codes where it is out of date.

/// What a company or customer takes from its country.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Country {
    /// ISO 3166 alpha-2 code.
    pub code: &'static str,
    /// English name; the code where the program needs no name.
    pub name: &'static str,
    /// Whether it is in the EU's VAT territory.
    pub is_eu: bool,
    /// Currency of its companies unless they say otherwise.
    pub currency: &'static str,
    /// IANA zone of its companies unless they say otherwise.
    pub time_zone: &'static str,
    /// What its VAT numbers begin with: the code, `EL` for Greece.
    pub vat_prefix: Option<&'static str>,
    /// Sales VAT rates in percent, the standard one first; none where they are not known here.
    pub vat_rates: &'static [&'static str],
}

impl Country {
    /// The country with that code.
    pub fn parse(code: &str) -> Option<&'static Country> {
        COUNTRIES.iter().find(|country| country.code == code)
    }

    /// The language its papers are in unless the company says otherwise: one the program speaks.
    pub fn language(&self) -> &'static str {
        match self.code {
            "DK" | "FO" | "GL" => "da",
            "DE" | "AT" | "LI" => "de",
            "SE" => "sv",
            "NO" => "nb",
            _ => "en",
        }
    }
}

/// Whether a code names a country of the EU.
pub fn is_eu(code: &str) -> bool {
    Country::parse(code).is_some_and(|country| country.is_eu)
}

/// A country of which only the code is known.
const fn plain(code: &'static str) -> Country {
    Country { code, name: code, is_eu: false, currency: "EUR", time_zone: "UTC", vat_prefix: None, vat_rates: &[] }
}

#[rustfmt::skip]
const COUNTRIES: &[Country] = &[
    Country { code: "AT", name: "Austria", is_eu: true, currency: "EUR", time_zone: "Europe/Vienna", vat_prefix: Some("AT"), vat_rates: &["20", "13", "10", "4.9"] },
    Country { code: "BE", name: "Belgium", is_eu: true, currency: "EUR", time_zone: "Europe/Brussels", vat_prefix: Some("BE"), vat_rates: &["21", "12", "6"] },
    Country { code: "BG", name: "Bulgaria", is_eu: true, currency: "EUR", time_zone: "Europe/Sofia", vat_prefix: Some("BG"), vat_rates: &["20", "9"] },
    Country { code: "CY", name: "Cyprus", is_eu: true, currency: "EUR", time_zone: "Asia/Nicosia", vat_prefix: Some("CY"), vat_rates: &["19", "9", "5", "3"] },
    Country { code: "CZ", name: "Czechia", is_eu: true, currency: "CZK", time_zone: "Europe/Prague", vat_prefix: Some("CZ"), vat_rates: &["21", "12"] },
    Country { code: "DE", name: "Germany", is_eu: true, currency: "EUR", time_zone: "Europe/Berlin", vat_prefix: Some("DE"), vat_rates: &["19", "7"] },
    Country { code: "DK", name: "Denmark", is_eu: true, currency: "DKK", time_zone: "Europe/Copenhagen", vat_prefix: Some("DK"), vat_rates: &["25"] },
    Country { code: "EE", name: "Estonia", is_eu: true, currency: "EUR", time_zone: "Europe/Tallinn", vat_prefix: Some("EE"), vat_rates: &["24", "13", "9"] },
    Country { code: "ES", name: "Spain", is_eu: true, currency: "EUR", time_zone: "Europe/Madrid", vat_prefix: Some("ES"), vat_rates: &["21", "10", "4"] },
    Country { code: "FI", name: "Finland", is_eu: true, currency: "EUR", time_zone: "Europe/Helsinki", vat_prefix: Some("FI"), vat_rates: &["25.5", "13.5", "10"] },
    Country { code: "FR", name: "France", is_eu: true, currency: "EUR", time_zone: "Europe/Paris", vat_prefix: Some("FR"), vat_rates: &["20", "10", "5.5", "2.1"] },
    Country { code: "GR", name: "Greece", is_eu: true, currency: "EUR", time_zone: "Europe/Athens", vat_prefix: Some("EL"), vat_rates: &["24", "13", "6"] },
    Country { code: "HR", name: "Croatia", is_eu: true, currency: "EUR", time_zone: "Europe/Zagreb", vat_prefix: Some("HR"), vat_rates: &["25", "13", "5"] },
    Country { code: "HU", name: "Hungary", is_eu: true, currency: "HUF", time_zone: "Europe/Budapest", vat_prefix: Some("HU"), vat_rates: &["27", "18", "5"] },
    Country { code: "IE", name: "Ireland", is_eu: true, currency: "EUR", time_zone: "Europe/Dublin", vat_prefix: Some("IE"), vat_rates: &["23", "13.5", "9", "4.8"] },
    Country { code: "IT", name: "Italy", is_eu: true, currency: "EUR", time_zone: "Europe/Rome", vat_prefix: Some("IT"), vat_rates: &["22", "10", "5", "4"] },
    Country { code: "LT", name: "Lithuania", is_eu: true, currency: "EUR", time_zone: "Europe/Vilnius", vat_prefix: Some("LT"), vat_rates: &["21", "12", "5"] },
    Country { code: "LU", name: "Luxembourg", is_eu: true, currency: "EUR", time_zone: "Europe/Luxembourg", vat_prefix: Some("LU"), vat_rates: &["17", "14", "8", "3"] },
    Country { code: "LV", name: "Latvia", is_eu: true, currency: "EUR", time_zone: "Europe/Riga", vat_prefix: Some("LV"), vat_rates: &["21", "12", "5"] },
    Country { code: "MT", name: "Malta", is_eu: true, currency: "EUR", time_zone: "Europe/Malta", vat_prefix: Some("MT"), vat_rates: &["18", "12", "7", "5"] },
    Country { code: "NL", name: "Netherlands", is_eu: true, currency: "EUR", time_zone: "Europe/Amsterdam", vat_prefix: Some("NL"), vat_rates: &["21", "9"] },
    Country { code: "PL", name: "Poland", is_eu: true, currency: "PLN", time_zone: "Europe/Warsaw", vat_prefix: Some("PL"), vat_rates: &["23", "8", "5"] },
    Country { code: "PT", name: "Portugal", is_eu: true, currency: "EUR", time_zone: "Europe/Lisbon", vat_prefix: Some("PT"), vat_rates: &["23", "13", "6"] },
    Country { code: "RO", name: "Romania", is_eu: true, currency: "RON", time_zone: "Europe/Bucharest", vat_prefix: Some("RO"), vat_rates: &["21", "11"] },
    Country { code: "SE", name: "Sweden", is_eu: true, currency: "SEK", time_zone: "Europe/Stockholm", vat_prefix: Some("SE"), vat_rates: &["25", "12", "6"] },
    Country { code: "SI", name: "Slovenia", is_eu: true, currency: "EUR", time_zone: "Europe/Ljubljana", vat_prefix: Some("SI"), vat_rates: &["22", "9.5", "5"] },
    Country { code: "SK", name: "Slovakia", is_eu: true, currency: "EUR", time_zone: "Europe/Bratislava", vat_prefix: Some("SK"), vat_rates: &["23", "19", "5"] },
    Country { code: "NO", name: "Norway", is_eu: false, currency: "NOK", time_zone: "Europe/Oslo", vat_prefix: None, vat_rates: &["25", "15", "12"] },
    Country { code: "IS", name: "Iceland", is_eu: false, currency: "ISK", time_zone: "Atlantic/Reykjavik", vat_prefix: None, vat_rates: &["24", "11"] },
    Country { code: "LI", name: "Liechtenstein", is_eu: false, currency: "CHF", time_zone: "Europe/Vaduz", vat_prefix: None, vat_rates: &["8.1", "3.8", "2.6"] },
    Country { code: "CH", name: "Switzerland", is_eu: false, currency: "CHF", time_zone: "Europe/Zurich", vat_prefix: None, vat_rates: &["8.1", "3.8", "2.6"] },
    Country { code: "GB", name: "United Kingdom", is_eu: false, currency: "GBP", time_zone: "Europe/London", vat_prefix: Some("GB"), vat_rates: &["20", "5"] },
    Country { code: "FO", name: "Faroe Islands", is_eu: false, currency: "DKK", time_zone: "Atlantic/Faroe", vat_prefix: None, vat_rates: &[] },
    Country { code: "GL", name: "Greenland", is_eu: false, currency: "DKK", time_zone: "America/Nuuk", vat_prefix: None, vat_rates: &[] },
    Country { code: "US", name: "United States", is_eu: false, currency: "USD", time_zone: "America/New_York", vat_prefix: None, vat_rates: &[] },
    Country { code: "CA", name: "Canada", is_eu: false, currency: "CAD", time_zone: "America/Toronto", vat_prefix: None, vat_rates: &[] },
    Country { code: "AU", name: "Australia", is_eu: false, currency: "AUD", time_zone: "Australia/Sydney", vat_prefix: None, vat_rates: &[] },
    Country { code: "NZ", name: "New Zealand", is_eu: false, currency: "NZD", time_zone: "Pacific/Auckland", vat_prefix: None, vat_rates: &[] },
    Country { code: "JP", name: "Japan", is_eu: false, currency: "JPY", time_zone: "Asia/Tokyo", vat_prefix: None, vat_rates: &[] },
    Country { code: "KW", name: "Kuwait", is_eu: false, currency: "KWD", time_zone: "Asia/Kuwait", vat_prefix: None, vat_rates: &[] },
    Country { code: "CN", name: "China", is_eu: false, currency: "CNY", time_zone: "Asia/Shanghai", vat_prefix: None, vat_rates: &[] },
    Country { code: "HK", name: "Hong Kong", is_eu: false, currency: "HKD", time_zone: "Asia/Hong_Kong", vat_prefix: None, vat_rates: &[] },
    Country { code: "IN", name: "India", is_eu: false, currency: "INR", time_zone: "Asia/Kolkata", vat_prefix: None, vat_rates: &[] },
    Country { code: "SG", name: "Singapore", is_eu: false, currency: "SGD", time_zone: "Asia/Singapore", vat_prefix: None, vat_rates: &[] },
    Country { code: "AE", name: "United Arab Emirates", is_eu: false, currency: "AED", time_zone: "Asia/Dubai", vat_prefix: None, vat_rates: &[] },
    Country { code: "BR", name: "Brazil", is_eu: false, currency: "BRL", time_zone: "America/Sao_Paulo", vat_prefix: None, vat_rates: &[] },
    Country { code: "MX", name: "Mexico", is_eu: false, currency: "MXN", time_zone: "America/Mexico_City", vat_prefix: None, vat_rates: &[] },
    Country { code: "TR", name: "Türkiye", is_eu: false, currency: "TRY", time_zone: "Europe/Istanbul", vat_prefix: None, vat_rates: &[] },
    Country { code: "UA", name: "Ukraine", is_eu: false, currency: "UAH", time_zone: "Europe/Kyiv", vat_prefix: None, vat_rates: &[] },
    Country { code: "RS", name: "Serbia", is_eu: false, currency: "RSD", time_zone: "Europe/Belgrade", vat_prefix: None, vat_rates: &[] },
    Country { code: "ZA", name: "South Africa", is_eu: false, currency: "ZAR", time_zone: "Africa/Johannesburg", vat_prefix: None, vat_rates: &[] },
    Country { code: "KR", name: "South Korea", is_eu: false, currency: "KRW", time_zone: "Asia/Seoul", vat_prefix: None, vat_rates: &[] },
    Country { code: "IL", name: "Israel", is_eu: false, currency: "ILS", time_zone: "Asia/Jerusalem", vat_prefix: None, vat_rates: &[] },
    Country { code: "TH", name: "Thailand", is_eu: false, currency: "THB", time_zone: "Asia/Bangkok", vat_prefix: None, vat_rates: &[] },
    plain("AD"), plain("AF"), plain("AG"), plain("AI"), plain("AL"), plain("AM"), plain("AO"),
    plain("AQ"), plain("AR"), plain("AS"), plain("AW"), plain("AX"), plain("AZ"), plain("BA"),
    plain("BB"), plain("BD"), plain("BF"), plain("BH"), plain("BI"), plain("BJ"), plain("BL"),
    plain("BM"), plain("BN"), plain("BO"), plain("BQ"), plain("BS"), plain("BT"), plain("BV"),
    plain("BW"), plain("BY"), plain("BZ"), plain("CC"), plain("CD"), plain("CF"), plain("CG"),
    plain("CI"), plain("CK"), plain("CL"), plain("CM"), plain("CO"), plain("CR"), plain("CU"),
    plain("CV"), plain("CW"), plain("CX"), plain("DJ"), plain("DM"), plain("DO"), plain("DZ"),
    plain("EC"), plain("EG"), plain("EH"), plain("ER"), plain("ET"), plain("FJ"), plain("FK"),
    plain("FM"), plain("GA"), plain("GD"), plain("GE"), plain("GF"), plain("GG"), plain("GH"),
    plain("GI"), plain("GM"), plain("GN"), plain("GP"), plain("GQ"), plain("GS"), plain("GT"),
    plain("GU"), plain("GW"), plain("GY"), plain("HM"), plain("HN"), plain("HT"), plain("ID"),
    plain("IM"), plain("IO"), plain("IQ"), plain("IR"), plain("JE"), plain("JM"), plain("JO"),
    plain("KE"), plain("KG"), plain("KH"), plain("KI"), plain("KM"), plain("KN"), plain("KP"),
    plain("KY"), plain("KZ"), plain("LA"), plain("LB"), plain("LC"), plain("LK"), plain("LR"),
    plain("LS"), plain("LY"), plain("MA"), plain("MC"), plain("MD"), plain("ME"), plain("MF"),
    plain("MG"), plain("MH"), plain("MK"), plain("ML"), plain("MM"), plain("MN"), plain("MO"),
    plain("MP"), plain("MQ"), plain("MR"), plain("MS"), plain("MU"), plain("MV"), plain("MW"),
    plain("MY"), plain("MZ"), plain("NA"), plain("NC"), plain("NE"), plain("NF"), plain("NG"),
    plain("NI"), plain("NP"), plain("NR"), plain("NU"), plain("OM"), plain("PA"), plain("PE"),
    plain("PF"), plain("PG"), plain("PH"), plain("PK"), plain("PM"), plain("PN"), plain("PR"),
    plain("PS"), plain("PW"), plain("PY"), plain("QA"), plain("RE"), plain("RU"), plain("RW"),
    plain("SA"), plain("SB"), plain("SC"), plain("SD"), plain("SH"), plain("SJ"), plain("SL"),
    plain("SM"), plain("SN"), plain("SO"), plain("SR"), plain("SS"), plain("ST"), plain("SV"),
    plain("SX"), plain("SY"), plain("SZ"), plain("TC"), plain("TD"), plain("TF"), plain("TG"),
    plain("TJ"), plain("TK"), plain("TL"), plain("TM"), plain("TN"), plain("TO"), plain("TT"),
    plain("TV"), plain("TW"), plain("TZ"), plain("UG"), plain("UM"), plain("UY"), plain("UZ"),
    plain("VA"), plain("VC"), plain("VE"), plain("VG"), plain("VI"), plain("VN"), plain("VU"),
    plain("WF"), plain("WS"), plain("YE"), plain("YT"), plain("ZM"), plain("ZW"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Art. 97 of Directive 2006/112: a standard rate is 15 % at least; Art. 98: reduced ones are below it.
    #[test]
    fn rates_of_the_eu_are_such_as_the_directive_has_them() {
        for country in COUNTRIES.iter().filter(|country| country.is_eu) {
            let rates: Vec<rust_decimal::Decimal> =
                country.vat_rates.iter().map(|rate| rate.parse().unwrap()).collect();
            assert!(rates[0] >= 15.into(), "{}", country.code);
            assert!(rates.is_sorted_by(|higher, lower| higher > lower), "{}", country.code);
        }
    }

    #[test]
    fn the_table_is_whole() {
        assert_eq!(COUNTRIES.iter().filter(|country| country.is_eu).count(), 27);
        assert_eq!(COUNTRIES.len(), 249);
        for country in COUNTRIES {
            assert!(crate::money::Currency::parse(country.currency).is_some(), "{}", country.code);
            assert!(!country.is_eu || !country.vat_rates.is_empty(), "{}", country.code);
            assert!(jiff::tz::TimeZone::get(country.time_zone).is_ok(), "{}", country.code);
        }
        assert_eq!(Country::parse("GR").and_then(|country| country.vat_prefix), Some("EL"));
        assert!(Country::parse("XX").is_none());
    }
}
