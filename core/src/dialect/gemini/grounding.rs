//! Where do the words of an answer come from? This API counts bytes of all text; we count characters of one part.

use std::{borrow::Cow, collections::HashSet, ops::Range};

use serde_json::value::RawValue;

use super::wire::{
    Chunk, ChunkOut, Grounding, GroundingOut, Segment, SegmentOut, Site, SiteOut, Sources,
    SupportOut,
};
use crate::{
    dialect::ir::Citation,
    json,
    limits::{CITATIONS_MAX, SOURCE_BYTES_MAX},
};

/// All text of an answer so far, and which part said what: sources are told last.
#[derive(Default)]
pub(super) struct Said {
    text: String,
    /// The number of each text part, and where its text stands.
    parts: Vec<(usize, Range<usize>)>,
    /// How many sources were looked for.
    sources: usize,
}

impl Said {
    /// A text part begins.
    pub(super) fn open(&mut self, part: usize) {
        self.parts.push((part, self.text.len()..self.text.len()));
    }

    /// More of the last one.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        if let Some((_, range)) = self.parts.last_mut() {
            range.end = self.text.len();
        }
    }

    /// Whether one more source is looked for. Each costs a walk through the text, and one element may name millions.
    fn seeks(&mut self) -> bool {
        self.sources += 1;
        self.sources <= CITATIONS_MAX
    }

    /// A source with the number of its part. Without a place it is the last part's.
    fn cited(&self, site: &Site<'_>, place: Option<Range<usize>>) -> Option<(usize, Citation)> {
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().unwrap_or("").to_owned();
        let (part, span) = match place {
            Some(place) => {
                let holds = |(_, range): &&(usize, Range<usize>)| range.contains(&place.start);
                let (part, range) = self.parts.iter().find(holds)?;
                let count =
                    |range: Range<usize>| self.text.get(range).map(|text| text.chars().count());
                let from = count(range.start..place.start)?;
                let length = count(place.start..place.end.min(range.end))?;
                (part, Some((from, from + length)))
            }
            None => (&self.parts.last()?.0, None),
        };
        let (url, mut title) = (text(&site.uri), text(&site.title));
        if title.len() > SOURCE_BYTES_MAX {
            title.clear();
        }
        Some((*part, Citation { url, title, quoted: String::new(), span }))
    }

    /// Where a segment stands in all text. Hosts count from the answer's start or from the part's; the words that come
    /// with the numbers tell which, and find the place when neither fits.
    fn place(&self, segment: &Segment<'_>) -> Option<Range<usize>> {
        let words = segment.text.as_deref().filter(|words| !words.is_empty());
        let within = |from: usize| {
            let range =
                from.checked_add(segment.start_index)?..from.checked_add(segment.end_index)?;
            let text = self.text.get(range.clone()).filter(|text| !text.is_empty())?;
            words.is_none_or(|words| words == text).then_some(range)
        };
        let by_words = || {
            let words = words?;
            self.text.find(words).map(|at| at..at + words.len())
        };
        let last = self.parts.last().map_or(0, |(_, range)| range.start);
        within(0).or_else(|| within(last)).or_else(by_words)
    }
}

/// What the sources of an answer say.
#[derive(Default)]
pub(super) struct Found {
    /// The sources, each with the number of its text part.
    pub(super) citations: Vec<(usize, Citation)>,
    /// How many searches were made.
    pub(super) searches: i64,
}

/// The sources that were searched for. What cannot be read says nothing.
pub(super) fn read(json: &RawValue, said: &mut Said) -> Found {
    let Ok(grounding) = json::read::<Grounding<'_>>(json.get()) else {
        return Found::default();
    };
    let queries = grounding.web_search_queries.map_or(0, |queries| queries.len());
    let searches = i64::try_from(queries).unwrap_or(i64::MAX);
    let chunks = grounding.grounding_chunks.unwrap_or_default();
    let mut citations = Vec::new();
    for support in grounding.grounding_supports.unwrap_or_default() {
        let mut place = None;
        let mut seen = HashSet::new();
        for at in support.grounding_chunk_indices.unwrap_or_default() {
            let Some(site) = chunks.get(at).and_then(site).filter(|_| seen.insert(at)) else {
                continue;
            };
            if !said.seeks() {
                return Found { citations, searches };
            }
            let segment = support.segment.as_ref();
            let place =
                place.get_or_insert_with(|| segment.and_then(|segment| said.place(segment)));
            citations.extend(said.cited(site, place.clone()));
        }
    }
    Found { citations, searches }
}

/// The sources of text that the model repeats.
pub(super) fn read_sources(json: &RawValue, said: &mut Said) -> Vec<(usize, Citation)> {
    let Ok(sources) = json::read::<Sources<'_>>(json.get()) else { return Vec::new() };
    let mut citations = Vec::new();
    for source in sources.citations.unwrap_or_default() {
        let site = Site { uri: source.uri, title: source.title };
        if !is_told(&site) {
            continue;
        }
        if !said.seeks() {
            break;
        }
        let place = source.end_index.and_then(|end_index| {
            let start_index = source.start_index.unwrap_or(0);
            said.place(&Segment { start_index, end_index, text: None })
        });
        let cited = said.cited(&site, place);
        // Without a place the same source comes again and again.
        citations.extend(cited.filter(|cited| !citations.contains(cited)));
    }
    citations
}

fn site<'c, 'a>(chunk: &'c Chunk<'a>) -> Option<&'c Site<'a>> {
    let told = chunk.web.as_ref().or(chunk.maps.as_ref()).or(chunk.retrieved_context.as_ref());
    told.filter(|site| is_told(site))
}

/// Hosts have been seen to name sources that are nowhere.
fn is_told(site: &Site<'_>) -> bool {
    site.uri.as_ref().is_some_and(|uri| !uri.is_empty() && uri.len() <= SOURCE_BYTES_MAX)
}

/// Sources that are written when all is said.
#[derive(Default)]
pub(super) struct Cited {
    all: Vec<(usize, Citation)>,
}

impl Cited {
    /// A source of a text part.
    pub(super) fn push(&mut self, part: usize, citation: Citation) {
        if self.all.len() < CITATIONS_MAX {
            self.all.push((part, citation));
        }
    }

    /// The sources with their places in all text; `None` when there are none.
    pub(super) fn write<'t>(&'t self, said: &'t Said) -> Option<GroundingOut<'t>> {
        let mut grounding =
            GroundingOut { grounding_chunks: Vec::new(), grounding_supports: Vec::new() };
        for (part, Citation { url, title, quoted: _, span }) in &self.all {
            let Some((_, range)) = said.parts.iter().find(|(number, _)| number == part) else {
                continue;
            };
            let chunks = &mut grounding.grounding_chunks;
            let same = |chunk: &ChunkOut<'_>| chunk.web.uri == url && chunk.web.title == title;
            let at = chunks.iter().position(same).unwrap_or_else(|| {
                chunks.push(ChunkOut { web: SiteOut { uri: url, title } });
                chunks.len() - 1
            });
            let place = span.map_or_else(|| range.clone(), |span| bytes(&said.text, range, span));
            let (start_index, end_index) = (place.start, place.end);
            // The place says enough: many sources of one long text must not each repeat it.
            let text = Some(&said.text[place]).filter(|text| text.len() <= SOURCE_BYTES_MAX);
            let segment = SegmentOut { start_index, end_index, text };
            let support = SupportOut { segment, grounding_chunk_indices: [at] };
            grounding.grounding_supports.push(support);
        }
        Some(grounding).filter(|grounding| !grounding.grounding_supports.is_empty())
    }
}

/// Characters of a part as bytes of everything.
fn bytes(text: &str, part: &Range<usize>, (from, to): (usize, usize)) -> Range<usize> {
    let inner = &text[part.clone()];
    let byte = |chars: usize| inner.char_indices().nth(chars).map_or(inner.len(), |(at, _)| at);
    part.start + byte(from)..part.start + byte(to.max(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(parts: &[&str]) -> Said {
        let mut said = Said::default();
        for (text, part) in parts.iter().zip(0..) {
            said.open(part);
            said.push(text);
        }
        said
    }

    #[test]
    fn bytes_become_characters() {
        let chunks = r#""groundingChunks":[{"web":{"uri":"a","title":"A"}},{"maps":{"uri":"b"}},{"web":{}}]"#;
        let check = |segment: &str, parts: &[&str], part: usize, span: Option<(usize, usize)>| {
            let json = format!(
                r#"{{{chunks},"groundingSupports":[{{"segment":{segment},"groundingChunkIndices":[1,2,7]}}]}}"#
            );
            let found = read(serde_json::from_str(&json).unwrap(), &mut said(parts)).citations;
            let found: Vec<_> =
                found.iter().map(|(part, found)| (*part, found.url.as_str(), found.span)).collect();
            assert_eq!(found, [(part, "b", span)], "{segment}");
        };
        let one = &["aé b cé."][..];
        check(r#"{"startIndex":3,"endIndex":8,"text":" b cé"}"#, one, 0, Some((2, 7)));
        check(r#"{"endIndex":3,"text":"aé"}"#, one, 0, Some((0, 2)));
        check(r#"{"startIndex":6,"endIndex":9}"#, one, 0, Some((5, 7)));
        let two = &["hello ", "world"][..];
        check(r#"{"startIndex":6,"endIndex":8,"text":"wo"}"#, two, 1, Some((0, 2)));
        check(r#"{"startIndex":1,"endIndex":3,"text":"el"}"#, two, 0, Some((1, 3)));
        // Counted from the part's start.
        check(r#"{"startIndex":0,"endIndex":2,"text":"wo"}"#, two, 1, Some((0, 2)));
        // Beyond the part.
        check(r#"{"startIndex":4,"endIndex":8,"text":"o wo"}"#, two, 0, Some((4, 6)));
        // The numbers are wrong, the words are not.
        check(r#"{"startIndex":1,"endIndex":2,"text":"é!"}"#, &["aé!"], 0, Some((1, 3)));
        check(r#"{"startIndex":90,"endIndex":99}"#, &["short"], 0, None);
        check(r#"{"startIndex":2,"endIndex":3}"#, &["aé"], 0, None);
    }

    #[test]
    fn sources_without_an_address_are_none() {
        let json = r#"{"citationSources":[{},{"uri":"u","startIndex":1,"endIndex":3},{"uri":"v"},{"uri":"v"},{"title":"t"}]}"#;
        let found = read_sources(serde_json::from_str(json).unwrap(), &mut said(&["aéb"]));
        let found: Vec<_> =
            found.iter().map(|(_, found)| (found.url.as_str(), found.span)).collect();
        assert_eq!(found, [("u", Some((1, 2))), ("v", None)]);
    }

    #[test]
    fn sources_are_bounded() {
        let long = "u".repeat(SOURCE_BYTES_MAX + 1);
        let many = ["0"; 9].join(",");
        let support = format!(r#"{{"groundingChunkIndices":[{many},1]}}"#);
        let supports = vec![support; CITATIONS_MAX + 1].join(",");
        let json = format!(
            r#"{{"groundingChunks":[{{"web":{{"uri":"u","title":"{long}"}}}},{{"web":{{"uri":"{long}"}}}}],"groundingSupports":[{supports}]}}"#
        );
        let mut said = said(&["a"]);
        let found = read(serde_json::from_str(&json).unwrap(), &mut said).citations;
        assert_eq!(found.len(), CITATIONS_MAX);
        assert!(found.iter().all(|(_, found)| found.url == "u" && found.title.is_empty()));
        assert!(read(serde_json::from_str(&json).unwrap(), &mut said).citations.is_empty());
    }

    #[test]
    fn queries_are_counted() {
        let check = |json: &str, expected| {
            let json = serde_json::from_str(json).unwrap();
            assert_eq!(read(json, &mut Said::default()).searches, expected);
        };
        check(r#"{"webSearchQueries":["x","y"]}"#, 2);
        check(r#"{"webSearchQueries":7}"#, 0);
    }

    #[test]
    fn characters_become_bytes_of_everything() {
        let said = said(&["é1", "é two", "three"]);
        let mut cited = Cited::default();
        let cite =
            |span| Citation { url: "u".into(), title: "t".into(), quoted: String::new(), span };
        cited.push(1, cite(Some((0, 1))));
        cited.push(1, cite(None));
        cited.push(9, cite(None));
        let json = serde_json::to_string(&cited.write(&said).unwrap()).unwrap();
        assert_eq!(
            json,
            r#"{"groundingChunks":[{"web":{"uri":"u","title":"t"}}],"groundingSupports":[{"segment":{"startIndex":3,"endIndex":5,"text":"é"},"groundingChunkIndices":[0]},{"segment":{"startIndex":3,"endIndex":9,"text":"é two"},"groundingChunkIndices":[0]}]}"#
        );
        assert!(Cited::default().write(&said).is_none());
    }
}
