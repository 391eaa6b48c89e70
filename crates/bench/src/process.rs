//! What a process costs, as Linux counts it.

use std::fs;
use std::io;

/// Linux counts a process's time in hundredths of a second wherever it is told to programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// The seconds of CPU a process has used so far; `self` is this one.
pub fn cpu(pid: &str) -> io::Result<f64> {
    Ok(Stat::of(pid)?.cpu)
}

/// The seconds of CPU that a process and its living children have used so far.
pub fn cpu_with_children(pid: &str) -> io::Result<f64> {
    children(pid)?.iter().try_fold(cpu(pid)?, |sum, child| Ok(sum + cpu(child)?))
}

/// The children of a process that live now.
pub fn children(pid: &str) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // A process that has ended meanwhile is nobody's child.
        if name.bytes().all(|byte| byte.is_ascii_digit()) && Stat::of(&name).is_ok_and(|stat| stat.parent == pid) {
            found.push(name);
        }
    }
    Ok(found)
}

/// The bytes a process has written to disk so far.
pub fn written(pid: &str) -> io::Result<f64> {
    let counts = fs::read_to_string(format!("/proc/{pid}/io"))?;
    let line = counts.lines().find_map(|line| line.strip_prefix("write_bytes:"));
    line.and_then(|count| count.trim().parse().ok()).ok_or(io::ErrorKind::InvalidData.into())
}

/// The bytes of memory a process holds now.
pub fn resident(pid: &str) -> io::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes: Option<f64> = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    Ok(kibibytes.ok_or(io::ErrorKind::InvalidData)? * 1024.0)
}

struct Stat {
    parent: String,
    cpu: f64,
}

impl Stat {
    fn of(pid: &str) -> io::Result<Stat> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The program's name, in parentheses, may hold anything; what follows it does not.
        let (_, rest) = text.rsplit_once(')').ok_or(io::ErrorKind::InvalidData)?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks =
            |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).ok_or(io::ErrorKind::InvalidData);
        let parent = fields.get(1).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Stat { parent: (*parent).to_owned(), cpu: (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND })
    }
}
