//! What a request says of the types that it takes (RFC 9110, 12.5.1).

use http::HeaderMap;
use http::header::ACCEPT;

/// How much a type is wanted: by its quality first, in thousandths, then by how exactly it was
/// named.
pub(super) type Wanted = (u16, u8);

/// What the most exact of the ranges in `Accept` that take a type says of it.
pub(super) fn wanted(asked: &HeaderMap, kind: &str, subkind: &str) -> Wanted {
    let values = asked.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let taken = values.flat_map(|value| value.split(',')).filter_map(|range| {
        let mut pieces = range.split(';').map(str::trim);
        let (left, right) = pieces.next()?.split_once('/')?;
        let exactness = match (left, right) {
            ("*", "*") => 1,
            (_, "*") if left.eq_ignore_ascii_case(kind) => 2,
            _ if left.eq_ignore_ascii_case(kind) && right.eq_ignore_ascii_case(subkind) => 3,
            _ => return None,
        };
        Some((exactness, quality(pieces)))
    });
    taken.max().map_or((0, 0), |(exactness, quality)| (quality, exactness))
}

fn quality<'a>(mut parameters: impl Iterator<Item = &'a str>) -> u16 {
    let given = parameters.find_map(|text| text.strip_prefix("q=").or(text.strip_prefix("Q=")));
    let quality = given.map_or(Ok(1.0), str::parse::<f32>);
    (quality.unwrap_or(0.0).clamp(0.0, 1.0) * 1000.0) as u16
}
