//! What does a file `.env` say? Lines of `NAME=value`, with quotes, comments and `export`.

use std::collections::HashMap;

use tidegate_core::config::Mistake;

/// Reads the text of a `.env` file. Of two lines for one name the later one counts.
pub(crate) fn read(text: &str) -> Result<HashMap<String, String>, Vec<Mistake>> {
    let mut variables = HashMap::new();
    let mut mistakes = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in (1..).zip(text.lines()) {
        match read_line(line.trim()) {
            Ok(Some((name, value))) => {
                variables.insert(name.to_owned(), value);
            }
            Ok(None) => {}
            // The line itself may hold a secret.
            Err(message) => {
                mistakes.push(Mistake { line: Some(number), message: message.to_owned() });
            }
        }
    }
    if mistakes.is_empty() { Ok(variables) } else { Err(mistakes) }
}

fn read_line(line: &str) -> Result<Option<(&str, String)>, &'static str> {
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = match line.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        _ => line,
    };
    let (name, value) = line.split_once('=').ok_or("this is not NAME=value")?;
    let name = name.trim_end();
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !plain || name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Err("a name has letters, digits and underscores only");
    }
    Ok(Some((name, read_value(value.trim())?)))
}

fn read_value(value: &str) -> Result<String, &'static str> {
    if let Some(quoted) = value.strip_prefix('\'') {
        let (inner, rest) = quoted.split_once('\'').ok_or("the quote is not closed")?;
        nothing_after(rest)?;
        return Ok(inner.to_owned());
    }
    if let Some(quoted) = value.strip_prefix('"') {
        return read_double_quoted(quoted);
    }
    // `#` begins a comment only after a space: it may be part of a password.
    let end = value
        .char_indices()
        .find(|&(at, char)| char == '#' && (at == 0 || value[..at].ends_with([' ', '\t'])))
        .map_or(value.len(), |(at, _)| at);
    Ok(value[..end].trim_end().to_owned())
}

fn read_double_quoted(quoted: &str) -> Result<String, &'static str> {
    let mut value = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => {
                nothing_after(chars.as_str())?;
                return Ok(value);
            }
            '\\' => value.push(match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(other @ ('"' | '\\' | '$')) => other,
                _ => return Err("after a backslash comes one of n r t \" \\ $"),
            }),
            _ => value.push(char),
        }
    }
    Err("the quote is not closed")
}

fn nothing_after(rest: &str) -> Result<(), &'static str> {
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') { Ok(()) } else { Err("text after the quote") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let variables = read(line).unwrap();
        assert_eq!(variables.get("A").map(String::as_str), Some(expected), "{line}");
    }

    #[test]
    fn values_are_read() {
        check("A=b", "b");
        check("  A = b  ", "b");
        check("export A=b", "b");
        check("export\tA=b", "b");
        check("A=", "");
        check("A=b=c", "b=c");
        check("A=b # comment", "b");
        check("A=#comment", "");
        check("A=b#c", "b#c");
        check("A='b # $c \\n' # comment", "b # $c \\n");
        check(r#"A="b\n\"c\" # \\ \$d" # comment"#, "b\n\"c\" # \\ $d");
        check("A=ключ", "ключ");
        check("\u{feff}A=b", "b");
        check("A=1\r\nB=2\r\nA=3\r\n", "3");
    }

    #[test]
    fn what_is_no_variable_is_skipped() {
        assert_eq!(read("# A=1\n\n   \n").unwrap(), HashMap::new());
    }

    #[test]
    fn all_mistakes_are_told_with_their_lines_and_without_the_text() {
        let text = "A=1\nhello\n1A=sk-secret\nB='sk-secret\nC=\"x\" sk-secret\nD=\"\\q\"\nexport";
        let mistakes = read(text).unwrap_err();
        let lines: Vec<_> = mistakes.iter().filter_map(|mistake| mistake.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 7]);
        assert!(mistakes.iter().all(|mistake| !mistake.message.contains("sk-")), "{mistakes:?}");
    }
}
