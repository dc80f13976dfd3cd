//! Where in a multipart form does a field's value stand? Enough to read a name and to change it; files stay as they are.

use std::ops::Range;

use memchr::memmem;

/// The boundary that a content type names, if it is a form's.
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let values = rest.split(';').filter_map(|field| field.trim().split_once('='));
    let mut named = values.filter(|(name, _)| name.eq_ignore_ascii_case("boundary"));
    let value = named.next()?.1.trim_matches('"');
    (!value.is_empty()).then_some(value)
}

/// Where the value of a field stands in a form's body.
pub(crate) fn field(body: &[u8], boundary: &str, name: &str) -> Option<Range<usize>> {
    parts(body, boundary).into_iter().find(|part| part.name == name).map(|part| part.value)
}

/// One field of a form.
pub(crate) struct Part<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Its type; empty where it is not told.
    pub(crate) kind: &'a str,
    /// Where its value stands in the body.
    pub(crate) value: Range<usize>,
}

/// All fields of a form's body that have a name.
pub(crate) fn parts<'a>(body: &'a [u8], boundary: &str) -> Vec<Part<'a>> {
    let mark = format!("--{boundary}");
    let marks: Vec<usize> = memmem::find_iter(body, mark.as_bytes()).collect();
    let part = |pair: &[usize]| {
        let start = pair[0] + mark.len();
        let part = &body[start..pair[1]];
        let head = memmem::find(part, b"\r\n\r\n")?;
        let lines = std::str::from_utf8(&part[..head]).ok()?;
        // A line end stands before the next boundary, and belongs to it.
        let value = start + head + 4..pair[1].saturating_sub(2);
        let name = name(line(lines, "content-disposition:")?)?;
        let kind = line(lines, "content-type:").unwrap_or_default().trim();
        (value.start <= value.end).then_some(Part { name, kind, value })
    };
    marks.windows(2).filter_map(part).collect()
}

/// What a line of a part's head says.
fn line<'a>(head: &'a str, field: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let start = line.get(..field.len())?;
        start.eq_ignore_ascii_case(field).then(|| &line[field.len()..])
    })
}

/// The name in a part's disposition, which is nobody's file name.
fn name(disposition: &str) -> Option<&str> {
    let mut fields = disposition.split(';').map(str::trim);
    Some(fields.find_map(|field| field.strip_prefix("name="))?.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"model\"\r\n\r\n\0name=model\r\n--X\r\ncontent-disposition: form-data; name=model\r\n\r\nwhisper-1\r\n--X\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--X--\r\n";

    #[test]
    fn a_field_is_found_by_its_name() {
        let check = |name: &str, expected: Option<&str>| {
            let found = field(BODY.as_bytes(), "X", name).map(|range| &BODY[range]);
            assert_eq!(found, expected, "{name}");
        };
        check("model", Some("whisper-1"));
        check("file", Some("\0name=model"));
        check("empty", Some(""));
        check("absent", None);
        assert_eq!(field(b"--X", "X", "a"), None);
        assert_eq!(field(b"", "X", "a"), None);
    }

    #[test]
    fn the_fields_come_in_order_with_their_types() {
        let body = "--X\r\nContent-Type: image/png\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"a;b\"\r\n\r\n\0\r\n--X\r\ncontent-disposition: form-data\r\n\r\nx\r\n--X\r\ncontent-disposition: form-data; name=n\r\n\r\n2\r\n--X--";
        let found = parts(body.as_bytes(), "X");
        let found: Vec<_> =
            found.into_iter().map(|part| (part.name, part.kind, &body[part.value])).collect();
        assert_eq!(found, [("image[]", "image/png", "\0"), ("n", "", "2")]);
    }

    #[test]
    fn only_a_form_has_a_boundary() {
        assert_eq!(boundary("multipart/form-data; boundary=\"a b\""), Some("a b"));
        assert_eq!(boundary("Multipart/Form-Data;Boundary=x; charset=utf-8"), Some("x"));
        assert_eq!(boundary("application/json"), None);
        assert_eq!(boundary("multipart/form-data; boundary="), None);
    }
}
