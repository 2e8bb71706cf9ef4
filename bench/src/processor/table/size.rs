//! What DynamoDB bills: the sizes of items, in started units.

use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Item;

/// Request units of an on-demand table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Units {
    /// Read units.
    pub reads: f64,
    /// Write units.
    pub writes: f64,
}

impl Units {
    /// Of a read of so many bytes: a unit for each started 4 KB, half of one if it needn't be consistent.
    pub(super) fn of_read(bytes: usize, is_consistent: bool) -> Self {
        let units = bytes.div_ceil(4_096).max(1) as f64;
        Self { reads: if is_consistent { units } else { units / 2.0 }, writes: 0.0 }
    }

    /// Of a write of an item that was so long or becomes so long, whatever is more: a unit for each started KB.
    pub(super) fn of_write(before: usize, after: usize) -> Self {
        Self { reads: 0.0, writes: before.max(after).div_ceil(1_024).max(1) as f64 }
    }

    /// The same in a transaction, which prepares and commits.
    pub(super) fn twice(self) -> Self {
        self + self
    }
}

impl Add for Units {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self { reads: self.reads + more.reads, writes: self.writes + more.writes }
    }
}

impl AddAssign for Units {
    fn add_assign(&mut self, more: Self) {
        *self = *self + more;
    }
}

/// An item's bytes by DynamoDB's rules.
pub(super) fn bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + of_value(value)).sum()
}

fn of_value(value: &Value) -> usize {
    let Some((kind, inner)) = value.as_object().and_then(|typed| typed.iter().next()) else { return 0 };
    match (kind.as_str(), inner) {
        ("S", Value::String(text)) => text.len(),
        ("N", Value::String(digits)) => of_number(digits),
        ("M", Value::Object(members)) => 3 + members.len() + bytes(members),
        ("L", Value::Array(elements)) => 3 + elements.iter().map(|element| 1 + of_value(element)).sum::<usize>(),
        _ => 1,
    }
}

/// A byte for each two significant digits, and one more; a sign takes another.
fn of_number(digits: &str) -> usize {
    let significant = digits.trim_start_matches('-').trim_matches('0');
    significant.len().div_ceil(2) + 1 + usize::from(digits.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn started_units_are_whole_units() {
        let writes = |bytes| Units::of_write(0, bytes).writes;
        assert_eq!([0, 1, 1_024, 1_025].map(writes), [1.0, 1.0, 1.0, 2.0]);
        assert_eq!(Units::of_write(3_000, 10).writes, 3.0);
        assert_eq!(Units::of_write(0, 10).twice().writes, 2.0);
        assert_eq!(Units::of_read(0, true).reads, 1.0);
        assert_eq!(Units::of_read(4_097, true).reads, 2.0);
        assert_eq!(Units::of_read(4_097, false).reads, 1.0);
    }

    #[test]
    fn an_item_is_as_long_as_its_names_and_values() {
        let item = json!({"pk": {"S": "가"}, "n": {"N": "1700000000"}, "m": {"M": {"a": {"BOOL": true}}}});
        assert_eq!(bytes(item.as_object().unwrap()), (2 + 3) + (1 + 2) + (1 + 3 + 1 + 1 + 1));
    }
}
