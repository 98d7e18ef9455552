//! How much memory the node may count on: the machine's, or its container's if that has less.

use std::fs;
use std::path::Path;

const MIB: u64 = 1 << 20;

/// What is taken for the machine's memory where nothing tells it.
const UNTOLD: u64 = 1024 * MIB;

/// The part of that which caches take if nobody sets it: three nodes beside one another, and what
/// else they run beside, still find room.
const PART: u64 = 8;

/// What the caches of a node take at most if nobody sets it, in bytes.
pub(super) fn default_cache_bytes() -> u64 {
    (of_machine(Path::new("/")) / PART).max(32 * MIB)
}

/// The memory of the system whose files are below `root`, in bytes.
fn of_machine(root: &Path) -> u64 {
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let machine = read("proc/meminfo").and_then(|text| total(&text));
    // The limit of the second and of the first version of control groups, as a container sees it. The
    // first writes a number beyond all memory for none, the second a word.
    let limits = ["sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limits = limits.into_iter().filter_map(|path| read(path)?.trim().parse().ok());
    machine.into_iter().chain(limits).min().unwrap_or(UNTOLD)
}

/// `MemTotal:       24036404 kB`
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> u64 {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("below the root")).expect("made");
            fs::write(path, text).expect("written");
        }
        of_machine(root.path())
    }

    const MEMINFO: (&str, &str) =
        ("proc/meminfo", "MemTotal:        4194304 kB\nMemFree:          262144 kB\n");

    #[test]
    fn a_container_has_what_its_limit_leaves_of_the_machine() {
        let second = "sys/fs/cgroup/memory.max";
        let first = "sys/fs/cgroup/memory/memory.limit_in_bytes";
        assert_eq!(machine(&[MEMINFO]), 4096 * MIB);
        assert_eq!(machine(&[MEMINFO, (second, "max\n")]), 4096 * MIB);
        assert_eq!(machine(&[MEMINFO, (second, "1073741824\n")]), 1024 * MIB);
        assert_eq!(machine(&[MEMINFO, (first, "536870912\n")]), 512 * MIB);
        assert_eq!(machine(&[MEMINFO, (first, "9223372036854771712\n")]), 4096 * MIB);
    }

    #[test]
    fn where_nothing_is_told_little_is_taken() {
        assert_eq!(machine(&[]), UNTOLD);
        assert_eq!(machine(&[("proc/meminfo", "MemTotal: much\n")]), UNTOLD);
    }
}
