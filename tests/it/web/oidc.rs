//! Signing in at a real provider: who comes in is who the provider says, and nothing else ties people to accounts.

use reqwest::{Method, Response, StatusCode};
use serde_json::json;
use steadyhand::access::session::STEP_UP_MS;
use steadyhand::clock::Clock;
use steadyhand::entropy;
use steadyhand::sign_on::{Attempt, Claims, Meeting, Provider as Asked, SignOnError};
use steadyhand::store::access::{Began, Session};
use steadyhand::store::audit::Filter;
use steadyhand::web::WebOptions;

use super::provider::{Browser, Provider};
use super::server::{Server, cookie};

/// A server, and a provider with anna.
struct Both {
    provider: Provider,
    server: Server,
}

impl Both {
    async fn start() -> Self {
        Self::start_with(|_| {}, false).await
    }

    async fn start_with(
        change: impl FnOnce(&mut steadyhand::sign_on::Configuration),
        claims_in_id_token: bool,
    ) -> Self {
        let mut provider = Provider::start();
        let mut configuration = provider.configuration("steadyhand");
        change(&mut configuration);
        let server = Server::start_with(WebOptions { provider: Some(configuration), ..WebOptions::default() }).await;
        provider.knows(&server.url(""), claims_in_id_token);
        let anna =
            json!({"preferred_username": "Anna.B", "name": "Anna Bauer", "email": "a@example.org", "groups": ["ops"]});
        provider.person("1", &anna).await;
        Self { provider, server }
    }

    /// To the provider: the cookie of the half login, and the way there.
    async fn leave(&self, path: &str, cookies: &str) -> (String, String) {
        let answer = self.server.send(Method::GET, path, cookies, &[]).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let address = answer.headers()["location"].to_str().expect("addresses are ASCII").to_owned();
        (cookie(&answer).expect("a half login is given"), address)
    }

    /// The way back, as the browser would ask for it.
    async fn come_back(&self, address: &str, cookies: &str) -> Response {
        let path = address.strip_prefix(&self.server.url("")).expect("it leads back to the server");
        self.server.send(Method::GET, path, cookies, &[]).await
    }

    /// A whole login of a fresh browser.
    async fn login(&self, subject: &str) -> Response {
        let (step, address) = self.leave("/login/provider?next=/runs", "").await;
        let back = Browser::default().through(&address, subject).await;
        self.come_back(&back, &step).await
    }
}

/// The session among the cookies that an answer sets.
fn session(answer: &Response) -> Option<String> {
    let sets = answer.headers().get_all("set-cookie").iter();
    let sets = sets.filter_map(|set| set.to_str().ok()?.split(';').next());
    sets.filter(|set| set.starts_with("steadyhand_session=shsession_")).map(str::to_owned).next()
}

#[tokio::test]
async fn the_first_login_makes_an_account_and_its_groups_arrive() {
    let both = Both::start().await;
    let login = both.server.send(Method::GET, "/login?next=/runs", "", &[]).await.text().await.expect("a page");
    assert!(login.contains("href=\"/login/provider?next=%2Fruns\""), "{login}");
    let answer = both.login("1").await;
    assert_eq!(answer.headers()["location"], "/runs");
    let cookie = session(&answer).expect("a session is given");
    let person = both.server.store.person_named("anna.b").await.expect("it reads").expect("it was made");
    assert_eq!(
        (person.person.display_name.as_str(), person.person.email.as_deref()),
        ("Anna Bauer", Some("a@example.org"))
    );
    let sessions = both.server.store.sessions_of("user:anna.b", 0).await.expect("it reads");
    assert_eq!((sessions[0].began, sessions[0].groups.as_slice()), (Began::Provider, ["ops".to_owned()].as_slice()));
    let account = both.server.send(Method::GET, "/account", &cookie, &[]).await.text().await.expect("a page");
    assert!(
        account.contains("user:anna.b") && account.contains(&both.provider.issuer) && !account.contains("Old password")
    );
}

#[tokio::test]
async fn claims_of_the_id_token_itself_arrive_too() {
    let both = Both::start_with(|configuration| configuration.groups_claim = "groups".to_owned(), true).await;
    assert!(session(&both.login("1").await).is_some());
    let sessions = both.server.store.sessions_of("user:anna.b", 0).await.expect("it reads");
    assert_eq!(sessions[0].groups, ["ops"]);
}

#[tokio::test]
async fn who_is_renamed_at_the_provider_stays_the_same_person() {
    let both = Both::start().await;
    assert!(session(&both.login("1").await).is_some());
    let renamed = json!({"preferred_username": "anna.schmidt", "name": "Anna Schmidt", "email": "s@example.org", "groups": ["dba"]});
    both.provider.person("1", &renamed).await;
    let somebody = json!({"preferred_username": "anna.b", "email": "a@example.org", "groups": []});
    both.provider.person("2", &somebody).await;
    assert!(session(&both.login("1").await).is_some());
    assert!(session(&both.login("2").await).is_some());
    let people = both.server.store.people().await.expect("it reads");
    let names: Vec<_> = people.iter().map(|person| person.person.name.as_str()).collect();
    assert_eq!(names, ["anna.b", "anna.b-2"], "her old name at the provider leads nobody to her account");
    assert_eq!(people[0].person.display_name, "Anna Schmidt");
    let newest = &both.server.store.sessions_of("user:anna.b", 0).await.expect("it reads")[0];
    assert_eq!(newest.groups, ["dba"]);
}

#[tokio::test]
async fn what_the_provider_says_at_a_later_login_holds_for_the_sessions_that_are_open() {
    let both = Both::start().await;
    both.server.grant("steadyhand: 1\ngrants: [{who: group:ops, role: admin}]\n");
    let cookie = session(&both.login("1").await).expect("a session is given");
    assert_eq!(both.server.send(Method::GET, "/audit", &cookie, &[]).await.status(), StatusCode::OK);
    let moved = json!({"preferred_username": "Anna.B", "email": "a@example.org", "groups": ["sales"]});
    both.provider.person("1", &moved).await;
    assert!(session(&both.login("1").await).is_some(), "she signs in on another machine");
    let answer = both.server.send(Method::GET, "/audit", &cookie, &[]).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN, "the older session has what she is now");
}

/// Where people choose their own name at the provider, the first to come with it would be whom the file means.
#[tokio::test]
async fn a_name_that_access_yaml_means_goes_to_nobody_unless_names_are_trusted() {
    for (trusted, expected) in [(false, "anna.b-2"), (true, "anna.b")] {
        let both = Both::start_with(|configuration| configuration.trusted_names = trusted, false).await;
        both.server.grant("steadyhand: 1\nteams: {ops: [anna.b]}\ngrants: [{who: team:ops, role: admin}]\n");
        let cookie = session(&both.login("1").await).expect("a session is given");
        let people = both.server.store.people().await.expect("it reads");
        let names: Vec<_> = people.iter().map(|person| person.person.name.as_str()).collect();
        assert_eq!(names, [expected], "trusted: {trusted}");
        let audit = both.server.send(Method::GET, "/audit", &cookie, &[]).await.status();
        assert_eq!(audit == StatusCode::OK, trusted, "{audit}");
    }
}

#[tokio::test]
async fn a_local_account_of_the_same_name_is_somebody_else() {
    let both = Both::start().await;
    let local = both.server.person("anna.b", Some(super::login::PASSWORD)).await;
    assert!(session(&both.login("1").await).is_some());
    assert!(both.server.store.sessions_of("user:anna.b", 0).await.expect("it reads").is_empty());
    let sessions = both.server.store.sessions_of("user:anna.b-2", 0).await.expect("it reads");
    assert!(sessions[0].person.is_some_and(|person| person != local));
}

#[tokio::test]
async fn a_way_back_works_once_and_in_its_own_browser_alone() {
    let both = Both::start().await;
    let (step, address) = both.leave("/login/provider", "").await;
    let back = Browser::default().through(&address, "1").await;
    for cookies in ["", "steadyhand_login=x", &format!("steadyhand_login=shstep_{}", "0".repeat(64))] {
        let answer = both.come_back(&back, cookies).await;
        assert_eq!((answer.status(), session(&answer)), (StatusCode::FORBIDDEN, None), "{cookies}");
    }
    assert!(session(&both.come_back(&back, &step).await).is_some());
    let again = both.come_back(&back, &step).await;
    assert_eq!((again.status(), session(&again)), (StatusCode::FORBIDDEN, None), "used before");
}

#[tokio::test]
async fn another_state_or_issuer_is_refused_and_ends_the_attempt() {
    let both = Both::start().await;
    for (from, to) in [("state=", "state=x"), ("iss=", "iss=https%3A%2F%2Fevil.example&was=")] {
        let (step, address) = both.leave("/login/provider", "").await;
        let back = Browser::default().through(&address, "1").await;
        assert!(back.contains(from), "{back}");
        let answer = both.come_back(&back.replace(from, to), &step).await;
        assert_eq!((answer.status(), session(&answer)), (StatusCode::FORBIDDEN, None), "{to}");
        let late = both.come_back(&back, &step).await;
        assert_eq!(session(&late), None, "the attempt is over");
    }
    let told = both.server.store.list_audit(&Filter::default(), None, 10).await.expect("it reads").rows;
    let refused = told.iter().filter(|row| row.kind == "sign-in-refused" && row.object == "sign-in:provider");
    assert!(refused.count() >= 1, "{told:?}");
}

/// Login CSRF: the code of one login in the way back of another.
#[tokio::test]
async fn a_code_of_another_login_is_refused() {
    let both = Both::start().await;
    both.provider.person("2", &json!({"preferred_username": "mallory"})).await;
    let (_, of_mallory) = both.leave("/login/provider", "").await;
    let (step, of_anna) = both.leave("/login/provider", "").await;
    let code =
        |back: &str| back.split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code").to_owned();
    let foreign = code(&Browser::default().through(&of_mallory, "2").await);
    let back = Browser::default().through(&of_anna, "1").await;
    let answer = both.come_back(&back.replace(&code(&back), &foreign), &step).await;
    assert_eq!((answer.status(), session(&answer)), (StatusCode::FORBIDDEN, None));
    assert!(both.server.store.people().await.expect("it reads").is_empty());
}

#[tokio::test]
async fn only_members_of_the_allowed_groups_come_in_and_no_disabled_account() {
    let both = Both::start_with(|configuration| configuration.allowed_groups = vec!["ops".to_owned()], false).await;
    both.provider.person("2", &json!({"preferred_username": "ben", "groups": ["sales"]})).await;
    assert_eq!(session(&both.login("2").await), None);
    assert_eq!(both.server.store.person_named("ben").await.expect("it reads"), None, "no account was made");
    assert!(session(&both.login("1").await).is_some());
    let id = both.server.store.person_named("anna.b").await.expect("it reads").expect("it is there").person.id;
    both.server.store.disable_person(id, "command-line", 1).await.expect("it is stored");
    assert_eq!(session(&both.login("1").await), None);
}

#[tokio::test]
async fn a_login_counts_from_when_the_provider_asked_and_not_from_when_it_let_in() {
    let both = Both::start().await;
    let mut browser = Browser::default();
    for _ in 0..2 {
        let (step, address) = both.leave("/login/provider", "").await;
        let back = browser.through(&address, "1").await;
        assert!(session(&both.come_back(&back, &step).await).is_some());
    }
    assert_eq!(browser.logins, 1, "the second time its own session is enough for the provider");
    let sessions = both.server.store.sessions_of("user:anna.b", 0).await.expect("it reads");
    let proved: Vec<_> = sessions.iter().map(|session| session.authenticated_at_ms).collect();
    assert_eq!((proved.len(), proved[0]), (2, proved[1]));
}

#[tokio::test]
async fn to_prove_again_who_one_is_the_provider_asks_again_and_nobody_else_will_do() {
    let both = Both::start().await;
    both.provider.person("2", &json!({"preferred_username": "ben"})).await;
    let (step, address) = both.leave("/login/provider", "").await;
    let mut browser = Browser::default();
    let back = browser.through(&address, "1").await;
    let first = session(&both.come_back(&back, &step).await).expect("a session is given");
    assert_eq!(browser.logins, 1);
    let before = both.server.store.sessions_of("user:anna.b", 0).await.expect("it reads").remove(0);
    // As if it had begun long ago.
    let long_ago = both.server.clock.wall_ms() - STEP_UP_MS;
    let hash = steadyhand::access::secret::hash(
        steadyhand::access::secret::Door::Session,
        first.trim_start_matches("steadyhand_session="),
    );
    let hash = hash.expect("it has the form of its door");
    assert!(both.server.store.end_session(hash, 1).await.expect("it is stored"));
    let old = Session { authenticated_at_ms: long_ago, ..before };
    both.server.store.create_session(&old).await.expect("it is stored");
    let page = both.server.send(Method::GET, "/account/confirm", &first, &[]).await.text().await.expect("a page");
    assert!(page.contains("/login/provider?confirm=1"), "{page}");

    let confirm = "/login/provider?confirm=1&next=/account";
    let (step, address) = both.leave(confirm, &first).await;
    let other = Browser::default().through(&address, "2").await;
    let refused = both.come_back(&other, &format!("{first}; {step}")).await;
    assert_eq!((refused.status(), session(&refused)), (StatusCode::FORBIDDEN, None));

    let (step, address) = both.leave(confirm, &first).await;
    let back = browser.through(&address, "1").await;
    assert_eq!(browser.logins, 2, "the provider's own session was not enough");
    let confirmed = both.come_back(&back, &format!("{first}; {step}")).await;
    assert_eq!(confirmed.headers()["location"], "/account");
    let fresh = session(&confirmed).expect("a fresh token is given");
    assert_eq!(both.server.send(Method::GET, "/", &first, &[]).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(both.server.send(Method::GET, "/", &fresh, &[]).await.status(), StatusCode::OK);
    let after = &both.server.store.sessions_of("user:anna.b", 0).await.expect("it reads")[0];
    assert_eq!(after.id, old.id);
    assert!(after.authenticated_at_ms > long_ago);
}

#[tokio::test]
async fn a_provider_that_does_not_answer_lets_nobody_in_and_the_page_says_so() {
    let provider = Provider::start();
    let configuration = provider.configuration("steadyhand");
    drop(provider);
    let server = Server::start_with(WebOptions { provider: Some(configuration), ..WebOptions::default() }).await;
    let answer = server.send(Method::GET, "/login/provider", "", &[]).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(answer.text().await.expect("a page is text").contains("could not be asked"));
    let without = Server::start().await;
    assert_eq!(without.send(Method::GET, "/login/provider", "", &[]).await.status(), StatusCode::NOT_FOUND);
}

/// A login without the server: what the client of the provider itself takes and refuses.
struct Alone {
    provider: Provider,
    asked: Asked,
}

impl Alone {
    fn start(client: &str) -> Self {
        let mut provider = Provider::start();
        provider.knows("http://127.0.0.1:1", true);
        let asked = Asked::new(provider.configuration(client));
        Self { provider, asked }
    }

    /// The code that ends an attempt.
    async fn code(&self, asked: &Asked, attempt: &Attempt) -> String {
        self.provider.person("1", &json!({"preferred_username": "anna"})).await;
        let address = asked.begin(attempt, Meeting::AnyLogin, now_ms()).await.expect("the provider is there");
        let back = Browser::default().through(&address, "1").await;
        back.split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code").to_owned()
    }
}

fn now_ms() -> i64 {
    steadyhand::clock::System::start().wall_ms()
}

fn attempt() -> Attempt {
    let random = [entropy::fresh_token(), entropy::fresh_token(), entropy::fresh_token()];
    Attempt::new(random, "http://127.0.0.1:1/login/provider/callback".to_owned())
}

fn refusal(result: Result<Claims, SignOnError>) -> String {
    match result {
        Ok(claims) => panic!("{} was believed", claims.subject),
        Err(refused) => refused.to_string(),
    }
}

#[tokio::test]
async fn a_code_is_taken_once_and_with_its_own_verifier_and_nonce_alone() {
    let alone = Alone::start("steadyhand");
    let good = attempt();
    let code = alone.code(&alone.asked, &good).await;
    let claims = alone.asked.finish(&good, &code, now_ms()).await.expect("it is anna");
    assert_eq!((claims.subject.as_str(), claims.preferred_username.as_deref()), ("1", Some("anna")));
    assert!(refusal(alone.asked.finish(&good, &code, now_ms()).await).contains("did not take the code"));

    let begun = attempt();
    let code = alone.code(&alone.asked, &begun).await;
    let other_verifier = Attempt { verifier: attempt().verifier, ..begun };
    assert!(refusal(alone.asked.finish(&other_verifier, &code, now_ms()).await).contains("did not take the code"));

    let begun = attempt();
    let code = alone.code(&alone.asked, &begun).await;
    let other_nonce = Attempt { nonce: attempt().nonce, ..begun };
    let refused = refusal(alone.asked.finish(&other_nonce, &code, now_ms()).await);
    assert!(refused.contains("nonce"), "{refused}");
}

#[tokio::test]
async fn an_id_token_for_another_audience_of_another_time_or_changed_is_not_believed() {
    let alone = Alone::start("other");
    let attempt = attempt();
    let code = alone.code(&alone.asked, &attempt).await;
    let address = format!("{}/token", alone.provider.issuer);
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &attempt.redirect),
            ("code_verifier", &attempt.verifier),
        ])
        .finish();
    let request = reqwest::Client::new().post(address).basic_auth("other", Some("a+secret+of+the+test"));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
    let answer: serde_json::Value = request.send().await.expect("it answers").json().await.expect("it is JSON");
    let token = answer["id_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();

    alone.asked.believed(&token, &attempt, now_ms()).await.expect("its own client believes it");
    let ours = Asked::new(alone.provider.configuration("steadyhand"));
    let refused = refusal(ours.believed(&token, &attempt, now_ms()).await);
    assert!(refused.contains("audience"), "{refused}");
    let later = now_ms() + 2 * 24 * 3_600_000;
    let refused = refusal(alone.asked.believed(&token, &attempt, later).await);
    assert!(refused.contains("xpired"), "{refused}");
    let (body, signature) = token.rsplit_once('.').expect("a token has three parts");
    let mut letters: Vec<char> = signature.chars().collect();
    letters[10] = if letters[10] == 'A' { 'B' } else { 'A' };
    let forged = format!("{body}.{}", letters.into_iter().collect::<String>());
    let refused = refusal(alone.asked.believed(&forged, &attempt, now_ms()).await);
    assert!(refused.contains("ignature"), "{refused}");
}
