package pages

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"sync"

	"github.com/postern-dev/postern/shared/about"
	"github.com/postern-dev/postern/shared/telemetry"
)

//go:embed page.html
var layout string

// A Page is an html/template that stands in the frame all our pages share: one style, no script,
// no subresource. It has structure and no words: those are in the catalogues, by the page's name.
type Page struct {
	name, body string
	mu         sync.Mutex
	in         map[*speech]*template.Template
}

// pageData is what the frame shows. A Page's own template sees its data as the dot.
type pageData struct {
	Language, Direction string
	about.Server
	Logo      template.URL
	Style     template.CSS
	Foot      bool
	RequestID string
	Data      any
}

// New makes a page of its body, an html/template over the data given to [Page.Write]. Its words
// are texts of the catalogues over the same data, like {{template "NAME.lead" .}}; its title is NAME.title. The
// catalogues of all languages have the same texts. There is no script: use plain
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
	return &Page{name: name, body: body, in: map[*speech]*template.Template{}}
}

// template returns the page in a language. It is made when it is first asked for, so that a
// start makes none.
func (p *Page) template(s *speech) (*template.Template, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.in[s]; t != nil {
		return t, nil
	}
	title := `{{define "title"}}{{template "` + p.name + `.title" .}}{{end}}`
	t, err := template.New("page").Parse(s.with(title + `{{define "body"}}` + p.body + "{{end}}" + layout))
	if err != nil {
		return nil, err
	}
	p.in[s] = t
	return t, nil
}

// Write answers with the page in the person's language. An error means that the template does not
// fit the data and nothing was written.
func (p *Page) Write(w http.ResponseWriter, r *http.Request, status int, data any) error {
	v, s := visitOf(r), speechOf(r)
	t, err := p.template(s)
	if err != nil {
		return fmt.Errorf("make page: %w", err)
	}
	d := pageData{
		Language: s.tag.String(), Direction: s.direction(), Server: v.Server, Logo: v.logo, Style: v.style,
		RequestID: telemetry.RequestID(r.Context()), Data: data,
	}
	d.Foot = d.RequestID != "" || d.Support.Link != "" || d.Privacy != "" || d.Terms != ""
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "page", d); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	h := w.Header()
	setHeaders(h)
	h.Set("Content-Security-Policy", v.policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the caller left; nobody is there to tell
	return nil
}

// setHeaders sets what every page and every answer beside one carries. There is no
// Cross-Origin-Opener-Policy: it would cut the window of a client that opened us in a popup
// off from the one that waits for it, for good (CD-10).
func setHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", plain.policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Vary", "Accept, Accept-Language")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}
