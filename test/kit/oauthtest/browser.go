package oauthtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Browser walks through pages as a person's browser does: it keeps cookies, follows
// redirects, finds and sends forms, and sets Origin, Referer and the Sec-Fetch
// headers. It runs no scripts. A Browser is one person's window: it is not for
// concurrent use; take one for each person.
type Browser struct {
	// Stop is a prefix of URLs the browser does not visit but hands back in
	// [Page].Redirect: a client's redirect URI, of any scheme.
	Stop string
	// Hosts are the hosts, with port, it may visit. None means any on loopback.
	Hosts []string
	// Transport carries the requests; nil means http.DefaultTransport.
	Transport http.RoundTripper

	jar *jar
}

// NewBrowser returns a browser without cookies.
func NewBrowser(stop string, hosts ...string) *Browser {
	return &Browser{Stop: stop, Hosts: hosts, jar: &jar{now: time.Now}}
}

// Cookies returns what the browser would send to u if the person typed it in, as
// "name=value".
func (b *Browser) Cookies(u *url.URL) []string {
	var list []string
	for _, c := range b.jar.get(u, http.MethodGet, false) {
		list = append(list, c.Name+"="+c.Value)
	}
	return list
}

// SetCookie puts a cookie there as if u had sent it; it reports whether a browser
// would have taken it.
func (b *Browser) SetCookie(u *url.URL, c *http.Cookie) bool {
	b.jar.set(u, []*http.Cookie{c})
	return acceptable(u, c)
}

// ClearCookies forgets all cookies.
func (b *Browser) ClearCookies() { b.jar = &jar{now: b.jar.now} }

// A navigation is one step of the address bar.
type navigation struct {
	method string
	url    *url.URL
	body   string   // urlencoded, for POST
	from   *Page    // the page with the form or refresh; nil if typed in
	origin string   // Origin header, for POST
	chain  []string // sites passed by redirects
}

// Get visits a URL as if the person had typed it in or clicked it in a program.
func (b *Browser) Get(ctx context.Context, rawURL string) (*Page, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	return b.visit(ctx, &navigation{method: http.MethodGet, url: u})
}

// Submit fills in fields and presses the button "name=value"; "" is the form's first.
// A field that the form does not have is an error, and so is an unknown button.
func (b *Browser) Submit(
	ctx context.Context, p *Page, f *Form, fields map[string]string, button string,
) (*Page, error) {
	pressed, ok := f.button(button)
	if !ok {
		return nil, fmt.Errorf("browser: the form has no button %q", button)
	}
	values, err := f.filled(fields, pressed)
	if err != nil {
		return nil, err
	}
	action, how := f.Action, f.Method
	if pressed.Action != "" {
		action = pressed.Action
	}
	if pressed.Method != "" {
		how = method(pressed.Method)
	}
	target, err := p.URL.Parse(action)
	if err != nil {
		return nil, fmt.Errorf("browser: form action: %w", err)
	}
	n := &navigation{method: how, url: target, from: p}
	if how == http.MethodGet {
		target.RawQuery = values // a form sent by GET replaces the query of its action
		return b.visit(ctx, n)
	}
	if f.Enctype != "" && f.Enctype != "application/x-www-form-urlencoded" {
		return nil, fmt.Errorf("browser: forms of type %q are not sent", f.Enctype)
	}
	n.body, n.origin = values, p.origin()
	return b.visit(ctx, n)
}

// Follow clicks the link of that text.
func (b *Browser) Follow(ctx context.Context, p *Page, text string) (*Page, error) {
	href := p.Link(text)
	if href == "" {
		return nil, fmt.Errorf("browser: the page has no link %q", text)
	}
	u, err := p.URL.Parse(href)
	if err != nil {
		return nil, fmt.Errorf("browser: link %q: %w", text, err)
	}
	return b.visit(ctx, &navigation{method: http.MethodGet, url: u, from: p})
}

// filled encodes the form in the order of the page.
func (f *Form) filled(fields map[string]string, pressed Button) (string, error) {
	for name := range fields {
		if !f.Has(name) {
			return "", fmt.Errorf("browser: the form has no field %q", name)
		}
	}
	var pairs []string
	for _, c := range f.Fields {
		value := c.Value
		if v, ok := fields[c.Name]; ok {
			value = v
		}
		pairs = append(pairs, url.QueryEscape(c.Name)+"="+url.QueryEscape(value))
	}
	if pressed.Name != "" {
		pairs = append(pairs, url.QueryEscape(pressed.Name)+"="+url.QueryEscape(pressed.Value))
	}
	return strings.Join(pairs, "&"), nil
}

// origin is what a browser tells about the page in a POST: "null" under the referrer
// policy no-referrer.
func (p *Page) origin() string {
	if p.Header.Get("Referrer-Policy") == "no-referrer" {
		return "null"
	}
	return p.URL.Scheme + "://" + p.URL.Host
}

// maxRedirects is where Chrome gives up.
const maxRedirects = 20

// visit goes where n leads until a page stays.
func (b *Browser) visit(ctx context.Context, n *navigation) (*Page, error) {
	var last *Page
	for range maxRedirects {
		if b.Stop != "" && strings.HasPrefix(n.url.String(), b.Stop) {
			stopped := Page{Redirect: n.url}
			if last != nil {
				stopped = *last
				stopped.Redirect = n.url
			}
			return &stopped, nil
		}
		p, err := b.load(ctx, n)
		if err != nil {
			return nil, err
		}
		next, err := n.next(p)
		if err != nil || next == nil {
			return p, err
		}
		last, n = p, next
	}
	return nil, errors.New("browser: too many redirects")
}

// next returns where an answer sends the browser, or nil if it stays.
func (n *navigation) next(p *Page) (*navigation, error) {
	target, step := p.Header.Get("Location"), *n
	switch p.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther:
		step.method, step.body, step.origin = http.MethodGet, "", ""
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect: // method and body stay
	default:
		target = p.refresh
		step = navigation{method: http.MethodGet, from: p}
	}
	if target == "" {
		return nil, nil
	}
	u, err := p.URL.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("browser: redirect: %w", err)
	}
	if step.origin != "" && u.Host != p.URL.Host {
		step.origin = "null"
	}
	step.url, step.chain = u, append(slices.Clone(step.chain), site(p.URL))
	return &step, nil
}

// site is what SameSite compares: scheme and host, without the port. Names on
// loopback have no public suffix, so the whole host counts.
func site(u *url.URL) string { return u.Scheme + "://" + u.Hostname() }

// crossSite reports whether another site had a hand in the navigation.
func (n *navigation) crossSite() bool {
	here := site(n.url)
	if n.from != nil && site(n.from.URL) != here {
		return true
	}
	return slices.ContainsFunc(n.chain, func(s string) bool { return s != here })
}

// fetchSite is the Sec-Fetch-Site header.
func (n *navigation) fetchSite() string {
	switch {
	case n.crossSite():
		return "cross-site"
	case n.from == nil && len(n.chain) == 0:
		return "none"
	case n.from != nil && n.from.URL.Host != n.url.Host:
		return "same-site"
	}
	if n.from == nil {
		return "none" // typed in, redirected within one site
	}
	return "same-origin"
}

func (b *Browser) mayVisit(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("browser: sent to a %s URL, want prefix %q", u.Scheme, b.Stop)
	}
	if len(b.Hosts) == 0 && isLoopback(u) || slices.Contains(b.Hosts, u.Host) {
		return nil
	}
	return fmt.Errorf("browser: sent to %s, where it may not go", u.Host)
}

// load does one request and reads the page.
func (b *Browser) load(ctx context.Context, n *navigation) (*Page, error) {
	if err := b.mayVisit(n.url); err != nil {
		return nil, err
	}
	r, err := b.request(ctx, n)
	if err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	transport := b.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	resp, err := transport.RoundTrip(r) // redirects are ours to follow
	if err != nil {
		return nil, fmt.Errorf("browser: %s %s: %w", n.method, n.url.Host+n.url.Path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil {
		return nil, fmt.Errorf("browser: read %s: %w", n.url.Host+n.url.Path, err)
	}
	b.jar.set(n.url, resp.Cookies())
	p := &Page{URL: n.url, Status: resp.StatusCode, Header: resp.Header, Body: string(body)}
	p.refresh = refreshTarget(resp.Header.Get("Refresh"))
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return p, p.parseHTML()
	}
	return p, nil
}

func (b *Browser) request(ctx context.Context, n *navigation) (*http.Request, error) {
	u := *n.url
	u.Fragment = ""
	r, err := http.NewRequestWithContext(ctx, n.method, u.String(), strings.NewReader(n.body))
	if err != nil {
		return nil, err
	}
	if n.method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", n.origin)
	}
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	r.Header.Set("Accept-Language", "en")
	r.Header.Set("User-Agent", "Mozilla/5.0 (oauthtest)")
	r.Header.Set("Upgrade-Insecure-Requests", "1")
	if n.url.Scheme == "https" || isLoopback(n.url) { // browsers send these to secure places only
		r.Header.Set("Sec-Fetch-Site", n.fetchSite())
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
		r.Header.Set("Sec-Fetch-User", "?1")
	}
	if n.from != nil && n.from.origin() != "null" {
		r.Header.Set("Referer", n.from.origin()+"/")
	}
	for _, c := range b.jar.get(n.url, n.method, n.crossSite()) {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return r, nil
}
