package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/functions/mcp/proxy"
)

// Upstreams looks at the MCP servers behind a deployment from inside, as its mcp function
// calls them, a check each.
func Upstreams(ctx context.Context, looks mcp.Looks, begin func(path string)) Report {
	report := Report{URL: "servers behind " + looks.Issuer}
	for _, e := range looks.Endpoints {
		begin(e.Path)
		c := Check{Name: e.Path}
		seen, err := looks.At(ctx, e)
		c.Note = noteOf(e, seen)
		if err != nil {
			c.Findings = []Finding{adviseOn(err)}
		}
		c.State = c.state()
		report.Checks = append(report.Checks, c)
	}
	return report
}

func noteOf(e mcp.Endpoint, seen mcp.Seen) string {
	note := []string{e.Upstream.Origin()}
	if seen.Revision != "" {
		note = append(note, "MCP "+seen.Revision)
	}
	if seen.Server != "" {
		note = append(note, seen.Server)
	}
	if seen.Streams {
		note = append(note, "keeps a stream")
	}
	if e.Upstream.ProviderToken != "" {
		note = append(note, "asked without a person's token")
	}
	return strings.Join(note, ", ")
}

// adviseOn says what to do about a server that could not be called.
func adviseOn(err error) Finding {
	f, ok := errors.AsType[*proxy.Fault](err)
	switch {
	case !ok:
		return Finding{Problem: err.Error(), Do: "see that it speaks MCP at this URL, over streamable HTTP, and that " +
			"what it is told can be had: IDENTITY_KEYS_FILE, the credential's file, the metadata server for cloud_run"}
	case f.Status == http.StatusGatewayTimeout:
		return Finding{Problem: err.Error(), Do: "see why it does not answer in time", Unknown: true}
	case f.Rejected():
		return Finding{Problem: err.Error(), Do: "see what its verifier wants: the issuer, its own URL as audience, " +
			"ES256, the keys at /.well-known/identity-jwks.json; or the credential, or roles/run.invoker for cloud_run"}
	case f.Status == http.StatusBadGateway:
		return Finding{Problem: err.Error(), Do: "see that it runs, and that this machine reaches it by this URL"}
	}
	return Finding{
		Problem: fmt.Sprintf("%v (status %d)", err, f.Status), Do: "see that the URL is that of its MCP endpoint",
	}
}
