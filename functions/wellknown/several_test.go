package wellknown

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/test/kit/webtest"
)

func TestDocumentsOfSeveralResourcesOnTheWire(t *testing.T) {
	t.Parallel()
	scopes, err := oauth.ParseScopeSet(`[{"name":"export","words":"e","advertised":true},{"name":"admin","words":"a"}]`)
	if err != nil {
		t.Fatal(err)
	}
	resources := oauth.NewResources(oauth.ScopeSet{}, oauth.Resource{Path: "/mcp/wiki", Title: "Wiki", Scopes: scopes})
	start := func(t *testing.T) http.Handler {
		return open(t, Config{
			Edge: edge.Deployment{Issuer: issuer(t, "https://auth.example.com")}, Keys: keyfile.Static(sampleKeys(t)),
			Resources: resources,
		})
	}
	webtest.Run(t, start, "testdata/several", webtest.Options{
		Every:   webtest.API,
		Replace: []webtest.Replacement{{Name: "etag", Pattern: regexp.MustCompile(`(?m)^Etag: ("[\w-]{43}")$`)}},
	})
}
