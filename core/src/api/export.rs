//! How do records leave in bulk? As CSV or as lines of JSON, page by page while they are taken, with a bound.

use std::fmt::Write as _;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Response, header};
use serde::Deserialize;

use super::{
    Answer, inbound,
    records::{Shown, checked, show},
};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    http::Body,
    limits::{EXPORT_ROWS, EXPORT_ROWS_MAX, PAGE_ROWS_MAX},
    ports::Millis,
    router::Visit,
    store::RecordFilter,
};

/// Which records, and how.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Wanted {
    /// How they are written.
    #[serde(default)]
    format: Format,
    /// Not before, in milliseconds since 1970.
    from_ms: Option<Millis>,
    /// Before, in milliseconds since 1970.
    to_ms: Option<Millis>,
    /// Of the client with this public id.
    client: Option<String>,
    /// Of this team.
    team: Option<String>,
    /// Answered by this provider.
    provider: Option<String>,
    /// Answered by this model.
    model: Option<String>,
    /// Answered with this status.
    #[cfg_attr(test, schemars(range(min = 100, max = 599)))]
    status: Option<u16>,
    /// Only what failed, or only what did not.
    failed: Option<bool>,
    /// Only streams, or only whole answers.
    stream: Option<bool>,
    /// At most so many, the newest.
    #[serde(default = "usual")]
    #[cfg_attr(test, schemars(range(min = 1, max = 1_000_000)))]
    limit: u32,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum Format {
    #[default]
    Csv,
    Jsonl,
}

fn usual() -> u32 {
    EXPORT_ROWS
}

/// Records, newest first.
pub(crate) fn get(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let wanted: Wanted = inbound::query(visit.request.uri())?;
        if !(1..=EXPORT_ROWS_MAX).contains(&wanted.limit) {
            let message = format!("An export has from 1 to {EXPORT_ROWS_MAX} records.");
            return Err(Error::bad_request(message).at("limit"));
        }
        let (format, left) = (wanted.format, wanted.limit);
        let export = Export {
            gateway: gateway.clone(),
            filter: wanted.filter()?,
            format,
            left,
            begun: false,
        };
        // A store that does not answer is told by a status as long as that is possible.
        let (first, export) = export.page().await?;
        let rest = stream::try_unfold(export, async |export| match export {
            None => Ok::<_, Error>(None),
            Some(export) => export.page().await.map(Some),
        });
        let first = stream::once(std::future::ready(Ok(first)));
        let mut response =
            Response::new(Body::from_stream(futures_util::StreamExt::chain(first, rest)));
        let headers = response.headers_mut();
        let (kind, name) = match format {
            Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"records.csv\""),
            Format::Jsonl => ("application/jsonl", "attachment; filename=\"records.jsonl\""),
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(name));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    })
}

impl Wanted {
    fn filter(self) -> Result<RecordFilter> {
        checked(RecordFilter {
            from_ms: self.from_ms,
            to_ms: self.to_ms,
            client: self.client,
            team: self.team,
            provider: self.provider,
            model: self.model,
            status: self.status,
            failed: self.failed,
            stream: self.stream,
            before: None,
            limit: PAGE_ROWS_MAX,
        })
    }
}

struct Export {
    gateway: Gateway,
    filter: RecordFilter,
    format: Format,
    left: u32,
    begun: bool,
}

impl Export {
    /// The next piece, and what comes after it.
    async fn page(mut self) -> Result<(Bytes, Option<Self>)> {
        self.filter.limit = self.left.min(PAGE_ROWS_MAX);
        let records = self.gateway.ports.store.records(&self.filter).await?;
        let mut text = String::new();
        if let (Format::Csv, false) = (self.format, self.begun) {
            text.push_str(CSV_HEAD);
        }
        for record in &records {
            match self.format {
                Format::Csv => push_csv(&mut text, &show(record)),
                Format::Jsonl => {
                    text.push_str(&serde_json::to_string(&show(record)).map_err(Error::internal)?);
                    text.push('\n');
                }
            }
        }
        let asked = self.filter.limit;
        self.begun = true;
        self.left -= u32::try_from(records.len()).unwrap_or(self.left).min(self.left);
        let more = records.len() == asked as usize && self.left > 0;
        self.filter.before = records.last().map(|last| (last.at_ms, last.id.clone()));
        Ok((text.into(), more.then_some(self)))
    }
}

const CSV_HEAD: &str = "id,at_ms,client,team,endpoint,dialect,requested_model,provider,model,key_id,status,error,\
     stream,prompt,cached,cache_write_5m,cache_write_1h,completion,reasoning,audio_in,audio_out,image_in,image_out,\
     calls,estimated,cost_nano,price_id,first_byte_ms,total_ms,attempts,bytes_in,bytes_out,dropped,added,stale,ended,\
     side_model,side_prompt,side_completion,side_nano,tried,unchecked,recalled\r\n";

fn push_csv(text: &mut String, row: &Shown<'_>) {
    let usage = &row.usage;
    let mut cells: Vec<String> = [row.id].map(cell).into();
    cells.push(row.at_ms.to_string());
    cells.extend([row.client, row.team, row.endpoint, row.dialect, row.requested_model].map(cell));
    cells.extend([row.provider, row.model, row.key_id].map(cell));
    cells.extend([row.status.to_string(), cell(row.error), row.stream.to_string()]);
    let numbers = [
        usage.prompt,
        usage.cached,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.completion,
        usage.reasoning,
        usage.audio_in,
        usage.audio_out,
        usage.image_in,
        usage.image_out,
        usage.calls,
    ];
    cells.extend(numbers.map(|number| number.to_string()));
    cells.extend([row.estimated.to_string(), row.cost_nano.to_string(), cell(row.price_id)]);
    cells.extend([row.first_byte_ms, row.total_ms, row.attempts.into()].map(|n| n.to_string()));
    cells.extend([row.bytes_in, row.bytes_out].map(|number| number.to_string()));
    cells.extend([row.dropped, row.added].map(cell));
    cells.extend([row.stale.to_string(), row.ended.to_owned(), cell(row.side_model)]);
    let side = [row.side_prompt, row.side_completion, row.side_nano];
    cells.extend(side.map(|number| number.to_string()));
    cells.push(cell(row.tried.get()));
    cells.extend([row.unchecked, row.recalled].map(|flag| flag.to_string()));
    let _ = write!(text, "{}\r\n", cells.join(","));
}

/// A text that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quoted = formula || text.contains([',', '"', '\n', '\r']);
    match (quoted, formula) {
        (false, _) => text.to_owned(),
        (true, formula) => {
            format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Record;

    #[test]
    fn a_cell_is_text_and_no_formula() {
        let check = |text: &str, expected: &str| assert_eq!(cell(text), expected);
        check("gpt-4o", "gpt-4o");
        check("a,b", "\"a,b\"");
        check("say \"x\"", "\"say \"\"x\"\"\"");
        check("=HYPERLINK(1)", "\"'=HYPERLINK(1)\"");
        check("@SUM(1)", "\"'@SUM(1)\"");
        check("-1", "\"'-1\"");
        check("+1", "\"'+1\"");
    }

    #[test]
    fn a_row_has_a_cell_for_each_column() {
        let mut text = String::new();
        push_csv(&mut text, &show(&Record { id: "r".to_owned(), ..Record::default() }));
        assert_eq!(text.matches(',').count(), CSV_HEAD.matches(',').count());
    }
}
