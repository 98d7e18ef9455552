//! Patterns as `SCAN MATCH` and `CONFIG GET` take them: `*`, `?`, `[a-z]`, `[^a]`, and `\` before
//! what is meant as it stands.
//!
//! A pattern is somebody else's input: it takes at most its length times that of the text, however
//! many stars it has, and no stack.

/// Whether all of `text` is as the pattern says.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // Behind the last star: what must follow, and from where it was tried last.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        if let [b'*', after @ ..] = pattern {
            pattern = after;
            retry = Some((pattern, text));
            continue;
        }
        if text.is_empty() && pattern.is_empty() {
            return true;
        }
        if let Some((after, rest)) = one(pattern, text) {
            (pattern, text) = (after, rest);
            continue;
        }
        match retry {
            Some((after_star, [_, rest @ ..])) => {
                retry = Some((after_star, rest));
                (pattern, text) = (after_star, rest);
            }
            _ => return false,
        }
    }
}

/// Takes one byte and the piece of the pattern that it is as; what is left of both.
fn one<'p, 't>(pattern: &'p [u8], text: &'t [u8]) -> Option<(&'p [u8], &'t [u8])> {
    let (&byte, rest) = text.split_first()?;
    match pattern {
        [b'?', after @ ..] => Some((after, rest)),
        [b'[', set @ ..] => {
            let (is_in, after) = in_set(set, byte);
            is_in.then_some((after, rest))
        }
        [b'\\', escaped, after @ ..] => (*escaped == byte).then_some((after, rest)),
        [plain, after @ ..] => (*plain == byte).then_some((after, rest)),
        [] => None,
    }
}

/// Whether a byte is in the set that begins here, and the pattern behind it. A set that does not
/// end goes up to the end, as in Redis.
fn in_set(set: &[u8], byte: u8) -> (bool, &[u8]) {
    let (is_negated, mut set) = match set {
        [b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut found = false;
    loop {
        set = match set {
            [] => return (found != is_negated, set),
            [b']', after @ ..] => return (found != is_negated, after),
            [b'\\', escaped, after @ ..] => {
                found |= *escaped == byte;
                after
            }
            [first, b'-', last, after @ ..] => {
                let (low, high) = (first.min(last), first.max(last));
                found |= (*low..=*high).contains(&byte);
                after
            }
            [plain, after @ ..] => {
                found |= *plain == byte;
                after
            }
        };
    }
}

#[cfg(test)]
mod tests;
