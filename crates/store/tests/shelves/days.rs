//! The looks of each day read an index of what is open and due, however much is open and not due.

use store::db::Value;

use crate::house::TestHouse;

#[test]
fn what_is_not_due_is_not_read() {
    let looks = [
        (store::days::STATEMENTS, "OVERDUE", "open_items_untold"),
        (store::days::STATEMENTS, "EXPIRED", "quotes_untold"),
        (store::dunning::STATEMENTS, "DUE", "open_items_to_remind"),
    ];
    TestHouse::sqlite()
        .read(move |tx| {
            for (statements, name, index) in looks {
                let (_, text) = statements.iter().find(|(own, _)| *own == name).unwrap();
                let nulls = vec![Value::Null; text.matches('$').count()];
                let mut plan = String::new();
                for mut row in tx.all(&format!("explain query plan {text}"), &nulls)? {
                    let _: (i64, i64, i64) = (row.next()?, row.next()?, row.next()?);
                    plan += &format!("{}\n", row.next::<String>()?);
                }
                let first = plan.lines().next().unwrap();
                assert!(first.starts_with("SEARCH") && first.contains(&format!("{index} (")), "{name}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{name} is sorted by its index: {plan}");
            }
            Ok(())
        })
        .unwrap();
}
