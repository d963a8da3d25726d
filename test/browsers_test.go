package test

import (
	"cmp"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
)

// A stage is where the flows are played: one server, one identity provider on another site, one real browser.
type stage struct {
	engine *engine
	server *rig.Server
}

// A flow is something that people or their browsers do.
type flow struct {
	name string // as docs/pages.md has it
	run  func(*testing.T, *stage)
	// cannot says why an engine cannot show it.
	cannot map[string]string
}

var flows = []flow{
	{name: "an answer to loopback", run: loopbackFlow},
	{name: "an answer to https", run: httpsFlow},
	{name: "an answer to an app's own scheme", run: schemeFlow, cannot: leavesAtOnce},
	{name: "a popup that its client waits for", run: popupFlow},
	{name: "the consent page loaded twice", run: twiceFlow},
	{name: "approved twice", run: doubleFlow},
	{name: "back, and approved again", run: backFlow},
	{name: "the last page loaded again", run: reloadFlow, cannot: leavesAtOnce},
	{name: "ten consent pages open at once", run: tenFlow},
	{name: "begun in one browser, finished in another", run: deputyFlow},
	{name: "fetched ahead", run: prefetchFlow, cannot: map[string]string{"webkit": "fetches nothing ahead"}},
	{name: "no script runs", run: scriptFlow},
	{name: "the keyboard alone", run: keyboardFlow},
	{name: "the person's connections", run: connectionsFlow},
	{name: "the front door", run: frontFlow},
	{name: "its links to programs", run: linksFlow, cannot: leavesAtOnce},
}

// leavesAtOnce is of a page that sends the browser on to an app that is not there.
var leavesAtOnce = map[string]string{
	"webkit": "its test browser goes to the app's address at once, and shows an error of its own where our page was",
}

// What people do in their browsers comes out the same in each of them (H1, H2, H4, CD-02, CD-10, CD-14, CD-15, CD-20).
func TestBrowsers(t *testing.T) {
	rig.Slow(t)
	for _, kind := range engines {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			program := kind.tool.Need(t)
			g := rig.StartGitHub(t)
			s := &stage{server: rig.Start(t, rig.Options{Settings: g.Settings("anyone")})}
			s.server.Witness.Remember(g.Secret())
			s.know(t, "octocat")
			s.engine = startEngine(t, kind.name, program)
			for _, f := range flows {
				if f.cannot[kind.name] == "" {
					t.Run(f.name, func(t *testing.T) { f.run(t, s) })
				}
			}
		})
	}
}

// know has a client connected, so that the identity provider knows that this person lets in this server.
func (s *stage) know(t *testing.T, login string) *rig.App {
	t.Helper()
	a := rig.NewApp(s.server)
	if err := a.Register(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := a.SignIn(t.Context(), s.server.Browser(rig.RedirectURI), login); err != nil {
		t.Fatal(err)
	}
	return a
}

const (
	approveButton = "button[name=decision][value=approve]"
	denyButton    = "button[name=decision][value=deny]"
	loginField    = "input[name=login]"
	endsAll       = "button[name=end][value=all]"
)

// signIn tells the provider who it is. That this app may know was settled before the flows.
func (b *tab) signIn(login string) {
	b.t.Helper()
	b.write(loginField, login)
	b.click("input[name=commit]")
}

// arrived is what the client's own page shows.
const arrived = "#arrived"

func loopbackFlow(t *testing.T, s *stage) { s.honest(t, httptest.NewServer) }
func httpsFlow(t *testing.T, s *stage)    { s.honest(t, httptest.NewTLSServer) }

// honest is a sign-in without anything special, for a client that listens as start does.
func (s *stage) honest(t *testing.T, start func(http.Handler) *httptest.Server) {
	t.Helper()
	a, answers := listening(t, s.server, start)
	b, verifier, state := s.begin(t, a)
	b.click(approveButton)
	b.signIn("octocat")
	b.see(arrived)
	redeemArrived(t, a, answers, verifier, state)
}

// appOf is a client with a scheme of its own, for which no program is registered here.
func (s *stage) appOf(t *testing.T) *rig.App {
	t.Helper()
	a := rig.NewApp(s.server)
	a.Redirect = "com.example.app:/oauth"
	if err := a.Register(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return a
}

// opens is the address that the last page opens.
func (b *tab) opens() string {
	b.t.Helper()
	b.see("a.primary")
	return ask[string](b, `document.querySelector("a.primary").href`)
}

// redeem uses the code of an address that the last page opens.
func redeem(t *testing.T, a *rig.App, address, verifier, state string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, a.Redirect) {
		t.Fatalf("got %s, %v, want an address of %s", address, err, a.Redirect)
	}
	answers := make(chan url.Values, 1)
	answers <- u.Query()
	redeemArrived(t, a, answers, verifier, state)
}

// begin opens a tab at the sign-in of an app.
func (s *stage) begin(t *testing.T, a *rig.App) (b *tab, verifier, state string) {
	t.Helper()
	address, verifier, state := a.AuthorizeURL()
	b = s.engine.open(t)
	b.visit(address)
	return b, verifier, state
}

// listens collects what the page's own policy stops.
const listens = `
	(stopped = [],
	addEventListener("securitypolicyviolation", e => stopped.push(e.effectiveDirective)),
	true)`

func schemeFlow(t *testing.T, s *stage) {
	a := s.appOf(t)
	b, verifier, state := s.begin(t, a)
	b.click(approveButton)
	b.signIn("octocat")
	b.see("a.primary")
	opened := b.opens()
	ask[bool](b, listens)
	ask[bool](b, `(document.querySelector("a.primary").click(), true)`)
	if stopped := ask[[]string](b, `stopped`); len(stopped) > 0 {
		t.Errorf("the policy stops the way to the app: %v", stopped)
	}
	if said := ask[string](b, `document.querySelector("main").innerText`); !strings.Contains(said, "close this page") {
		t.Errorf("got %q, want the page that can be closed", said)
	}
	redeem(t, a, opened, verifier, state)
}

func popupFlow(t *testing.T, s *stage) {
	a, verifier, state, client, popup := openPopup(t, s)
	popup.click(approveButton)
	popup.signIn("octocat")
	client.see("#connected")
	redeem(t, a, a.Redirect+ask[string](client, `answer`), verifier, state)
	if ask[bool](client, `wasClosed`) {
		t.Error("popup.closed was true while the popup was open")
	}
}

// openPopup opens the sign-in in a popup of a client on another origin.
func openPopup(t *testing.T, s *stage) (a *rig.App, verifier, state string, client, popup *tab) {
	t.Helper()
	app := popupSite(t, nil)
	a = rig.NewApp(s.server)
	a.Redirect = app.URL + "/callback"
	if err := a.Register(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	address, verifier, state := a.AuthorizeURL()
	client = s.engine.open(t)
	client.visit(app.URL + "/#" + address)
	return a, verifier, state, client, client.popup("button")
}

func twiceFlow(t *testing.T, s *stage) {
	a, answers := listeningApp(t, s.server)
	address, verifier, state := a.AuthorizeURL()
	first := s.engine.open(t)
	first.visit(address)
	first.see(approveButton)
	second := first.beside()
	second.visit(address)
	second.see(approveButton)
	first.click(approveButton)
	first.signIn("octocat")
	first.see(arrived)
	redeemArrived(t, a, answers, verifier, state)
}

func doubleFlow(t *testing.T, s *stage) {
	a, answers := listeningApp(t, s.server)
	b, verifier, state := s.begin(t, a)
	b.see(approveButton)
	ask[bool](b, fmt.Sprintf(`(() => {
		const pressed = document.querySelector(%q);
		document.documentElement.dataset.left = "";
		pressed.form.requestSubmit(pressed);
		setTimeout(() => pressed.form.requestSubmit(pressed), 0);
		return true;
	})()`, approveButton))
	b.signIn("octocat")
	b.see(arrived)
	redeemArrived(t, a, answers, verifier, state)
}

// approvals counts how often an approval came.
func (s *stage) approvals() int {
	return s.server.Witness.Count(func(e rig.Exchange) bool {
		return e.Method == http.MethodPost && e.Path == "/authorize" && e.Status == http.StatusSeeOther
	})
}

func backFlow(t *testing.T, s *stage) {
	a, answers := listeningApp(t, s.server)
	b, verifier, state := s.begin(t, a)
	b.click(approveButton)
	b.see(loginField)
	before := s.approvals()
	b.back()
	b.click(approveButton)
	b.signIn("octocat")
	b.see(arrived)
	redeemArrived(t, a, answers, verifier, state)
	if again := s.approvals() - before; again != 1 {
		t.Errorf("got %d approvals after going back, want 1", again)
	}
}

func reloadFlow(t *testing.T, s *stage) {
	a := s.appOf(t)
	b, verifier, state := s.begin(t, a)
	b.click(approveButton)
	b.signIn("octocat")
	b.see("a.primary")
	first := b.opens()
	b.reload()
	if again := b.opens(); again != first {
		t.Errorf("loaded again, the page opens %s, want %s", again, first)
	}
	redeem(t, a, first, verifier, state)
}

func tenFlow(t *testing.T, s *stage) {
	type login struct {
		tab             *tab
		app             *rig.App
		answers         <-chan url.Values
		verifier, state string
	}
	first := s.engine.open(t)
	var logins []login
	for i := range 10 {
		l := login{tab: first}
		if i > 0 {
			l.tab = first.beside()
		}
		var address string
		l.app, l.answers = listeningApp(t, s.server)
		address, l.verifier, l.state = l.app.AuthorizeURL()
		l.tab.visit(address)
		logins = append(logins, l)
	}
	for i, l := range slices.Backward(logins) {
		l.tab.click(approveButton)
		if i == len(logins)-1 {
			l.tab.signIn("octocat") // from then on the provider knows who it is
		}
		l.tab.see(arrived)
		redeemArrived(t, l.app, l.answers, l.verifier, l.state)
	}
}

// Whoever is sent an address at the provider that somebody else approved meets a page, and no code leaves.
func deputyFlow(t *testing.T, s *stage) {
	a, answers := listeningApp(t, s.server)
	address, _, _ := a.AuthorizeURL()
	attacker := s.engine.open(t)
	attacker.visit(address)
	attacker.click(approveButton)
	attacker.see(loginField)
	victim := s.engine.open(t)
	victim.visit(ask[string](attacker, `location.href`))
	victim.signIn("octocat")
	victim.see("main h1", arrived)
	if at := ask[string](victim, `location.origin + location.pathname`); at != s.server.URL+"/auth/callback" {
		t.Errorf("the victim's browser ends at %s, want a page of ours", at)
	}
	select {
	case <-answers:
		t.Error("a code left for the attacker's client")
	default:
	}
}

func prefetchFlow(t *testing.T, s *stage) {
	a, answers := listeningApp(t, s.server)
	address, verifier, state := a.AuthorizeURL()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<!DOCTYPE html><title>client</title>`+
			`<link rel="prefetch" href="%[1]s"><a href="%[1]s">Connect</a>`, html.EscapeString(address))
	}))
	t.Cleanup(site.Close)
	b := s.engine.open(t)
	b.visit(site.URL)
	eventually(t, "the address is fetched ahead", func() error {
		if s.loads(http.StatusForbidden) == 0 {
			return fmt.Errorf("no prefetch was turned away")
		}
		return nil
	})
	b.click("a")
	b.click(approveButton)
	b.signIn("octocat")
	b.see(arrived)
	redeemArrived(t, a, answers, verifier, state)
}

// loads counts how often the consent page was asked for and answered with a status.
func (s *stage) loads(status int) int {
	return s.server.Witness.Count(func(e rig.Exchange) bool {
		return e.Method == http.MethodGet && e.Path == "/authorize" && e.Status == status
	})
}

// The policy of the pages lets no script run, so that every flow here is one without; even one that found
// its way into a page stays text.
func scriptFlow(t *testing.T, s *stage) {
	a, answers := listeningApp(t, s.server)
	b, verifier, state := s.begin(t, a)
	b.see(approveButton)
	ask[bool](b, `(() => {
		ran = false;
		const script = document.createElement("script");
		script.textContent = "ran = true";
		document.body.append(script);
		return true;
	})()`)
	if ask[bool](b, `ran`) {
		t.Error("a script ran on the consent page")
	}
	if n := ask[int](b, `performance.getEntriesByType("resource").length`); n != 0 {
		t.Errorf("the page loaded %d things, want none", n)
	}
	b.click(approveButton)
	b.signIn("octocat")
	b.see(arrived)
	redeemArrived(t, a, answers, verifier, state)
}

// focused names what has the focus.
const focused = `(e => e.value || e.getAttribute("href") || e.localName)(document.activeElement)`

// tabTo goes on with the key until an element has the focus, and wants to meet others on the way.
func (b *tab) tabTo(want string, others ...string) {
	b.t.Helper()
	var met []string
	for range 20 {
		b.press("Tab")
		at := ask[string](b, focused)
		if at == want {
			if !slices.Equal(met, others) {
				b.t.Errorf("before %s: got the focus at %q, want %q", want, met, others)
			}
			return
		}
		met = append(met, at)
	}
	b.t.Fatalf("Tab leads to %q, never to %s", met, want)
}

// The keys lead through a page from top to bottom, and Enter presses what has the focus, which shows.
func keyboardFlow(t *testing.T, s *stage) {
	a, answers := listeningApp(t, s.server)
	b, verifier, state := s.begin(t, a)
	b.see(approveButton)
	b.tabTo("deny", "approve")
	if width := ask[string](b, `getComputedStyle(document.activeElement).outlineStyle`); width != "solid" {
		t.Errorf("the focus has an outline that is %q, want one that shows", width)
	}
	b.press("Shift+Tab", "Enter")
	b.signIn("octocat")
	b.see(arrived)
	redeemArrived(t, a, answers, verifier, state)
	b.visit(s.server.URL + "/connections")
	b.see("button[name=account]")
	b.tabTo("another", "button")
	b.press("Shift+Tab", "Enter")
	b.see("summary") // the provider knows who it is
	for range s.live(b) {
		b.press("Tab") // each has a button of its own
	}
	b.tabTo("summary")
	b.press("Enter")
	b.tabTo("all")
	b.press("Enter")
	b.see("main ul")
	if n := s.live(b); n != 0 {
		t.Errorf("got %d connections after ending all, want none", n)
	}
}

// live counts the connections that the page shows.
func (s *stage) live(b *tab) int {
	b.t.Helper()
	return ask[int](b, `document.querySelectorAll("section").length`)
}

func connectionsFlow(t *testing.T, s *stage) {
	var apps []*rig.App
	for range 3 {
		apps = append(apps, s.know(t, "keeper"))
	}
	b := s.engine.open(t)
	b.visit(s.server.URL + "/connections")
	b.click("form[action='/connections/sign-in'] button.primary")
	b.signIn("keeper")
	b.see("section")
	if n := s.live(b); n != len(apps) {
		t.Fatalf("got %d connections, want %d", n, len(apps))
	}
	b.click("section button[name=end]")
	b.see("main ul")
	if n := s.live(b); n != len(apps)-1 {
		t.Errorf("got %d connections after ending one, want %d", n, len(apps)-1)
	}
	b.click("summary")
	ask[bool](b, `delete document.documentElement.dataset.left`)
	b.click(endsAll)
	b.see("main ul")
	if n := s.live(b); n != 0 {
		t.Errorf("got %d connections after ending all, want none", n)
	}
	for _, a := range apps {
		if err := a.Refresh(t.Context()); err == nil {
			t.Error("a connection that was ended is renewed")
		}
	}
	b.click("button[name=end][value=session]")
	b.see("form[action='/connections/sign-in']")
}

func frontFlow(t *testing.T, s *stage) {
	b := s.engine.open(t)
	b.visit(s.server.MCP) // by mistake
	b.see("a[href='/connections']")
	if at := ask[string](b, `location.pathname`); at != "/" {
		t.Errorf("/mcp leads to %s, want /", at)
	}
	b.click("a[href='/connections']")
	b.see("form[action='/connections/sign-in']")
	b.visit(s.server.URL + "/nowhere")
	b.see("main h1")
	if title := ask[string](b, `document.title`); !strings.Contains(title, "nothing here") {
		t.Errorf("a path that is nowhere: got the page %q", title)
	}
}

// No program is there that could be asked; no policy of ours keeps the browser from it.
func linksFlow(t *testing.T, s *stage) {
	door := s.engine.open(t)
	door.visit(s.server.URL)
	door.see("dl a")
	ask[bool](door, listens)
	links := ask[[]string](door, `[...document.querySelectorAll("dl a")].map(a => (a.click(), a.protocol))`)
	if want := []string{"cursor:", "vscode:", "goose:"}; !slices.Equal(links, want) {
		t.Errorf("the links open %v, want %v", links, want)
	}
	if stopped := ask[[]string](door, `stopped`); len(stopped) > 0 {
		t.Errorf("the policy stops a link: %v", stopped)
	}
}

// docs/pages.md says of each flow and engine whether it is shown, or why it cannot be.
func TestPageOfBrowsersIsTrue(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(rig.Root(t), "docs", "pages.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range flows {
		cells := []string{f.name}
		for _, e := range engines {
			cells = append(cells, cmp.Or(f.cannot[e.name], "yes"))
		}
		row := "| " + strings.Join(cells, " | ") + " |"
		if !strings.Contains(string(page), "\n"+row+"\n") {
			t.Errorf("docs/pages.md: got no row %s", row)
		}
	}
}
