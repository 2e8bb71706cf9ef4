//! DynamoDB's expressions, as far as the processor writes any. Another one is refused by name: the stand-in must not
//! guess.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::{Item, Refusal};

/// What an expression speaks of.
pub(super) struct Scope<'s> {
    pub(super) names: &'s Map<String, Value>,
    pub(super) values: &'s Map<String, Value>,
}

impl Scope<'_> {
    /// Whether an item is as the condition has it. No item has no attributes.
    pub(super) fn holds(&self, condition: &str, item: &Item) -> Result<bool, Refusal> {
        for alternative in condition.split(" OR ") {
            let mut holds = true;
            for term in alternative.split(" AND ") {
                holds &= self.term(term.trim(), item)?;
            }
            if holds {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn term(&self, term: &str, item: &Item) -> Result<bool, Refusal> {
        if let Some(path) = call(term, "attribute_not_exists") {
            return Ok(get(item, &self.path(path)?).is_none());
        }
        if let Some((path, value)) = call(term, "begins_with").and_then(|arguments| arguments.split_once(", ")) {
            let text = get(item, &self.path(path)?).and_then(|found| found.get("S")?.as_str());
            let prefix = self.value(value)?.get("S").and_then(Value::as_str).ok_or_else(|| Refusal::unknown(term))?;
            return Ok(text.is_some_and(|text| text.starts_with(prefix)));
        }
        let [path, operator, value] = term.split(' ').collect::<Vec<_>>()[..] else {
            return Err(Refusal::unknown(term));
        };
        let wanted = match operator {
            "=" => Ordering::Equal,
            "<" => Ordering::Less,
            ">" => Ordering::Greater,
            _ => return Err(Refusal::unknown(term)),
        };
        let value = self.value(value)?;
        Ok(get(item, &self.path(path)?).is_some_and(|found| compare(found, value) == Some(wanted)))
    }

    /// Does what an update says to an item.
    pub(super) fn update(&self, update: &str, item: &mut Item) -> Result<(), Refusal> {
        let (verb, actions) = update.split_once(' ').ok_or_else(|| Refusal::unknown(update))?;
        for action in actions_of(actions) {
            match verb {
                "SET" => self.set(action, item)?,
                "ADD" => self.add(action, item)?,
                _ => return Err(Refusal::unknown(update)),
            }
        }
        Ok(())
    }

    fn set(&self, action: &str, item: &mut Item) -> Result<(), Refusal> {
        let (path, operand) = action.split_once(" = ").ok_or_else(|| Refusal::unknown(action))?;
        let value = match call(operand, "if_not_exists").and_then(|arguments| arguments.split_once(", ")) {
            Some((known, value)) => match get(item, &self.path(known)?) {
                Some(known) => known.clone(),
                None => self.value(value)?.clone(),
            },
            None => self.value(operand)?.clone(),
        };
        put(item, &self.path(path)?, value)
    }

    fn add(&self, action: &str, item: &mut Item) -> Result<(), Refusal> {
        let (path, value) = action.split_once(' ').ok_or_else(|| Refusal::unknown(action))?;
        let (path, more) = (self.path(path)?, self.value(value)?);
        let more = number(more).ok_or_else(|| Refusal::unknown(action))?;
        let sum = match get(item, &path) {
            None => more,
            Some(known) => number(known).ok_or_else(Refusal::operand)? + more,
        };
        put(item, &path, json!({"N": sum.to_string()}))
    }

    fn value(&self, name: &str) -> Result<&Value, Refusal> {
        self.values.get(name).ok_or_else(|| Refusal::unknown(name))
    }

    fn path(&self, text: &str) -> Result<Vec<String>, Refusal> {
        let name = |part: &str| match part.starts_with('#') {
            true => self.names.get(part).and_then(Value::as_str).map(str::to_owned),
            false => Some(part.to_owned()),
        };
        text.split('.').map(|part| name(part).ok_or_else(|| Refusal::unknown(text))).collect()
    }
}

/// What stands between the parentheses of `name(…)`.
fn call<'t>(term: &'t str, name: &str) -> Option<&'t str> {
    term.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

/// At the commas that separate actions, not at those within a call.
fn actions_of(actions: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    let separates = move |character: char| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    };
    actions.split(separates).map(str::trim)
}

fn get<'i>(item: &'i Item, path: &[String]) -> Option<&'i Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(item.get(first)?, |value, name| value.get("M")?.get(name))
}

fn put(item: &mut Item, path: &[String], value: Value) -> Result<(), Refusal> {
    match path {
        [name] => item.insert(name.clone(), value),
        [map, name] => {
            let members = item.get_mut(map).and_then(|map| map.get_mut("M")?.as_object_mut());
            members.ok_or_else(Refusal::path)?.insert(name.clone(), value)
        }
        _ => return Err(Refusal::unknown(&path.join("."))),
    };
    Ok(())
}

/// A whole number: the processor counts.
fn number(value: &Value) -> Option<i128> {
    value.get("N")?.as_str()?.parse().ok()
}

fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    if let Some((left, right)) = number(left).zip(number(right)) {
        return Some(left.cmp(&right));
    }
    let text = |value: &Value| Some(value.get("S")?.as_str()?.to_owned());
    Some(text(left)?.cmp(&text(right)?))
}
