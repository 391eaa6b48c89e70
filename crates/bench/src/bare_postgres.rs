//! The version to be compared with on PostgreSQL: a connection per client, a
//! transaction per request, the rows of a recipe.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use tokio::runtime::Builder;
use tokio_postgres::{Client, NoTls, Statement};

use crate::Failed;
use crate::recipe::{Count, Recipe};

/// How statements are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sending {
    /// One after the other, as most programs do.
    OneByOne,
    /// All that need no answer in one go.
    Pipelined,
}

/// Drives a client per recipe for a while; how many transactions a second. A recipe may be shared:
/// then its clients wait for each other, as requests of one company do.
pub fn per_second(url: &str, recipes: &[Arc<Recipe>], sending: Sending, time: Duration) -> Result<f64, Failed> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let connections = try_join_all(recipes.iter().map(|recipe| Connection::open(url, recipe.clone()))).await?;
        let start = Instant::now();
        let clients = connections.iter().map(|connection| async move {
            let mut count = 0_u32;
            while start.elapsed() < time {
                connection.transaction(sending).await?;
                count += 1;
            }
            Ok::<u32, tokio_postgres::Error>(count)
        });
        let done: u32 = try_join_all(clients).await?.into_iter().sum();
        Ok(f64::from(done) / start.elapsed().as_secs_f64())
    })
}

struct Connection {
    client: Client,
    recipe: Arc<Recipe>,
    begin: Statement,
    take_number: Statement,
    /// The number that was taken when the recipe was learnt.
    last: i64,
    /// Each with its place in the recipe.
    writes: Vec<(Statement, usize)>,
    commit: Statement,
}

impl Connection {
    async fn open(url: &str, recipe: Arc<Recipe>) -> Result<Connection, Failed> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(async move {
            // When it ends, the client says so to whoever uses it next.
            let _ = connection.await;
        });
        let mut counting = None;
        let mut writes = Vec::new();
        for (at, write) in recipe.writes.iter().enumerate() {
            match &write.count {
                // The first row that counts is the one that is held.
                Some(Count { sql, last }) if counting.is_none() => counting = Some((client.prepare(sql).await?, *last)),
                _ => writes.push((client.prepare(&write.sql).await?, at)),
            }
        }
        let (take_number, last) = counting.ok_or("a recipe counts")?;
        let (begin, commit) = (client.prepare("begin").await?, client.prepare("commit").await?);
        Ok(Connection { client, recipe, begin, take_number, last, writes, commit })
    }

    /// Takes a number, which holds the row until the commit, then writes the rest.
    async fn transaction(&self, sending: Sending) -> Result<(), tokio_postgres::Error> {
        let Connection { client, recipe, begin, take_number, last, writes, commit } = self;
        let taken = match sending {
            Sending::OneByOne => {
                client.execute(begin, &[]).await?;
                client.query_one(take_number, &[]).await?
            }
            Sending::Pipelined => {
                tokio::try_join!(biased; client.execute(begin, &[]), client.query_one(take_number, &[]))?.1
            }
        };
        let making = taken.get::<_, i64>(0) - last;
        let ids = recipe.ids();
        let sent = writes.iter().map(|(statement, at)| {
            let values: Vec<_> = recipe.writes[*at].values.iter().map(|pattern| pattern.value(making, &ids)).collect();
            client.execute_raw(statement, values)
        });
        match sending {
            Sending::OneByOne => {
                for statement in sent {
                    statement.await?;
                }
                client.execute(commit, &[]).await?;
            }
            Sending::Pipelined => {
                tokio::try_join!(biased; try_join_all(sent), client.execute(commit, &[]))?;
            }
        }
        Ok(())
    }
}
