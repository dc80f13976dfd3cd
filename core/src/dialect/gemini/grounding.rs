//! Where do the words of an answer come from? This API counts bytes of all text; we count characters of one part.

use std::ops::Range;

use serde_json::value::RawValue;

use super::wire::{
    Chunk, ChunkOut, Grounding, GroundingOut, Segment, SegmentOut, Site, SiteOut, Sources,
    SupportOut,
};
use crate::{dialect::ir::Citation, limits::CITATIONS_MAX};

/// What sources of an answer say.
#[derive(Default)]
pub(super) struct Found {
    /// The sources of the last text part.
    pub(super) citations: Vec<Citation>,
    /// How many searches were made.
    pub(super) searches: i64,
}

/// The sources of the text part that begins at byte `start` of everything said. What cannot be read says nothing.
pub(super) fn read(json: &RawValue, said: &str, start: usize) -> Found {
    let Ok(grounding) = serde_json::from_str::<Grounding<'_>>(json.get()) else {
        return Found::default();
    };
    let queries = grounding.web_search_queries.map_or(0, |queries| queries.len());
    let chunks = grounding.grounding_chunks.unwrap_or_default();
    let mut citations = Vec::new();
    for support in grounding.grounding_supports.unwrap_or_default() {
        let span = support.segment.and_then(|segment| place(&segment, said, start));
        let sites = support.grounding_chunk_indices.unwrap_or_default();
        let sites = sites.into_iter().filter_map(|at| chunks.get(at).and_then(site));
        citations.extend(sites.map(|site| citation(site, span)));
        if citations.len() >= CITATIONS_MAX {
            break;
        }
    }
    Found { citations, searches: i64::try_from(queries).unwrap_or(i64::MAX) }
}

/// The sources that the provider found by itself, of text that it repeats.
pub(super) fn read_sources(json: &RawValue, said: &str, start: usize) -> Vec<Citation> {
    let Ok(sources) = serde_json::from_str::<Sources<'_>>(json.get()) else { return Vec::new() };
    let sources = sources.citations.unwrap_or_default().into_iter().take(CITATIONS_MAX);
    let read = sources.map(|source| {
        let segment = source.end_index.map(|end_index| Segment {
            start_index: source.start_index.unwrap_or(0),
            end_index,
            text: None,
        });
        let span = segment.and_then(|segment| place(&segment, said, start));
        citation(&Site { uri: source.uri, title: source.title }, span)
    });
    read.collect()
}

fn site<'c, 'a>(chunk: &'c Chunk<'a>) -> Option<&'c Site<'a>> {
    chunk.web.as_ref().or(chunk.maps.as_ref()).or(chunk.retrieved_context.as_ref())
}

fn citation(site: &Site<'_>, span: Option<(usize, usize)>) -> Citation {
    let text = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().unwrap_or("").to_owned();
    Citation { url: text(&site.uri), title: text(&site.title), quoted: String::new(), span }
}

/// Where a segment stands in the part, in characters. Hosts count from the part's start or from the answer's; the words
/// that come with the numbers tell which, and find the place when neither fits.
fn place(segment: &Segment<'_>, said: &str, start: usize) -> Option<(usize, usize)> {
    let part = said.get(start..)?;
    let told = segment.start_index..segment.end_index;
    let words = segment.text.as_deref().filter(|words| !words.is_empty());
    let fits = |text: &str| words.is_none_or(|words| words == text);
    let within =
        |range: Range<usize>| part.get(range.clone()).filter(|text| fits(text)).map(|_| range);
    let from_answer = || within(told.start.checked_sub(start)?..told.end.checked_sub(start)?);
    let by_words = || {
        let words = words?;
        part.find(words).map(|at| at..at + words.len())
    };
    let range = within(told.clone()).or_else(from_answer).or_else(by_words)?;
    let from = part[..range.start].chars().count();
    Some((from, from + part[range].chars().count()))
}

/// Everything said, and which of it has sources.
#[derive(Default)]
pub(super) struct Said {
    text: String,
    /// Where the last text part stands.
    part: Range<usize>,
    cited: Vec<(Range<usize>, Citation)>,
}

impl Said {
    /// A text part begins.
    pub(super) fn open(&mut self) {
        self.part = self.text.len()..self.text.len();
    }

    /// More of it.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.part.end = self.text.len();
    }

    /// A source of the last text part.
    pub(super) fn cite(&mut self, citation: Citation) {
        if self.cited.len() < CITATIONS_MAX {
            self.cited.push((self.part.start..usize::MAX, citation));
        }
    }

    /// The part is complete: sources of the whole part end here.
    pub(super) fn close(&mut self) {
        for (range, _) in
            self.cited.iter_mut().rev().take_while(|(range, _)| range.end == usize::MAX)
        {
            range.end = self.part.end;
        }
    }

    /// The sources, with bytes of everything said; `None` when there are none.
    pub(super) fn write(&self) -> Option<GroundingOut<'_>> {
        if self.cited.is_empty() {
            return None;
        }
        let mut grounding =
            GroundingOut { grounding_chunks: Vec::new(), grounding_supports: Vec::new() };
        for (range, citation) in &self.cited {
            let Citation { url, title, quoted: _, span } = citation;
            let chunks = &mut grounding.grounding_chunks;
            let same = |chunk: &ChunkOut<'_>| chunk.web.uri == url && chunk.web.title == title;
            let at = chunks.iter().position(same).unwrap_or_else(|| {
                chunks.push(ChunkOut { web: SiteOut { uri: url, title } });
                chunks.len() - 1
            });
            let range = range.start..range.end.min(self.text.len());
            let place = span.map_or(range.clone(), |span| bytes(&self.text, range, span));
            grounding.grounding_supports.push(SupportOut {
                segment: SegmentOut {
                    start_index: place.start,
                    end_index: place.end,
                    text: &self.text[place],
                },
                grounding_chunk_indices: [at],
            });
        }
        Some(grounding)
    }
}

/// Characters of a part as bytes of everything.
fn bytes(text: &str, part: Range<usize>, (from, to): (usize, usize)) -> Range<usize> {
    let inner = &text[part.clone()];
    let byte = |chars: usize| inner.char_indices().nth(chars).map_or(inner.len(), |(at, _)| at);
    let (from, to) = (byte(from), byte(to.max(from)));
    part.start + from..part.start + to
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(json: &str, said: &str, start: usize) -> Vec<(String, Option<(usize, usize)>)> {
        let json = serde_json::from_str(json).unwrap();
        let found = read(json, said, start).citations;
        found.into_iter().map(|citation| (citation.url, citation.span)).collect()
    }

    #[test]
    fn bytes_become_characters() {
        let chunks = r#""groundingChunks":[{"web":{"uri":"a","title":"A"}},{"maps":{"uri":"b"}}]"#;
        let check = |segment: &str, said: &str, start: usize, expected: Option<(usize, usize)>| {
            let json = format!(
                r#"{{{chunks},"groundingSupports":[{{"segment":{segment},"groundingChunkIndices":[1,7]}}]}}"#
            );
            assert_eq!(spans(&json, said, start), [("b".to_owned(), expected)], "{segment}");
        };
        check(r#"{"startIndex":3,"endIndex":8,"text":"b cé"}"#, "aé b cé.", 0, Some((3, 7)));
        check(r#"{"endIndex":3,"text":"aé"}"#, "aé b", 0, Some((0, 2)));
        check(r#"{"startIndex":6,"endIndex":9}"#, "aé b cé.", 0, Some((5, 7)));
        // Counted from the answer's start, although the part begins later.
        check(r#"{"startIndex":6,"endIndex":8,"text":"wo"}"#, "hello world", 6, Some((0, 2)));
        check(r#"{"startIndex":0,"endIndex":2,"text":"wo"}"#, "hello world", 6, Some((0, 2)));
        // The numbers are wrong, the words are not.
        check(r#"{"startIndex":1,"endIndex":2,"text":"é!"}"#, "aé!", 0, Some((1, 3)));
        check(r#"{"startIndex":90,"endIndex":99}"#, "short", 0, None);
        check(r#"{"startIndex":2,"endIndex":3}"#, "aé", 0, None);
    }

    #[test]
    fn queries_are_counted() {
        let json = serde_json::from_str(r#"{"webSearchQueries":["x","y"]}"#).unwrap();
        assert_eq!(read(json, "", 0).searches, 2);
        let json = serde_json::from_str(r#"{"webSearchQueries":7}"#).unwrap();
        assert_eq!(read(json, "", 0).searches, 0);
    }

    #[test]
    fn characters_become_bytes_of_everything() {
        let mut said = Said::default();
        said.open();
        said.push("é1");
        said.close();
        said.open();
        said.push("é");
        let cite =
            |span| Citation { url: "u".into(), title: "t".into(), quoted: String::new(), span };
        said.cite(cite(Some((0, 1))));
        said.cite(cite(None));
        said.push(" two");
        said.close();
        said.open();
        said.push("three");
        said.close();
        let json = serde_json::to_string(&said.write().unwrap()).unwrap();
        assert_eq!(
            json,
            r#"{"groundingChunks":[{"web":{"uri":"u","title":"t"}}],"groundingSupports":[{"segment":{"startIndex":3,"endIndex":5,"text":"é"},"groundingChunkIndices":[0]},{"segment":{"startIndex":3,"endIndex":9,"text":"é two"},"groundingChunkIndices":[0]}]}"#
        );
        assert!(Said::default().write().is_none());
    }
}
