package pages

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"

	"github.com/postern-dev/postern/shared/about"
)

// A Look is how an operator has pages look, and what stands at the foot of each. The zero
// Look is plain.
type Look struct {
	about.Server
	Logo   Logo
	Accent Accent
}

//go:embed page.css
var style string

// A dress is a Look made ready, once.
type dress struct {
	Look
	logo   template.URL
	style  template.CSS
	policy string // Content-Security-Policy
}

// plain is what pages wear that nobody dresses.
var plain = newDress(Look{})

func newDress(l Look) *dress {
	d := &dress{Look: l, logo: l.Logo.uri(), style: template.CSS(style + l.Accent.style())}
	d.policy = contentSecurityPolicy(string(d.style), d.logo != "")
	return d
}

// contentSecurityPolicy allows our style, a picture that stands in the page, and nothing else. There is no
// form-action: Chromium applies it to every redirect after the form, up to the
// client's own scheme, and would stop sign-ins.
func contentSecurityPolicy(style string, picture bool) string {
	sum := sha256.Sum256([]byte(style))
	images := ""
	if picture {
		images = "img-src data:; "
	}
	return "default-src 'none'; " + images + "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; frame-ancestors 'none'"
}

type visitKey struct{}

// A visit is a request for pages.
type visit struct {
	*dress
	speaks *speech // nil goes by Accept-Language
}

// visitOf never returns nil, so that pages can be written unwrapped in tests.
func visitOf(r *http.Request) *visit {
	if v, ok := r.Context().Value(visitKey{}).(*visit); ok {
		return v
	}
	return &visit{dress: plain}
}

// With gives every page that h writes its look, errors before a handler included: it stands
// around the edge.
func With(l Look, h http.Handler) http.Handler {
	d := newDress(l)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitKey{}, &visit{dress: d})))
	})
}
