//! What parent and child say to each other: frames of a length and bytes.
//! A request is a heading, the source, the data and one frame an asset; an
//! answer is one frame, its first byte telling PDF from error.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::{Job, RenderError};

/// No frame is longer; a longer one means the two have lost step.
const LONGEST: u32 = 1 << 30;

const PDF: u8 = 0;
const ERROR: u8 = 1;

/// A job as it travels: the data stays the JSON text that it is.
pub(crate) struct Parts {
    pub(crate) source: String,
    pub(crate) data: Vec<u8>,
    pub(crate) assets: Vec<(String, Vec<u8>)>,
    pub(crate) date: (i32, u8, u8),
    pub(crate) identifier: String,
}

impl From<&Job> for Parts {
    fn from(job: &Job) -> Self {
        let Job { source, data, assets, date, identifier } = job;
        Self {
            source: source.clone(),
            data: data.to_string().into_bytes(),
            assets: assets.iter().map(|(name, bytes)| (name.clone(), bytes.clone())).collect(),
            date: *date,
            identifier: identifier.clone(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Heading {
    date: (i32, u8, u8),
    identifier: String,
    assets: Vec<String>,
}

/// The request for a job, ready to be sent in one go.
pub(crate) fn request(job: &Job) -> io::Result<Vec<u8>> {
    let Job { source, data, assets, date, identifier } = job;
    let heading = Heading { date: *date, identifier: identifier.clone(), assets: assets.keys().cloned().collect() };
    let mut out = Vec::with_capacity(source.len() + 4096);
    put(&mut out, &serde_json::to_vec(&heading)?)?;
    put(&mut out, source.as_bytes())?;
    put(&mut out, data.to_string().as_bytes())?;
    for bytes in assets.values() {
        put(&mut out, bytes)?;
    }
    Ok(out)
}

/// The next request, or `None` when the parent has hung up.
pub(crate) fn read_request(from: &mut impl Read) -> io::Result<Option<Parts>> {
    let Some(heading) = take(from)? else { return Ok(None) };
    let Heading { date, identifier, assets: names } = serde_json::from_slice(&heading)?;
    let source = String::from_utf8(must_take(from)?).map_err(io::Error::other)?;
    let data = must_take(from)?;
    let mut assets = Vec::with_capacity(names.len());
    for name in names {
        assets.push((name, must_take(from)?));
    }
    Ok(Some(Parts { source, data, assets, date, identifier }))
}

/// Sends the answer to a request.
pub(crate) fn write_answer(to: &mut impl Write, answer: Result<Vec<u8>, RenderError>) -> io::Result<()> {
    let (tag, bytes) = match answer {
        Ok(pdf) => (PDF, pdf),
        Err(error) => (ERROR, serde_json::to_vec(&error)?),
    };
    let mut out = Vec::with_capacity(bytes.len() + 5);
    out.extend((bytes.len() as u32 + 1).to_le_bytes());
    out.push(tag);
    out.extend(bytes);
    to.write_all(&out)
}

/// Reads the answer to a request; an error of the line itself is outside.
pub(crate) fn read_answer(from: &mut impl Read) -> io::Result<Result<Vec<u8>, RenderError>> {
    let mut frame = must_take(from)?;
    if frame.is_empty() {
        return Err(io::Error::other("an empty answer"));
    }
    Ok(match frame.remove(0) {
        PDF => Ok(frame),
        _ => Err(serde_json::from_slice(&frame)?),
    })
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    out.extend(length.to_le_bytes());
    out.extend(bytes);
    Ok(())
}

fn take(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if from.read(&mut length[..1])? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut length[1..])?;
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return Err(io::Error::other("a frame too long"));
    }
    let mut bytes = vec![0; length as usize];
    from.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

fn must_take(from: &mut impl Read) -> io::Result<Vec<u8>> {
    take(from)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
