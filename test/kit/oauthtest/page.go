package oauthtest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A Page is where a navigation ended.
type Page struct {
	// Redirect is set if the browser was sent to its Stop prefix, which it does
	// not visit; then the rest describes the answer that sent it there.
	Redirect *url.URL

	URL    *url.URL
	Status int
	Header http.Header
	Body   string
	Forms  []*Form
	Links  []Link

	refresh string // target of a Refresh header or <meta http-equiv="refresh">
}

// A Link is an <a href>, as the person sees it. Href is as written.
type Link struct{ Text, Href string }

// Link returns where the link of that text leads, empty if there is none.
func (p *Page) Link(text string) string {
	for _, l := range p.Links {
		if l.Text == text {
			return l.Href
		}
	}
	return ""
}

// A Form is a form as the person sees it.
type Form struct {
	Action  string // as written; empty means the page's own URL
	Method  string // "GET" or "POST"
	Enctype string
	Fields  []Field
	Buttons []Button
}

// A Field is a named control that is not a button.
type Field struct{ Name, Type, Value string }

// A Button submits its form. Action and Method, if not empty, replace the form's.
type Button struct{ Name, Value, Action, Method string }

// Has reports whether the form has a field of that name.
func (f *Form) Has(name string) bool { return f.field(name) != nil }

func (f *Form) field(name string) *Field {
	for i := range f.Fields {
		if f.Fields[i].Name == name {
			return &f.Fields[i]
		}
	}
	return nil
}

// button finds "name=value"; "" is the first one, as when Enter is pressed.
func (f *Form) button(want string) (Button, bool) {
	if want == "" {
		if len(f.Buttons) == 0 {
			return Button{}, true
		}
		return f.Buttons[0], true
	}
	for _, b := range f.Buttons {
		if b.Name+"="+b.Value == want {
			return b, true
		}
	}
	return Button{}, false
}

// FormWith returns the first form that has a field or a button "name=value" of that
// name, or nil.
func (p *Page) FormWith(name string) *Form {
	for _, f := range p.Forms {
		if f.Has(name) {
			return f
		}
		if _, ok := f.button(name); ok {
			return f
		}
	}
	return nil
}

// summary tells a failed test where the browser stands. The query is left out:
// it holds state and codes.
func (p *Page) summary() string {
	text := p.Body
	if len(text) > 2000 {
		text = text[:2000] + "…"
	}
	return fmt.Sprintf("%s%s: status %d\n%s", p.URL.Host, p.URL.Path, p.Status, text)
}

// parseHTML finds the forms, the links and the refresh of a page.
func (p *Page) parseHTML() error {
	doc, err := html.Parse(strings.NewReader(p.Body))
	if err != nil {
		return fmt.Errorf("parse page: %w", err)
	}
	var form *Form
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		outer := form
		if n.Type == html.ElementNode {
			switch n.DataAtom {
			case atom.Form:
				form = &Form{Action: attr(n, "action"), Method: method(attr(n, "method")), Enctype: attr(n, "enctype")}
				p.Forms = append(p.Forms, form)
			case atom.Meta:
				p.readRefresh(n)
			case atom.A:
				p.Links = append(p.Links, Link{strings.TrimSpace(text(n)), attr(n, "href")})
			default:
				form.read(n)
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		form = outer
	}
	walk(doc)
	return nil
}

// read takes in one control; outside a form there is none to take it.
func (f *Form) read(n *html.Node) {
	if f == nil || has(n, "disabled") {
		return
	}
	kind := strings.ToLower(attr(n, "type"))
	switch {
	case n.DataAtom == atom.Button && (kind == "" || kind == "submit"), n.DataAtom == atom.Input && kind == "submit":
		button := Button{attr(n, "name"), attr(n, "value"), attr(n, "formaction"), attr(n, "formmethod")}
		f.Buttons = append(f.Buttons, button)
	case n.DataAtom == atom.Button, kind == "button", kind == "reset", kind == "image", attr(n, "name") == "":
	case n.DataAtom == atom.Input:
		f.readInput(n, kind)
	case n.DataAtom == atom.Textarea:
		f.Fields = append(f.Fields, Field{attr(n, "name"), "textarea", text(n)})
	case n.DataAtom == atom.Select:
		f.Fields = append(f.Fields, Field{attr(n, "name"), "select", selected(n)})
	}
}

func (f *Form) readInput(n *html.Node, kind string) {
	value := attr(n, "value")
	if kind == "checkbox" || kind == "radio" {
		if !has(n, "checked") {
			return
		}
		if !has(n, "value") {
			value = "on"
		}
	}
	f.Fields = append(f.Fields, Field{attr(n, "name"), kind, value})
}

// readRefresh understands <meta http-equiv="refresh" content="0; url=…">.
func (p *Page) readRefresh(n *html.Node) {
	if !strings.EqualFold(attr(n, "http-equiv"), "refresh") {
		return
	}
	p.refresh = refreshTarget(attr(n, "content"))
}

// refreshTarget returns where a Refresh header, or such an element, leads.
func refreshTarget(content string) string {
	_, target, ok := strings.Cut(content, ";")
	target = strings.TrimSpace(target)
	if ok && len(target) > 4 && strings.EqualFold(target[:4], "url=") {
		return strings.Trim(target[4:], `'"`)
	}
	return ""
}

func method(s string) string {
	if strings.EqualFold(s, http.MethodPost) {
		return http.MethodPost
	}
	return http.MethodGet
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func text(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// selected returns the value of the marked option, or of the first.
func selected(n *html.Node) string {
	var first, marked *html.Node
	for c := range n.Descendants() {
		if c.DataAtom != atom.Option {
			continue
		}
		if first == nil {
			first = c
		}
		if has(c, "selected") {
			marked = c
		}
	}
	if marked == nil {
		marked = first
	}
	switch {
	case marked == nil:
		return ""
	case has(marked, "value"):
		return attr(marked, "value")
	}
	return strings.TrimSpace(text(marked))
}
