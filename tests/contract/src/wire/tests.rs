//! Do client and provider show what really happened on the wire?

use tidegate_provider::{Provider, Script, Step, tag};

use super::*;

async fn played(script: Script) -> (Provider, SocketAddr, Ask) {
    let provider = Provider::start().await.unwrap();
    provider.play("self", script);
    let address = provider.base_url()["http://".len()..].trim_end_matches("/v1").parse().unwrap();
    (provider, address, Ask::post("/v1/x", tag("self")))
}

#[tokio::test]
async fn a_script_arrives_as_it_was_written() {
    let pause = Duration::from_millis(40);
    let (provider, address, ask) = played(Script::events().paced(["a", "b"], pause)).await;
    let pieces = Body::Chunked(vec!["[[script ".into(), "self]]".into()]);
    for ask in [ask.clone(), ask.body(pieces)] {
        let answer = exchange(address, &ask).await.unwrap();
        assert_eq!((answer.text().as_str(), answer.end), ("ab", End::Complete));
        assert!(answer.pieces[1].0 - answer.pieces[0].0 > pause / 2);
    }
    let seen = provider.seen("self");
    assert_eq!((seen.len(), &seen[0].body), (2, &seen[1].body));
    assert!(seen.iter().all(|seen| seen.answered.is_some()));
}

#[tokio::test]
async fn half_an_answer_is_seen_as_one() {
    for end in [Step::Reset, Step::Close, Step::Raw("5\r\nab".into())] {
        let script = Script::events().piece("whole").then(end).then(Step::Close);
        let (_provider, address, ask) = played(script).await;
        let answer = exchange(address, &ask).await.unwrap();
        assert_eq!((answer.text().as_str(), answer.end), ("whole", End::Cut));
    }
}

#[tokio::test]
async fn leaving_is_noticed_at_once() {
    for reset in [false, true] {
        let (provider, address, ask) = played(Script::events().piece("a").then(Step::Hang)).await;
        let mut connection = Connection::open(address).await.unwrap();
        connection.send(&ask).await.unwrap();
        connection.head().await.unwrap();
        let at = if reset { connection.reset().unwrap() } else { connection.close() };
        let wait = Duration::from_secs(2);
        let seen = provider.until("self", 0, wait, |seen| seen.left.is_some()).await.unwrap();
        let took = seen.left.unwrap().saturating_duration_since(at);
        assert!(took < Duration::from_millis(50), "noticed after {took:?}");
    }
}
