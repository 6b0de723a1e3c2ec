//! The fields of Traefik's dynamic configuration, read from the schema: one source for the decoder and the check.
//!
//! The schema is data of this crate, so a shape that is not understood is a fault of ours and fails at once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

/// The schema itself, for the check.
pub(super) static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../schema/dynamic.schema.json");
    serde_json::from_str(text).expect("the schema of this crate is JSON")
});

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| Shapes::read(&SCHEMA));

/// What Traefik expects at one place.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Text,
    Integer,
    Bool,
    Duration,
    /// A list of strings; one scalar stands for a list of one.
    Texts,
    /// The settings of a plugin.
    Anything,
    /// A list of one definition.
    Structs(String),
    Struct {
        name: String,
        /// `true` or `{}` may stand for it.
        may_be_empty: bool,
    },
    Map(Box<Shape>),
}

/// A definition's fields by their name.
pub(super) type Fields = BTreeMap<String, Shape>;

struct Shapes {
    root: Fields,
    definitions: BTreeMap<String, Fields>,
}

/// The four sections.
pub(super) fn sections() -> &'static Fields {
    &SHAPES.root
}

/// The fields of a definition of the schema.
pub(super) fn fields(definition: &str) -> &'static Fields {
    &SHAPES.definitions[definition]
}

/// The fields that may stand in the map at a place, for an error that names the nearest one.
pub(super) fn fields_at(path: &[String]) -> Option<&'static Fields> {
    let mut here = Place::Fields(sections());
    for part in path {
        let shape = match here {
            Place::Fields(fields) => fields.get(part)?,
            Place::Shape(Shape::Map(inner)) => inner,
            Place::Shape(Shape::Structs(name)) => {
                here = Place::Fields(fields(name));
                continue;
            }
            Place::Shape(_) => return None,
        };
        here = match shape {
            Shape::Struct { name, .. } => Place::Fields(fields(name)),
            other => Place::Shape(other),
        };
    }
    match here {
        Place::Fields(fields) => Some(fields),
        Place::Shape(_) => None,
    }
}

enum Place {
    Fields(&'static Fields),
    Shape(&'static Shape),
}

/// The known name that is most like a mistaken one, if any is.
pub(super) fn nearest<'a>(mistaken: &str, known: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    let mistaken = mistaken.to_lowercase();
    known
        .map(|name| (strsim::jaro_winkler(&mistaken, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name.as_str())
}

impl Shapes {
    fn read(schema: &Value) -> Self {
        let definitions = schema["$defs"].as_object().expect("the schema has definitions");
        let objects = definitions.iter().filter(|(_, definition)| definition["properties"].is_object());
        Self {
            root: fields_of(schema),
            definitions: objects.map(|(name, definition)| (name.clone(), fields_of(definition))).collect(),
        }
    }
}

fn fields_of(definition: &Value) -> Fields {
    let properties = definition["properties"].as_object().expect("a definition has properties");
    properties.iter().map(|(name, schema)| (name.clone(), shape_of(schema))).collect()
}

fn shape_of(schema: &Value) -> Shape {
    if let Some(name) = referred(schema) {
        return if name == "duration" { Shape::Duration } else { Shape::Struct { name, may_be_empty: false } };
    }
    if let Some(name) = schema["anyOf"].get(0).and_then(referred) {
        return Shape::Struct { name, may_be_empty: true };
    }
    match (&schema["type"], referred(&schema["items"])) {
        (Value::String(kind), Some(name)) if kind == "array" => Shape::Structs(name),
        (Value::Array(_), _) => Shape::Texts,
        (Value::String(kind), _) => match kind.as_str() {
            "string" => Shape::Text,
            "integer" => Shape::Integer,
            "boolean" => Shape::Bool,
            _ => Shape::Map(Box::new(shape_of(&schema["additionalProperties"]))),
        },
        _ if schema.as_object().is_some_and(Map::is_empty) => Shape::Anything,
        _ => unreachable!("the schema of this crate has no such shape: {schema}"),
    }
}

fn referred(schema: &Value) -> Option<String> {
    schema["$ref"].as_str()?.strip_prefix("#/$defs/").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_that_is_referred_to_is_read() {
        fn visit(shape: &Shape) {
            match shape {
                Shape::Structs(name) | Shape::Struct { name, .. } => assert!(SHAPES.definitions.contains_key(name)),
                Shape::Map(inner) => visit(inner),
                _ => {}
            }
        }
        let fields = SHAPES.definitions.values().flat_map(BTreeMap::values);
        assert!(fields.chain(SHAPES.root.values()).inspect(|shape| visit(shape)).count() > 300);
    }

    #[test]
    fn the_fields_of_a_place_are_found_through_maps_and_lists() {
        let check = |path: &str, field: &str| {
            let path: Vec<_> = path.split('/').map(str::to_owned).collect();
            assert!(fields_at(&path).is_some_and(|fields| fields.contains_key(field)), "{path:?} {field}");
        };
        check("http", "routers");
        check("http/routers/any.name", "rule");
        check("http/services/s/loadBalancer/servers/0", "url");
        check("tls/options/o/clientAuth", "caFiles");
    }

    #[test]
    fn the_nearest_field_is_a_guess_only_when_it_is_near() {
        assert_eq!(nearest("servise", fields("dynamic.Router").keys()), Some("service"));
        assert_eq!(nearest("quark", fields("dynamic.Router").keys()), None);
    }
}
