//! The pages of signing in and of one's own account.

use super::Sample;
use super::pages::{moment, page, public};
use crate::access::totp::{SECRET_BYTES, Shared, picture};
use crate::web::page::Place;
use crate::web::query::Fields;
use crate::web::view::account::{
    AccountPage, ConfirmPage, RecoveryPage, SessionLine, TokenForm, TokenLine, TokenMadePage, TotpPage, done,
};
use crate::web::view::login::{LoginCodePage, LoginPage, ProviderLink};
use crate::web::view::run::Message;

pub fn all() -> Vec<Sample> {
    vec![
        public("login", "login-refused", &login_refused()),
        public("login-code", "login-code", &LoginCodePage { message: Some(Message::refused("Wrong", None)) }),
        page("account", "account", Place::Account, &account()),
        page("account", "account-provider", Place::Account, &of_provider()),
        page("account", "account-admin", Place::Account, &of_nobody()),
        page("account-confirm", "account-confirm", Place::Account, &confirm(None)),
        page("account-confirm", "account-confirm-provider", Place::Account, &confirm(Some("/login/provider"))),
        page("account-totp", "account-totp", Place::Account, &totp()),
        page("account-recovery", "account-recovery", Place::Account, &RecoveryPage { codes: vec!["ab-cd".into(); 10] }),
        page("token-made", "token-made", Place::Account, &token_made()),
    ]
}

fn login_refused() -> LoginPage {
    LoginPage {
        message: Some(Message::refused("The name or the password is wrong", None)),
        name: "anna".to_owned(),
        provider: Some(ProviderLink::new("Sign in with Example", "/runs")),
        ..LoginPage::default()
    }
}

fn session(here: bool) -> SessionLine {
    SessionLine {
        id: "0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01".to_owned(),
        began: "with the password",
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) <Gecko>/20100101 Firefox/140.0".to_owned(),
        peer: "192.0.2.1".to_owned(),
        created: moment(),
        seen: moment(),
        here,
    }
}

fn token(works: bool) -> TokenLine {
    TokenLine {
        id: "0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01".to_owned(),
        name: "ci".to_owned(),
        may: "read runs, start runs · web/** · hosts with role in (web)".to_owned(),
        standing: if works { "works" } else { "revoked" },
        tone: if works { "good" } else { "still" },
        expires: works.then(moment),
        used: works.then(moment),
        revocable: works,
    }
}

fn account() -> AccountPage {
    AccountPage {
        message: done("password"),
        actor: "user:anna".to_owned(),
        display_name: Some("Anna <Bauer>".to_owned()),
        email: Some("anna@example.org".to_owned()),
        provider: None,
        groups: String::new(),
        has_account: true,
        local: true,
        has_password: true,
        has_totp: true,
        recent: true,
        sessions: vec![session(true), session(false)],
        tokens: vec![token(true), token(false)],
        form: TokenForm::typed(&Fields::default()),
    }
}

fn of_provider() -> AccountPage {
    AccountPage {
        message: None,
        provider: Some("https://id.example.org".to_owned()),
        groups: "ops, web".to_owned(),
        local: false,
        recent: false,
        tokens: Vec::new(),
        ..account()
    }
}

fn of_nobody() -> AccountPage {
    AccountPage { display_name: None, email: None, has_account: false, provider: None, ..of_provider() }
}

fn confirm(provider: Option<&str>) -> ConfirmPage {
    ConfirmPage {
        message: Some(Message::refused("That was not right", None)),
        next: "/account".to_owned(),
        password: provider.is_none(),
        code: provider.is_none(),
        provider: provider.map(str::to_owned),
    }
}

fn totp() -> TotpPage {
    let shared = Shared::new([7; SECRET_BYTES], "anna");
    let drawn = picture(&shared.url()).expect("it fits");
    TotpPage {
        message: Some(Message::refused("The code is wrong", None)),
        secret: shared.text(),
        width: drawn.width,
        path: drawn.path,
    }
}

fn token_made() -> TokenMadePage {
    TokenMadePage {
        name: "ci".to_owned(),
        token: format!("shtoken_{}", "ab".repeat(32)),
        may: "read runs · all runbooks · all hosts".to_owned(),
        expires: moment(),
    }
}
