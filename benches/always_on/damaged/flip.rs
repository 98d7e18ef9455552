//! Values are looked for in a stopped node's files, and a byte of some of them is changed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::Failed;
use crate::values::Values;

/// Where a byte of a value is changed, from its beginning: behind the mark by which it is found.
const WHERE: usize = 16;

/// What was done.
pub(super) struct Flipped {
    /// Objects whose values are in table files.
    pub(super) in_tables: u64,
    /// Of them, those of which a byte was changed wherever they lie there.
    pub(super) objects: u64,
}

/// Where one value lies in a file.
struct Place {
    file: PathBuf,
    at: u64,
}

/// Changes a byte of `count` objects in table files. Journals are left alone: what is damaged there
/// is a torn tail, which is another matter, and what a table has is not read from them again.
pub(super) fn flip(store: &Path, values: Values, count: usize) -> Result<Flipped, Failed> {
    let mut found: BTreeMap<u64, Vec<Place>> = BTreeMap::new();
    for entry in walkdir::WalkDir::new(store) {
        let entry = entry?;
        let is_journal = entry.path().extension().is_some_and(|extension| extension == "jnl");
        if entry.file_type().is_file() && !is_journal {
            look_through(entry.path(), values, &mut found)?;
        }
    }
    let step = (found.len() / count.max(1)).max(1);
    let mut objects = 0;
    for places in found.values().step_by(step).take(count) {
        for (nth, place) in places.iter().enumerate() {
            change(place, WHERE + (objects as usize * 7 + nth) % (values.len() - WHERE).max(1))?;
        }
        objects += 1;
    }
    Ok(Flipped { in_tables: found.len() as u64, objects })
}

fn look_through(
    file: &Path,
    values: Values,
    found: &mut BTreeMap<u64, Vec<Place>>,
) -> io::Result<()> {
    let bytes = std::fs::read(file)?;
    let mark = values.mark();
    let mut at = 0;
    while let Some(step) = bytes[at..].windows(mark.len()).position(|window| window == mark) {
        at += step;
        let whole = bytes.get(at..at + values.len()).and_then(|value| values.number(value));
        if let Some(number) = whole {
            let place = Place { file: file.to_owned(), at: at as u64 };
            found.entry(number).or_default().push(place);
        }
        at += mark.len();
    }
    Ok(())
}

fn change(place: &Place, offset: usize) -> io::Result<()> {
    let file = File::options().read(true).write(true).open(&place.file)?;
    let at = place.at + offset as u64;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    byte[0] ^= 0x40;
    file.write_all_at(&byte, at)
}
