package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/store"
)

// sieved is a server of which some is kept from some.
func sieved(c *behind.Calling) {
	c.Tools = behind.Filter{
		Allow: []string{"read_*", "delete_*", "admin"}, Deny: []string{"read_secret*"},
		Need: []behind.Need{
			{Match: []string{"delete_*"}, Scope: "edit"},
			{Match: []string{"admin"}, Group: "team:acme/ops"},
			{Match: []string{"delete_all"}, Scope: "wipe"},
		},
	}
	c.Prompts = behind.Filter{Deny: []string{"internal"}}
	c.Resources = behind.Filter{Allow: []string{"docs://public/*"}, Deny: []string{"*.key"}}
}

// everything is what that server answers to any list.
const everything = `{"jsonrpc":"2.0","id":1,"result":{"nextCursor":"n","tools":[{"name":"read_page","title":"a <b>"},` +
	`{"name":"read_secrets"},{"name":"delete_page"},{"name":"admin"},{"name":"other"},{"name":7},"x"],` +
	`"prompts":[{"name":"internal"},{"name":"summary"}],` +
	`"resources":[{"uri":"docs://public/a"},{"uri":"docs://private/a"},{"uri":"docs://public/a.key"},` +
	`{"uri":"docs://public/../b"}],` +
	`"resourceTemplates":[{"uriTemplate":"docs://public/{id}"},{"uriTemplate":"docs://private/{id}"}]}}`

// left are the names in a list that came back.
func left(t *testing.T, text []byte) []string {
	t.Helper()
	var m struct {
		Result map[string]json.RawMessage
	}
	must(t, json.Unmarshal(text, &m))
	var names []string
	for _, list := range []string{"tools", "prompts", "resources", "resourceTemplates"} {
		var items []struct{ Name, URI, URITemplate string }
		must(t, json.Unmarshal(m.Result[list], &items))
		for _, i := range items {
			names = append(names, i.Name+i.URI+i.URITemplate)
		}
	}
	if string(m.Result["nextCursor"]) != `"n"` || bytes.Contains(text, []byte(`\u003c`)) {
		t.Errorf("got %s, want everything else as it was", text)
	}
	return names
}

// A list has what is there for the caller, in an answer that is JSON as in a stream, in a stream
// that is a repetition too; what asks for a scope is in it, so that a client can ask for that.
func TestAListHasWhatIsThereForTheCaller(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.standBehind(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Last-Event-Id") == "" && r.Method == http.MethodPost {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, everything)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, ": hello\r\nid: 1\r\ndata:\r\n\r\n")
		fmt.Fprintf(w, "data: %s\n\n", `{"jsonrpc":"2.0","method":"notifications/message"}`)
		fmt.Fprint(w, "data: "+`{"jsonrpc":"2.0","method":"notifications\/resources\/updated",`+
			`"params":{"uri":"docs:\/\/private\/a"}}`+"\n\n")
		fmt.Fprint(w, `data: {"result":{"tools":[{"name":"other","n":NaN}]}}`+"\n\n")
		for _, uri := range []string{"docs://private/a", "docs://public/a"} {
			fmt.Fprintf(w, "data: %s%q}}\n\n",
				`{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":`, uri)
		}
		half := strings.Index(everything, `"prompts"`)
		fmt.Fprintf(w, "id: 2\revent: message\rdata: %s\rdata: %s\r\r", everything[:half], everything[half:])
		fmt.Fprint(w, "data: cut off")
	}, sieved)
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	ops := f.connect(t, "mona", "Client", nil, func(c *store.Code) {
		c.Person.Groups = map[string]bool{"team:acme/ops": true}
	}).token
	const most = "read_page delete_page summary docs://public/a docs://public/{id}"
	for who, row := range map[string]struct{ token, want string }{
		"anybody": {token, most}, "the group": {ops, strings.Replace(most, "delete_page", "delete_page admin", 1)},
	} {
		w := mustCode(t, h, request(t.Context(), row.token, listTools), http.StatusOK)
		if got := strings.Join(left(t, w.Body.Bytes()), " "); got != row.want {
			t.Errorf("%s, JSON: got %s, want %s", who, got, row.want)
		}
		seen := ""
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := request(t.Context(), row.token, listTools)
			r.Method = method
			if seen != "" {
				r.Header.Set("Last-Event-Id", seen)
			}
			events := strings.Split(mustCode(t, h, r, http.StatusOK).Body.String(), "\n\n")
			if len(events) != 5 || !strings.HasPrefix(events[0], ": hello\nid: ") ||
				!strings.Contains(events[1], "notifications/message") ||
				!strings.Contains(events[2], "docs://public/a") ||
				!strings.Contains(events[3], "\nevent: message\ndata: ") {
				t.Fatalf("%s, %s: got %q, want the events that are for the caller", who, method, events)
			}
			seen = idsIn(events[0])[0]
			_, data, _ := strings.Cut(events[3], "data: ")
			if got := strings.Join(left(t, []byte(data)), " "); got != row.want {
				t.Errorf("%s, %s: got %s, want %s", who, method, got, row.want)
			}
		}
	}
}

func messageOf(method, params string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":` + params + `}`
}

// What is not in the list for a caller is nowhere for them, by whatever names it: a call, a
// notice, one of a batch, a completion, a subscription, an address in another spelling (MP-22).
func TestWhatIsNotInTheListIsNowhere(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	got, _ := f.standBehind(t, answerBehind, sieved)
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	one, other := messageOf("tools/call", `{"name":"read_page"}`), messageOf("tools/call", `{"name":"other"}`)
	aBatch := "[" + one + "," + other + "]"
	for body, reaches := range map[string]bool{
		listTools: true,
		messageOf("tools/call", `{"name":"read_page"}`):                                                true,
		messageOf("tools/call", `{"name":"read_secret"}`):                                              false,
		messageOf("tools/call", `{"name":"read_\u0073ecret"}`):                                         false,
		messageOf("tools/call", `{"name":"other"}`):                                                    false,
		messageOf("tools/call", `{"name":"admin"}`):                                                    false,
		messageOf("tools/call", `{"name":7}`):                                                          false,
		messageOf("tools/call", `{"name":null}`):                                                       false,
		messageOf("tools/call", `{}`):                                                                  false,
		messageOf("prompts/get", `{"name":"summary"}`):                                                 true,
		messageOf("prompts/get", `{"name":"internal"}`):                                                false,
		messageOf("resources/read", `{"uri":"docs://public/a"}`):                                       true,
		messageOf("resources/read", `{"uri":"docs://private/a"}`):                                      false,
		messageOf("resources/read", `{"uri":"docs://public/../private/a"}`):                            false,
		messageOf("resources/read", `{"uri":"docs://public/%2e%2e/private/a"}`):                        false,
		messageOf("resources/read", `{"uri":"docs://public/a.%6bey"}`):                                 false,
		messageOf("resources/subscribe", `{"uri":"docs://private/a"}`):                                 false,
		messageOf("resources/unsubscribe", `{"uri":"docs://private/a"}`):                               false,
		messageOf("completion/complete", `{"ref":{"type":"ref/prompt","name":"summary"}}`):             true,
		messageOf("completion/complete", `{"ref":{"type":"ref/prompt","name":"internal"}}`):            false,
		messageOf("completion/complete", `{"ref":{"type":"ref/resource","uri":"docs://public/{id}"}}`): true,
		messageOf("completion/complete", `{"ref":{"type":"ref/resource","uri":"docs://private/{i}"}}`): false,
		messageOf("completion/complete", `{"ref":{}}`):                                                 false,
		messageOf("subscriptions/listen", `{"notifications":{"toolsListChanged":true}}`):               true,
		messageOf("subscriptions/listen",
			`{"notifications":{"resourceSubscriptions":["docs://public/a","docs://private/a"]}}`): false,
		`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"other"}}`: false,
		aBatch: false,
	} {
		w := do(h, request(t.Context(), token, body))
		if !reaches {
			nothingReached(t, got)
			want := http.StatusOK
			if strings.HasPrefix(body, "[") || !strings.Contains(body, `"id"`) {
				want = http.StatusBadRequest
			}
			if w.Code != want || !strings.Contains(w.Body.String(), `"code":-32602`) {
				t.Errorf("%s: got %d %s, want %d and that there is no such thing", body, w.Code, w.Body, want)
			}
			continue
		}
		if r := <-got; r.body != body {
			t.Errorf("%s: got %s at the server", body, r.body)
		}
	}
	for _, header := range [][]string{
		{"Mcp-Name", "other"}, {"Mcp-Method", "prompts/get"}, {"Mcp-Name", "=?base64?b3RoZXI=?="},
	} {
		r := request(t.Context(), token, messageOf("tools/call", `{"name":"read_page"}`), header...)
		mustCode(t, h, r, http.StatusBadRequest)
		nothingReached(t, got)
	}
	r := request(t.Context(), token, messageOf("tools/call", `{"name":"read_page"}`),
		"Mcp-Name", "=?base64?cmVhZF9wYWdl?=", "Mcp-Method", "tools/call")
	mustCode(t, h, r, http.StatusOK)
	if r := <-got; r.header.Get("Mcp-Name") != "=?base64?cmVhZF9wYWdl?=" {
		t.Errorf("got %v, want the header as it was sent", r.header)
	}
}

// A use that needs a scope is answered by what it needs, all of it at once, in the challenge of
// its own resource (CHL-06, CHL-07); with the scope it goes on. What is not there needs none.
func TestAUseThatNeedsAScopeAsksForIt(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	got, _ := f.standBehind(t, answerBehind, sieved)
	f.Endpoints[0].Path = "/mcp/wiki"
	h := f.open(t)
	at := func(token, body string) *httptest.ResponseRecorder {
		r := request(t.Context(), token, body)
		r.URL.Path, r.RequestURI = "/mcp/wiki", "/mcp/wiki"
		return do(h, r)
	}
	less := f.connectTo(t, "/mcp/wiki").token
	for name, scope := range map[string]string{"delete_page": "mcp edit", "delete_all": "mcp edit wipe"} {
		w := at(less, messageOf("tools/call", `{"name":"`+name+`"}`))
		challenge := w.Header().Get("WWW-Authenticate")
		if w.Code != http.StatusForbidden || !strings.Contains(challenge, `scope="`+scope+`"`) ||
			!strings.Contains(challenge, "/.well-known/oauth-protected-resource/mcp/wiki") {
			t.Errorf("%s: got %d %s, want a challenge for %s", name, w.Code, challenge, scope)
		}
	}
	nothingReached(t, got)
	if w := at(less, messageOf("tools/call", `{"name":"admin"}`)); w.Code != http.StatusOK {
		t.Errorf("not there: got %d, want no challenge", w.Code)
	}
	more := f.connectTo(t, "/mcp/wiki", "mcp", "edit").token
	if w := at(more, messageOf("tools/call", `{"name":"delete_page"}`)); w.Code != http.StatusOK {
		t.Errorf("with the scope: got %d %s", w.Code, w.Body)
	}
	<-got
}

// Without a filter nothing is looked at, and nothing changes.
func TestWithoutAFilterAnAnswerIsAsItWas(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.standBehind(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, everything)
	})
	w := mustCode(t, f.open(t), request(t.Context(), f.connect(t, "octocat", "Client", nil).token, listTools), 200)
	if w.Body.String() != everything {
		t.Errorf("got %s, want it as it was", w.Body)
	}
}

// Events come out one by one as they are whole, whatever ends their lines, and one without end
// ends the stream.
func TestEventsComeOutAsTheyAreWhole(t *testing.T) {
	t.Parallel()
	in, out := io.Pipe()
	s := newSifted(in, func(m []byte) ([]byte, bool) { return bytes.ToUpper(m), string(m) != "drop" })
	read := make(chan string)
	go func() {
		defer close(read)
		for {
			b := make([]byte, 100)
			n, err := s.Read(b)
			if err != nil {
				return
			}
			read <- string(b[:n])
		}
	}()
	for text, want := range map[string]string{
		"data: a\n\n": "data: A\n\n", "data: drop\n\nevent: x\r\ndata:b\r\rdata: drop\r\n\r\n": "event: x\ndata: B\n\n",
	} {
		_, _ = io.WriteString(out, text)
		if got := <-read; got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	_ = out.Close()
	if got, more := <-read; more {
		t.Errorf("got %q after the end", got)
	}
	drop := func([]byte) ([]byte, bool) { return nil, false }
	marked := newSifted(io.NopCloser(strings.NewReader("\uFEFFdata: a\n\n")), drop)
	if got, err := io.ReadAll(marked); len(got) > 0 || err != nil {
		t.Errorf("after a byte order mark: got %q, %v; want its message sifted", got, err)
	}
	large := newSifted(io.NopCloser(strings.NewReader("data: "+strings.Repeat("x", maxEvent)+"\n\n")), nil)
	if _, err := io.ReadAll(large); err == nil {
		t.Error("an event without end: got no error")
	}
}

// A pattern is a text in which * stands for any text, and nothing else means anything.
func TestPatterns(t *testing.T) {
	t.Parallel()
	for pattern, names := range map[string][]string{
		"a.c": {"a.c"}, "a*": {"a", "ab", "a\nb"}, "*": {"", "a"}, "*b": {"b", "ab"}, "(a": {"(a"},
	} {
		for _, name := range []string{"a.c", "abc", "a", "ab", "b", "", "a\nb", "(a"} {
			want := slices.Contains(names, name) || pattern == "*" || pattern == "a*" && strings.HasPrefix(name, "a") ||
				pattern == "*b" && strings.HasSuffix(name, "b")
			if got := matches(patterns([]string{pattern}), name); got != want {
				t.Errorf("%s, %q: got %t, want %t", pattern, name, got, want)
			}
		}
	}
}
