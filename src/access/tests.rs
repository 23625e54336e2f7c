//! What files say, and what follows from them.

use std::collections::BTreeMap;

use crate::access::grant::Policy;
use crate::access::identity::{Identity, Reach, Road, Scopes};
use crate::access::parse;
use crate::access::policy::{Because, Denied, Permission, decide};
use crate::access::scope::{About, Scope, ScopedHost};
use crate::inventory::selector::Selector;
use crate::run::event::Actor;

const FILE: &str = "\
steadyhand: 1
teams:
  web: [anna, user:ben]
  sre: [group:/ops/sre]
on_call:
  web: [anna]
grants:
  - {who: everyone, role: viewer, runbooks: web/**, hosts: env!=prod}
  - {who: team:web, role: operator, runbooks: [web/**, tag:disk], hosts: role=web}
  - who: [user:carla, team:sre]
    role: approver
  - {who: user:dora, role: operator, runbooks: web/**, hosts: role=db, override: windows}
  - {who: user:erin, role: admin}
";

fn policy() -> Policy {
    let parsed = parse("access.yaml", FILE.as_bytes());
    parsed.policy.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics))
}

fn person(name: &str) -> Identity {
    Identity {
        actor: Actor(format!("user:{name}")),
        road: Road::Session,
        groups: Vec::new(),
        reach: Reach::Granted,
        authenticated_at_ms: Some(0),
    }
}

fn host(name: &str, labels: &[(&str, &str)]) -> ScopedHost {
    let labels: BTreeMap<String, String> = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    ScopedHost { name: name.parse().expect("a host name"), labels }
}

fn run(runbook: &str, tags: &[&str], hosts: Vec<ScopedHost>) -> Scope {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Scope { runbook: runbook.parse().expect("a runbook path"), tags, hosts }
}

fn web() -> ScopedHost {
    host("web-1", &[("role", "web")])
}

fn db() -> ScopedHost {
    host("db-1", &[("role", "db"), ("env", "prod")])
}

fn may(who: &Identity, permission: Permission, scope: &Scope) -> bool {
    decide(&policy(), who, permission, About::Run(scope)).is_ok()
}

#[test]
fn a_grant_reaches_its_runbooks_and_hosts_and_no_further() {
    let anna = person("anna");
    assert!(may(&anna, Permission::StartRuns, &run("web/disk", &[], vec![web()])));
    assert!(may(&anna, Permission::StartRuns, &run("db/vacuum", &["disk"], vec![web()])), "by its tag");
    assert!(!may(&anna, Permission::StartRuns, &run("db/vacuum", &[], vec![web()])));
    assert!(!may(&anna, Permission::StartRuns, &run("web/disk", &[], vec![db()])));
    assert!(!may(&anna, Permission::StartRuns, &run("web/disk", &[], vec![web(), db()])), "one host too many");
    assert!(!may(&anna, Permission::Approve, &run("web/disk", &[], vec![web()])), "another role's");
    assert!(!may(&person("zoe"), Permission::StartRuns, &run("web/disk", &[], vec![web()])));
    assert!(may(&person("zoe"), Permission::ReadRuns, &run("web/disk", &[], vec![web()])), "everyone views");
    assert!(!may(&person("zoe"), Permission::ReadRuns, &run("web/disk", &[], vec![db()])), "but not production");
}

#[test]
fn several_grants_may_cover_the_hosts_of_one_run_and_the_decision_names_their_lines() {
    let both = run("web/disk", &[], vec![web(), db()]);
    let text = FILE.replace("user:dora", "user:anna");
    let policy = parse("access.yaml", text.as_bytes()).policy.expect("it is a policy");
    let decided = decide(&policy, &person("anna"), Permission::StartRuns, About::Run(&both));
    assert_eq!(decided, Ok(Because::Grants(vec![9, 12])));
}

#[test]
fn the_server_itself_is_only_for_who_may_have_all_hosts() {
    let on_server = run("web/disk", &[], vec![host("localhost", &[])]);
    assert!(!may(&person("zoe"), Permission::ReadRuns, &on_server), "`env!=prod` holds where there are no labels");
    assert!(may(&person("erin"), Permission::StartRuns, &on_server));
    assert!(may(&person("carla"), Permission::ReadRuns, &on_server));
}

#[test]
fn groups_of_the_provider_make_members() {
    let mut sre = person("frank");
    let scope = run("web/disk", &[], vec![db()]);
    assert!(!may(&sre, Permission::Approve, &scope));
    sre.groups = vec!["/ops/sre".to_owned()];
    assert!(may(&sre, Permission::Approve, &scope));
    assert_eq!(policy().teams_of(&sre), vec!["sre"]);
}

#[test]
fn a_token_reaches_no_further_than_its_scopes_and_its_owner() {
    let scopes = Scopes {
        verbs: vec![Permission::ReadRuns, Permission::StartRuns],
        runbooks: vec!["web/**".to_owned()],
        hosts: Some(Selector::parse("role in (web, db)").expect("a selector")),
    };
    let token = |reach: Reach| Identity {
        actor: Actor("user:anna/ci".to_owned()),
        road: Road::Token,
        reach,
        authenticated_at_ms: None,
        ..person("anna")
    };
    let owned = token(Reach::Owned(scopes.clone()));
    assert!(may(&owned, Permission::StartRuns, &run("web/disk", &[], vec![web()])));
    assert!(!may(&owned, Permission::StartRuns, &run("web/disk", &[], vec![db()])), "its owner may not");
    assert!(!may(&owned, Permission::StartRuns, &run("db/vacuum", &["disk"], vec![web()])), "its scopes leave it out");
    assert!(!may(&owned, Permission::ActOnRuns, &run("web/disk", &[], vec![web()])), "a verb it has not");
    let of_nobody = token(Reach::Scoped(scopes));
    assert!(may(&of_nobody, Permission::StartRuns, &run("web/disk", &[], vec![db()])));
    assert!(!may(&of_nobody, Permission::StartRuns, &run("web/disk", &[], vec![host("localhost", &[])])));
    assert!(!may(&of_nobody, Permission::StartRuns, &run("web/disk", &[], vec![])), "hosts that nobody knows");
}

#[test]
fn a_handoff_of_no_run_is_its_two_sides_own_and_no_bound_token_s() {
    let may = |who: &Identity, sides| {
        decide(&policy(), who, Permission::ReadHandoffs, About::Handoff { scopes: &[], sides }).is_ok()
    };
    let (own, others) = (["user:anna", "user:ben"], ["user:ben", "user:frank"]);
    assert!(may(&person("anna"), own), "she has grants for some runbooks");
    assert!(!may(&person("anna"), others));
    assert!(may(&person("erin"), others), "she is bound to nothing");
    let scopes = |runbooks| Scopes { verbs: vec![Permission::ReadHandoffs], runbooks, hosts: None };
    let token = |reach| Identity { road: Road::Token, reach, ..person("token") };
    assert!(!may(&token(Reach::Scoped(scopes(vec!["web/**".to_owned()]))), others));
    assert!(may(&token(Reach::Scoped(scopes(vec![]))), others));
}

#[test]
fn no_token_approves_or_manages_people_or_has_an_account() {
    let mut token = person("erin");
    token.road = Road::Token;
    token.reach = Reach::Scoped(Scopes::everything());
    let scope = run("web/disk", &[], vec![web()]);
    for permission in [Permission::Approve, Permission::ManagePeople] {
        token.reach = Reach::Owned(Scopes { verbs: vec![permission], runbooks: vec![], hosts: None });
        let decided = decide(&policy(), &token, permission, About::Run(&scope));
        assert_eq!(decided, Err(Denied::NeverByToken(permission)));
    }
    for permission in [Permission::OwnSession, Permission::OwnAccount] {
        assert_eq!(decide(&policy(), &token, permission, About::Server), Err(Denied::OnlySignedIn(permission)));
        assert_eq!(decide(&policy(), &person("zoe"), permission, About::Server), Ok(Because::Own));
    }
}

#[test]
fn only_an_admin_of_everything_has_the_server_s_own_things() {
    for permission in [Permission::ReadAudit, Permission::ManagePeople] {
        assert!(decide(&policy(), &person("erin"), permission, About::Server).is_ok());
        assert!(decide(&policy(), &person("anna"), permission, About::Server).is_err());
        let text = FILE.replace("role: admin", "role: admin, hosts: role=web");
        let some = parse("access.yaml", text.as_bytes()).policy.expect("it is a policy");
        assert!(decide(&some, &person("erin"), permission, About::Server).is_err(), "an admin of some hosts");
    }
}

#[test]
fn without_a_file_only_the_server_s_own_command_line_lets_in() {
    let scope = run("web/disk", &[], vec![web()]);
    let nobody = Policy::nobody();
    assert!(decide(&nobody, &person("anna"), Permission::ReadRuns, About::Run(&scope)).is_err());
    let within = Identity::within(Actor("user:root".to_owned()));
    assert_eq!(decide(&nobody, &within, Permission::ReadRuns, About::Run(&scope)), Ok(Because::BreakGlass));
}

#[test]
fn whoever_came_by_a_break_glass_link_does_everything_but_approve() {
    let mut admin = person("admin");
    admin.reach = Reach::BreakGlass;
    let scope = run("web/disk", &[], vec![db()]);
    assert!(may(&admin, Permission::StartRuns, &scope) && may(&admin, Permission::OverrideWindows, &scope));
    let decided = decide(&policy(), &admin, Permission::Approve, About::Run(&scope));
    assert_eq!(decided, Err(Denied::NeverByBreakGlass));
}

#[test]
fn overriding_a_window_is_granted_by_name() {
    let scope = run("web/disk", &[], vec![db()]);
    assert!(may(&person("dora"), Permission::OverrideWindows, &scope));
    assert!(!may(&person("anna"), Permission::OverrideWindows, &run("web/disk", &[], vec![web()])));
}

#[test]
fn a_file_with_anything_wrong_is_no_policy_and_every_problem_is_told() {
    let text = "\
steadyhand: 2
teems: {}
teams: {web: [anna, \"a b\", team:x]}
on_call: {wob: [anna]}
grants:
  - {who: team:wep, role: operater, runbooks: ../x, hosts: 'role=='}
  - {who: anna, role: viewer, runbooks: []}
  - {role: viewer, override: freeze}
";
    let parsed = parse("access.yaml", text.as_bytes());
    assert_eq!(parsed.policy, None);
    let told: Vec<String> =
        parsed.diagnostics.iter().map(|found| format!("{}: {}", found.span.line, found.message)).collect();
    insta::assert_debug_snapshot!(told);
}

#[test]
fn a_grant_can_be_read_aloud() {
    let aloud: Vec<String> = policy().grants.iter().map(ToString::to_string).collect();
    assert_eq!(
        aloud,
        [
            "everyone is viewer for web/** on hosts env notin (prod)",
            "team:web is operator for web/**, tag:disk on hosts role in (web)",
            "user:carla, team:sre are approver for all runbooks on all hosts",
            "user:dora is operator for web/** on hosts role in (db)",
            "user:erin is admin for all runbooks on all hosts",
        ]
    );
}
