package wellknown

import (
	"errors"
	"net/http"

	"github.com/postern-dev/postern/shared/cimd"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/signing"
)

// A Config is what the documents are made of. Edge.Issuer may be zero: then each
// request on loopback gets the documents of the origin that it was sent to.
type Config struct {
	Edge edge.Deployment
	// Keys are the public keys that are shown. Required.
	Keys *keyfile.File[signing.KeySet]
	// Documents says whose client metadata documents are read. Off, they are not offered.
	Documents cimd.Allow
	// Scopes are what the server knows.
	Scopes oauth.ScopeSet
	// OpenAIChallenge is the text by which OpenAI knows that who submits an app has this
	// server. Empty serves none.
	OpenAIChallenge string
}

// New returns the handler of every path of the package comment. Other paths are 404 in
// JSON.
func New(c Config) (http.Handler, error) {
	if c.Keys == nil {
		return nil, errors.New("wellknown: Config.Keys is nil")
	}
	mux := edge.NewMux()
	resource := perIssuer(c.Edge.Issuer, func(issuer string) any { return oauth.NewResourceMetadata(issuer) })
	server := perIssuer(c.Edge.Issuer, func(issuer string) any {
		m := oauth.NewServerMetadata(issuer, c.Scopes)
		m.ClientIDMetadataDocumentSupported = !c.Documents.Off()
		return m
	})
	handle(mux, resource, variants(oauth.ResourceMetadataPath)...)
	handle(mux, server, variants(oauth.ServerMetadataPath)...)
	handle(mux, server, variants(oauth.OpenIDMetadataPath)...)
	handle(mux, keys(c.Keys), oauth.JWKSPath, "/jwks")
	if c.OpenAIChallenge != "" {
		handle(mux, text(c.OpenAIChallenge), "/.well-known/openai-apps-challenge")
	}
	return edge.Wrap(mux, edge.Options{Deployment: c.Edge, Endpoint: "wellknown"}), nil
}

// variants returns the places where clients look for a document: for an issuer
// without path, for one with the resource's path (RFC 8414 §3.1, RFC 9728 §3.1), and
// behind the resource as OpenID Connect Discovery §4 has it.
func variants(path string) []string {
	return []string{path, path + oauth.MCPPath, oauth.MCPPath + path}
}

func handle(mux *edge.Mux, h edge.HandlerFunc, paths ...string) {
	for _, p := range paths {
		mux.Handle(http.MethodGet, p, edge.JSONErrors(h))
	}
}
