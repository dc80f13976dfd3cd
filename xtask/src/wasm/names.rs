//! How does a module get lighter without a change to what it does? The section with the names of functions is left out.

/// What a module begins with: its mark and the version of the format.
const HEAD: &[u8] = b"\0asm\x01\0\0\0";
/// The kind of sections that say nothing to whoever runs the module.
const CUSTOM: u8 = 0;
const NAMES: &[u8] = b"name";

/// The module without the names of its functions; `None` when it is no module.
pub(super) fn without_names(module: &[u8]) -> Option<Vec<u8>> {
    let mut lighter = HEAD.to_vec();
    let mut rest = module.strip_prefix(HEAD)?;
    while let Some((kind, behind)) = rest.split_first() {
        let (size, behind) = number(behind)?;
        let (contents, next) = behind.split_at_checked(size)?;
        let (section, _) = rest.split_at(rest.len() - next.len());
        if *kind != CUSTOM || title(contents)? != NAMES {
            lighter.extend_from_slice(section);
        }
        rest = next;
    }
    Some(lighter)
}

/// What a custom section is called.
fn title(contents: &[u8]) -> Option<&[u8]> {
    let (length, behind) = number(contents)?;
    behind.get(..length)
}

/// A number of 32 bits, seven to a byte, the lowest first; and what follows it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value: u64 = 0;
    for (place, byte) in bytes.iter().enumerate().take(5) {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, &bytes[place + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(sections: &[&[u8]]) -> Vec<u8> {
        [HEAD, &sections.concat()].concat()
    }

    #[test]
    fn only_names_are_left_out() {
        let types: &[u8] = &[1, 4, 1, 0x60, 0, 0];
        let names: &[u8] = b"\0\x07\x04nameab";
        let makers: &[u8] = b"\0\x0a\x09producers";
        // A size may take more bytes than it needs.
        let padded: &[u8] = b"\x0a\x83\x80\x00abc";
        let lighter = without_names(&module(&[types, names, makers, padded, names]));
        assert_eq!(lighter, Some(module(&[types, makers, padded])));
        assert_eq!(without_names(&module(&[])), Some(module(&[])));
    }

    #[test]
    fn what_is_no_module_is_left_alone() {
        for bytes in [&b""[..], b"\0asm", b"text", &module(&[&[1, 9, 0]]), &module(&[&[1]])] {
            assert_eq!(without_names(bytes), None, "{bytes:?}");
        }
        let endless = module(&[&[1, 0x80, 0x80, 0x80, 0x80, 0x80, 0]]);
        assert_eq!(without_names(&endless), None);
    }
}
