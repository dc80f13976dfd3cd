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
    let mark = format!("--{boundary}");
    let marks: Vec<usize> = memmem::find_iter(body, mark.as_bytes()).collect();
    marks.windows(2).find_map(|pair| {
        let start = pair[0] + mark.len();
        let part = &body[start..pair[1]];
        let head = memmem::find(part, b"\r\n\r\n")?;
        let named = names(&part[..head]).is_some_and(|found| found == name);
        // A line end stands before the next boundary, and belongs to it.
        let value = start + head + 4..pair[1].saturating_sub(2);
        (named && value.start <= value.end).then_some(value)
    })
}

/// The name in a part's head, which is nobody's file name.
fn names(head: &[u8]) -> Option<&str> {
    let head = std::str::from_utf8(head).ok()?;
    let line = head.lines().find(|line| {
        line.get(..20).is_some_and(|start| start.eq_ignore_ascii_case("content-disposition:"))
    })?;
    let field = line.split(';').map(str::trim).find_map(|field| field.strip_prefix("name="))?;
    Some(field.trim_matches('"'))
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
    fn only_a_form_has_a_boundary() {
        assert_eq!(boundary("multipart/form-data; boundary=\"a b\""), Some("a b"));
        assert_eq!(boundary("Multipart/Form-Data;Boundary=x; charset=utf-8"), Some("x"));
        assert_eq!(boundary("application/json"), None);
        assert_eq!(boundary("multipart/form-data; boundary="), None);
    }
}
