package doctor

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/postern-dev/postern/shared/oauth"
)

// wanted are the headers that clients in a browser send (L1).
var wanted = []string{
	"authorization", "content-type", "accept",
	"mcp-protocol-version", "mcp-session-id", "mcp-method", "mcp-name", "last-event-id",
	"mcp-param-region", // any name may stand behind mcp-param-
}

// cors asks as a browser does before it lets a page of another origin call.
func cors(ctx context.Context, p *probe) error {
	for _, c := range []struct{ path, method string }{
		{oauth.MCPPath, "POST"},
		{oauth.MCPPath, "GET"},
		{oauth.MCPPath, "DELETE"},
		{oauth.MCPPath + "/", "POST"},
		{oauth.TokenPath, "POST"},
		{oauth.RegisterPath, "POST"},
		{oauth.RegisterPath + "/none", "PUT"},
		{oauth.RevokePath, "POST"},
		{oauth.IntrospectPath, "POST"},
		{oauth.ResourceMetadataPath + oauth.MCPPath, "GET"},
		{oauth.ServerMetadataPath, "GET"},
		{oauth.JWKSPath, "GET"},
	} {
		a, err := p.ask(ctx, request{method: http.MethodOptions, path: c.path, header: map[string]string{
			"Origin": inspector, "Access-Control-Request-Method": c.method,
			"Access-Control-Request-Headers": strings.Join(wanted, ","),
		}})
		if err != nil {
			return err
		}
		p.lookAtPreflight(a, c.method)
	}
	return nil
}

func (p *probe) lookAtPreflight(a answer, method string) {
	if p.wrongStatus(a, http.StatusNoContent, http.StatusOK) {
		return
	}
	p.wantCORS(a)
	if a.header.Get("Access-Control-Allow-Credentials") != "" {
		p.found(fmt.Sprintf("%s: Access-Control-Allow-Credentials is set", a),
			"no endpoint for other origins knows cookies: take it away where it is added (L4)")
	}
	allowed := listOf(a.header.Get("Access-Control-Allow-Headers"))
	var missing []string
	for _, name := range wanted {
		if !allowed[name] {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		p.found(fmt.Sprintf("%s: a page may not send %s", a, strings.Join(missing, ", ")),
			"the functions allow these: something in front answers preflights itself")
	}
	if !listOf(a.header.Get("Access-Control-Allow-Methods"))[strings.ToLower(method)] {
		p.found(fmt.Sprintf("%s: a page may not use %s", a, method),
			"the functions allow it: something in front answers preflights itself")
	}
}

func listOf(s string) map[string]bool {
	list := map[string]bool{}
	for name := range strings.SplitSeq(s, ",") {
		list[strings.ToLower(strings.TrimSpace(name))] = true
	}
	return list
}
