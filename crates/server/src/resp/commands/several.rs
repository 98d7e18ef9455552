//! What became of several keys of one command: they are written one by one, so some may have been
//! and others not.

use super::super::failure::Failure;

/// How many keys were changed; or what is to be told if not all could be dealt with. It is only
/// called refused if nothing at all was written (rule 9).
pub(super) fn together(
    outcomes: impl IntoIterator<Item = Result<bool, Failure>>,
) -> Result<usize, Failure> {
    let (mut changed, mut dealt_with, mut failed) = (0, 0_usize, Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(is_changed) => {
                changed += usize::from(is_changed);
                dealt_with += 1;
            }
            Err(failure) => failed.push(failure),
        }
    }
    let all = dealt_with + failed.len();
    let worst = failed.iter().find(|failure| failure.is_indeterminate()).or(failed.first());
    match worst {
        None => Ok(changed),
        Some(failure) if changed == 0 && (all == 1 || !failure.is_indeterminate()) => {
            Err(failure.clone())
        }
        Some(failure) => {
            let text = format!(
                "{} of {all} keys failed and {changed} were written; one failed because: {}",
                failed.len(),
                failure.detail()
            );
            Err(Failure::indeterminate(text))
        }
    }
}

#[cfg(test)]
mod tests;
