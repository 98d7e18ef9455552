//! How much processor time processes have used, user and system, from `/proc`.

use std::time::Duration;

use crate::failure::Failure;

/// What these processes have used in all since they began.
pub(super) fn used(pids: &[u32]) -> Result<Duration, Failure> {
    pids.iter().map(|&pid| of_process(pid)).sum()
}

fn of_process(pid: u32) -> Result<Duration, Failure> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::new(format!("the processor time of process {pid} can't be read: {error}"))
            .try_next("name running server processes with --pid")
    })?;
    let ticks = ticks(&text)
        .ok_or_else(|| Failure::new(format!("{path} is not of the form that Linux gives it")))?;
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Ok(Duration::from_secs_f64(ticks as f64 / per_second as f64))
}

/// Fields 14 and 15, counted behind the name, which may itself hold blanks and parentheses.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let user: u64 = fields.nth(11)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_does_not_confuse_its_fields() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 40 2 13 14";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("7 (a) S 1"), None);
    }

    #[test]
    fn our_own_time_is_readable_and_nobodys_is_an_error() {
        assert!(used(&[std::process::id()]).is_ok());
        assert!(used(&[u32::MAX]).is_err());
    }
}
