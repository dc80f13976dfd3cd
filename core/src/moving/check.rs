//! Is a file whole, and is this its passphrase? All of it is read once before anything of it is taken.

use zeroize::Zeroizing;

use super::{
    Lines, Side,
    export::root_place,
    limits::MOVING_COLLISIONS_TOLD_MAX,
    line::{FORM, Head, Line, Read, Said, read},
    seal::{Seal, Signature},
};
use crate::{
    config::RootSecret,
    error::{Error, Result},
    identity::Secret,
    store::{Kind, sql::moving::TABLES},
};

/// A file that is whole, and opened.
pub struct Checked {
    pub(super) seal: Seal,
    pub(super) head: Head,
    /// The root secrets of where it comes from, the one that wrote first.
    pub roots: Vec<RootSecret>,
    /// How many documents it has.
    pub documents: u64,
    /// How many rows it has.
    pub rows: u64,
}

/// What is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collision {
    /// What it is.
    pub kind: Kind,
    /// The file's id of it.
    pub id: String,
    /// What people call it there.
    pub name: String,
}

/// Reads a file to its end.
pub fn check(lines: Lines<'_>, passphrase: &Secret) -> Result<Checked> {
    let first = lines()?.unwrap_or_default();
    let foreign = || Error::bad_request("This is no file that `tidegate export` has written.");
    let Ok(Read::Line(Line::Tidegate(head))) = read(&first, 1) else { return Err(foreign()) };
    if head.moving != FORM {
        let message = format!(
            "The file has form {}, and this Tidegate reads form {FORM}: Tidegate {} wrote it.",
            head.moving, head.version
        );
        return Err(Error::bad_request(message));
    }
    let seal = Seal::open_file(passphrase, &head)?;
    let mut signature = seal.signature();
    signature.add(&first);
    let mut checked = Checked { seal, head, roots: Vec::new(), documents: 0, rows: 0 };
    let mut width = None;
    while let Some(text) = lines()? {
        let number = signature.lines + 1;
        if !text.ends_with(b"\n") {
            return Err(early(number - 1));
        }
        match read(&text, number)? {
            Read::Row(row) if width == Some(row.len()) => checked.rows += 1,
            Read::Line(Line::Root(sealed)) => {
                let place = root_place(checked.roots.len());
                let opened = checked.seal.open(&sealed, &place)?;
                checked.roots.push(root(&opened).ok_or_else(|| damaged(number))?);
            }
            Read::Line(Line::Document(said)) => {
                said.document(String::new())?;
                checked.documents += 1;
            }
            Read::Line(Line::Table(rows)) => {
                known(&rows.name, &rows.columns)?;
                width = Some(rows.columns.len());
            }
            Read::Line(Line::End(end)) => {
                return if end.lines == signature.lines && signature.is(&end.mac) {
                    alone(lines, &signature).map(|()| checked)
                } else {
                    let message = "The file is damaged: it is not what was written.";
                    Err(Error::bad_request(message))
                };
            }
            Read::Row(_) | Read::Line(Line::Tidegate(_)) => return Err(damaged(number)),
        }
        signature.add(&text);
    }
    Err(early(signature.lines))
}

/// Nothing stands behind the end.
fn alone(lines: Lines<'_>, signature: &Signature) -> Result<()> {
    match lines()? {
        None => Ok(()),
        Some(_) => Err(damaged(signature.lines + 2)),
    }
}

fn damaged(number: u64) -> Error {
    Error::bad_request(format!("The file is damaged: line {number} does not belong there."))
}

fn early(lines: u64) -> Error {
    Error::bad_request(format!("The file ends early, behind line {lines}: the rest is missing."))
}

/// A newer Tidegate may have tables and columns that are not known here: what they say would be lost.
fn known(name: &str, columns: &[String]) -> Result<()> {
    let newer =
        |what| Error::bad_request(format!("A newer Tidegate wrote this file: it has {what}."));
    let table = TABLES.iter().find(|table| table.name == name);
    let table = table.ok_or_else(|| newer(format!("a table `{name}`")))?;
    match columns.iter().find(|column| !table.columns.contains(&column.as_str())) {
        None => Ok(()),
        Some(column) => Err(newer(format!("a column `{name}.{column}`"))),
    }
}

fn root(text: &Secret) -> Option<RootSecret> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    let text = text.expose().as_bytes();
    if text.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(RootSecret(bytes))
}

/// Which documents of a checked file are in a store already, by id or by name; at most
/// [`MOVING_COLLISIONS_TOLD_MAX`].
pub async fn collisions(lines: Lines<'_>, into: Side<'_>) -> Result<Vec<Collision>> {
    let mut found = Vec::new();
    let mut number = 0;
    while let Some(text) = lines()? {
        number += 1;
        let said = match read(&text, number)? {
            Read::Line(Line::Document(said)) => said,
            // Documents stand together.
            Read::Line(Line::Table(_) | Line::End(_)) => return Ok(found),
            Read::Line(Line::Tidegate(_) | Line::Root(_)) | Read::Row(_) => continue,
        };
        if let Some(collision) = collision(&said, into).await? {
            found.push(collision);
        }
        if found.len() == MOVING_COLLISIONS_TOLD_MAX {
            return Ok(found);
        }
    }
    Ok(found)
}

/// What a document meets.
pub(super) async fn collision(said: &Said, into: Side<'_>) -> Result<Option<Collision>> {
    let kind = said.document(String::new())?.kind;
    let by_id = into.store.get(kind, &said.id).await?;
    let found = match by_id {
        None if !said.name.is_empty() => into.store.find(kind, &said.name).await?,
        found => found,
    };
    let name = said.name.clone();
    Ok(found.map(|_| Collision { kind, id: said.id.clone(), name }))
}
