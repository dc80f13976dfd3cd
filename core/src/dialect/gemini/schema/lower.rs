//! How does a JSON Schema become the subset that older models of this API take?

use serde_json::Number;

use crate::{
    dialect::ir::Schema,
    error::{Error, Result},
    limits::{JSON_DEPTH_MAX, SCHEMA_NODES_MAX},
};

/// Fields that mean the same in the subset.
const KEPT: [&str; 11] = [
    "title",
    "description",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
];
/// The formats that the API knows; it refuses any other.
const FORMATS: [&str; 6] = ["date-time", "float", "double", "int32", "int64", "enum"];

type Fields = Vec<(String, Schema)>;

/// The schema in the subset. References are put in place of what they refer to, so one that refers to itself is an
/// error: without its inner part it would mean something else.
pub(in crate::dialect::gemini) fn lower(schema: &Schema) -> Result<Schema> {
    let (nodes, depth) = (SCHEMA_NODES_MAX, JSON_DEPTH_MAX);
    Lowering { root: schema, under_way: Vec::new(), nodes, depth }.schema(schema)
}

struct Lowering<'s> {
    root: &'s Schema,
    /// The references that are being put in place.
    under_way: Vec<&'s str>,
    nodes: usize,
    /// How much deeper it may go: references deepen what was shallow.
    depth: usize,
}

impl<'s> Lowering<'s> {
    fn schema(&mut self, schema: &'s Schema) -> Result<Schema> {
        self.fields(schema).map(typed).map(Schema::Map)
    }

    fn fields(&mut self, schema: &'s Schema) -> Result<Fields> {
        self.nodes = self.nodes.checked_sub(1).ok_or_else(|| refused("is too large"))?;
        self.depth = self.depth.checked_sub(1).ok_or_else(|| refused("is too deep"))?;
        let fields = self.bounded(schema);
        self.depth += 1;
        fields
    }

    fn bounded(&mut self, schema: &'s Schema) -> Result<Fields> {
        if let Some(name) = schema.get("$ref").and_then(Schema::as_text) {
            return self.reference(name, schema);
        }
        let mut lowered = Fields::new();
        kinds(schema, &mut lowered);
        simple(schema, &mut lowered);
        self.inner(schema, &mut lowered)?;
        for part in list(schema, "allOf") {
            merge(&mut lowered, self.fields(part)?);
        }
        let alternatives = list(schema, "anyOf").iter().chain(list(schema, "oneOf"));
        let alternatives: Vec<&Schema> = alternatives.collect();
        self.alternatives(&alternatives, lowered)
    }

    fn reference(&mut self, name: &'s str, schema: &'s Schema) -> Result<Fields> {
        if self.under_way.contains(&name) {
            return Err(refused("refers to itself"));
        }
        let target = name.strip_prefix('#').and_then(|path| self.find(path));
        let target = target.ok_or_else(|| refused("refers to what is not there"))?;
        self.under_way.push(name);
        let found = self.fields(target);
        self.under_way.pop();
        let mut found = found?;
        // What stands beside a reference is nearer to the place than what it refers to.
        if let Some(text) = schema.get("description") {
            set(&mut found, "description", text.clone());
        }
        Ok(found)
    }

    fn find(&self, path: &str) -> Option<&'s Schema> {
        let mut steps = path.split('/').skip(1);
        steps.try_fold(self.root, |at, step| at.get(&step.replace("~1", "/").replace("~0", "~")))
    }

    /// Properties and items.
    fn inner(&mut self, schema: &'s Schema, lowered: &mut Fields) -> Result<()> {
        if let Some(Schema::Map(properties)) = schema.get("properties") {
            let lower =
                properties.iter().map(|(name, inner)| Ok((name.clone(), self.schema(inner)?)));
            let inner = lower.collect::<Result<Fields>>()?;
            if inner.len() > 1 {
                let names = inner.iter().map(|(name, _)| text(name.as_str())).collect();
                set(lowered, "propertyOrdering", Schema::List(names));
            }
            let required: Vec<Schema> = list(schema, "required")
                .iter()
                .filter(|name| inner.iter().any(|(known, _)| name.as_text() == Some(known)))
                .cloned()
                .collect();
            if !required.is_empty() {
                set(lowered, "required", Schema::List(required));
            }
            if !inner.is_empty() {
                set(lowered, "properties", Schema::Map(inner));
            }
        }
        let items = schema.get("items").filter(|items| matches!(items, Schema::Map(_)));
        if let Some(items) = items {
            let items = self.schema(items)?;
            set(lowered, "items", items);
        } else if let [first, rest @ ..] = list(schema, "prefixItems") {
            // A tuple becomes a list of any of its kinds.
            let mut kinds = vec![self.schema(first)?];
            for kind in rest {
                let kind = self.schema(kind)?;
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            let one = kinds.len() == 1;
            let any = |kinds| Schema::Map(vec![("anyOf".to_owned(), Schema::List(kinds))]);
            let items = if one { kinds.remove(0) } else { any(kinds) };
            set(lowered, "items", items);
        }
        Ok(())
    }

    /// `anyOf` and `oneOf`. Beside alternatives the API takes nothing else, so what stands there moves into them.
    fn alternatives(&mut self, all: &[&'s Schema], mut base: Fields) -> Result<Fields> {
        let mut kinds = match take(&mut base, "anyOf") {
            Some(Schema::List(kinds)) => kinds,
            _ => Vec::new(),
        };
        let mut nullable = take(&mut base, "nullable").is_some();
        let shaped = base.iter().any(|(name, _)| matches!(name.as_str(), "type" | "properties"));
        for kind in all {
            if kind.get("type").and_then(Schema::as_text) == Some("null") {
                nullable = true;
            } else if !(shaped && is_condition(kind)) {
                kinds.push(self.schema(kind)?);
            }
        }
        let nulled = |mut fields: Fields| {
            if nullable {
                set(&mut fields, "nullable", Schema::Bool(true));
            }
            fields
        };
        match kinds.len() {
            0 => Ok(nulled(base)),
            1 => {
                if let Schema::Map(kind) = kinds.remove(0) {
                    merge(&mut base, kind);
                }
                Ok(nulled(base))
            }
            _ => {
                let into = |kind| {
                    let Schema::Map(mut fields) = kind else { return kind };
                    merge(&mut fields, base.clone());
                    Schema::Map(nulled(fields))
                };
                let kinds = kinds.into_iter().map(into).collect();
                Ok(vec![("anyOf".to_owned(), Schema::List(kinds))])
            }
        }
    }
}

/// `type`, which may be a list, and `enum` and `const`, which may hold more than strings.
fn kinds(schema: &Schema, lowered: &mut Fields) {
    match schema.get("type") {
        Some(Schema::Text(kind)) if kind == "null" => set(lowered, "type", text("NULL")),
        Some(Schema::Text(kind)) => set(lowered, "type", text(kind.to_ascii_uppercase())),
        Some(Schema::List(kinds)) => {
            let all = kinds.iter().filter_map(Schema::as_text);
            let (nulls, others): (Vec<_>, Vec<_>) = all.partition(|kind| *kind == "null");
            if !nulls.is_empty() {
                set(lowered, "nullable", Schema::Bool(true));
            }
            match others[..] {
                [] => {}
                [kind] => set(lowered, "type", text(kind.to_ascii_uppercase())),
                _ => {
                    let of = |kind: &str| {
                        let kind = ("type".to_owned(), text(kind.to_ascii_uppercase()));
                        Schema::Map(typed(vec![kind]))
                    };
                    set(lowered, "anyOf", Schema::List(others.into_iter().map(of).collect()));
                }
            }
        }
        _ => {}
    }
    let values = match (schema.get("enum"), schema.get("const")) {
        (Some(Schema::List(values)), _) => values.as_slice(),
        (_, Some(value)) => std::slice::from_ref(value),
        _ => return,
    };
    if values.contains(&Schema::Null) {
        set(lowered, "nullable", Schema::Bool(true));
    }
    let words: Vec<Schema> = values.iter().filter_map(word).collect();
    if !words.is_empty() {
        set(lowered, "type", text("STRING"));
        set(lowered, "enum", Schema::List(words));
    }
}

/// What means the same in the subset, or nearly.
fn simple(schema: &Schema, lowered: &mut Fields) {
    for name in KEPT {
        if let Some(value) = schema.get(name) {
            set(lowered, name, value.clone());
        }
    }
    let format = schema.get("format").and_then(Schema::as_text);
    if let Some(format) = format.filter(|format| FORMATS.contains(format)) {
        set(lowered, "format", text(format));
    }
    let whole = lowered.iter().any(|(_, value)| value.as_text() == Some("INTEGER"));
    for (name, bound, step) in
        [("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)]
    {
        let Some(Schema::Number(limit)) = schema.get(name) else { continue };
        // Of real numbers there is no next one: the limit itself is the nearest bound.
        let next = limit.as_i64().filter(|_| whole).and_then(|limit| limit.checked_add(step));
        set(lowered, bound, Schema::Number(next.map_or_else(|| limit.clone(), Number::from)));
    }
}

/// Whether an alternative says nothing but which fields must be there, as `{"required":["a"]}`.
fn is_condition(schema: &Schema) -> bool {
    let Schema::Map(fields) = schema else { return true };
    fields.iter().all(|(name, _)| matches!(name.as_str(), "required" | "not" | "if" | "then"))
}

/// The API demands a type everywhere, and of lists the kind of their items.
fn typed(mut fields: Fields) -> Fields {
    let has = |fields: &Fields, name: &str| fields.iter().any(|(field, _)| field == name);
    if has(&fields, "anyOf") {
        return fields;
    }
    if !has(&fields, "type") {
        let kind = match () {
            () if has(&fields, "properties") => "OBJECT",
            () if has(&fields, "items") => "ARRAY",
            // Anything at all: a string can hold it.
            () => "STRING",
        };
        fields.insert(0, ("type".to_owned(), text(kind)));
    }
    let is_list = fields.iter().any(|(name, value)| name == "type" && *value == text("ARRAY"));
    if is_list && !has(&fields, "items") {
        set(&mut fields, "items", Schema::Map(vec![("type".to_owned(), text("STRING"))]));
    }
    fields
}

/// Adds what is not there yet; properties and what is required are joined.
fn merge(fields: &mut Fields, more: Fields) {
    for (name, value) in more {
        let Some((_, known)) = fields.iter_mut().find(|(field, _)| *field == name) else {
            fields.push((name, value));
            continue;
        };
        match (name.as_str(), known, value) {
            ("properties", Schema::Map(known), Schema::Map(more)) => merge(known, more),
            ("required" | "propertyOrdering", Schema::List(known), Schema::List(more)) => {
                let more: Vec<_> = more.into_iter().filter(|name| !known.contains(name)).collect();
                known.extend(more);
            }
            _ => {}
        }
    }
}

fn list<'s>(schema: &'s Schema, name: &str) -> &'s [Schema] {
    match schema.get(name) {
        Some(Schema::List(items)) => items,
        _ => &[],
    }
}

/// A value of an enumeration as the string that the API wants.
fn word(value: &Schema) -> Option<Schema> {
    Some(match value {
        Schema::Text(_) => value.clone(),
        Schema::Number(number) => text(number.to_string()),
        Schema::Bool(value) => text(value.to_string()),
        Schema::Null | Schema::List(_) | Schema::Map(_) => return None,
    })
}

fn text(text: impl Into<String>) -> Schema {
    Schema::Text(text.into())
}

fn set(fields: &mut Fields, name: &str, value: Schema) {
    match fields.iter_mut().find(|(field, _)| field == name) {
        Some((_, known)) => *known = value,
        None => fields.push((name.to_owned(), value)),
    }
}

fn take(fields: &mut Fields, name: &str) -> Option<Schema> {
    let at = fields.iter().position(|(field, _)| field == name)?;
    Some(fields.remove(at).1)
}

fn refused(what: &str) -> Error {
    Error::bad_request(format!("The target's model takes no schema that {what}."))
        .coded("unsupported_parameter")
}
