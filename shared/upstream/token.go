package upstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postern-dev/postern/shared/credential"
)

// A Token is what a provider gave us for one person: evidence, and the key to the
// person's own profile. It prints and marshals without its secret; [Token.Marshal]
// is the one way to keep it, and its caller seals the bytes.
type Token struct {
	AccessToken credential.Secret
	// Scopes are those the provider granted, sorted, in the provider's words.
	Scopes []string
	// ClientID is our id at the provider when the token was given. A token of
	// another id is of no use (K5).
	ClientID string
	// Issuer is who gave it, where a server may have another than it once had; empty at GitHub.
	Issuer string
	// Expiry is when the token ends; zero if it does not expire.
	Expiry time.Time
	// RefreshToken is good for a newer token; zero if there is none.
	RefreshToken credential.Secret
	// SignIn names the sign-in that a token comes from, by whichever number of renewals;
	// empty for tokens that are not renewed.
	SignIn string
	// IDToken is what the provider said when it gave the token. It is not kept.
	IDToken string
}

// IsZero reports whether there is no token, as after a development sign-in.
func (t Token) IsZero() bool { return t.AccessToken.IsZero() }

// Expired reports whether the token has ended at now.
func (t Token) Expired(now time.Time) bool {
	return !t.Expiry.IsZero() && !now.Before(t.Expiry)
}

// tokenVersion is the first member of a kept token. Bytes of a later version are refused.
const tokenVersion = 1

type keptToken struct {
	Version     int      `json:"v"`
	AccessToken string   `json:"access_token"`
	Scopes      []string `json:"scopes,omitempty"`
	ClientID    string   `json:"client_id,omitempty"`
	Issuer      string   `json:"issuer,omitempty"`
	Expiry      int64    `json:"expiry,omitempty"` // Unix seconds
	Refresh     string   `json:"refresh_token,omitempty"`
	SignIn      string   `json:"sign_in,omitempty"`
}

// Marshal returns the token with its secret in the clear, as JSON. The result is
// for sealing and for nothing else; [UnmarshalToken] reads it.
func (t Token) Marshal() ([]byte, error) {
	k := keptToken{
		Version: tokenVersion, AccessToken: t.AccessToken.Reveal(), Scopes: t.Scopes, ClientID: t.ClientID,
		Issuer: t.Issuer, Refresh: t.RefreshToken.Reveal(), SignIn: t.SignIn,
	}
	if !t.Expiry.IsZero() {
		k.Expiry = t.Expiry.Unix()
	}
	return json.Marshal(k)
}

// UnmarshalToken reads what [Token.Marshal] wrote. Its errors hold nothing of b.
func UnmarshalToken(b []byte) (Token, error) {
	var k keptToken
	if json.Unmarshal(b, &k) != nil {
		return Token{}, errors.New("read upstream token: not the JSON that was kept")
	}
	if k.Version != tokenVersion {
		return Token{}, fmt.Errorf("read upstream token: version %d, want %d", k.Version, tokenVersion)
	}
	t := Token{Scopes: k.Scopes, ClientID: k.ClientID, Issuer: k.Issuer, SignIn: k.SignIn}
	if k.Refresh != "" {
		t.RefreshToken = credential.Wrap(k.Refresh)
	}
	if k.AccessToken != "" {
		t.AccessToken = credential.Wrap(k.AccessToken)
	}
	if k.Expiry != 0 {
		t.Expiry = time.Unix(k.Expiry, 0).UTC()
	}
	return t, nil
}

// allows reports whether the token's scopes include want or one that contains it.
// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
func (t Token) allows(want string) bool {
	return t.ofApp() || slices.ContainsFunc(t.Scopes, func(have string) bool {
		return have == want || slices.Contains(contains[have], want)
	})
}

// contains lists the wider scopes that stand for the narrow ones we ask for. GitHub
// normalises granted scopes: who once granted "user" is told "user", not "user:email".
var contains = map[string][]string{
	"user":             {"user:email", "user:follow", "read:user"},
	"admin:org":        {"read:org", "write:org"},
	"write:org":        {"read:org"},
	"repo":             {"public_repo", "repo:invite", "repo:status", "repo_deployment", "security_events"},
	"admin:repo_hook":  {"read:repo_hook", "write:repo_hook"},
	"write:repo_hook":  {"read:repo_hook"},
	"admin:public_key": {"read:public_key", "write:public_key"},
	"write:public_key": {"read:public_key"},
	"admin:gpg_key":    {"read:gpg_key", "write:gpg_key"},
	"write:gpg_key":    {"read:gpg_key"},
	"write:packages":   {"read:packages"},
	"write:discussion": {"read:discussion"},
	"project":          {"read:project"},
}
