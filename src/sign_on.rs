//! Signing in at the company's own provider: OpenID Connect, code flow with PKCE. The library checks signature,
//! issuer, audience, times and nonce of what the provider says; here stands what is asked for, and what is believed.
//!
//! An account is the pair of issuer and subject. Names and addresses at the provider change hands; they are shown,
//! and decide nothing.

mod claims;
mod http;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use openidconnect::core::{
    CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreGenderClaim, CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AccessToken, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IdToken, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, SubjectIdentifier, TokenResponse,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::outgoing::{self, Outgoing};
use claims::OtherClaims;
pub use claims::{Claims, GROUPS_MAX};
use http::Http;

/// What is known of a provider is asked for again after this: keys are changed from time to time.
const METADATA_MS: i64 = 10 * 60 * 1000;

/// A signature that does not fit has what is known asked for again, but not more often than this.
const METADATA_MIN_MS: i64 = 60 * 1000;

/// The provider, and what the server is to it.
#[derive(Clone)]
pub struct Configuration {
    issuer: IssuerUrl,
    client_id: String,
    /// None for a public client, which proves itself with PKCE alone.
    client_secret: Option<Zeroizing<String>>,
    http: outgoing::Client,
    /// Asked for besides `openid`.
    pub scopes: Vec<String>,
    /// The claim that lists somebody's groups.
    pub groups_claim: String,
    /// Who may come in: members of one of these; everybody whom the provider lets in if there are none.
    pub allowed_groups: Vec<String>,
    /// Nobody can choose what the provider calls them: a first login may get a name that `access.yaml` already means.
    pub trusted_names: bool,
    /// What stands on the button.
    pub label: String,
}

/// Leaves the secret out.
impl fmt::Debug for Configuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "provider {} as {}", self.issuer.as_str(), self.client_id)
    }
}

impl Configuration {
    /// For the provider at `issuer`, exactly as it spells itself.
    ///
    /// # Errors
    /// It is no address, or neither https nor on this machine, or no client can be made.
    pub fn new(
        issuer: &str,
        client_id: &str,
        client_secret: Option<&str>,
        outgoing: &Outgoing,
    ) -> Result<Self, SignOnError> {
        let wrong = |cause: String| SignOnError::Issuer { issuer: issuer.to_owned(), cause };
        let failed = wrong;
        let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|error| wrong(error.to_string()))?;
        if !http::is_guarded(issuer.url()) {
            return Err(wrong("the address must begin with https://".to_owned()));
        }
        Ok(Self {
            issuer,
            client_id: client_id.to_owned(),
            client_secret: client_secret.map(|secret| Zeroizing::new(secret.to_owned())),
            http: outgoing.client(None).map_err(|error| failed(error.to_string()))?,
            scopes: ["profile", "email", "groups"].map(str::to_owned).to_vec(),
            groups_claim: "groups".to_owned(),
            allowed_groups: Vec::new(),
            trusted_names: false,
            label: "Sign in with single sign-on".to_owned(),
        })
    }

    pub fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// Whether somebody with these groups may come in.
    pub fn lets_in(&self, groups: &[String]) -> bool {
        self.allowed_groups.is_empty() || groups.iter().any(|group| self.allowed_groups.contains(group))
    }
}

/// Why nobody could be signed in. The provider's own words are for the log, never for the page.
#[derive(Debug, thiserror::Error)]
pub enum SignOnError {
    #[error("the provider {issuer:?} cannot be used: {cause}")]
    Issuer { issuer: String, cause: String },
    #[error("the provider {issuer} could not be asked what it offers: {cause}")]
    Discovery { issuer: String, cause: String },
    #[error("the address to come back to, {0:?}, is not one")]
    Redirect(String),
    #[error("the provider {issuer} did not take the code: {cause}")]
    Code { issuer: String, cause: String },
    #[error("what the provider {issuer} says of the person is not believed: {cause}")]
    Claims { issuer: String, cause: String },
    #[error("the provider {issuer} did not say more of the person: {cause}")]
    UserInfo { issuer: String, cause: String },
}

/// One login under way: secrets that tie the provider's answer to it. Kept by the server alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    pub state: String,
    pub nonce: String,
    pub verifier: String,
    /// Where the provider sends the browser back to.
    pub redirect: String,
}

impl Attempt {
    /// Out of random bits, to come back to `redirect`.
    pub fn new(random: [[u8; 32]; 3], redirect: String) -> Self {
        let [state, nonce, verifier] = random.map(|bits| crate::id::Digest(bits).to_string());
        Self { state, nonce, verifier, redirect }
    }
}

/// How the provider is to meet the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meeting {
    /// A session that is there will do.
    AnyLogin,
    /// The person proves again who they are.
    FreshLogin,
}

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

type FullIdToken = IdToken<OtherClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// The provider, and what was learned of it.
pub struct Provider {
    configuration: Configuration,
    http: Http,
    known: Mutex<Option<Known>>,
}

#[derive(Clone)]
struct Known {
    metadata: CoreProviderMetadata,
    learned_at_ms: i64,
}

impl Provider {
    pub fn new(configuration: Configuration) -> Self {
        Self { http: Http(configuration.http.clone()), configuration, known: Mutex::new(None) }
    }

    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Where to send the browser.
    ///
    /// # Errors
    /// The provider does not answer, or not as one.
    pub async fn begin(&self, attempt: &Attempt, meeting: Meeting, now_ms: i64) -> Result<String, SignOnError> {
        let client = self.client(attempt, METADATA_MS, now_ms).await?;
        let (state, nonce) = (CsrfToken::new(attempt.state.clone()), Nonce::new(attempt.nonce.clone()));
        let verifier = PkceCodeVerifier::new(attempt.verifier.clone());
        let asked = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, || state, || nonce)
            .add_scopes(self.configuration.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        let asked = match meeting {
            Meeting::AnyLogin => asked,
            Meeting::FreshLogin => asked.add_prompt(CoreAuthPrompt::Login).set_max_age(std::time::Duration::ZERO),
        };
        Ok(asked.url().0.into())
    }

    /// Who came back with `code`. The caller has compared the state, and lets no attempt finish twice.
    ///
    /// # Errors
    /// The provider does not take the code, or what it says is not believed.
    pub async fn finish(&self, attempt: &Attempt, code: &str, now_ms: i64) -> Result<Claims, SignOnError> {
        let client = self.client(attempt, METADATA_MS, now_ms).await?;
        let refused = |cause: String| SignOnError::Code { issuer: self.issuer(), cause };
        let exchange = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error| refused(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()));
        let answer = exchange.request_async(&self.http).await.map_err(|error| refused(chain(&error)))?;
        let id_token = answer.id_token().ok_or_else(|| refused("it gave no ID token".to_owned()))?;
        let claims = self.believed(&id_token.to_string(), attempt, now_ms).await?;
        self.completed(&client, answer.access_token(), claims).await
    }

    /// What an ID token says, if it is the provider's, for this server, of now, and an answer to this attempt.
    ///
    /// # Errors
    /// It is not.
    pub async fn believed(&self, id_token: &str, attempt: &Attempt, now_ms: i64) -> Result<Claims, SignOnError> {
        let refused = |cause: String| SignOnError::Claims { issuer: self.issuer(), cause };
        let token: FullIdToken = id_token.parse().map_err(|error: serde_json::Error| refused(error.to_string()))?;
        let nonce = Nonce::new(attempt.nonce.clone());
        let client = self.client(attempt, METADATA_MS, now_ms).await?;
        let read = match checked(&client, &token, &nonce, now_ms) {
            // The provider may have changed its keys since they were asked for.
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                let client = self.client(attempt, METADATA_MIN_MS, now_ms).await?;
                checked(&client, &token, &nonce, now_ms)
            }
            read => read,
        };
        let mut claims = read.map_err(|error| refused(chain(&error)))?;
        claims.take_groups(&self.configuration.groups_claim);
        Ok(claims)
    }

    /// Adds what the provider tells at its user info endpoint alone, which many do for names and groups.
    async fn completed(&self, client: &Client, token: &AccessToken, mut claims: Claims) -> Result<Claims, SignOnError> {
        let subject = SubjectIdentifier::new(claims.subject.clone());
        // The library refuses an answer about somebody else.
        let Ok(asked) = client.user_info(token.clone(), Some(subject)) else { return Ok(claims) };
        let told = asked.request_async::<OtherClaims, Http, CoreGenderClaim>(&self.http).await;
        let told = told.map_err(|error| SignOnError::UserInfo { issuer: self.issuer(), cause: chain(&error) })?;
        claims.add(told.standard_claims(), told.additional_claims());
        claims.take_groups(&self.configuration.groups_claim);
        Ok(claims)
    }

    async fn client(&self, attempt: &Attempt, older_than_ms: i64, now_ms: i64) -> Result<Client, SignOnError> {
        let metadata = self.metadata(older_than_ms, now_ms).await?;
        let redirect = RedirectUrl::new(attempt.redirect.clone());
        let redirect = redirect.map_err(|_| SignOnError::Redirect(attempt.redirect.clone()))?;
        let of = &self.configuration;
        let secret = of.client_secret.as_ref().map(|secret| ClientSecret::new(secret.as_str().to_owned()));
        let client = CoreClient::from_provider_metadata(metadata, ClientId::new(of.client_id.clone()), secret);
        Ok(client.set_redirect_uri(redirect))
    }

    async fn metadata(&self, older_than_ms: i64, now_ms: i64) -> Result<CoreProviderMetadata, SignOnError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| now_ms - known.learned_at_ms < older_than_ms) {
            return Ok(known.metadata);
        }
        let learned = CoreProviderMetadata::discover_async(self.configuration.issuer.clone(), &self.http).await;
        let metadata =
            learned.map_err(|error| SignOnError::Discovery { issuer: self.issuer(), cause: chain(&error) })?;
        let known = Known { metadata: metadata.clone(), learned_at_ms: now_ms };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(metadata)
    }

    fn issuer(&self) -> String {
        self.configuration.issuer.as_str().to_owned()
    }
}

fn checked(
    client: &Client,
    token: &FullIdToken,
    nonce: &Nonce,
    now_ms: i64,
) -> Result<Claims, ClaimsVerificationError> {
    let now = chrono::DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
    let verifier = client.id_token_verifier().set_time_fn(move || now);
    let read = token.claims(&verifier, nonce)?;
    Ok(Claims::of(read))
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_over_plain_http_is_one_on_this_machine() {
        let outgoing = Outgoing::new(vec![]);
        for good in ["https://id.example.org", "http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:1"] {
            assert!(Configuration::new(good, "a", Some("b"), &outgoing).is_ok(), "{good}");
        }
        for bad in ["", "id.example.org", "http://id.example.org", "http://127.0.0.1.example.org", "file:///etc"] {
            assert!(Configuration::new(bad, "a", Some("b"), &outgoing).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_secret_is_not_shown() {
        let configuration =
            Configuration::new("https://id.example.org", "steadyhand", Some("hunter2"), &Outgoing::new(vec![]))
                .expect("it is one");
        assert_eq!(format!("{configuration:?}"), "provider https://id.example.org as steadyhand");
    }
}
