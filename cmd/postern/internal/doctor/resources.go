package doctor

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/oauth"
)

// resources looks at every MCP endpoint beside /mcp that the server names: that it has a
// document of its own, and that its challenge leads there (RFC 9728 §3.1, §5.1).
func resources(ctx context.Context, p *probe) error {
	list, _ := p.documents[families[1][0]].object()["protected_resources"].([]any)
	for _, v := range list {
		path, ours := strings.CutPrefix(text(v), p.origin)
		if !ours || path == oauth.MCPPath {
			continue
		}
		if err := p.lookAtResourceAt(ctx, path); err != nil {
			return err
		}
	}
	p.check.Note = cli.Count(len(list), "MCP endpoint", "MCP endpoints")
	return nil
}

func (p *probe) lookAtResourceAt(ctx context.Context, path string) error {
	document := oauth.Resource{Path: path}.MetadataPath()
	a, err := p.ask(ctx, request{method: http.MethodGet, path: document})
	if err != nil {
		return err
	}
	if !p.wrongStatus(a, http.StatusOK) && p.wantJSON(a) {
		p.equal(document, "resource", a.object()["resource"], p.origin+path)
	}
	a, err = p.ask(ctx, request{method: http.MethodPost, path: path, body: initialize, header: map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
	}})
	if err != nil || p.wrongStatus(a, http.StatusUnauthorized) {
		return err
	}
	_, params := parseChallenge(a.header.Get("WWW-Authenticate"))
	if got, want := params["resource_metadata"], p.origin+document; got != want {
		p.found(fmt.Sprintf("%s: resource_metadata is %q, want %q", a, got, want),
			"see that all functions have the same MCP_UPSTREAMS: terraform apply sets it for all")
	}
	return nil
}
