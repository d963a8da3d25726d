package upstream

import (
	"errors"
	"net/url"

	"github.com/postern-dev/postern/shared/oauth"
)

// maxField bounds what is taken from a callback's query: some providers' codes are sealed
// records.
const maxField = 4096

// CallbackError reads the error member of a callback (RFC 6749 §4.1.2.1); nil if
// there is none. Only known words reach the log: the query is anybody's to write.
func CallbackError(query url.Values) error {
	if !query.Has("error") {
		return nil
	}
	switch query.Get("error") {
	case "access_denied":
		return denied()
	case "redirect_uri_mismatch":
		return errors.New("sign in: the provider does not know our callback URL: " +
			"register ISSUER_URL/auth/callback there")
	case "invalid_scope":
		return errors.New("sign in: the provider refuses a scope that we ask for")
	case "unauthorized_client":
		return errors.New("sign in: the provider does not let our app sign people in: " +
			"its client id or its kind is wrong")
	case "temporarily_unavailable", "server_error":
		return errors.New("sign in: the provider is not available")
	case "application_suspended":
		return errors.New("sign in: the provider has suspended our app")
	}
	return errors.New("sign in: the provider answered the browser with an error")
}

// CallbackField returns the one value of a callback parameter that has to be there.
func CallbackField(query url.Values, name string) (string, error) {
	v := query[name]
	if len(v) != 1 || v[0] == "" || len(v[0]) > maxField {
		return "", refused(oauth.InvalidRequest, "the callback must carry the parameter "+name+" exactly once")
	}
	return v[0], nil
}
