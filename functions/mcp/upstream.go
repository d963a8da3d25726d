package mcp

import (
	"errors"
	"strings"

	"github.com/postern-dev/postern/functions/mcp/proxy"
	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
)

// An Upstream is an MCP server behind this one. [NewUpstream] makes one.
type Upstream struct {
	*proxy.Proxy
	behind.Calling

	// Secret is the fixed credential, where Calling has one.
	Secret *keyfile.File[credential.Secret]

	sieve sieve
	run   *idTokens // for a private Cloud Run service; nil for any other server
}

// NewUpstream returns the server that a proxy leads to, called so.
func NewUpstream(p *proxy.Proxy, c behind.Calling) *Upstream {
	u := &Upstream{Proxy: p, Calling: c, sieve: newSieve(c)}
	if c.CloudRun != "" {
		u.run = newIDTokens(c.CloudRun)
	}
	return u
}

// called is what logs, metrics and people are told of which server is behind an endpoint.
func (e Endpoint) called() string {
	if name, named := strings.CutPrefix(e.Path, oauth.MCPPath+"/"); named {
		return e.Upstream.Origin() + " (" + name + ")"
	}
	return e.Upstream.Origin()
}

// check says what a server lacks of what its Calling needs.
func (u *Upstream) check(c Config) error {
	switch {
	case u == nil:
		return nil
	case u.Identity == behind.JWT && c.Identity == nil:
		return errors.New("mcp: an Upstream that is told who calls by a token needs Config.Identity")
	case u.Credential.Header != "" && u.Secret == nil:
		return errors.New("mcp: an Upstream with a Credential needs its Secret")
	}
	return nil
}
