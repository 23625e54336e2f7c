//! Every guarded route of the table × every role × a thing that the role covers, one that it does not, and one that is
//! not there. New routes are walked because they are in the table.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use steadyhand::access::grant::Role;
use steadyhand::access::identity::{Identity, Reach, Road, Scopes};
use steadyhand::access::policy::Permission;
use steadyhand::run::event::Actor;
use steadyhand::web::routes::{Door, Route, table};
use steadyhand::web::{Answer, Web};

use super::server::Server;

const ACCESS: &str = "\
steadyhand: 1
teams: {dbas: [zoe]}
grants:
  - {who: user:viewer, role: viewer, runbooks: web/**, hosts: role=web}
  - {who: user:operator, role: operator, runbooks: web/**, hosts: role=web}
  - {who: user:approver, role: approver, runbooks: web/**, hosts: role=web}
  - {who: user:author, role: author, runbooks: web/**, hosts: role=web}
  - {who: user:admin, role: admin, runbooks: web/**, hosts: role=web}
  - {who: user:chief, role: admin}
";

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    /// The role's grants cover it.
    Own,
    /// It is there, and they do not.
    Other,
    Absent,
}

/// Everything that addresses can name, of one kind.
struct Named {
    run: String,
    share: String,
    handoff: String,
    runbook: &'static str,
    host: &'static str,
}

struct World {
    server: Server,
    own: Named,
    other: Named,
    absent: Named,
}

impl World {
    async fn start() -> Self {
        let server = Server::start().await;
        server.grant(ACCESS);
        server.person("ben", None).await;
        let own = Named { runbook: "web/tour", host: "web-1", ..of_run(&server, "web/tour", "web-1").await };
        let other = Named { runbook: "db/tour", host: "db-1", ..of_run(&server, "db/tour", "db-1").await };
        let nothing = "0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01".to_owned();
        let absent =
            Named { run: nothing.clone(), share: nothing.clone(), handoff: nothing, runbook: "web/none", host: "none" };
        Self { server, own, other, absent }
    }

    fn named(&self, thing: Thing) -> &Named {
        match thing {
            Thing::Own => &self.own,
            Thing::Other => &self.other,
            Thing::Absent => &self.absent,
        }
    }

    async fn ask(&self, who: Identity, route: &Route, thing: Thing) -> Answer {
        let named = self.named(thing);
        let web: &Web = &self.server.web;
        let (mut address, body) = (address(route, named), body(route, named));
        if route.path.contains("/shares/{id}") && thing != Thing::Absent {
            // A link is ended once.
            address = address.replace(&named.share, &share_of(&self.server, &named.run).await);
        }
        let answer = web.answer_to(who, route.method.clone(), &address, body.as_ref());
        tokio::time::timeout(super::server::PATIENCE, answer).await.expect("it answers in time").expect("it answers")
    }
}

async fn of_run(server: &Server, runbook: &str, host: &str) -> Named {
    let started = json!({"runbook": runbook, "inputs": {"folder": server.written()}, "hosts": [host]});
    let (status, started) = server.post("/api/v1/runs", &started).await;
    assert_eq!(status, StatusCode::CREATED, "{started}");
    let run = started["id"].as_str().expect("a run has an id").to_owned();
    server.until(&run, |view| view["waiting"]["for"] == "confirm").await;
    let share = share_of(server, &run).await;
    // It tells of every run that is not over: of the first, later of both.
    let (status, begun) = server.post("/api/v1/handoffs", &json!({"to": "ben"})).await;
    assert_eq!(status, StatusCode::CREATED, "{begun}");
    let handoff = begun["id"].as_str().expect("a handoff has an id").to_owned();
    Named { run, share, handoff, runbook: "", host: "" }
}

async fn share_of(server: &Server, run: &str) -> String {
    let (status, share) = server.post("/api/v1/shares", &json!({"run": run})).await;
    assert_eq!(status, StatusCode::CREATED, "{share}");
    share["id"].as_str().expect("a share has an id").to_owned()
}

/// The route's address with its parameters filled. A parameter that is not known here must be added.
fn address(route: &Route, named: &Named) -> String {
    let id = match route.path {
        path if path.contains("/shares/") => &named.share,
        path if path.contains("/handoffs/") => &named.handoff,
        _ => &named.run,
    };
    let mut address = route
        .path
        .replace("{id}", id)
        .replace("{*path}", named.runbook)
        .replace("{step}", "look")
        .replace("{host}", named.host);
    assert!(!address.contains('{'), "the matrix does not know the parameters of {}", route.path);
    if (route.path, &route.method) == ("/api/v1/shares", &Method::GET) {
        address = format!("{address}?run={}", named.run);
    }
    // An event stream of a run that goes on would not end.
    address
}

fn body(route: &Route, named: &Named) -> Option<Value> {
    match (route.path, &route.method) {
        ("/api/v1/runs" | "/api/v1/plans", &Method::POST) => Some(json!({"runbook": named.runbook})),
        ("/api/v1/shares", &Method::POST) => Some(json!({"run": named.run})),
        (_, &Method::POST) => Some(json!({})),
        _ => None,
    }
}

/// Whether the route is about something that exists or does not.
fn is_about_a_thing(route: &Route) -> bool {
    let in_body = ["/api/v1/plans", "/api/v1/shares"].contains(&route.path)
        || (route.path, &route.method) == ("/api/v1/runs", &Method::POST);
    !route.parameters.is_empty() || in_body
}

fn guarded() -> Vec<(Route, Permission)> {
    let needs = |route: Route| match route.door {
        Door::Needs(permission) => Some((route, permission)),
        Door::Public | Door::Secret | Door::ShareCookie => None,
    };
    // A stream does not end while its run goes on; it has its own test.
    table().into_iter().filter_map(needs).filter(|(route, _)| !route.path.ends_with("/events")).collect()
}

fn person(name: &str) -> Identity {
    Identity {
        actor: Actor(format!("user:{name}")),
        road: Road::Session,
        groups: Vec::new(),
        reach: Reach::Granted,
        authenticated_at_ms: Some(i64::MAX),
    }
}

/// Without what differs between any two answers: their number, and the names that were asked about.
fn said_of(answer: &Answer, named: &Named) -> Value {
    let text = said(answer).to_string().replace(&named.run, "RUN").replace(named.runbook, "RUNBOOK");
    serde_json::from_str(&text).expect("it was JSON before")
}

fn said(answer: &Answer) -> Value {
    let mut problem: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    if let Some(fields) = problem.as_object_mut() {
        fields.remove("instance");
    }
    problem
}

const CLOSED: [StatusCode; 3] = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND];

#[tokio::test]
async fn a_role_opens_what_it_holds_on_what_it_covers_and_nothing_else() {
    let world = World::start().await;
    let mut asked = 0;
    for (route, permission) in &guarded() {
        let what = format!("{} {}", route.method, route.path);
        for role in Role::ALL {
            let who = person(role.word());
            let own = world.ask(who.clone(), route, Thing::Own).await;
            let about_server = matches!(permission, Permission::ReadAudit | Permission::ManagePeople);
            match (permission.is_of_roles(), role.holds(*permission) && !about_server) {
                (false, _) => assert_ne!(own.status, StatusCode::FORBIDDEN, "{what} by {who:?}: everybody's own"),
                (true, true) => assert!(!CLOSED.contains(&own.status), "{what} by {role:?}: {}", own.status),
                (true, false) => assert_eq!(own.status, StatusCode::FORBIDDEN, "{what} by {role:?}"),
            }
            asked += 1;
            if !is_about_a_thing(route) {
                continue;
            }
            let [other, absent] =
                [world.ask(who.clone(), route, Thing::Other).await, world.ask(who, route, Thing::Absent).await];
            if role.holds(*permission) || !route.parameters.is_empty() {
                assert_eq!(other.status, StatusCode::NOT_FOUND, "{what} by {role:?} about another's");
                assert_eq!(absent.status, StatusCode::NOT_FOUND, "{what} by {role:?} about nothing");
            }
            let (other, absent) = (said_of(&other, &world.other), said_of(&absent, &world.absent));
            assert_eq!(other, absent, "{what} by {role:?}: what is hidden looks like what is not there");
            asked += 2;
        }
    }
    assert!(asked > 250, "the table was walked: {asked}");
}

#[tokio::test]
async fn an_admin_of_everything_has_everything_and_somebody_without_a_grant_nothing() {
    let world = World::start().await;
    for (route, permission) in guarded().iter().filter(|(_, permission)| permission.is_of_roles()) {
        let what = format!("{} {}", route.method, route.path);
        for thing in [Thing::Own, Thing::Other] {
            let chief = world.ask(person("chief"), route, thing).await;
            assert!(!CLOSED.contains(&chief.status), "{what} {permission:?}: {}", chief.status);
        }
        let nobody = world.ask(person("zoe"), route, Thing::Own).await;
        let is_an_empty_list = route.method == Method::GET && !is_about_a_thing(route);
        if is_an_empty_list {
            let text = String::from_utf8_lossy(&nobody.body).into_owned();
            assert!(!text.contains("tour"), "{what}: {text}");
        } else {
            assert!(CLOSED.contains(&nobody.status), "{what} by nobody: {}", nobody.status);
        }
    }
}

#[tokio::test]
async fn a_token_opens_the_verbs_it_was_made_for_and_no_others() {
    let world = World::start().await;
    for (route, permission) in &guarded() {
        let what = format!("{} {}", route.method, route.path);
        let token = |verbs: Vec<Permission>| Identity {
            actor: Actor("user:chief/ci".to_owned()),
            road: Road::Token,
            reach: Reach::Owned(Scopes { verbs, runbooks: Vec::new(), hosts: None }),
            authenticated_at_ms: None,
            ..person("chief")
        };
        let others: Vec<Permission> = Permission::OF_TOKENS.into_iter().filter(|verb| verb != permission).collect();
        let without = world.ask(token(others), route, Thing::Own).await;
        assert!(CLOSED.contains(&without.status), "{what} by a token without {permission:?}: {}", without.status);
        // Sharing takes reading what is shared.
        let reading = [Permission::ReadRuns, Permission::ReadOutput];
        let mut verbs = vec![*permission];
        verbs.extend(reading.into_iter().filter(|_| *permission == Permission::ShareOutput));
        let with = world.ask(token(verbs), route, Thing::Own).await;
        let never = !Permission::OF_TOKENS.contains(permission) && *permission != Permission::ReadAudit;
        // One that cannot even read what it is about is told that there is nothing.
        let closed = if never { CLOSED.contains(&with.status) } else { with.status == StatusCode::FORBIDDEN };
        assert_eq!(closed, never, "{what} by a token with {permission:?}: {}", with.status);
    }
}

#[test]
fn each_parameter_of_a_guarded_address_is_part_of_what_is_asked_about() {
    for (route, _) in guarded() {
        let in_path: Vec<&str> = route
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| name.trim_start_matches('*'))
            .collect();
        assert_eq!(in_path, route.parameters, "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn lists_hold_what_their_reader_may_see() {
    let world = World::start().await;
    for (path, who, sees, hidden) in [
        ("/api/v1/runs", "viewer", &world.own.run, &world.other.run),
        ("/runs", "viewer", &world.own.run, &world.other.run),
        ("/", "operator", &world.own.run, &world.other.run),
        ("/api/v1/runbooks", "viewer", &"web/tour".to_owned(), &"db/tour".to_owned()),
        ("/runbooks", "viewer", &"web/tour".to_owned(), &"db/tour".to_owned()),
    ] {
        let answer = world.server.web.answer_to(person(who), Method::GET, path, None).await.expect("it answers");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(text.contains(sees.as_str()) && !text.contains(hidden.as_str()), "{path}: {text}");
    }
}

#[tokio::test]
async fn a_start_is_refused_for_one_host_too_many_and_for_another_ref() {
    let world = World::start().await;
    let start = async |hosts: &[&str], git_ref: Option<&str>| {
        let mut body = json!({"runbook": "web/tour", "inputs": {"folder": world.server.written()}, "hosts": hosts});
        if let Some(git_ref) = git_ref {
            body["ref"] = json!(git_ref);
        }
        let answer = world.server.web.answer_to(person("operator"), Method::POST, "/api/v1/runs", Some(&body)).await;
        answer.expect("it answers")
    };
    let refused = start(&["web-1", "db-1"], None).await;
    // It looks like a host that is not there: she may not know that it is.
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", said(&refused));
    let [hidden, absent] = [said(&refused), said(&start(&["web-1", "db-9"], None).await)]
        .map(|said| said.to_string().replace("db-9", "db-1"));
    assert_eq!(hidden, absent);
    let refused = start(&["web-1"], Some("HEAD")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "a plain folder has no refs");
    let started = start(&["web-1"], None).await;
    assert_eq!(started.status, StatusCode::CREATED, "{}", said(&started));
}
