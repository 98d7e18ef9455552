//! What a page was asked for, and what a form of a page says: names and values, as browsers write
//! them.

use bytes::Bytes;
use form_urlencoded::{Serializer, parse};
use stator_core::object::{BucketName, Key, NameError, ObjectKey};

use super::super::problem::{Problem, kind};
use super::show;

/// Names and values, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// From a query, or from the body of a form that was sent.
    pub(super) fn read(bytes: &[u8]) -> Self {
        Self(parse(bytes).into_owned().collect())
    }

    /// The same without a name.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(given, _)| given != name);
        self
    }

    /// A value; none if it is not there or empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A value, be it empty.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// A number; none if it is not there.
    pub(super) fn number(&self, name: &str) -> Result<Option<u32>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = text.trim().parse().map_err(|_| {
            let detail = format!("{name}={text}: write a whole number");
            Problem::new(kind::QUERY_INVALID, detail)
        })?;
        Ok(Some(number))
    }
}

/// A query of these words, those without a value left out.
pub(super) fn query(words: &[(&str, Option<&str>)]) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in words {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

/// How a form writes a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum KeyForm {
    #[default]
    Text,
    Hex,
}

impl KeyForm {
    pub(super) fn of(form: &Form) -> Result<Self, Problem> {
        match form.get("form") {
            None | Some("text") => Ok(Self::Text),
            Some("hex") => Ok(Self::Hex),
            Some(other) => {
                Err(Problem::new(kind::QUERY_INVALID, format!("form={other}: write text or hex")))
            }
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Hex => "hex",
        }
    }

    fn bytes(self, text: &str) -> Result<Bytes, Problem> {
        match self {
            Self::Text => Ok(Bytes::copy_from_slice(text.as_bytes())),
            Self::Hex => from_hex(text).map(Bytes::from).ok_or_else(|| {
                let detail = "the key is meant in hex: write two hexadecimal digits for each byte";
                Problem::new(kind::QUERY_INVALID, detail)
            }),
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.trim().chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// A key as it is written in a form: as text if it is readable text, else in hex.
pub(super) fn written(key: &[u8]) -> (KeyForm, String) {
    let text = std::str::from_utf8(key).ok();
    match text.filter(|text| !text.chars().any(char::is_control)) {
        Some(text) => (KeyForm::Text, text.to_owned()),
        None => (KeyForm::Hex, show::hex(key)),
    }
}

/// The object that a form names: `bucket`, `key`, and how that is written, `form`. None without a
/// key.
pub(super) fn object(form: &Form, max_key: usize) -> Result<Option<ObjectKey>, Problem> {
    let Some(key) = form.get("key") else { return Ok(None) };
    let bytes = KeyForm::of(form)?.bytes(key)?;
    let max = max_key.min(Key::MAX_LEN);
    if bytes.len() > max {
        return Err(NameError::TooLong { what: "key", len: bytes.len(), max }.into());
    }
    let bucket = form.get("bucket").unwrap_or("default");
    let bucket = BucketName::new(Bytes::copy_from_slice(bucket.as_bytes()))?;
    Ok(Some(ObjectKey::new(bucket, Key::new(bytes)?)))
}

/// The address of the page of a key.
pub(super) fn key_address(bucket: &[u8], key: &[u8]) -> String {
    let (form, text) = written(key);
    let form = (form == KeyForm::Hex).then_some(form.name());
    let bucket = String::from_utf8_lossy(bucket);
    let words = [("bucket", Some(&*bucket)), ("key", Some(&*text)), ("form", form)];
    format!("/console/key?{}", query(&words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(query: &str) -> Result<Option<Vec<u8>>, u16> {
        match object(&Form::read(query.as_bytes()), 8) {
            Ok(found) => Ok(found.map(|key| key.key().as_bytes().to_vec())),
            Err(problem) => Err(problem.status()),
        }
    }

    #[test]
    fn keys_are_read_as_browsers_and_people_write_them() {
        assert_eq!(key("bucket=b&key=a+b%2Bc"), Ok(Some(b"a b+c".to_vec())));
        assert_eq!(key("key=00fF&form=hex"), Ok(Some(vec![0, 255])));
        assert_eq!(key("bucket=b&key="), Ok(None));
        assert_eq!(key("key=0&form=hex"), Err(400));
        assert_eq!(key("key=zz&form=hex"), Err(400));
        assert_eq!(key("key=x&form=base64"), Err(400));
        assert_eq!(key("key=12345678"), Ok(Some(b"12345678".to_vec())), "the limit is inclusive");
        assert!(key("key=123456789").is_err());
    }

    #[test]
    fn the_address_of_a_key_names_that_key() {
        for bytes in [&b"plain"[..], b"a b&c=d+e/f", b"\x00\xff", "käse\n".as_bytes()] {
            let address = key_address(b"b", bytes);
            let query = address.split_once('?').expect("a query").1;
            let found = object(&Form::read(query.as_bytes()), 64).expect("a key").expect("a key");
            assert_eq!(found.key().as_bytes(), bytes, "{address}");
        }
    }
}
