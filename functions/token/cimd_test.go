package token

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/memory"
)

// CIMD clients. No test has a network: nothing is fetched here.
const (
	cimdID    = "https://client.example/oauth/client.json"
	anotherID = "https://client.example/oauth/other.json"
)

func asCIMD(grantTypes ...string) func(*store.Login) {
	return func(l *store.Login) {
		l.Record.CIMD = &store.CIMDCopy{Name: "CIMD Client", GrantTypes: grantTypes, Digest: strings.Repeat("d", 43)}
	}
}

func (f *endpoint) wantCost(tb testing.TB, what string, reads, commits int64) {
	tb.Helper()
	if got, want := f.Cost.Take(), (memory.Cost{Reads: reads, Commits: commits}); got != want {
		tb.Errorf("cost of %s: got %+v, want %+v", what, got, want)
	}
}

// A CIMD client redeems, refreshes and revokes by its id alone (CIM-01, CD-07, SF-15). Its host is not
// asked and it is not looked up.
func TestCIMDClientIsPublicWhereverItComes(t *testing.T) {
	t.Parallel()
	f := open(t, func(f *endpoint) { f.Memory.RunOnce() })
	code := f.issue(t, cimdID, "", asCIMD(oauth.SupportedGrantTypes()...))
	f.Cost.Take()
	first := want(t, "code", f.redeem(t, cimdID, code), http.StatusOK, "")
	f.wantCost(t, "code", 1, 1)
	if first.RefreshToken == "" || !f.lives(t, first.AccessToken) {
		t.Fatalf("got %+v, want a live grant with a refresh token", first)
	}
	f.Cost.Take()
	next := want(t, "refresh", f.refresh(t, cimdID, first.RefreshToken), http.StatusOK, "")
	f.wantCost(t, "refresh", 1, 1)
	want(t, "another client's revocation", f.revoke(t, anotherID, next.RefreshToken), http.StatusOK, "")
	if !f.lives(t, next.AccessToken) {
		t.Fatal("another client ended the grant")
	}
	f.Cost.Take()
	want(t, "revocation", f.revoke(t, cimdID, next.RefreshToken), http.StatusOK, "")
	f.wantCost(t, "revocation", 1, 1)
	if f.lives(t, next.AccessToken) {
		t.Error("the grant lives after its revocation")
	}
	want(t, "refresh after revocation", f.refresh(t, cimdID, next.RefreshToken), http.StatusBadRequest, "invalid_grant")
}

// No secret and no assertion is its own, and a wrong try consumes nothing (CIM-08, SF-09, TE-02,
// TE-03).
func TestCIMDClientHasNoSecret(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	code := f.issue(t, cimdID, "", asCIMD(oauth.SupportedGrantTypes()...))
	form := []string{"grant_type", "authorization_code", "code", code, "code_verifier", verifier}
	for name, proof := range map[string][]string{
		"post":  {"client_id", cimdID, "client_secret", "x"},
		"basic": {"Authorization", basic(cimdID, "x")},
		"assertion": {"client_id", cimdID, "client_assertion", "x", "client_assertion_type",
			"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	} {
		want(t, name, f.post(t, oauth.TokenPath, append(proof, form...)...), http.StatusUnauthorized, "invalid_client")
		want(t, name+" at revoke", f.post(t, oauth.RevokePath, append(proof, "token", "x")...), http.StatusUnauthorized,
			"invalid_client")
	}
	want(t, "introspection", f.post(t, oauth.IntrospectPath, "client_id", cimdID, "token", "x"),
		http.StatusUnauthorized, "invalid_client")
	want(t, "none", f.redeem(t, cimdID, code), http.StatusOK, "")
}

// Code and tokens are bound to the very bytes of the id, between CIMD clients and between kinds
// (AC-01, SF-08).
func TestCodesOfCIMDClientsAreTheirOwn(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	code := f.issue(t, cimdID, "", asCIMD(oauth.SupportedGrantTypes()...))
	for _, id := range []string{
		anotherID, publicID, "https://client.example/oauth/client.jso%6e",
		"https://client.example:443/oauth/client.json", cimdID + "?",
	} {
		want(t, id, f.redeem(t, id, code), http.StatusBadRequest, "invalid_grant")
	}
	for _, id := range []string{
		"HTTPS://client.example/oauth/client.json", cimdID + "#", "http://client.example/oauth/client.json",
		"https://client.example/oauth/../oauth/client.json",
	} {
		f.Cost.Take()
		want(t, id, f.redeem(t, id, code), http.StatusUnauthorized, "invalid_client")
		f.wantCost(t, id, 0, 0)
	}
	want(t, "registered client's code", f.redeem(t, cimdID, f.issue(t, publicID, "", nil)), http.StatusBadRequest,
		"invalid_grant")
	tokens := want(t, "its own", f.redeem(t, cimdID, code), http.StatusOK, "")
	want(t, "another's refresh", f.refresh(t, anotherID, tokens.RefreshToken), http.StatusBadRequest, "invalid_grant")
	want(t, "its own refresh", f.refresh(t, cimdID, tokens.RefreshToken), http.StatusOK, "")
	want(t, "replay", f.redeem(t, cimdID, code), http.StatusBadRequest, "invalid_grant")
	if f.lives(t, tokens.AccessToken) {
		t.Error("AC-04: the grant lives after a replay of its code")
	}
}

func TestCIMDClientWithoutRefreshGrantGetsNone(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	code := f.issue(t, cimdID, "", asCIMD(oauth.GrantAuthorizationCode))
	if a := want(t, "code", f.redeem(t, cimdID, code), http.StatusOK, ""); a.RefreshToken != "" {
		t.Error("got a refresh token, want none")
	}
}
