//! What goes together, who is left out, and what do those hear whose exchange fails?

use std::time::Duration;

use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use http::{Request, Response};
use tidegate_core::{error::Kind, http::Body, ports::Upstream};
use tokio::{sync::Semaphore, task::yield_now};

use super::*;
use crate::SystemClock;

/// A database that answers only when it is let, and does whatever it is told but for one text.
#[derive(Default)]
struct Slow {
    let_through: Gate,
    /// The SQL of each exchange.
    asked: Mutex<Vec<Vec<String>>>,
}

struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

/// What violates a constraint.
const REFUSED: &str = "refused";

#[async_trait]
impl Upstream for Slow {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>> {
        let bytes = tidegate_core::http::read(request.into_body(), 1 << 20).await?;
        let asked: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let steps = asked["requests"][0]["batch"]["steps"].as_array().unwrap();
        let texts = steps.iter().map(|step| step["stmt"]["sql"].as_str().unwrap().to_owned());
        let texts: Vec<String> = texts.collect();
        let answer = answer(&texts);
        self.asked.lock().unwrap().push(texts);
        self.let_through.0.acquire().await.unwrap().forget();
        match answer {
            Some(answer) => Ok(Response::new(Body::from(answer))),
            None => Err(Error::new(Kind::UpstreamUnreachable, "gone")),
        }
    }
}

/// Every step goes well but those that are refused, and what stands behind them; no answer when one is "lost".
fn answer(texts: &[String]) -> Option<String> {
    if texts.iter().any(|text| text == "lost") {
        return None;
    }
    let well = r#"{"cols":[],"rows":[],"affected_row_count":1,"last_insert_rowid":null}"#;
    let error = r#"{"message":"UNIQUE constraint failed: a.b","code":"SQLITE_CONSTRAINT"}"#;
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    let mut refused = false;
    for text in texts {
        let (result, told) = match text.as_str() {
            REFUSED => {
                refused = true;
                ("null", error)
            }
            "RELEASE one" if refused => ("null", "null"),
            "ROLLBACK TO one" => {
                let result = if refused { well } else { "null" };
                refused = false;
                (result, "null")
            }
            "ROLLBACK" => ("null", "null"),
            _ => (well, "null"),
        };
        results.push(result);
        errors.push(told);
    }
    let (results, errors) = (results.join(","), errors.join(","));
    Some(format!(
        r#"{{"baton":null,"base_url":null,"results":[{{"type":"ok","response":{{"type":"batch",
           "result":{{"step_results":[{results}],"step_errors":[{errors}]}}}}}}]}}"#
    ))
}

fn remote() -> (Arc<Slow>, Remote) {
    let slow = Arc::new(Slow::default());
    let upstream = Arc::<Slow>::clone(&slow);
    let hrana = Hrana::new("http://db", None, upstream, Arc::new(SystemClock)).unwrap();
    (slow, Remote::new(hrana))
}

fn one(sql: &'static str) -> Vec<Statement> {
    vec![Statement::new(sql, Vec::new())]
}

/// The first write is under way; the others wait.
async fn under_way(slow: &Slow, exchanges: usize) {
    while slow.asked.lock().unwrap().len() < exchanges {
        yield_now().await;
    }
}

#[tokio::test]
async fn what_waits_goes_together_and_is_refused_alone() {
    let (slow, remote) = remote();
    let first = remote.write(one("first"));
    let others = async {
        under_way(&slow, 1).await;
        let writes = ["second", REFUSED, "third"].map(|sql| remote.write(one(sql)));
        let opened = async {
            yield_now().await;
            slow.let_through.0.add_permits(2);
        };
        tokio::join!(join_all(writes), opened).0
    };
    let (first, others) = tokio::join!(first, others);
    assert_eq!(first.unwrap()[0].changed, 1);
    let kinds: Vec<_> = others.into_iter().map(|done| done.map_err(|error| error.kind)).collect();
    assert!(matches!(&kinds[..], [Ok(_), Err(Kind::Conflict), Ok(_)]), "{kinds:?}");
    let asked = slow.asked.lock().unwrap();
    let statements = |at: usize| -> Vec<&str> {
        let texts = asked[at].iter().map(String::as_str);
        texts.filter(|sql| sql.chars().all(char::is_lowercase)).collect()
    };
    assert_eq!(asked.len(), 2);
    assert_eq!((statements(0), statements(1)), (vec!["first"], vec!["second", REFUSED, "third"]));
}

#[tokio::test]
async fn who_left_before_it_began_is_left_out() {
    let (slow, remote) = remote();
    let first = remote.write(one("first"));
    let leaving = async {
        under_way(&slow, 1).await;
        let gone = tokio::time::timeout(Duration::from_millis(5), remote.write(one("gone"))).await;
        assert!(gone.is_err());
        slow.let_through.0.add_permits(2);
        remote.write(one("later")).await
    };
    let (first, later) = tokio::join!(first, leaving);
    assert!(first.is_ok() && later.is_ok());
    assert!(!slow.asked.lock().unwrap().iter().flatten().any(|sql| sql == "gone"));
}

#[tokio::test]
async fn a_lost_exchange_fails_all_that_were_in_it_and_no_later_one() {
    let (slow, remote) = remote();
    let first = remote.write(one("first"));
    let others = async {
        under_way(&slow, 1).await;
        let writes = ["lost", "beside"].map(|sql| remote.write(one(sql)));
        let opened = async {
            yield_now().await;
            slow.let_through.0.add_permits(3);
        };
        tokio::join!(join_all(writes), opened).0
    };
    let (first, others) = tokio::join!(first, others);
    assert!(first.is_ok());
    let unavailable = |done: &Result<_>| done.as_ref().is_err_and(|e| e.kind == Kind::Unavailable);
    assert!(others.iter().all(unavailable));
    assert!(remote.write(one("later")).await.is_ok());
}

#[tokio::test]
async fn a_full_lane_refuses() {
    let (_slow, remote) = remote();
    // As many as go in the first exchange, as many as may wait behind it, and one more.
    let count = DATABASE_TOGETHER_MAX + DATABASE_QUEUE_MAX + 1;
    let mut writes: FuturesUnordered<_> = (0..count).map(|_| remote.write(one("one"))).collect();
    let refused = writes.next().await.unwrap().unwrap_err();
    assert!(refused.detail.contains("too many"), "{refused:?}");
}
