//! What parent and child say to each other: frames of a length and bytes.
//! A request is a heading, the source, the data and one frame for each asset and
//! attachment; an answer is one frame, its first byte telling file from error.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::{Attachment, Job, Output, RenderError, Schema};

/// No frame is longer; a longer one means the two have lost step.
const LONGEST: u32 = 1 << 30;

const FILE: u8 = 0;
const ERROR: u8 = 1;

/// A job as it travels: the data stays the JSON text that it is.
pub(crate) struct Parts {
    pub(crate) source: String,
    pub(crate) data: Vec<u8>,
    pub(crate) assets: Vec<(String, Vec<u8>)>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) claims: Vec<Schema>,
    pub(crate) date: (i32, u8, u8),
    pub(crate) identifier: String,
    pub(crate) output: Output,
}

impl From<&Job> for Parts {
    fn from(job: &Job) -> Self {
        let Job { source, data, assets, attachments, claims, date, identifier, output } = job;
        Self {
            source: source.clone(),
            data: data.to_string().into_bytes(),
            assets: assets.iter().map(|(name, bytes)| (name.clone(), bytes.clone())).collect(),
            attachments: attachments.clone(),
            claims: claims.clone(),
            date: *date,
            identifier: identifier.clone(),
            output: *output,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Heading<'a> {
    date: (i32, u8, u8),
    identifier: Cow<'a, str>,
    output: Output,
    assets: Vec<Cow<'a, str>>,
    /// Without their bytes, which follow.
    attachments: Cow<'a, [Attachment]>,
    claims: Cow<'a, [Schema]>,
}

/// The request for a job, ready to be sent in one go.
pub(crate) fn request(job: &Job) -> io::Result<Vec<u8>> {
    let Job { source, data, assets, attachments, claims, date, identifier, output } = job;
    let heading = Heading {
        date: *date,
        identifier: identifier.into(),
        output: *output,
        assets: assets.keys().map(Cow::from).collect(),
        attachments: attachments.into(),
        claims: claims.into(),
    };
    let mut out = Vec::with_capacity(source.len() + 4096);
    put(&mut out, &serde_json::to_vec(&heading)?)?;
    put(&mut out, source.as_bytes())?;
    put(&mut out, data.to_string().as_bytes())?;
    for bytes in assets.values().chain(attachments.iter().map(|attachment| &attachment.bytes)) {
        put(&mut out, bytes)?;
    }
    Ok(out)
}

/// The next request, or `None` when the parent has hung up.
pub(crate) fn read_request(from: &mut impl Read) -> io::Result<Option<Parts>> {
    let Some(heading) = take(from)? else { return Ok(None) };
    let Heading { date, identifier, output, assets: names, attachments, claims } = serde_json::from_slice(&heading)?;
    let source = String::from_utf8(must_take(from)?).map_err(io::Error::other)?;
    let data = must_take(from)?;
    let mut assets = Vec::with_capacity(names.len());
    for name in names {
        assets.push((name.into_owned(), must_take(from)?));
    }
    let mut attachments = attachments.into_owned();
    for attachment in &mut attachments {
        attachment.bytes = must_take(from)?;
    }
    let (claims, identifier) = (claims.into_owned(), identifier.into_owned());
    Ok(Some(Parts { source, data, assets, attachments, claims, date, identifier, output }))
}

/// Sends the answer to a request.
pub(crate) fn write_answer(to: &mut impl Write, answer: Result<Vec<u8>, RenderError>) -> io::Result<()> {
    let (tag, bytes) = match answer {
        Ok(file) => (FILE, file),
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
        FILE => Ok(frame),
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
