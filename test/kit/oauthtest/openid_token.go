package oauthtest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// authenticated reports whether a request proves to be the client's, by its secret in the
// header or in the body, or by an assertion, which is not looked at.
func (p *OpenID) authenticated(r *http.Request) bool {
	if r.ParseForm() != nil {
		return false
	}
	id, secret, ok := r.BasicAuth()
	if ok {
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
		return id == p.ClientID && secret == p.ClientSecret
	}
	return r.PostFormValue("client_id") == p.ClientID &&
		(r.PostFormValue("client_secret") == p.ClientSecret || r.PostFormValue("client_assertion") != "")
}

func (p *OpenID) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	ok := p.authenticated(r)
	p.lastForm = r.PostForm
	var body map[string]any
	var code string
	switch {
	case !ok:
		code = "invalid_client"
	case r.PostFormValue("grant_type") == "authorization_code":
		body, code = p.redeem(r)
	default:
		body, code = p.renew(r)
	}
	lost := p.lost && code == ""
	p.lost = p.lost && !lost
	p.mu.Unlock()
	switch {
	case lost:
		panic(http.ErrAbortHandler)
	case code != "":
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": code})
	default:
		writeJSON(w, http.StatusOK, body)
	}
}

func (p *OpenID) redeem(r *http.Request) (map[string]any, string) {
	c, ok := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || c.redirect != r.PostFormValue("redirect_uri") ||
		c.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
		return nil, "invalid_grant"
	}
	s := p.sessions[c.sid]
	s.offline = c.offline
	return p.tokens(s, c.nonce), ""
}

// renew rotates a refresh token. One that was spent ends its session.
func (p *OpenID) renew(r *http.Request) (map[string]any, string) {
	token := r.PostFormValue("refresh_token")
	s := p.sessions[p.refresh[token]]
	if s == nil || s.over || p.person(s.login).Disabled {
		return nil, "invalid_grant"
	}
	if s.newest != token {
		s.over = true
		return nil, "invalid_grant"
	}
	return p.tokens(s, ""), ""
}

func (p *OpenID) tokens(s *openIDSession, nonce string) map[string]any {
	access := "at-" + rand.Text()
	p.access[access] = openIDAccess{s.sid, p.now().Add(accessLife)}
	body := map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": int(accessLife.Seconds()),
		"id_token": p.idToken(s, access, nonce),
	}
	if s.offline {
		s.newest = "rt-" + rand.Text()
		p.refresh[s.newest] = s.sid
		body["refresh_token"] = s.newest
	}
	p.change("token", body)
	return body
}

func (p *OpenID) claims(login string) map[string]any {
	person := p.person(login)
	c := map[string]any{
		"sub": person.Sub, "preferred_username": person.Login, "name": person.Name,
		"email": person.Email, "email_verified": !person.Unverified,
	}
	if person.Groups != nil {
		c["groups"] = person.Groups
	}
	maps.Copy(c, person.Claims)
	return c
}

func (p *OpenID) idToken(s *openIDSession, access, nonce string) string {
	c := p.claims(s.login)
	sum := sha256.Sum256([]byte(access))
	maps.Copy(c, map[string]any{
		"iss": p.URL, "aud": p.ClientID, "iat": p.now().Unix(), "exp": p.now().Add(5 * time.Minute).Unix(),
		"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]), "sid": s.sid,
	})
	if nonce != "" {
		c["nonce"] = nonce
	}
	return p.signed(map[string]any{"typ": "JWT"}, c)
}

// signed makes a token by the first key, or as [OpenID.SignBy] says.
func (p *OpenID) signed(header, claims map[string]any) string {
	header["alg"], header["kid"] = "ES256", p.keys[0].KeyID
	if p.sign != nil {
		if token, ok := p.sign(header, claims); ok {
			return token
		}
	}
	return SignJWT(p.keys[0].Key, header, claims)
}

// SignJWT signs claims under exactly that header, by an ECDSA or RSA key, or by bytes for
// HMAC; the header's alg says how, and "none" signs nothing.
func SignJWT(key any, header, claims map[string]any) string {
	h, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	if header["alg"] == "none" {
		return base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(c) + "."
	}
	alg, _ := header["alg"].(string)
	options := (&jose.SignerOptions{})
	for name, v := range header {
		if name != "alg" {
			options = options.WithHeader(jose.HeaderKey(name), v)
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, options)
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign(c)
	if err != nil {
		panic(err)
	}
	s, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return s
}

// Key returns the private key that signs, and its id.
func (p *OpenID) Key() (*ecdsa.PrivateKey, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[0].Key.(*ecdsa.PrivateKey), p.keys[0].KeyID
}

// NewRSAKey returns a key of 2048 bits.
func NewRSAKey() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}

func (p *OpenID) userInfo(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	s := p.sessions[a.sid]
	if !ok || !p.now().Before(a.until) || s.over || p.person(s.login).Disabled {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	body := p.claims(s.login)
	p.change("userinfo", body)
	writeJSON(w, http.StatusOK, body)
}

func (p *OpenID) revoke(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.authenticated(r) {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_client"})
		return
	}
	p.lastForm = r.PostForm
	if s := p.sessions[p.refresh[r.PostFormValue("token")]]; s != nil {
		s.over = true
	}
	delete(p.access, r.PostFormValue("token"))
}
