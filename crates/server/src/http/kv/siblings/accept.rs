//! Which of the two forms of siblings a request prefers (RFC 9110, 12.5.1).

use http::HeaderMap;
use http::header::ACCEPT;

/// A form in which siblings can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Multipart,
    Json,
}

/// How much a form is wanted: by its quality first, in thousandths, then by how exactly it was
/// named.
type Wanted = (u16, u8);

impl Form {
    /// The form that the request prefers; multipart if it does not say.
    pub(super) fn preferred(asked: &HeaderMap) -> Self {
        let ranges: Vec<&str> = asked
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        let json = wanted(&ranges, "application", "json");
        let multipart = wanted(&ranges, "multipart", "mixed");
        if json.0 > 0 && json > multipart { Self::Json } else { Self::Multipart }
    }
}

/// What the most exact of the ranges that take a type says of it.
fn wanted(ranges: &[&str], kind: &str, subkind: &str) -> Wanted {
    let taken = ranges.iter().filter_map(|range| {
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

#[cfg(test)]
mod tests;
