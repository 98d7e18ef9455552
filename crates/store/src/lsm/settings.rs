//! How much memory, disk and threads the engine on disk may use.

const MIB: u64 = 1024 * 1024;

/// Settings of a [`FjallStore`](super::FjallStore). The defaults suit a node that takes at most
/// 64 MiB of memory when idle.
///
/// `write_buffer_bytes` and `separate_values_from` are fixed when a store is created: an existing
/// store keeps its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FjallSettings {
    /// Memory for blocks and large values read from disk, in bytes. It fills as data is read.
    pub cache_bytes: u64,
    /// Disk space of the journals, in bytes, at which the engine writes out what still keeps old
    /// ones alive. The more, the longer a start after a crash takes. Less than
    /// [`Self::MIN_JOURNAL_BYTES`] counts as that.
    pub max_journal_bytes: u64,
    /// Memory that gathers writes to the objects before they are written out as a table, in
    /// bytes. Hints and the node's own records take a quarter of it each at most.
    pub write_buffer_bytes: u64,
    /// Values of at least this many bytes (their checksum counted) are written once, to a value
    /// log, and not rewritten by each compaction.
    pub separate_values_from: u32,
    /// Threads for writing out tables and for compaction, at least one.
    pub workers: usize,
}

impl FjallSettings {
    /// The engine preallocates journals of this size, in bytes.
    pub const MIN_JOURNAL_BYTES: u64 = 64 * MIB;
}

impl Default for FjallSettings {
    fn default() -> Self {
        Self {
            cache_bytes: 32 * MIB,
            max_journal_bytes: 128 * MIB,
            // See `GATHERED_TABLES`. Twice as much would save little more.
            write_buffer_bytes: 32 * MIB,
            // Measured with 219,000 puts of 1 KiB: 2.4 KB written for each, against 3.9 KB (and
            // growing with the store) when values go through compaction; a get takes 1 to 2 us
            // of CPU more. Smaller values gain little over the pointer that stands for them.
            separate_values_from: 1024,
            workers: 1,
        }
    }
}
