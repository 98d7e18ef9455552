//! An OpenAPI document as the tests read it.

use serde_json::{Map, Value, json};

use crate::client::{Answer, Door};

/// What a door says of itself.
pub(super) struct Description {
    pub(super) whole: Value,
    /// The same with schemas that take no member which they do not name, so that an answer which
    /// says more than is described is found.
    strict: Value,
}

impl Description {
    pub(super) async fn of(door: &Door) -> Self {
        let whole = door.get("/openapi.json").await.json();
        Self { strict: closed(&whole), whole }
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = (&str, &Value)> {
        let paths = self.whole["paths"].as_object().expect("paths");
        paths.iter().map(|(path, item)| (path.as_str(), item))
    }

    /// All operations, by path and method.
    pub(super) fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.paths().flat_map(|(path, item)| {
            let methods = item.as_object().expect("an item").iter();
            methods.map(move |(method, operation)| (path, method.as_str(), operation))
        })
    }

    /// Every body that is described, with where.
    pub(super) fn contents(&self) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        collect(&self.whole["paths"], "", "content", &mut found);
        found
    }

    /// Every parameter and header that is described, with where.
    pub(super) fn parameters_and_headers(&self) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        collect(&self.whole["paths"], "", "headers", &mut found);
        collect(&self.whole["paths"], "", "parameters", &mut found);
        found
    }

    pub(super) fn references(&self) -> Vec<String> {
        fn gather(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(members) => {
                    found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    members.values().for_each(|member| gather(member, found));
                }
                Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        gather(&self.whole, &mut found);
        found
    }

    /// Panics if a document is not what a schema of the description says.
    pub(super) fn check(&self, place: &str, schema: &Value, document: &Value) {
        let mut rooted = closed(schema);
        rooted["components"] = self.strict["components"].clone();
        let validator = jsonschema::draft202012::new(&rooted).expect("a schema");
        let errors: Vec<_> = validator
            .iter_errors(document)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{place}: {errors:#?}\n{document:#}");
    }

    /// Panics if an answer is not one that the description has: its status, its type, its headers,
    /// and what its body says.
    pub(super) fn check_answer(&self, path: &str, method: &str, line: &str, answer: &Answer) {
        let operation = &self.whole["paths"][path][method];
        let response = &operation["responses"][answer.status.to_string()];
        assert!(response.is_object(), "{line}: {} is not described", answer.status);
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let Some(text) = answer.header(&name.to_lowercase()) else { continue };
            let number = text.parse::<u64>().map(Value::from).ok();
            let is_number = header["schema"]["type"] == "integer";
            let told = number.filter(|_| is_number).unwrap_or_else(|| text.into());
            self.check(&format!("{line}: {name}"), &header["schema"], &told);
        }
        for name in answer.names().filter(|name| name.starts_with("stator-")) {
            let mut described = response["headers"].as_object().into_iter().flat_map(Map::keys);
            let is_described = described.any(|known| {
                let known = known.to_lowercase();
                known == *name || known.strip_suffix('*').is_some_and(|it| name.starts_with(it))
            });
            assert!(is_described, "{line}: {name} is not described");
        }
        let Some(contents) = response["content"].as_object() else {
            assert!(answer.body.is_empty(), "{line}: a body that is not described");
            return;
        };
        let kind = answer.header("content-type").expect("a body has a type");
        let bare = kind.split(';').next().unwrap_or_default();
        let content = contents.get(kind).or(contents.get(bare)).or(contents.get("*/*"));
        let content = content.unwrap_or_else(|| panic!("{line}: {kind} is not described"));
        let Some(schema) = content.get("schema") else { return };
        match bare {
            "application/x-ndjson" => {
                for one in answer.text().lines() {
                    self.check(line, schema, &serde_json::from_str(one).expect("a line of JSON"));
                }
                assert!(!answer.text().is_empty(), "{line}: no line to check");
            }
            "text/plain" | "text/html" | "application/openmetrics-text" => {
                self.check(line, schema, &answer.text().into());
            }
            _ => self.check(line, schema, &answer.json()),
        }
    }
}

/// The members of every `wanted` in a document, with where they are.
fn collect(value: &Value, place: &str, wanted: &str, found: &mut Vec<(String, Value)>) {
    let entries: Vec<(String, &Value)> = match value {
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.replace('/', "~1"), member)).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        _ => return,
    };
    for (name, member) in entries {
        let place = format!("{place}/{name}");
        if name == wanted {
            match member {
                Value::Object(members) => found.extend(members.iter().map(|(name, member)| {
                    (format!("{place}/{}", name.replace('/', "~1")), member.clone())
                })),
                Value::Array(items) => {
                    found.extend(items.iter().map(|item| (place.clone(), item.clone())));
                }
                _ => {}
            }
        }
        collect(member, &place, wanted, found);
    }
}

/// The same document, but its objects take no members that they do not name.
pub(super) fn closed(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Map<String, Value> =
                members.iter().map(|(name, member)| (name.clone(), closed(member))).collect();
            let names = members.get("properties").is_some_and(Value::is_object);
            if names && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
            Value::Object(members)
        }
        Value::Array(items) => items.iter().map(closed).collect(),
        other => other.clone(),
    }
}
