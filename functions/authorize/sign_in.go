package authorize

import (
	_ "embed"
	"net/http"

	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/strict"
	"github.com/postern-dev/postern/shared/upstream"
)

//go:embed sign_in.html
var signInHTML string

var signInPage = pages.New("sign-in", signInHTML)

type signInData struct{ State, Login string }

// showSignIn shows the sign-in form of a provider that has no page of its own, filled in with
// login.
func showSignIn(w http.ResponseWriter, r *http.Request, t transaction, login string) error {
	return signInPage.Write(w, r, http.StatusOK, signInData{State: t.state(), Login: login})
}

// callbackPost takes the sign-in form. Other providers answer by GET.
func (h *handler) callbackPost(w http.ResponseWriter, r *http.Request) error {
	if _, ok := h.Provider.(upstream.FormSignIn); !ok {
		return httperr.Status(http.StatusMethodNotAllowed, oauth.Refuse(oauth.InvalidRequest, "use GET"))
	}
	if err := pages.SameOrigin(r); err != nil {
		return err
	}
	params, err := strict.ReadForm(r)
	if err != nil {
		return err
	}
	return h.callback(w, r, params)
}
