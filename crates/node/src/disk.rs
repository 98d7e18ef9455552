//! How much room the disk has: with only the reserve left, new values are refused before the disk is
//! full, while reads, deletes and repair go on. The trap "disk full", and "space never comes back":
//! writes are taken again by themselves once there is clearly more room.

use std::path::PathBuf;

use stator_core::effect::DiskRoom;

use crate::config::DiskReserve;

/// The reserve where none was asked for, and the share of a small disk that it never exceeds.
const RESERVE: u64 = 2 << 30;
const MOST_OF_DISK: u64 = 20;

/// Watches one file system.
#[derive(Debug)]
pub(crate) struct DiskGauge {
    path: PathBuf,
    reserve: DiskReserve,
    room: DiskRoom,
}

impl DiskGauge {
    /// A gauge of the file system that `path` lies on.
    pub(crate) const fn new(path: PathBuf, reserve: DiskReserve) -> Self {
        Self { path, reserve, room: DiskRoom::Enough }
    }

    /// Looks. Returns how much room there is if that has changed.
    pub(crate) fn look(&mut self) -> Option<DiskRoom> {
        match rustix::fs::statvfs(&self.path) {
            Ok(found) => {
                self.judge(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)
            }
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the free space is not known");
                None
            }
        }
    }

    /// Room ends below the reserve, and is back only above one and a half times as much.
    fn judge(&mut self, free: u64, total: u64) -> Option<DiskRoom> {
        let reserve = match self.reserve {
            DiskReserve::Bytes(bytes) => bytes,
            DiskReserve::Default => RESERVE.min(total / MOST_OF_DISK),
        };
        let room = match self.room {
            DiskRoom::Enough if free < reserve => DiskRoom::Reserve,
            DiskRoom::Reserve if free >= reserve + reserve / 2 => DiskRoom::Enough,
            _ => return None,
        };
        self.room = room;
        match room {
            DiskRoom::Reserve => tracing::error!(
                path = %self.path.display(), free, reserve,
                "the disk is nearly full: new values are refused until there is more room; reads, \
                 deletes and repair go on. Free some space, or give the node a larger disk"
            ),
            DiskRoom::Enough => tracing::warn!(free, "the disk has room again: writes are taken"),
        }
        Some(room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn writes_end_at_the_reserve_and_come_back_with_room_to_spare() {
        let mut gauge = DiskGauge::new(PathBuf::new(), DiskReserve::Bytes(10 * GIB));
        assert_eq!(gauge.judge(10 * GIB, 100 * GIB), None);
        assert_eq!(gauge.judge(10 * GIB - 1, 100 * GIB), Some(DiskRoom::Reserve));
        assert_eq!(gauge.judge(14 * GIB, 100 * GIB), None, "it would be full again at once");
        assert_eq!(gauge.judge(15 * GIB, 100 * GIB), Some(DiskRoom::Enough));
        assert_eq!(gauge.judge(15 * GIB, 100 * GIB), None);
    }

    #[test]
    fn a_small_disk_is_not_all_reserve() {
        let mut gauge = DiskGauge::new(PathBuf::new(), DiskReserve::Default);
        assert_eq!(gauge.judge(GIB, 10 * GIB), None);
        assert_eq!(gauge.judge(GIB / 2 - 1, 10 * GIB), Some(DiskRoom::Reserve));
        let mut large = DiskGauge::new(PathBuf::new(), DiskReserve::Default);
        assert_eq!(large.judge(2 * GIB, 4000 * GIB), None);
        assert_eq!(large.judge(2 * GIB - 1, 4000 * GIB), Some(DiskRoom::Reserve));
    }

    #[test]
    fn a_real_file_system_has_some_room() {
        let mut gauge = DiskGauge::new(std::env::temp_dir(), DiskReserve::Bytes(0));
        assert_eq!(gauge.look(), None);
        gauge.reserve = DiskReserve::Bytes(u64::MAX / 2);
        assert_eq!(gauge.look(), Some(DiskRoom::Reserve));
    }
}
