//! What the disk can do: the limit beside every figure of writes.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Failed;

/// One page of a database.
const PAGE: [u8; 4_096] = [1; 4_096];
/// How far the file grows before it is written anew from its start, as a log is.
const PAGES: u32 = 1_000;

/// How many times a second a page can be written and be known to be on the disk, one after the other.
pub fn syncs_per_second(folder: &Path, time: Duration) -> Result<f64, Failed> {
    let path = folder.join("syncs");
    let mut file = File::create(&path)?;
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < time {
        if count.is_multiple_of(PAGES) {
            file.seek(SeekFrom::Start(0))?;
        }
        file.write_all(&PAGE)?;
        file.sync_data()?;
        count += 1;
    }
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(rate)
}
