package oidc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/dial"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/shared/upstream/issuer"
	"github.com/postern-dev/postern/shared/upstream/oidc"
	"github.com/postern-dev/postern/test/kit/dialtest"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

func foreignKey() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
}

// An ID token that is wrong in any way signs nobody in. It is the provider's trouble, or somebody's between
// us, and so never a verdict on the person; one of another sign-in is refused (UP-19, UPS-07, Core §3.1.3.7).
func TestNoOtherIDTokenSignsIn(t *testing.T) {
	t.Parallel()
	claim := func(name string, value any) func(h, c map[string]any) (string, bool) {
		return func(_, c map[string]any) (string, bool) {
			if value == nil {
				delete(c, name)
			} else {
				c[name] = value
			}
			return "", false
		}
	}
	now := (&clock{}).now().Unix()
	for what, row := range map[string]struct {
		sign func(header, claims map[string]any) (string, bool)
		want string
	}{
		"another issuer":          {claim("iss", "https://evil.example"), "outage"},
		"no issuer":               {claim("iss", nil), "outage"},
		"the issuer with a slash": {nil, "outage"},
		"another audience":        {claim("aud", "somebody-else"), "outage"},
		"no audience":             {claim("aud", nil), "outage"},
		"two audiences, no azp":   {claim("aud", []string{"postern", "somebody-else"}), "outage"},
		"another azp":             {claim("azp", "somebody-else"), "outage"},
		"azp that is no text":     {claim("azp", 5), "outage"},
		"another nonce":           {claim("nonce", issuer.Nonce(verifier+"x")), "refused"},
		"no nonce":                {claim("nonce", nil), "refused"},
		"no sub":                  {claim("sub", nil), "outage"},
		"sub with control bytes":  {claim("sub", "a\nb"), "outage"},
		"endless sub":             {claim("sub", strings.Repeat("a", 256)), "outage"},
		"another access token":    {claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), "outage"},
		"expired":                 {claim("exp", now-61), "outage"},
		"no expiry":               {claim("exp", nil), "outage"},
		"made in the future":      {claim("iat", now+61), "outage"},
		"no time":                 {claim("iat", nil), "outage"},
		"not yet good":            {claim("nbf", now+600), "outage"},
		"not JSON":                {func(_, _ map[string]any) (string, bool) { return "a.b.c", true }, "outage"},
		"not a token":             {func(_, _ map[string]any) (string, bool) { return "x", true }, "outage"},
		"none":                    {signedBy("none", nil, nil), "outage"},
		"keys of another issuer":  {signedBy("ES256", foreignKey(), nil), "outage"},
		"an unknown key id":       {signedBy("ES256", foreignKey(), "key-of-another"), "outage"},
		"an algorithm not listed": {signedBy("RS256", oauthtest.NewRSAKey(), nil), "outage"},
	} {
		r := open(t, "anyone", nil)
		sign := row.sign
		if sign == nil {
			sign = claim("iss", r.fake.URL+"/")
		}
		r.fake.SignBy(sign)
		id, _, err := r.signIn(t, "ann")
		want(t, what, err, row.want)
		if id.Subject != "" {
			t.Errorf("%s: got %+v", what, id)
		}
		if err != nil && strings.Contains(err.Error(), "evil") {
			t.Errorf("%s: error quotes the token: %v", what, err)
		}
		r.fake.SignBy(nil)
		r.mustSignIn(t, "ann")
	}
}

// signedBy signs by another key, under the true key's id unless kid says otherwise.
func signedBy(alg string, key, kid any) func(header, claims map[string]any) (string, bool) {
	return func(header, claims map[string]any) (string, bool) {
		header["alg"] = alg
		if kid != nil {
			header["kid"] = kid
		}
		return oauthtest.SignJWT(key, header, claims), true
	}
}

// The public key is no secret to sign by, even where a provider lists HMAC (RFC 8725 §2.1).
func TestHMACWithThePublicKeySignsNobodyIn(t *testing.T) {
	t.Parallel()
	r := open(t, "anyone", nil)
	r.fake.Alter("discovery", func(d map[string]any) {
		d["id_token_signing_alg_values_supported"] = []string{"HS256", "none", "ES256"}
	})
	private, _ := r.fake.Key()
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range []string{"HS256", "none"} {
		r.fake.SignBy(signedBy(alg, public, nil))
		_, _, err = r.signIn(t, "ann")
		want(t, alg, err, "outage", "ID token is not good")
	}
	r.fake.Alter("discovery", func(d map[string]any) { d["id_token_signing_alg_values_supported"] = []string{"HS256"} })
	r.clock.advance(2 * time.Hour)
	r.fake.SignBy(nil)
	_, _, err = r.signIn(t, "ann")
	want(t, "nothing but HMAC", err, "outage", "no algorithm")
}

// What is within the rules is taken: two audiences with our azp, no at_hash, clocks a minute apart.
func TestUnusualButRightIDTokens(t *testing.T) {
	t.Parallel()
	r := open(t, "anyone", nil)
	for what, change := range map[string]func(c map[string]any){
		"two audiences and azp": func(c map[string]any) { c["aud"], c["azp"] = []string{"postern", "x"}, "postern" },
		"no at_hash":            func(c map[string]any) { delete(c, "at_hash") },
		"a clock behind":        func(c map[string]any) { c["exp"] = r.clock.now().Unix() - 59 },
		"a clock ahead":         func(c map[string]any) { c["iat"] = r.clock.now().Unix() + 59 },
	} {
		r.fake.SignBy(func(_, c map[string]any) (string, bool) { change(c); return "", false })
		if _, _, err := r.signIn(t, "ann"); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A callback that is another provider's, or says of no provider whose it is where ours always does, is
// refused before its code is sent anywhere (UP-20, RFC 9207 §2.4), errors included.
func TestMixUp(t *testing.T) {
	t.Parallel()
	r := open(t, "anyone", nil)
	for what, query := range map[string]url.Values{
		"another issuer":          {"code": {"c"}, "iss": {"https://evil.example"}},
		"two issuers":             {"code": {"c"}, "iss": {r.fake.URL, "https://evil.example"}},
		"no issuer":               {"code": {"c"}},
		"an error of another":     {"error": {"access_denied"}, "iss": {"https://evil.example"}},
		"an error without issuer": {"error": {"access_denied"}},
	} {
		_, _, err := r.Exchange(t.Context(), callback, query, verifier)
		want(t, what, err, "refused")
	}
	denial := url.Values{"error": {"access_denied"}, "iss": {r.fake.URL}}
	_, _, err := r.Exchange(t.Context(), callback, denial, verifier)
	want(t, "an error of ours", err, "denied")
	if n := r.fake.Count("POST /token"); n != 0 {
		t.Errorf("got %d calls of the token endpoint, want none", n)
	}
	r.fake.Alter("discovery", func(d map[string]any) { delete(d, "authorization_response_iss_parameter_supported") })
	r.clock.advance(2 * time.Hour)
	q := r.answer(t, "ann")
	q.Del("iss")
	if _, _, err := r.Exchange(t.Context(), callback, q, verifier); err != nil {
		t.Errorf("a provider that never says it: %v", err)
	}
}

// A code of another session does not work here: PKCE at the provider, and the nonce if that fails.
func TestACodeOfAnotherSession(t *testing.T) {
	t.Parallel()
	r := open(t, "anyone", nil)
	other, err := r.AuthCodeURL(t.Context(), callback, "s", verifier+"-of-another-session", upstream.Hints{})
	if err != nil {
		t.Fatal(err)
	}
	q := url.Values{"code": {r.fake.Issue("eve", other)}, "iss": {r.fake.URL}}
	_, _, err = r.Exchange(t.Context(), callback, q, verifier)
	want(t, "another challenge", err, "used")
	mixed, err := url.Parse(r.away(t, upstream.Hints{}))
	if err != nil {
		t.Fatal(err)
	}
	v := mixed.Query()
	v.Set("nonce", "of-another-session")
	mixed.RawQuery = v.Encode()
	q = url.Values{"code": {r.fake.Issue("eve", mixed.String())}, "iss": {r.fake.URL}}
	_, _, err = r.Exchange(t.Context(), callback, q, verifier)
	want(t, "another nonce", err, "refused")
}

// A description that is another issuer's, or leads where tokens must not go, is not gone by; the last good
// one is, and without one it is an outage.
func TestADescriptionThatCannotBeRight(t *testing.T) {
	t.Parallel()
	for what, row := range map[string]struct{ name, value, words string }{
		"another issuer":         {"issuer", "https://evil.example", "another issuer"},
		"the issuer and a slash": {"issuer", "", "another issuer"},
		"no token endpoint":      {"token_endpoint", "", "is missing"},
		"plain http elsewhere":   {"token_endpoint", "http://id.example.com/t", "token_endpoint is not an https"},
		"a file":                 {"jwks_uri", "file:///etc/passwd", "jwks_uri is not an https URL"},
		"user information":       {"userinfo_endpoint", "https://a:b@id.example.com/", "userinfo_endpoint is not"},
		"a fragment":             {"authorization_endpoint", "https://id.example.com/#x", "authorization_endpoint is"},
	} {
		r := open(t, "anyone", nil)
		alter := func(d map[string]any) { d[row.name] = row.value }
		if row.name == "issuer" && row.value == "" {
			alter = func(d map[string]any) { d["issuer"] = r.fake.URL + "/" }
		}
		r.fake.Alter("discovery", alter)
		_, err := r.AuthCodeURL(t.Context(), callback, "s", verifier, upstream.Hints{})
		want(t, what, err, "outage", row.words)
		r.fake.Alter("discovery", nil)
		r.clock.advance(time.Minute)
		r.mustSignIn(t, "ann")
		r.fake.Alter("discovery", alter)
		r.clock.advance(2 * time.Hour)
		r.mustSignIn(t, "ann")
	}
}

// Documents without end are not read to it, and slow ones are not waited for.
func TestGiantDocuments(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/.well-known/openid-configuration", "/jwks", "/token", "/userinfo"} {
		r := open(t, "group:ops", nil)
		r.fake.SignBy(func(_, c map[string]any) (string, bool) { delete(c, "groups"); return "", false })
		r.fake.Outage(path, oauthtest.Fault{Huge: true})
		_, err := r.AuthCodeURL(t.Context(), callback, "s", verifier, upstream.Hints{})
		if err == nil {
			_, _, err = r.signIn(t, "ann")
		}
		want(t, path, err, "outage", "1 MiB")
	}
	r := open(t, "anyone", nil)
	r.fake.Alter("jwks", func(d map[string]any) {
		var many []any
		for range 101 {
			many = append(many, map[string]any{"kty": "EC"})
		}
		d["keys"] = many
	})
	_, _, err := r.signIn(t, "ann")
	want(t, "too many keys", err, "outage", "Key Set")
}

// No document leads us inside: neither the issuer itself nor what it names is dialled there, unless the
// operator says that the provider is in a network of theirs (UP-21, SF-01).
func TestNothingInsideIsDialled(t *testing.T) {
	t.Parallel()
	port, met := dialtest.Sentinel(t)
	for _, host := range []string{"localhost.example.com", "inside.example.com"} {
		resolver, _ := dialtest.Resolver(t, "127.0.0.1", "169.254.169.254", "10.0.0.1")
		for range 3 {
			d := &net.Dialer{Timeout: time.Second, Control: dial.Guard(dial.Public), Resolver: resolver}
			_, err := d.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
			if !errors.Is(err, dial.ErrBlocked) {
				t.Errorf("%s: got %v, want it blocked", host, err)
			}
		}
	}
	for issuerURL, private := range map[string]bool{
		"https://10.255.255.1": false, "https://169.254.169.254": true, "https://[fe80::1]": true,
		"https://192.168.0.1/realms/acme": false, "https://100.100.100.200": true,
	} {
		fake := oauthtest.StartOpenID(t, nil)
		c := config(t, fake, "anyone")
		c.Issuer, c.PrivateNetwork = issuerURL, private
		p, err := oidc.New(c)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.AuthCodeURL(t.Context(), callback, "s", verifier, upstream.Hints{})
		if !errors.Is(err, dial.ErrBlocked) {
			t.Errorf("%s: got %v, want it blocked", issuerURL, err)
		}
	}
	// A provider outside that names endpoints on this machine.
	fake := oauthtest.StartOpenID(t, nil)
	c := config(t, fake, "anyone")
	c.Issuer = "https://id.example.com"
	c.Transport = described(`{"issuer":"https://id.example.com","authorization_endpoint":"https://id.example.com/a",` +
		`"token_endpoint":"https://127.0.0.1:` + port + `/token","jwks_uri":"https://id.example.com/jwks"}`)
	p, err := oidc.New(c)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = p.Exchange(t.Context(), callback, url.Values{"code": {"c"}}, verifier)
	if !errors.Is(err, dial.ErrBlocked) || met.Load() != 0 {
		t.Errorf("got %v and %d connections, want it blocked", err, met.Load())
	}
}

// described answers for id.example.com, and dials the rest as we do.
type described string

func (d described) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "id.example.com" {
		return jsonAnswer(string(d)), nil
	}
	return upstream.NewTransport(&net.Dialer{Timeout: time.Second, Control: dial.Guard(dial.Public)}).RoundTrip(r)
}

// The provider's keys change: a new one is fetched at the first token that names it, and a name that nobody
// has makes us fetch no more than once in two seconds.
func TestKeysOfTheProviderChange(t *testing.T) {
	t.Parallel()
	r := open(t, "anyone", nil)
	r.mustSignIn(t, "ann")
	r.clock.advance(3 * time.Second)
	r.fake.RotateKeys(false)
	r.mustSignIn(t, "ann")
	if n := r.fake.Count("GET /jwks"); n != 2 {
		t.Errorf("got %d fetches, want one more for the new key", n)
	}
	r.clock.advance(3 * time.Second)
	r.fake.SignBy(signedBy("ES256", foreignKey(), "made-up"))
	for range 20 {
		_, _, err := r.signIn(t, "ann")
		want(t, "a made-up key", err, "outage", "signature")
	}
	if n := r.fake.Count("GET /jwks"); n != 3 {
		t.Errorf("got %d fetches, want one for twenty tokens", n)
	}
}

// While the provider's documents cannot be had, the last good ones do; when they never could, it is an
// outage that is over soon after the provider's.
func TestAnOutageOfTheDocuments(t *testing.T) {
	t.Parallel()
	r := open(t, "anyone", nil)
	r.fake.Outage("", oauthtest.ServerError())
	for range 60 {
		_, err := r.AuthCodeURL(t.Context(), callback, "s", verifier, upstream.Hints{})
		want(t, "down", err, "outage", "status 500")
		r.clock.advance(10 * time.Second)
	}
	r.fake.Repair()
	r.clock.advance(10 * time.Second)
	r.mustSignIn(t, "ann")
	r.fake.Outage("/.well-known/openid-configuration", oauthtest.ServerError())
	r.fake.Outage("/jwks", oauthtest.ServerError())
	r.clock.advance(100 * time.Hour)
	r.mustSignIn(t, "ann")
	r.fake.RotateKeys(false)
	_, _, err := r.signIn(t, "ann")
	want(t, "a new key that cannot be had", err, "outage", "read the provider's keys")
}

// Failing at the token endpoint is told apart: a spent code from a wrong secret from an outage (UP-05, UP-17).
func TestTokenEndpointFailures(t *testing.T) {
	t.Parallel()
	r := open(t, "anyone", nil)
	q := r.answer(t, "ann")
	if _, _, err := r.Exchange(t.Context(), callback, q, verifier); err != nil {
		t.Fatal(err)
	}
	_, _, err := r.Exchange(t.Context(), callback, q, verifier)
	want(t, "the same callback again", err, "used")
	for what, f := range map[string]oauthtest.Fault{
		"500":                       oauthtest.ServerError(),
		"429 in OAuth's words":      {Status: 429, Body: `{"error":"invalid_grant"}`},
		"500 in OAuth's words":      {Status: 500, Body: `{"error":"invalid_grant"}`},
		"HTML":                      {Status: 400, ContentType: "text/html", Body: `{"error":"invalid_grant"}`},
		"200 and HTML":              {Status: 200, ContentType: "text/html", Body: "<html>"},
		"a redirect":                {Redirect: "http://127.0.0.1:1/"},
		"no token":                  {Status: 200, Body: `{}`},
		"another type":              {Status: 200, Body: `{"access_token":"a","token_type":"mac","id_token":"x"}`},
		"an error that is not one":  {Status: 400, Body: `{"error":"<script>"}`},
		"a client it does not know": {Status: 401, Body: `{"error":"invalid_client"}`},
	} {
		r.fake.Outage("/token", f)
		_, _, err := r.signIn(t, "ann")
		want(t, what, err, "outage")
		r.fake.Repair()
	}
}

// Of many tenants those that were said are let in, by the tenant that signed (UP-22).
func TestTenants(t *testing.T) {
	t.Parallel()
	const here, there = "8d3f3d24-6a3e-4d0c-9a43-8f1d2c0a5b77", "00000000-0000-0000-0000-000000000001"
	for _, row := range []struct {
		tenants, signs, keyOf string
		want                  string
	}{
		{here, here, "", "ok"}, {here, there, "", "outage"}, {"any", there, "", "ok"},
		{"any", "organizations", "", "outage"}, {"any", "{tenantid}", "", "outage"},
		{here, here, "{tenantid}", "ok"}, {here, here, here, "ok"}, {here, here, there, "outage"},
	} {
		c := &clock{}
		fake := oauthtest.StartOpenID(t, &oauthtest.OpenIDOptions{Now: c.now, Path: "/organizations/v2.0"})
		of := func(tenant string) string { return strings.Replace(fake.URL, "organizations", tenant, 1) }
		fake.Alter("discovery", func(d map[string]any) {
			d["issuer"] = of("{tenantid}")
			delete(d, "authorization_response_iss_parameter_supported")
		})
		fake.Alter("jwks", func(d map[string]any) {
			if row.keyOf != "" {
				d["keys"] = withIssuer(t, d["keys"], of(row.keyOf))
			}
		})
		fake.SignBy(func(_, claims map[string]any) (string, bool) { claims["iss"] = of(row.signs); return "", false })
		cfg := config(t, fake, "anyone")
		cfg.Preset, _ = issuer.PresetByName("entra")
		cfg.Now = c.now
		var err error
		if cfg.Tenants, err = issuer.ParseTenants(row.tenants); err != nil {
			t.Fatal(err)
		}
		p, err := oidc.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		r := &rig{p, fake, c}
		q := r.answer(t, "ann")
		q.Del("iss")
		id, _, err := r.Exchange(context.Background(), callback, q, verifier)
		want(t, row.tenants+" "+row.signs+" "+row.keyOf, err, row.want)
		if row.want == "ok" && id.Subject != oidc.Subject(of(row.signs), "sub|ann") {
			t.Errorf("got %s, want the tenant in it", id.Subject)
		}
	}
}
