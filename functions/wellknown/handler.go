package wellknown

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/postern-dev/postern/shared/about"
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
	// Resources are what is described.
	Resources oauth.Resources
	// About is what the operator says of the server.
	About about.Server
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
	server := perIssuer(c.Edge.Issuer, func(issuer string) any {
		m := oauth.NewServerMetadata(issuer, c.Resources)
		m.ClientIDMetadataDocumentSupported = !c.Documents.Off()
		m.OpPolicyURI, m.OpTOSURI = c.About.Privacy, c.About.Terms
		return m
	})
	handle(mux, server, oauth.ServerMetadataPath, oauth.OpenIDMetadataPath)
	for i, r := range c.Resources.All() {
		resource := perIssuer(c.Edge.Issuer, func(issuer string) any {
			m := r.Metadata(issuer)
			if i == 0 {
				m.ResourceName = cmp.Or(c.About.Name, m.ResourceName)
			}
			m.ResourcePolicyURI, m.ResourceTOSURI = c.About.Privacy, c.About.Terms
			return m
		})
		if i == 0 { // for who does not know its path
			handle(mux, resource, oauth.ResourceMetadataPath)
		}
		handle(mux, resource, around(r.Path, oauth.ResourceMetadataPath)...)
		handle(mux, server, around(r.Path, oauth.ServerMetadataPath)...)
		handle(mux, server, around(r.Path, oauth.OpenIDMetadataPath)...)
	}
	handle(mux, keys(c.Keys), oauth.JWKSPath, "/jwks")
	if c.OpenAIChallenge != "" {
		handle(mux, text(c.OpenAIChallenge), "/.well-known/openai-apps-challenge")
	}
	return edge.Wrap(mux, edge.Options{Deployment: c.Edge, Endpoint: "wellknown"}), nil
}

// around returns the places where clients look for the document of a resource, or of an
// issuer that they take to have its path: before that (RFC 8414 §3.1, RFC 9728 §3.1), and
// behind it as OpenID Connect Discovery §4 has it.
func around(path, document string) []string { return []string{document + path, path + document} }

func handle(mux *edge.Mux, h edge.HandlerFunc, paths ...string) {
	for _, p := range paths {
		mux.Handle(http.MethodGet, p, edge.JSONErrors(h))
	}
}
