package pages

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/postern-dev/postern/shared/telemetry"
)

//go:embed page.css
var style string

//go:embed page.html
var layout string

// contentSecurityPolicy allows our style and nothing else. There is no
// form-action: Chromium applies it to every redirect after the form, up to the
// client's own scheme, and would stop sign-ins.
var contentSecurityPolicy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; frame-ancestors 'none'"
}()

// A Page is an html/template that stands in the frame all our pages share: one
// style, no script, no picture, no link to elsewhere.
type Page struct{ t *template.Template }

// pageData is what the frame shows. A Page's own template sees its data as the dot.
type pageData struct {
	Title, RequestID string
	Data             any
}

// New parses the body of a page, an html/template over the data given to
// [Page.Write]. It panics on a malformed one. There is no script: use plain
// forms and buttons. Classes of the style (page.css):
//
//	lead      the paragraph that says what the page is about
//	warn      a paragraph in a box of its own; quiet in it keeps its colour
//	quiet     a paragraph that is less important
//	facts     a dl of what matters, in a box; host is the dd in it that stands out
//	more      a dl of details, small, below a line
//	actions   what holds the buttons
//	button    an a that looks like a button
//	primary   the button, or such an a, that most people want
//	late      what shows after four seconds, for whoever is still there
func New(name, body string) *Page {
	t := template.Must(template.New(name).Parse(strings.Replace(layout, "STYLE", style, 1)))
	template.Must(t.New("body").Parse(body))
	return &Page{t}
}

// Write answers with the page. An error means that the template does not fit the
// data and nothing was written.
func (p *Page) Write(w http.ResponseWriter, r *http.Request, status int, title string, data any) error {
	var b bytes.Buffer
	if err := p.t.Execute(&b, pageData{title, telemetry.RequestID(r.Context()), data}); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	setHeaders(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the caller left; nobody is there to tell
	return nil
}

// setHeaders sets what every page and every answer beside one carries. There is no
// Cross-Origin-Opener-Policy: it would cut the window of a client that opened us in a popup
// off from the one that waits for it, for good (CD-10).
func setHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}
