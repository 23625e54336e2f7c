//! Unknown, expired and revoked look alike at every door, so that whoever guesses learns nothing from the answer.

use reqwest::{Method, Response, StatusCode};
use steadyhand::access::secret::{self, Door};
use steadyhand::access::session::SESSION_IDLE_MS;
use steadyhand::store::access::{Began, NewLoginLink, Session};

use super::server::{Server, make_token};

/// All of an answer that does not differ from request to request by itself.
async fn whole(answer: Response) -> (StatusCode, Vec<String>, String) {
    let request = answer.headers()["x-request-id"].to_str().expect("it is ASCII").to_owned();
    let differs = ["x-request-id", "date"];
    let headers = answer.headers().iter().filter(|(name, _)| !differs.contains(&name.as_str()));
    let mut headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
    headers.sort();
    (answer.status(), headers, answer.text().await.expect("it is text").replace(&request, "REQUEST"))
}

fn assert_alike(answers: &[(StatusCode, Vec<String>, String)], expected: StatusCode) {
    assert_eq!(answers[0].0, expected);
    for (at, answer) in answers.iter().enumerate() {
        assert_eq!(answer, &answers[0], "answer {at}");
    }
}

#[tokio::test]
async fn tokens_that_do_not_open_look_alike_to_programs_and_on_pages() {
    let server = Server::start().await;
    let now_ms = server.clock.wall_ms();
    let expired = make_token(&server.store, now_ms - 10_000, Some(now_ms - 1)).await;
    let never_made = secret::text(Door::Api, [7; 32]);
    let of_another_door = secret::text(Door::Share, [7; 32]);
    for path in ["/api/v1/runs", "/runs"] {
        let mut answers = Vec::new();
        for token in [&expired, &never_made, &of_another_door, "x", "", &"y".repeat(4_000)] {
            let request = server.bare(Method::GET, path).header("authorization", format!("Bearer {token}"));
            answers.push(whole(request.send().await.expect("it answers")).await);
        }
        answers.push(whole(server.bare(Method::GET, path).send().await.expect("it answers")).await);
        assert_alike(&answers, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn sessions_that_are_over_look_like_none() {
    let server = Server::start().await;
    let now_ms = server.clock.wall_ms();
    let store = async |number: u8, last_seen_ms: i64, expires_at_ms: i64| {
        let text = secret::text(Door::Session, [number; 32]);
        let token_hash = secret::hash(Door::Session, &text).expect("it has the form of its door");
        let session = Session {
            id: steadyhand::entropy::fresh_uuid(now_ms),
            token_hash,
            actor: "user:anna".to_owned(),
            person: None,
            began: Began::BreakGlass,
            groups: Vec::new(),
            created_at_ms: last_seen_ms,
            authenticated_at_ms: last_seen_ms,
            last_seen_ms,
            expires_at_ms,
            user_agent: String::new(),
            peer: "127.0.0.1".to_owned(),
        };
        server.store.create_session(&session).await.expect("it is stored");
        text
    };
    let idled = store(1, now_ms - SESSION_IDLE_MS - 1, now_ms + SESSION_IDLE_MS).await;
    let expired = store(2, now_ms - 10_000, now_ms - 1).await;
    let ended = store(3, now_ms, now_ms + SESSION_IDLE_MS).await;
    server
        .store
        .end_session(secret::hash(Door::Session, &ended).expect("its form"), server.clock.wall_ms())
        .await
        .expect("it ends");
    let unknown = secret::text(Door::Session, [4; 32]);
    for path in ["/api/v1/runs", "/runs"] {
        let mut answers = Vec::new();
        for text in [&idled, &expired, &ended, &unknown, "x"] {
            let request = server.bare(Method::GET, path).header("cookie", format!("steadyhand_session={text}"));
            answers.push(whole(request.send().await.expect("it answers")).await);
        }
        answers.push(whole(server.bare(Method::GET, path).send().await.expect("it answers")).await);
        assert_alike(&answers, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn login_links_that_do_not_sign_in_look_alike() {
    let server = Server::start().await;
    let now_ms = server.clock.wall_ms();
    let used = server.login_link().await;
    let expired = secret::text(Door::Login, [5; 32]);
    let hash = secret::hash(Door::Login, &expired).expect("it has the form of its door");
    let link = NewLoginLink {
        token_hash: hash,
        actor: "user:anna".to_owned(),
        person: None,
        began: Began::BreakGlass,
        created_at_ms: now_ms - 10_000,
        expires_at_ms: now_ms - 1,
    };
    server.store.create_login_link(&link).await.expect("it is stored");
    let unknown = secret::text(Door::Login, [6; 32]);
    let post = |text: &str| {
        let request = server.bare(Method::POST, "/login").header("content-type", "application/x-www-form-urlencoded");
        request.body(format!("token={text}")).send()
    };
    assert_eq!(post(&used).await.expect("it answers").status(), StatusCode::SEE_OTHER);
    let mut answers = Vec::new();
    for text in [&used, &expired, &unknown, "x", ""] {
        answers.push(whole(post(text).await.expect("it answers")).await);
    }
    assert_alike(&answers, StatusCode::FORBIDDEN);
}
