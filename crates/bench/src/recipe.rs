//! What the making of one credit note writes, learnt from the books before and
//! after it: each new row, each change, and which of their values move on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use store::db::{Cell, Column, Row, Tx, Value};
use store::{Config, Database};
use uuid::Uuid;

use crate::Failed;

/// The writes of one making, in an order that foreign keys allow.
pub struct Recipe {
    /// The statements.
    pub writes: Vec<Write>,
    /// How many ids each making takes.
    ids: usize,
}

/// One statement with a pattern for each of its values.
pub struct Write {
    /// `insert …` or `update …`, with `$1` placeholders.
    pub sql: String,
    /// What it is given.
    pub values: Vec<Pattern>,
    /// Of an update that counts: how it takes its number, and the last one taken.
    pub count: Option<Count>,
}

/// A row that counts, and so holds the company for whoever counts next.
pub struct Count {
    /// `update … returning …`, without placeholders.
    pub sql: String,
    /// The number it held when the recipe was learnt.
    pub last: i64,
}

/// How a value comes to be.
pub enum Pattern {
    /// It is the same each time.
    Same(Cell),
    /// It goes on by a step.
    Count { last: i64, step: i64 },
    /// A text with parts that move.
    Text(Vec<Piece>),
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// It is the same each time.
    Same(String),
    /// One of the making's own ids.
    Id(usize),
    /// A number that goes on, padded with zeros.
    Number { last: i64, width: usize },
}

/// The ids of one making.
pub struct Ids(Vec<String>);

impl Recipe {
    /// Learns it from a company by three makings. The first may do what no later one does again.
    pub fn learn(
        shelves: &Config,
        company: &str,
        mut make: impl FnMut() -> Result<(), Failed>,
    ) -> Result<Recipe, Failed> {
        let database = Database::open(shelves)?;
        let tables = tables(&database, shelves)?;
        make()?;
        let before = Books::read(&database, &tables, company)?;
        make()?;
        let between = Books::read(&database, &tables, company)?;
        make()?;
        let after = Books::read(&database, &tables, company)?;
        compare(&tables, &before, &between, &after)
    }

    /// The ids of the next making.
    pub fn ids(&self) -> Ids {
        Ids((0..self.ids).map(|_| Uuid::now_v7().to_string()).collect())
    }
}

impl Pattern {
    /// The value of a making, the first after the recipe was learnt being 1.
    pub fn value(&self, making: i64, ids: &Ids) -> Value<'_> {
        match self {
            Pattern::Same(Cell::Null) => Value::Null,
            Pattern::Same(Cell::Int(number)) => Value::from(*number),
            Pattern::Same(Cell::Text(text)) => Value::from(text),
            Pattern::Same(Cell::Bytes(bytes)) => Value::from(bytes.as_slice()),
            Pattern::Count { last, step } => Value::from(last + step * making),
            Pattern::Text(pieces) => {
                let mut text = String::with_capacity(64);
                for piece in pieces {
                    match piece {
                        Piece::Same(part) => text.push_str(part),
                        Piece::Id(at) => text.push_str(&ids.0[*at]),
                        Piece::Number { last, width } => text.push_str(&format!("{:0width$}", last + making)),
                    }
                }
                Value::from(text)
            }
        }
    }
}

/// A table that holds rows of companies.
struct Table {
    name: String,
    columns: Vec<String>,
    /// Which of its columns are its key.
    key: Vec<usize>,
}

/// The tables that hold rows of companies, those that others point at before them.
fn tables(database: &Database, shelves: &Config) -> Result<Vec<Table>, Failed> {
    let (columns, references) = match shelves {
        Config::Sqlite { .. } => (
            "select m.name, c.name, c.pk from sqlite_master m join pragma_table_info(m.name) c \
             where m.type = 'table' order by m.name, c.cid",
            "select m.name, f.\"table\" from sqlite_master m join pragma_foreign_key_list(m.name) f where m.type = 'table'",
        ),
        Config::Postgres { .. } => (
            "select t.relname::text, c.attname::text, case when c.attnum = any (k.indkey) then 1 else 0 end::bigint \
             from pg_class t join pg_attribute c on c.attrelid = t.oid and c.attnum > 0 and not c.attisdropped \
             left join pg_index k on k.indrelid = t.oid and k.indisprimary \
             where t.relkind = 'r' and t.relnamespace = 'public'::regnamespace order by t.relname, c.attnum",
            "select conrelid::regclass::text, confrelid::regclass::text from pg_constraint where contype = 'f'",
        ),
    };
    let (columns, references) =
        database.read::<_, store::Error, _>(move |tx| Ok((rows(tx, columns, 3)?, rows(tx, references, 2)?))).wait()?;
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for row in columns {
        let [Cell::Text(table), Cell::Text(column), Cell::Int(key)] = &row[..] else {
            return Err("the catalogue of tables reads differently".into());
        };
        let new = || Table { name: table.clone(), columns: Vec::new(), key: Vec::new() };
        let table = tables.entry(table.clone()).or_insert_with(new);
        if *key > 0 {
            table.key.push(table.columns.len());
        }
        table.columns.push(column.clone());
    }
    let mut parents: HashMap<String, Vec<String>> = HashMap::new();
    for row in references {
        let [Cell::Text(child), Cell::Text(parent)] = &row[..] else {
            return Err("the catalogue of keys reads differently".into());
        };
        if child != parent {
            parents.entry(child.clone()).or_default().push(parent.clone());
        }
    }
    let mut tables: Vec<Table> =
        tables.into_values().filter(|table| table.columns.iter().any(|column| column == "company_id")).collect();
    tables.sort_by_key(|table| depth(&parents, &table.name));
    Ok(tables)
}

/// How long the longest chain of tables is that a table points along.
fn depth(parents: &HashMap<String, Vec<String>>, table: &str) -> usize {
    parents.get(table).into_iter().flatten().map(|parent| 1 + depth(parents, parent)).max().unwrap_or(0)
}

struct Kept(Cell);

impl Column for Kept {
    fn read(cell: Cell) -> Result<Kept, store::Error> {
        Ok(Kept(cell))
    }
}

fn rows(tx: &mut dyn Tx, sql: &str, width: usize) -> Result<Vec<Vec<Cell>>, store::Error> {
    let cells = |mut row: Row| (0..width).map(|_| row.next::<Kept>().map(|kept| kept.0)).collect();
    tx.all(sql, &[])?.into_iter().map(cells).collect()
}

/// A key's cells as they are ordered by.
type Key = Vec<String>;

/// All rows of a company, by table and key.
struct Books(Vec<BTreeMap<Key, Vec<Cell>>>);

impl Books {
    fn read(database: &Database, tables: &[Table], company: &str) -> Result<Books, Failed> {
        let statements: Vec<(String, usize)> = tables
            .iter()
            .map(|Table { name, columns, .. }| {
                (format!("select {} from {name} where company_id = '{company}'", columns.join(", ")), columns.len())
            })
            .collect();
        let read = database.read::<_, store::Error, _>(move |tx| {
            statements.iter().map(|(sql, width)| rows(tx, sql, *width)).collect::<Result<Vec<_>, _>>()
        });
        let by_key = |table: &Table, rows: Vec<Vec<Cell>>| {
            rows.into_iter().map(|row| (table.key.iter().map(|&at| sortable(&row[at])).collect(), row)).collect()
        };
        Ok(Books(read.wait()?.into_iter().zip(tables).map(|(rows, table)| by_key(table, rows)).collect()))
    }

    /// Every id that stands anywhere in the books.
    fn ids(&self) -> BTreeSet<&str> {
        let cells = self.0.iter().flat_map(|table| table.values()).flatten();
        let texts = cells.filter_map(|cell| if let Cell::Text(text) = cell { Some(text.as_str()) } else { None });
        texts.flat_map(parts).filter(|(kind, _)| *kind == Part::Id).map(|(_, text)| text).collect()
    }
}

/// Numbers in their order as texts.
fn sortable(cell: &Cell) -> String {
    match cell {
        Cell::Int(number) => format!("{number:020}"),
        Cell::Text(text) => text.clone(),
        Cell::Null | Cell::Bytes(_) => String::new(),
    }
}

/// The recipe of what came between the last two of three looks at the books. What moved on
/// shows by comparison with what came between the first two.
fn compare(tables: &[Table], before: &Books, between: &Books, after: &Books) -> Result<Recipe, Failed> {
    let mut ids = MakingIds { known: between.ids(), own: Vec::new() };
    let mut writes = Vec::new();
    for (at, table) in tables.iter().enumerate() {
        let (before, between, after) = (&before.0[at], &between.0[at], &after.0[at]);
        let new = |since: &BTreeMap<Key, Vec<Cell>>, now: &'_ BTreeMap<Key, Vec<Cell>>| -> Vec<Vec<Cell>> {
            now.iter().filter(|(key, _)| !since.contains_key(*key)).map(|(_, row)| row.clone()).collect()
        };
        let (earlier, later) = (new(before, between), new(between, after));
        if earlier.len() != later.len() {
            return Err(format!("two makings in a row differ in {}", table.name).into());
        }
        for (earlier, later) in earlier.iter().zip(&later) {
            let values: Vec<Pattern> =
                earlier.iter().zip(later).map(|(earlier, later)| ids.pattern(earlier, later)).collect();
            writes.push(insert(table, values));
        }
        for (key, later) in after {
            if let Some(earlier) = between.get(key).filter(|earlier| *earlier != later) {
                writes.push(update(table, earlier, later, &mut ids));
            }
        }
    }
    if !writes.iter().any(|write| write.count.is_some()) {
        return Err("no row counts the credit notes".into());
    }
    let ids = ids.own.len();
    Ok(Recipe { writes, ids })
}

fn insert(table: &Table, values: Vec<Pattern>) -> Write {
    let Table { name, columns, .. } = table;
    let places: Vec<String> = (1..=columns.len()).map(|at| format!("${at}")).collect();
    let sql = format!("insert into {name} ({}) values ({})", columns.join(", "), places.join(", "));
    Write { sql, values, count: None }
}

fn update(table: &Table, earlier: &[Cell], later: &[Cell], ids: &mut MakingIds<'_>) -> Write {
    let Table { name, columns, key } = table;
    let (mut values, mut changes, mut count) = (Vec::new(), Vec::new(), None);
    let is_key: Vec<String> = key.iter().map(|&at| format!("{} = {}", columns[at], literal(&later[at]))).collect();
    let is_key = is_key.join(" and ");
    for (at, column) in columns.iter().enumerate().filter(|(at, _)| earlier[*at] != later[*at]) {
        values.push(ids.pattern(&earlier[at], &later[at]));
        changes.push(format!("{column} = ${}", values.len()));
        if let Some(Pattern::Count { last, step: 1 }) = values.last() {
            let sql = format!("update {name} set {column} = {column} + 1 where {is_key} returning {column}");
            count = count.or(Some(Count { sql, last: *last }));
        }
    }
    Write { sql: format!("update {name} set {} where {is_key}", changes.join(", ")), values, count }
}

fn literal(cell: &Cell) -> String {
    match cell {
        Cell::Int(number) => number.to_string(),
        Cell::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Cell::Null | Cell::Bytes(_) => "null".to_owned(),
    }
}

/// The ids that a making brought, each with its place.
struct MakingIds<'a> {
    known: BTreeSet<&'a str>,
    own: Vec<String>,
}

impl MakingIds<'_> {
    fn pattern(&mut self, earlier: &Cell, later: &Cell) -> Pattern {
        match (earlier, later) {
            (Cell::Int(earlier), Cell::Int(later)) if earlier != later => {
                Pattern::Count { last: *later, step: later - earlier }
            }
            (Cell::Text(earlier), Cell::Text(later)) => {
                let pieces = self.pieces(earlier, later);
                match &pieces[..] {
                    [] | [Piece::Same(_)] => Pattern::Same(Cell::Text(later.clone())),
                    _ => Pattern::Text(pieces),
                }
            }
            (_, later) => Pattern::Same(later.clone()),
        }
    }

    fn pieces(&mut self, earlier: &str, later: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut earlier = parts(earlier);
        for (kind, text) in parts(later) {
            let before = earlier.next().filter(|(before, _)| *before == kind);
            let piece = match kind {
                Part::Id if !self.known.contains(text) => {
                    let at = self.own.iter().position(|id| id == text).unwrap_or(self.own.len());
                    if at == self.own.len() {
                        self.own.push(text.to_owned());
                    }
                    Piece::Id(at)
                }
                Part::Digits => {
                    match (before.and_then(|(_, digits)| digits.parse::<i64>().ok()), text.parse::<i64>()) {
                        (Some(before), Ok(last)) if last == before + 1 => Piece::Number { last, width: text.len() },
                        _ => Piece::Same(text.to_owned()),
                    }
                }
                Part::Id | Part::Words => Piece::Same(text.to_owned()),
            };
            match (pieces.last_mut(), piece) {
                (Some(Piece::Same(whole)), Piece::Same(text)) => whole.push_str(&text),
                (_, piece) => pieces.push(piece),
            }
        }
        pieces
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Part {
    Id,
    Digits,
    Words,
}

/// How an instant is written, a 0 for each digit.
const INSTANT: &str = "0000-00-00T00:00:00.000Z";

fn starts_instant(text: &str) -> bool {
    let fits = |(own, form): (u8, u8)| if form == b'0' { own.is_ascii_digit() } else { own == form };
    text.len() >= INSTANT.len() && text.bytes().zip(INSTANT.bytes()).all(fits)
}

/// A text as ids, instants, runs of digits and what stands between them.
fn parts(text: &str) -> impl Iterator<Item = (Part, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let starts_id = |text: &str| text.get(..36).is_some_and(|id| Uuid::try_parse(id).is_ok());
        let (kind, length) = match rest {
            "" => return None,
            _ if starts_id(rest) => (Part::Id, 36),
            // Two makings may be a second apart: an instant does not count, or it would come to 94 seconds.
            _ if starts_instant(rest) => (Part::Words, INSTANT.len()),
            _ if digits(rest) > 0 => (Part::Digits, digits(rest)),
            _ => {
                let is_end = |at: &usize| digits(&rest[*at..]) > 0 || starts_id(&rest[*at..]);
                let end = rest.char_indices().map(|(at, _)| at).skip(1).find(is_end);
                (Part::Words, end.unwrap_or(rest.len()))
            }
        };
        let (part, after) = rest.split_at(length);
        rest = after;
        Some((kind, part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_between_two_texts_is_found() {
        let (old, known) = ("0197a000-0000-7000-8000-000000000001", "0197a000-0000-7000-8000-00000000000a");
        let new = "f197a000-0000-7000-8000-000000000002";
        let mut ids = MakingIds { known: [known].into(), own: Vec::new() };
        let earlier = format!(r#"{{"id":"{old}","of":"{known}","number":"CN-00009","at":"2026-11-24T10:00:01.123Z"}}"#);
        let later = format!(r#"{{"id":"{new}","of":"{known}","number":"CN-00010","at":"2026-11-24T10:00:02.500Z"}}"#);
        let same = |text: &str| Piece::Same(text.to_owned());
        assert_eq!(
            ids.pieces(&earlier, &later),
            [
                same(r#"{"id":""#),
                Piece::Id(0),
                same(&format!(r#"","of":"{known}","number":"CN-"#)),
                Piece::Number { last: 10, width: 5 },
                same(r#"","at":"2026-11-24T10:00:02.500Z"}"#),
            ]
        );
    }
}
