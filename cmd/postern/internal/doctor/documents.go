package doctor

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/oauth"
)

// families are the documents and every place where some client looks for each (field
// cases 7.3). The first place is the one that the others are compared with.
var families = [][]string{
	{
		"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource",
		"/mcp/.well-known/oauth-protected-resource",
	},
	{
		"/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/mcp",
		"/mcp/.well-known/oauth-authorization-server",
		"/.well-known/openid-configuration", "/.well-known/openid-configuration/mcp",
		"/mcp/.well-known/openid-configuration",
	},
	{"/.well-known/jwks.json", "/jwks"},
}

// documents fetches every document at every place, as a browser client of today does,
// and compares them byte by byte (E1, E2, W1, W13).
func documents(ctx context.Context, p *probe) error {
	n := 0
	for _, places := range families {
		for _, path := range places {
			a, err := p.ask(ctx, request{method: http.MethodGet, path: path, header: map[string]string{
				"Origin": inspector, "MCP-Protocol-Version": "2025-06-18",
			}})
			if err != nil {
				return err
			}
			p.documents[path] = a
			n++
			if p.wrongStatus(a, http.StatusOK) || !p.wantJSON(a) {
				continue
			}
			p.wantCORS(a)
			p.sameAs(a, p.documents[places[0]])
		}
		if err := p.head(ctx, places[0]); err != nil {
			return err
		}
	}
	p.check.Note = fmt.Sprintf("%d documents at %d places", len(families), n)
	return nil
}

// sameAs notes a document that differs from the one at its first place.
func (p *probe) sameAs(a, first answer) {
	if first.status == http.StatusOK && !bytes.Equal(a.body, first.body) {
		p.found(fmt.Sprintf("%s differs from %s", a, first), "all places must serve one document: "+
			"see that one revision of wellknown takes all traffic and that no cache holds an old one")
	}
}

func (p *probe) head(ctx context.Context, path string) error {
	a, err := p.ask(ctx, request{method: http.MethodHead, path: path})
	if err == nil {
		p.wrongStatus(a, http.StatusOK)
	}
	return err
}

// metadata looks at what the documents say.
func metadata(_ context.Context, p *probe) error {
	resource := p.documents[families[0][0]].object()
	server := p.documents[families[1][0]].object()
	for _, family := range families[:2] {
		if a := p.documents[family[0]]; a.object() == nil {
			p.unknown(fmt.Sprintf("%s: status %d, and no JSON object to look at", a, a.status), advice(a))
		}
	}
	if resource != nil {
		p.lookForNull(families[0][0], resource)
		p.lookAtResource(families[0][0], resource)
	}
	if server != nil {
		p.lookForNull(families[1][0], server)
		p.lookAtServer(families[1][0], server)
	}
	if issuer := text(server["issuer"]); issuer != "" {
		p.check.Note = "issuer " + issuer
	}
	return nil
}

func (p *probe) lookForNull(name string, document map[string]any) {
	for _, member := range slices.Sorted(maps.Keys(document)) {
		if document[member] == nil {
			p.found(fmt.Sprintf("%s: %s is null", name, member),
				"leave it out: strict clients refuse the document (E11)")
		}
	}
}

const setIssuer = "set ISSUER_URL (public_origin in terraform.tfvars) to the origin that clients use, " +
	"byte by byte, and deploy"

// equal notes a member that is not what it must be.
func (p *probe) equal(document, member string, got any, want string) {
	if text(got) != want {
		p.found(fmt.Sprintf("%s: %s is %q, want %q", document, member, text(got), want), setIssuer)
	}
}

func (p *probe) lookAtResource(name string, d map[string]any) {
	p.equal(name, "resource", d["resource"], p.origin+oauth.MCPPath)
	servers, _ := d["authorization_servers"].([]any)
	if len(servers) != 1 || text(servers[0]) != p.origin {
		p.found(fmt.Sprintf("%s: authorization_servers is %v, want [%s]", name, servers, p.origin), setIssuer)
	}
}

// endpoints are the members that name a place below the issuer, where clients also look
// without being told (E2).
var endpoints = map[string]string{
	"authorization_endpoint": oauth.AuthorizePath,
	"token_endpoint":         oauth.TokenPath,
	"registration_endpoint":  oauth.RegisterPath,
	"revocation_endpoint":    oauth.RevokePath,
	"introspection_endpoint": oauth.IntrospectPath,
	"jwks_uri":               oauth.JWKSPath,
}

// required are the lists without which some client gives up (E12, E13).
var required = map[string]string{
	"response_types_supported":              "code",
	"grant_types_supported":                 "refresh_token",
	"code_challenge_methods_supported":      "S256",
	"token_endpoint_auth_methods_supported": "none",
	"subject_types_supported":               "public",
	"id_token_signing_alg_values_supported": "ES256",
}

func (p *probe) lookAtServer(name string, d map[string]any) {
	p.equal(name, "issuer", d["issuer"], p.origin)
	for _, member := range slices.Sorted(maps.Keys(endpoints)) {
		if _, there := d[member]; !there && member == "registration_endpoint" {
			continue // closed; check registration tells
		}
		p.equal(name, member, d[member], p.origin+endpoints[member])
	}
	for _, member := range slices.Sorted(maps.Keys(required)) {
		value := required[member]
		if !contains(d[member], value) {
			p.found(fmt.Sprintf("%s: %s is %v, want it to have %s", name, member, d[member], value),
				advice(p.documents[name]))
		}
	}
	algorithms := d["token_endpoint_auth_signing_alg_values_supported"]
	if contains(d["token_endpoint_auth_methods_supported"], "private_key_jwt") && algorithms == nil {
		p.found(name+": private_key_jwt without token_endpoint_auth_signing_alg_values_supported",
			"list both or neither: Authlib refuses the document (W15)")
	}
}

func contains(list any, want string) bool {
	values, _ := list.([]any)
	for _, v := range values {
		if text(v) == want {
			return true
		}
	}
	return false
}

// keys looks at the verification keys, and at those that tell upstream servers who calls.
func keys(ctx context.Context, p *probe) error {
	a := p.documents[families[2][0]]
	if a.object() == nil {
		p.unknown(fmt.Sprintf("%s: status %d, and no JSON object to look at", a, a.status), advice(a))
		return nil
	}
	n := p.lookAtKeys(a, verification)
	if n == 0 {
		return nil
	}
	p.check.Note = cli.Count(n, "key", "keys")
	return identityKeys(ctx, p)
}

// identityKeys looks at the keys that tell upstream servers who calls, which a server without
// them need not have.
func identityKeys(ctx context.Context, p *probe) error {
	a, err := p.ask(ctx, request{method: http.MethodGet, path: oauth.IdentityKeysPath})
	if err != nil || a.status == http.StatusNotFound || p.wrongStatus(a, http.StatusOK, http.StatusNotFound) {
		return err
	}
	if p.wantJSON(a) {
		p.check.Note += fmt.Sprintf(", and %d for upstream servers", p.lookAtKeys(a, identities))
	}
	return nil
}

// A published is a ring whose public keys are for everybody.
type published struct {
	ring    string
	mounted string // what has to be where, for its keys to be there
	private string // what keeps its private halves from being shown
}

var (
	verification = published{
		"verification-keys", "verification-keys is mounted on wellknown and mcp",
		"mount verification-keys, never signing-keys, on wellknown",
	}
	identities = published{
		"identity-keys", "identity-keys is mounted on mcp", "let nothing but mcp answer at " + oauth.IdentityKeysPath,
	}
)

// lookAtKeys looks at a JWK Set and returns how many keys it has.
func (p *probe) lookAtKeys(a answer, of published) int {
	list, _ := a.object()["keys"].([]any)
	if len(list) == 0 {
		p.found(fmt.Sprintf("%s has no key", a),
			"make the rings: postern keys create, then see that "+of.mounted)
	}
	for i, v := range list {
		p.lookAtKey(fmt.Sprintf("%s: key %d", a, i+1), v, of)
	}
	return len(list)
}

func (p *probe) lookAtKey(name string, v any, of published) {
	key, _ := v.(map[string]any)
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
		if _, there := key[private]; there {
			p.found(name+" shows its private half", "now: retire it with postern keys retire --now, and "+of.private)
			return
		}
	}
	if text(key["kty"]) != "EC" || text(key["crv"]) != "P-256" || text(key["kid"]) == "" {
		p.found(name+" is not a P-256 key with a kid", "see what is in the ring "+of.ring+": postern keys status")
	}
}
