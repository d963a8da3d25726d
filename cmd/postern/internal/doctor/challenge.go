package doctor

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/postern-dev/postern/shared/oauth"
)

// initialize is the first message of most clients.
const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{` +
	`"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"postern-doctor","version":"1"}}}`

// challenge asks /mcp without a token by every method: each must meet 401 with the
// whole challenge, which is how a client learns where to sign in (E3 to E9, W4).
func challenge(ctx context.Context, p *probe) error {
	for _, path := range []string{oauth.MCPPath, oauth.MCPPath + "/"} {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH"} {
			q := request{method: method, path: path, header: map[string]string{
				"Accept": "application/json, text/event-stream", "Origin": inspector,
			}}
			if method == http.MethodPost {
				q.body, q.header["Content-Type"] = initialize, "application/json"
			}
			a, err := p.ask(ctx, q)
			if err != nil {
				return err
			}
			p.lookAtChallenge(a)
		}
	}
	return nil
}

func (p *probe) lookAtChallenge(a answer) {
	if a.status == http.StatusOK {
		p.found(fmt.Sprintf("%s is answered without a token", a),
			"nothing of /mcp may be open: see that functions/mcp answers here")
		return
	}
	if p.wrongStatus(a, http.StatusUnauthorized) {
		return
	}
	p.wantCORS(a)
	exposed := strings.ToLower(a.header.Get("Access-Control-Expose-Headers"))
	if !strings.Contains(exposed, "www-authenticate") {
		p.found(fmt.Sprintf("%s: WWW-Authenticate is not exposed to browsers", a),
			"something takes Access-Control-Expose-Headers away (L3)")
	}
	scheme, params := parseChallenge(a.header.Get("WWW-Authenticate"))
	if !strings.EqualFold(scheme, "Bearer") {
		p.found(fmt.Sprintf("%s: 401 without a Bearer challenge%s", a, renamed(a.header)),
			"clients cannot find the sign-in: let WWW-Authenticate through every proxy in front")
		return
	}
	want := p.origin + oauth.ResourceMetadataPath + oauth.MCPPath
	if got := params["resource_metadata"]; got != want {
		p.found(fmt.Sprintf("%s: resource_metadata is %q, want %q", a, got, want), setIssuer)
	}
	if params["scope"] == "" {
		p.found(fmt.Sprintf("%s: the challenge names no scope", a), advice(a))
	}
	if e := params["error"]; e != "" {
		p.found(fmt.Sprintf("%s: error=%q though no credentials were sent", a, e),
			"the gateway's own token is taken for the client's: "+
				"set TRUST_FORWARDED_AUTHORIZATION=true on the functions (terraform apply does)")
	}
}

var parameter = regexp.MustCompile(`([A-Za-z_]+)="([^"]*)"`)

// parseChallenge reads one challenge of name="value" pairs, which is what we send.
func parseChallenge(s string) (scheme string, params map[string]string) {
	scheme, rest, _ := strings.Cut(s, " ")
	params = map[string]string{}
	for _, m := range parameter.FindAllStringSubmatch(rest, -1) {
		params[m[1]] = m[2]
	}
	return scheme, params
}

// renamed tells of a header that a gateway made of the challenge (E9).
func renamed(h http.Header) string {
	for name := range h {
		if name != "Www-Authenticate" && strings.HasSuffix(name, "Www-Authenticate") {
			return " (a proxy renamed it to " + name + ")"
		}
	}
	return ""
}

// credentials sends wrong ones: what comes back shows whether they reach the functions.
func credentials(ctx context.Context, p *probe) error {
	a, err := p.ask(ctx, request{
		method: http.MethodPost, path: oauth.MCPPath, body: initialize,
		header: map[string]string{
			"Authorization": "Bearer not.a.token",
			"Content-Type":  "application/json", "Accept": "application/json, text/event-stream",
		},
	})
	if err != nil {
		return err
	}
	if p.wrongStatus(a, http.StatusUnauthorized) {
		return nil
	}
	_, params := parseChallenge(a.header.Get("WWW-Authenticate"))
	switch params["error"] {
	case string(oauth.InvalidToken):
	case "":
		p.found(fmt.Sprintf("%s: a wrong token is treated as if there were none", a),
			"Authorization does not reach the function: "+
				"behind API Gateway set TRUST_FORWARDED_AUTHORIZATION=true, elsewhere false")
	default:
		p.found(fmt.Sprintf("%s: error=%q for a wrong token, want invalid_token", a, params["error"]), advice(a))
	}
	return nil
}
