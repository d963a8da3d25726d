package token

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
	openidissuer "github.com/postern-dev/postern/shared/upstream/issuer"
	"github.com/postern-dev/postern/shared/upstream/oidc"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// An openid is the endpoint for people of an OpenID Connect provider, and ann, who is in the
// group ops, connected.
type openid struct {
	*endpoint
	fake     *oauthtest.OpenID
	provider *oidc.Provider
	token    string // ann's refresh token here
}

func openOIDC(t *testing.T, allow string, change ...func(*openidissuer.Config)) *openid {
	t.Helper()
	o := &openid{}
	o.endpoint = open(t, func(f *endpoint) {
		o.fake = oauthtest.StartOpenID(t, &oauthtest.OpenIDOptions{Now: f.Clock.Now})
		var err error
		f.Allow, err = upstream.ParseAllow(allow)
		must(t, err)
		generic, _ := openidissuer.PresetByName("")
		config := openidissuer.Config{
			Preset: generic, Issuer: o.fake.URL, ClientID: o.fake.ClientID, Allow: f.Allow, Now: f.Clock.Now,
			Secret: func(context.Context) (credential.Secret, error) {
				return credential.Wrap(o.fake.ClientSecret), nil
			},
		}
		for _, c := range change {
			c(&config)
		}
		o.provider, err = oidc.New(config)
		must(t, err)
		f.Provider = o.provider
	})
	o.fake.Change("ann", func(p *oauthtest.OpenIDPerson) { p.Groups = []string{"ops"} })
	o.token = o.signIn(t)
	return o
}

const openidCallback = "https://auth.example.com/auth/callback"

// signIn is a login of ann. It returns the refresh token.
func (o *openid) signIn(t *testing.T) string {
	t.Helper()
	away, err := o.provider.AuthCodeURL(t.Context(), openidCallback, "state", verifier, upstream.Hints{})
	must(t, err)
	q := url.Values{"code": {o.fake.Issue("ann", away)}, "iss": {o.fake.URL}}
	id, token, err := o.provider.Exchange(t.Context(), openidCallback, q, verifier)
	must(t, err)
	rule, err := o.Allow.Check(t.Context(), o.provider, token, id)
	must(t, err)
	kept, err := token.Marshal()
	must(t, err)
	code := o.issue(t, publicID, "", func(l *store.Login) {
		l.UpstreamToken = kept
		l.Record.Person = store.Person{Subject: id.Subject, Login: id.Login, Session: id.Session, AllowedBy: rule,
			Checked: o.Clock.Now().UTC()}
	})
	return want(t, "connect", o.redeem(t, publicID, code), 200, "").RefreshToken
}

func (o *openid) next(t *testing.T, what string, status int, code string) {
	t.Helper()
	r := want(t, what, o.refresh(t, publicID, o.token), status, code)
	if r.RefreshToken != "" {
		o.token = r.RefreshToken
	}
}

func (o *openid) exchanges() int { return o.fake.Count("POST /token") }

// Ann is asked about by the provider's own refresh token, which rotates and is kept, and loses the grant when
// she leaves the group; not before (UP-10, UP-24, RT-10).
func TestOpenIDAsksByTheRefreshToken(t *testing.T) {
	t.Parallel()
	o := openOIDC(t, "group:ops")
	o.Clock.Advance(time.Hour - time.Second)
	o.next(t, "a fresh answer", 200, "")
	if n := o.exchanges(); n != 1 {
		t.Errorf("got %d calls, want the one of the sign-in", n)
	}
	for range 5 {
		o.Clock.Advance(time.Hour)
		o.next(t, "an old answer", 200, "")
		o.next(t, "again", 200, "")
	}
	if n := o.exchanges(); n != 6 {
		t.Errorf("got %d calls, want one an hour", n)
	}
	o.fake.Change("ann", func(p *oauthtest.OpenIDPerson) { p.Groups = []string{} })
	o.Clock.Advance(time.Hour)
	o.next(t, "not in the group any more", 400, "invalid_grant")
	o.fake.Change("ann", func(p *oauthtest.OpenIDPerson) { p.Groups = []string{"ops"} })
	o.next(t, "back, but the grant has ended", 400, "invalid_grant")
}

// A claim that is left out all at once is no "no": somebody may have changed a setting at the provider (UP-23).
func TestAClaimThatIsGoneEndsNothing(t *testing.T) {
	t.Parallel()
	o := openOIDC(t, "group:ops")
	o.fake.Change("ann", func(p *oauthtest.OpenIDPerson) { p.Groups = nil })
	o.Clock.Advance(time.Hour)
	o.next(t, "no groups claim", 503, "temporarily_unavailable")
	o.fake.Change("ann", func(p *oauthtest.OpenIDPerson) { p.Groups = []string{"ops"} })
	o.next(t, "it is back", 200, "")
}

// A person whom the provider has closed out is told to sign in at the next look; the grant is not ended by it,
// so that a new sign-in, if the provider lets them, makes it go on (UP-24).
func TestADisabledPersonIsNoticed(t *testing.T) {
	t.Parallel()
	o := openOIDC(t, "user-id:sub|ann")
	o.fake.Change("ann", func(p *oauthtest.OpenIDPerson) { p.Disabled = true })
	o.Clock.Advance(time.Hour - time.Second)
	o.next(t, "before the next look", 200, "")
	o.Clock.Advance(time.Second)
	for range 3 {
		o.next(t, "disabled", 400, "invalid_grant")
	}
	o.fake.Change("ann", func(p *oauthtest.OpenIDPerson) { p.Disabled = false })
	o.fake.EndSessions("ann")
	o.next(t, "signed out there", 400, "invalid_grant")
	o.signIn(t)
	o.next(t, "after a sign-in", 200, "")
}

// The provider down decides nothing for however long, and what it ends is noticed when it is back (UP-17).
func TestTheOpenIDProviderDownDecidesNothing(t *testing.T) {
	t.Parallel()
	for what, fault := range map[string]oauthtest.Fault{
		"500": oauthtest.ServerError(), "429": {Status: 429},
		"HTML":                      {Status: 200, ContentType: "text/html", Body: "<html>"},
		"a client it does not know": {Status: 401, Body: `{"error":"invalid_client"}`},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := openOIDC(t, "group:ops")
			o.fake.Outage("/token", fault)
			o.Clock.Advance(time.Hour)
			for range 10 {
				o.next(t, "down", 503, "temporarily_unavailable")
				o.Clock.Advance(time.Minute)
			}
			o.Clock.Advance(500 * time.Hour)
			o.next(t, "down for weeks", 503, "temporarily_unavailable")
			o.fake.Repair()
			o.next(t, "back", 200, "")
		})
	}
}

// Many requests on two servers exchange the provider's token once: it takes a second one for theft, and ends
// the sign-in (UP-24, B1).
func TestOneServerRenewsThePersonsToken(t *testing.T) {
	t.Parallel()
	o := openOIDC(t, "group:ops")
	twin, err := New(o.Config)
	must(t, err)
	other := &endpoint{Handler: twin, Config: o.Config, Base: o.Base, ring: o.ring}
	tokens := []string{o.token}
	for range 4 {
		tokens = append(tokens, o.signInAgain(t))
	}
	o.Clock.Advance(time.Hour)
	before := o.exchanges()
	done := make(chan reply, 10)
	for i := range 10 {
		f := o.endpoint
		if i%2 == 0 {
			f = other
		}
		go func() { done <- decode(t, f.refresh(t, publicID, tokens[i/2])) }()
	}
	for range 10 {
		if r := <-done; r.Error != "" || r.RefreshToken == "" {
			t.Errorf("got %q, want a whole answer", r.Error)
		}
	}
	if n := o.exchanges() - before; n != 1 {
		t.Errorf("got %d exchanges, want 1", n)
	}
	if o.fake.Live("ann") != 1 {
		t.Error("the provider ended the sign-in")
	}
}

// A server that looked between another's exchange and its answer finds the answer when it claims
// the exchange, and leaves the token as it is.
func TestAnExchangeThatIsNotDueAnyMore(t *testing.T) {
	t.Parallel()
	o := openOIDC(t, "group:ops")
	o.Clock.Advance(time.Hour)
	o.next(t, "another server's", 200, "")
	account, err := o.Store.Account(t.Context(), oidc.Subject(o.fake.URL, "sub|ann"))
	must(t, err)
	token, err := upstream.UnmarshalToken(account.UpstreamToken)
	must(t, err)
	h, before := &handler{Config: o.Config}, o.exchanges()
	_, again, err := h.renew(t.Context(), o.provider, evidence{account: account, token: token}, h.recent)
	if n := o.exchanges() - before; n != 0 || !again || err != nil {
		t.Errorf("got %d exchanges, another look %t, %v; want another look alone", n, again, err)
	}
	o.Clock.Advance(time.Hour)
	o.next(t, "the next one is claimed", 200, "")
}

// signInAgain connects ann once more, without a new sign-in at the provider.
func (o *openid) signInAgain(t *testing.T) string {
	t.Helper()
	account, err := o.Store.Account(t.Context(), oidc.Subject(o.fake.URL, "sub|ann"))
	must(t, err)
	code := o.issue(t, publicID, "", func(l *store.Login) {
		l.UpstreamToken, l.Record.Person = account.UpstreamToken, account.Person
	})
	return want(t, "connect", o.redeem(t, publicID, code), 200, "").RefreshToken
}

// The answer to an exchange that rotated the token got lost. The next exchange is refused, which says nothing
// about ann: what was known of her holds, until it is too old (UP-24, B9).
func TestALostAnswerOfTheProvider(t *testing.T) {
	t.Parallel()
	o := openOIDC(t, "group:ops")
	o.Clock.Advance(time.Hour)
	o.fake.LoseAnswer()
	o.next(t, "the answer is lost", 503, "temporarily_unavailable")
	o.next(t, "the provider takes the next one for theft", 200, "")
	o.Clock.Advance(166 * time.Hour)
	o.next(t, "before EVIDENCE_MAX_AGE", 200, "")
	o.Clock.Advance(time.Hour)
	o.next(t, "at EVIDENCE_MAX_AGE", 400, "invalid_grant")
	o.signIn(t)
	o.next(t, "after a sign-in", 200, "")
}

// The server dies between the provider's answer and the store. As with a lost answer, ann stays.
func TestARenewalThatNobodyEnded(t *testing.T) {
	t.Parallel()
	o := openOIDC(t, "group:ops")
	o.Clock.Advance(time.Hour)
	subject := oidc.Subject(o.fake.URL, "sub|ann")
	account, err := o.Store.Account(t.Context(), subject)
	must(t, err)
	_, begun, lost, err := o.Store.BeginRenewal(t.Context(), subject, account.UpstreamToken, renewalLease)
	if err != nil || !begun || lost {
		t.Fatalf("got begun %t, lost %t, %v", begun, lost, err)
	}
	o.fake.EndSessions("ann")
	o.Clock.Advance(renewalLease)
	o.next(t, "nobody knows", 200, "")
}

// A provider without refresh tokens is asked by user-info while its access token works; then what it said at
// the sign-in holds for EVIDENCE_MAX_AGE, if ALLOW still has the rule (UP-24).
func TestAProviderWithoutRefreshTokens(t *testing.T) {
	t.Parallel()
	without := func(t *testing.T) *openid {
		t.Helper()
		o := openOIDC(t, "group:ops")
		o.fake.Alter("token", func(b map[string]any) { delete(b, "refresh_token"); b["expires_in"] = 7200 })
		o.token = o.signIn(t)
		return o
	}
	o := without(t)
	o.fake.Alter("userinfo", nil)
	o.Clock.Advance(time.Hour)
	o.next(t, "user-info answers 401", 503, "temporarily_unavailable") // the fake's token lives ten minutes
	o.Clock.Advance(166 * time.Hour)
	o.next(t, "nothing to ask with", 200, "")
	o.Clock.Advance(time.Hour)
	o.next(t, "at EVIDENCE_MAX_AGE", 400, "invalid_grant")
	o.signIn(t)
	o.next(t, "after a sign-in", 200, "")

	o = without(t)
	o.Clock.Advance(3 * time.Hour)
	allow, err := upstream.ParseAllow("group:other")
	must(t, err)
	o.Allow = allow
	o.Handler, err = New(o.Config)
	must(t, err)
	o.next(t, "the rule is gone", 400, "invalid_grant")
}

// A renewed token is of the same sign-in, by which the cascade knows that its predecessor must not be revoked.
func TestARenewedTokenIsOfTheSameSignIn(t *testing.T) {
	t.Parallel()
	o := openOIDC(t, "group:ops")
	token := func() upstream.Token {
		account, err := o.Store.Account(t.Context(), oidc.Subject(o.fake.URL, "sub|ann"))
		must(t, err)
		token, err := upstream.UnmarshalToken(account.UpstreamToken)
		must(t, err)
		return token
	}
	before := token()
	o.Clock.Advance(time.Hour)
	o.next(t, "renewed", 200, "")
	after := token()
	if after.SignIn != before.SignIn || after.RefreshToken.Reveal() == before.RefreshToken.Reveal() ||
		!strings.HasPrefix(after.AccessToken.Reveal(), "at-") {
		t.Errorf("got %+v after %+v", after, before)
	}
}

// A token of a GitHub App ends after eight hours, and is exchanged before that as long as the client refreshes,
// where anyone may enter too: tools use it (UP-24).
func TestAGitHubAppsTokenIsRenewed(t *testing.T) {
	t.Parallel()
	m := &membership{}
	m.endpoint = open(t, func(f *endpoint) {
		m.github = oauthtest.StartGitHub(t, &oauthtest.GitHubOptions{
			App: true, ClientID: "Iv23liFakeFakeFake01", Now: f.Clock.Now,
		})
		p, err := upstream.NewGitHub(upstream.GitHubConfig{
			ClientID: m.github.ClientID, URL: m.github.URL, APIURL: m.github.URL, Now: f.Clock.Now,
			ClientSecret: func(context.Context) (credential.Secret, error) {
				return credential.Wrap(m.github.ClientSecret), nil
			},
		})
		must(t, err)
		f.Provider = p
	})
	const back = "http://127.0.0.1:9/auth/callback"
	away, err := m.Provider.AuthCodeURL(t.Context(), back, "state", verifier, upstream.Hints{})
	must(t, err)
	query := oauthtest.NewBrowser(back).SignIn(t, away, "octocat").Query()
	_, token, err := m.Provider.Exchange(t.Context(), back, query, verifier)
	must(t, err)
	sealed, err := token.Marshal()
	must(t, err)
	code := m.issue(t, publicID, "", func(l *store.Login) { l.UpstreamToken = sealed })
	m.token = want(t, "connect", m.redeem(t, publicID, code), 200, "").RefreshToken
	for range 20 {
		m.Clock.Advance(time.Hour)
		m.next(t, "hourly", 200, "")
		account, err := m.Store.Account(t.Context(), "github:583231")
		must(t, err)
		kept, err := upstream.UnmarshalToken(account.UpstreamToken)
		if err != nil || kept.Expired(m.Clock.Now()) {
			t.Fatalf("got a token until %s, %v; want one that works", kept.Expiry, err)
		}
	}
	if n := m.github.LiveTokens("octocat"); n != 1 {
		t.Errorf("got %d live tokens, want the newest alone", n)
	}
}
