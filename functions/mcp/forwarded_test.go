package mcp

import "testing"

// Called around the gateway, with every header by which a platform says who calls, a function still
// wants the one credential it reads (HT-10, N2).
func TestNoHeaderOfAPlatformIsACredential(t *testing.T) {
	t.Parallel()
	for _, trust := range []bool{false, true} {
		f := newEndpoint(t)
		f.Edge.TrustForwardedAuthorization = trust
		h := f.open(t)
		token := f.connect(t, "octocat", "Client", nil).token
		const userinfo = "eyJzdWIiOiJkZXZlbG9wbWVudDpvY3RvY2F0In0" // {"sub":"development:octocat"}
		r := request(t.Context(), "", whoAmI,
			"X-Serverless-Authorization", "Bearer "+token,
			"X-Apigateway-Api-Userinfo", userinfo, "X-Endpoint-Api-Userinfo", userinfo,
			"X-Goog-Iap-Jwt-Assertion", token, "X-Goog-Authenticated-User-Email", "octocat@example.com")
		challengeOf(t, mustCode(t, h, r, 401).Header())

		read, other := "Authorization", "X-Forwarded-Authorization"
		if trust {
			read, other = other, read
		}
		challengeOf(t, mustCode(t, h, request(t.Context(), "", whoAmI, other, "Bearer "+token), 401).Header())
		mustCode(t, h, request(t.Context(), "", whoAmI, read, "Bearer "+token), 200)
	}
}
