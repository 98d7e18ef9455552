use super::*;

fn ticks_per_second() -> u64 {
    rustix::param::clock_ticks_per_second()
}

#[test]
fn the_name_of_a_process_does_not_confuse_its_fields() {
    let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 40 2 13 14";
    let tick = 1_000_000 / ticks_per_second();
    assert_eq!(processor_time(stat), Some((40 * tick, 2 * tick)));
    assert_eq!(processor_time("7 (a) S 1"), None);
}

#[test]
fn fields_are_found_by_their_whole_name() {
    let io = "rchar: 1\nwchar: 2\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 5\n";
    assert_eq!(disk(io), Some(Disk { written: 8192, read: 4096 }));
    let status = "VmHWM:\t  200 kB\nVmRSS:\t  100 kB\nvoluntary_ctxt_switches:\t5\n\
                  nonvoluntary_ctxt_switches:\t7\n";
    assert_eq!(field(status, "VmRSS:"), Some(100));
    assert_eq!(field(status, "voluntary_ctxt_switches:"), Some(5));
}

#[test]
fn our_own_use_is_readable_and_nobodys_is_an_error() {
    let own = Process::read(std::process::id()).expect("our own");
    assert!(own.resident > 100_000 && own.context_switches > 0, "{own:?}");
    let error = Process::read(u32::MAX).expect_err("nobody").to_string();
    assert!(error.contains("can't be read"), "{error}");
}

#[test]
fn several_are_summed_and_only_what_came_after_counts() {
    let process = |number: u64| Process {
        user_micros: 10 * number,
        system_micros: 20 * number,
        disk: Some(Disk { written: 30 * number, read: 40 * number }),
        context_switches: 50 * number,
        resident: 60 * number,
    };
    let (before, after) = (process(1).and(process(2)), process(5).and(process(6)));
    assert_eq!(before, process(3));
    let used = after.since(&before);
    assert_eq!((used.user_micros, used.system_micros), (80, 160));
    assert_eq!(used.disk, Some(Disk { written: 240, read: 320 }));
    assert_eq!((used.context_switches, used.resident_before, used.resident_after), (400, 180, 660));
    let foreign = Process { disk: None, ..process(9) };
    assert_eq!(foreign.and(process(1)).since(&before).disk, None);
}
