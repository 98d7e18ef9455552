//! The thread that writes `identity/` for membership, which never waits for a disk itself.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;

use stator_core::membership::effect::{Save, SaveId};

use super::write_save;
use crate::failure::Failure;

/// Where membership hands over what it wants saved. Bounded by membership itself, which says
/// nothing that depends on a save before it is done.
#[derive(Debug)]
pub(crate) struct Saver {
    saves: mpsc::Sender<(SaveId, Save)>,
}

impl Saver {
    /// Saves in the order of the calls.
    pub(crate) fn save(&self, id: SaveId, save: Save) {
        // After a failed save the thread is gone and the node is failing: nothing is to be done.
        let _ = self.saves.send((id, save));
    }
}

/// Starts the thread. `on_saved` is told of each save once it is on disk. The thread ends when the
/// saver is dropped, or at the first error, which fails the node.
pub(crate) fn spawn(
    directory: PathBuf,
    failure: Failure,
    on_saved: impl Fn(SaveId) + Send + 'static,
) -> io::Result<(Saver, JoinHandle<()>)> {
    let (saves, queue) = mpsc::channel::<(SaveId, Save)>();
    let thread =
        std::thread::Builder::new().name("stator-identity".to_owned()).spawn(move || {
            for (id, save) in queue {
                if let Err(error) = write_save(&directory, &save) {
                    failure.fail(format!(
                    "{} can't be written ({error}): the node may not vote or change rings without \
                     it; check the disk, then start the node again",
                    directory.display()
                ));
                    return;
                }
                on_saved(id);
            }
        })?;
    Ok((Saver { saves }, thread))
}
