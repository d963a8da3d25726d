package doctor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/postern-dev/postern/shared/oauth"
)

// provider looks whether the deployment itself can read what its OpenID Connect provider
// publishes. A sign-out that nobody sent is refused only by somebody who has read it.
func provider(ctx context.Context, p *probe) error {
	a, err := p.form(ctx, oauth.SignOutPath, url.Values{"logout_token": {"postern-doctor"}})
	switch {
	case err != nil:
		return err
	case a.status == http.StatusNotFound && !a.gateways():
		p.check.Note = "people do not sign in by OpenID Connect here"
	case a.fault():
		p.found(fmt.Sprintf("%s: status %d: the server cannot read what its identity provider publishes", a, a.status),
			"read the line keys.reload_failed of oidc-discovery in the log of authorize: it says whether OIDC_ISSUER "+
				"is another than the provider has, it is down, or its address may not be called (OIDC_PRIVATE_NETWORK)")
	default:
		p.wrongStatus(a, http.StatusBadRequest)
	}
	return nil
}
