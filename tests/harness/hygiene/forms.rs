//! The forms in which a value can hide in a line: rather than every value in every form, the line is read in
//! every way.

/// How a value is written in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Plain,
    /// With the escapes of JSON or of Rust's `Debug`, once or several times over.
    Escaped,
    /// Percent-encoded, as in a query or a form.
    PercentEncoded,
    /// Within base64 of either alphabet.
    Base64,
}

/// JSON within JSON within JSON: deeper nesting does not happen by mistake.
const NESTED: usize = 3;
/// A shorter run of base64's letters is a word.
const SHORTEST_RUN: usize = 12;

/// All the readings of a line that differ.
pub(super) fn of(line: &str) -> Vec<(Form, Vec<u8>)> {
    let mut readings = vec![(Form::Plain, line.as_bytes().to_vec())];
    repeat(&mut readings, Form::Escaped, unescaped);
    repeat(&mut readings, Form::PercentEncoded, percent_decoded);
    let decoded: Vec<u8> = readings.iter().flat_map(|(_, text)| base64_decoded(text)).collect();
    readings.push((Form::Base64, decoded));
    readings
}

/// Reads the last reading again, as long as something comes of it.
fn repeat(readings: &mut Vec<(Form, Vec<u8>)>, form: Form, read: impl Fn(&[u8]) -> Vec<u8>) {
    for _ in 0..NESTED {
        let Some((_, last)) = readings.last() else { return };
        let next = read(last);
        if next == *last {
            return;
        }
        readings.push((form, next));
    }
}

fn number(digits: Option<&[u8]>, radix: u32) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits?).ok()?, radix).ok()
}

/// Without one level of escapes.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let (before, escape) = rest.split_at(at);
        out.extend(before);
        let (bytes, length) = unescape(escape.get(1..).unwrap_or_default());
        out.extend(bytes);
        rest = escape.get(length..).unwrap_or_default();
    }
    out.extend(rest);
    out
}

/// What an escape stands for, and how long it is with its backslash.
fn unescape(behind: &[u8]) -> (Vec<u8>, usize) {
    match behind {
        [b'u', b'{', digits @ ..] => {
            let end = digits.iter().position(|byte| *byte == b'}').unwrap_or(digits.len());
            (utf_8(number(digits.get(..end), 16)), end + 4)
        }
        [b'u', ..] => utf_16(behind),
        [b'x', ..] => (number(behind.get(1..3), 16).and_then(|byte| u8::try_from(byte).ok()).into_iter().collect(), 4),
        [letter, ..] => (vec![if b"nrt".contains(letter) { b' ' } else { *letter }], 2),
        [] => (vec![], 1),
    }
}

/// `uXXXX`, and the other half of a pair if it is one. The bytes, and how long it was with its backslash.
fn utf_16(text: &[u8]) -> (Vec<u8>, usize) {
    let unit = number(text.get(1..5), 16).unwrap_or_default();
    let other = text.get(5..7).filter(|begin| *begin == b"\\u").and_then(|_| number(text.get(7..11), 16));
    match (unit, other) {
        (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
            (utf_8(Some(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))), 12)
        }
        _ => (utf_8(Some(unit)), 6),
    }
}

fn utf_8(point: Option<u32>) -> Vec<u8> {
    point.and_then(char::from_u32).map(|character| character.to_string().into_bytes()).unwrap_or_default()
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(at) = rest.iter().position(|byte| b"%+".contains(byte)) {
        let (before, encoded) = rest.split_at(at);
        out.extend(before);
        let is_space = encoded.first() == Some(&b'+');
        let byte = number(encoded.get(1..3), 16).filter(|_| !is_space).and_then(|byte| u8::try_from(byte).ok());
        out.push(byte.unwrap_or(if is_space { b' ' } else { b'%' }));
        rest = encoded.get(if byte.is_some() { 3 } else { 1 }..).unwrap_or_default();
    }
    out.extend(rest);
    out
}

/// Every run of base64's letters, decoded from each of the four places where a value in it can begin.
fn base64_decoded(text: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    for run in text.split(|byte| sextet(*byte).is_none()).filter(|run| run.len() >= SHORTEST_RUN) {
        let sextets: Vec<u32> = run.iter().copied().filter_map(sextet).collect();
        for begin in 0..4 {
            for quad in sextets.get(begin..).unwrap_or_default().chunks(4) {
                let bits = quad.iter().fold(0, |bits, sextet| bits << 6 | sextet) << (6 * (4 - quad.len()));
                let [_, bytes @ ..] = bits.to_be_bytes();
                out.extend(bytes.into_iter().take(quad.len().saturating_sub(1)));
            }
            // Nothing reaches from one run into another: no text holds this byte.
            out.push(0xff);
        }
    }
    out
}

fn sextet(letter: u8) -> Option<u32> {
    let place = match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(place))
}
