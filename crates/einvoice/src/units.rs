//! Units of measure: our words and the codes of UN/ECE Recommendation 20 they mean (BT-130).
//! A word is never passed through: `GB` is a code too, and means gallons (US) a day.

/// A code with the words that mean it, in English, Danish, German, Swedish and Norwegian.
const UNITS: &[(&str, &[&str])] = &[
    ("C62", &["one", "stk", "stk.", "styk", "stykker", "pc", "pcs", "piece", "pieces", "st", "st.", "stück", "stuk"]),
    ("C62", &["unit", "units", "enhed", "enheder", "enhet", "enheter", "einheit", "item", "items", "user", "users"]),
    ("C62", &["bruger", "brugere", "seat", "seats", "licens", "licenser", "license", "licenses", "licence", "plads"]),
    ("H87", &[]),
    ("EA", &["each", "ea"]),
    ("MON", &["month", "months", "måned", "måneder", "md", "md.", "mdr", "mdr.", "mnd", "mnd.", "monat", "monate"]),
    ("MON", &["månad", "månader", "mån", "mån.", "mo"]),
    ("QAN", &["quarter", "quarters", "kvartal", "kvartaler", "quartal", "quartale"]),
    ("ANN", &["year", "years", "år", "jahr", "jahre", "yr"]),
    ("WEE", &["week", "weeks", "uge", "uger", "woche", "wochen", "vecka", "veckor", "uke", "uker"]),
    ("DAY", &["day", "days", "dag", "dage", "dagar", "dager", "tag", "tage", "døgn", "dygn"]),
    ("HUR", &["hour", "hours", "time", "timer", "t.", "hr", "hrs", "h", "stunde", "stunden", "std", "std.", "timme"]),
    ("HUR", &["timmar", "tim", "tim."]),
    ("MIN", &["minute", "minutes", "minut", "minutter", "minuten", "minuter", "min", "min."]),
    ("SEC", &["second", "seconds", "sekund", "sekunder", "sekunde", "sekunden", "sek", "s"]),
    ("KGM", &["kg", "kg.", "kilo", "kilogram", "kilogramm"]),
    ("GRM", &["g", "gr", "gram", "gramm"]),
    ("TNE", &["ton", "tons", "tonne", "tonnes", "tonnen"]),
    ("LTR", &["l", "liter", "litre", "litres", "liters"]),
    ("MLT", &["ml", "milliliter", "millilitre"]),
    ("MTR", &["m", "meter", "metre", "metres", "meters"]),
    ("CMT", &["cm", "centimeter", "centimetre"]),
    ("MMT", &["mm", "millimeter", "millimetre"]),
    ("KMT", &["km", "kilometer", "kilometre", "kilometers"]),
    ("MTK", &["m2", "m²", "kvm", "sqm", "kvadratmeter", "quadratmeter"]),
    ("MTQ", &["m3", "m³", "kubikmeter", "cbm"]),
    ("KWH", &["kwh", "kilowatt hour", "kilowatttime"]),
    ("MWH", &["mwh"]),
    ("AD", &["byte", "bytes", "b"]),
    ("2P", &["kb", "kilobyte", "kilobytes"]),
    ("4L", &["mb", "megabyte", "megabytes"]),
    ("E34", &["gb", "gigabyte", "gigabytes"]),
    ("E35", &["tb", "terabyte", "terabytes"]),
    ("XPK", &["package", "packages", "pakke", "pakker", "pk", "pk.", "pkt", "paket", "pack"]),
    ("XBX", &["box", "boxes", "kasse", "kasser", "æske", "æsker", "karton", "kartong"]),
    ("SET", &["set", "sets", "sæt", "satz", "sett"]),
    ("PR", &["pair", "pairs", "par", "paar"]),
    ("P1", &["%", "percent", "procent", "prozent", "prosent"]),
];

/// What a unit is called where no word and no code says it: one.
pub(crate) const ONE: &str = "C62";

/// The code of a unit: of its word, or the unit itself where it is one of the codes above. `None` for any other.
pub(crate) fn code(unit: &str) -> Option<&'static str> {
    let unit = unit.trim();
    let word = unit.to_lowercase();
    let by_code = UNITS.iter().find(|(code, _)| *code == unit);
    by_code.or_else(|| UNITS.iter().find(|(_, words)| words.contains(&word.as_str()))).map(|(code, _)| *code)
}

/// Codes above that OIOUBL 2.1 does not know (its list is that of 2001: F-LIB318).
pub(crate) const UNKNOWN_TO_OIOUBL: [&str; 6] = ["H87", "KMT", "E34", "E35", "XPK", "XBX"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_by_the_table_and_never_passed_through() {
        for (unit, expected) in [
            ("måned", Some("MON")),
            ("Month", Some("MON")),
            ("MON", Some("MON")),
            ("stk.", Some("C62")),
            ("timer", Some("HUR")),
            ("H87", Some("H87")),
            // As codes these mean gallons (US) a day, and parallax seconds.
            ("GB", Some("E34")),
            ("gb", Some("E34")),
            ("C63", None),
            ("palle", None),
        ] {
            assert_eq!(code(unit), expected, "{unit}");
        }
    }

    #[test]
    fn every_code_is_in_the_list_of_the_standard_and_no_word_has_two() {
        for (code, words) in UNITS {
            assert!(en16931::invoice::Code::new(*code).is_in(en16931::codes::generated::UNIT_CODES), "{code}");
            for word in *words {
                let codes = UNITS.iter().filter(|(_, words)| words.contains(word)).count();
                assert_eq!(codes, 1, "{word}");
                assert_eq!(*word, word.to_lowercase());
            }
        }
    }
}
