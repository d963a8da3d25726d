package mcp

import (
	"net/http"
	"testing"

	"github.com/postern-dev/postern/shared/store"
)

// givesSession answers every request with one session id, as servers of older revisions do.
func givesSession(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Mcp-Session-Id", "of-the-server")
	answerBehind(w, r)
}

// A session of a server behind is of use to the person who began it alone: an id that is
// another person's, for another server, or altered reaches nobody, and the client is told that
// the session is lost (MP-21).
func TestASessionIsOfNoUseToAnotherPerson(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	got, _ := f.standBehind(t, givesSession)
	also := f.Endpoints[0]
	also.Path = "/mcp/wiki"
	f.Endpoints = append(f.Endpoints, also)
	h := f.open(t)
	mine := f.connect(t, "octocat", "Client", nil).token
	theirs := f.connect(t, "mona", "Client", nil).token
	elsewhere := f.connectTo(t, "/mcp/wiki").token

	id := mustCode(t, h, request(t.Context(), mine, listTools), http.StatusOK).Header().Get("Mcp-Session-Id")
	if (<-got).header.Get("Mcp-Session-Id") != "" || id == "" || id == "of-the-server" {
		t.Fatalf("got the id %q, want one of ours", id)
	}
	w := mustCode(t, h, request(t.Context(), mine, listTools, "Mcp-Session-Id", id), http.StatusOK)
	if r := <-got; r.header.Get("Mcp-Session-Id") != "of-the-server" || w.Header().Get("Mcp-Session-Id") != id {
		t.Errorf("got %v at the server and %v here, want its own id there and the same one here", r.header, w.Header())
	}
	again := f.connect(t, "octocat", "Another", nil).token // the same person
	mustCode(t, h, request(t.Context(), again, listTools, "Mcp-Session-Id", id), http.StatusOK)
	<-got
	for name, row := range map[string]struct{ token, path, id string }{
		"another person": {theirs, "/mcp", id}, "another server": {elsewhere, "/mcp/wiki", id},
		"altered": {mine, "/mcp", id[:len(id)-4] + "AAA="}, "the server's own": {mine, "/mcp", "of-the-server"},
	} {
		for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
			r := request(t.Context(), row.token, listTools, "Mcp-Session-Id", row.id)
			r.Method, r.URL.Path, r.RequestURI = method, row.path, row.path
			w := mustCode(t, h, r, http.StatusNotFound)
			if a := answerOf(t, w.Body); a.Error == nil {
				t.Errorf("%s %s: got %s, want a JSON-RPC error", name, method, w.Body)
			}
		}
	}
	nothingReached(t, got)
}

// The id survives a new sign-in and a rotation of keys, and ends with the last key that opens
// it, as a lost session does.
func TestASessionOutlivesARefresh(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	got, _ := f.standBehind(t, givesSession)
	h := f.open(t)
	conn := f.connect(t, "octocat", "Client", nil, func(*store.Code) {})
	id := mustCode(t, h, request(t.Context(), conn.token, listTools), http.StatusOK).Header().Get("Mcp-Session-Id")
	<-got
	next := f.issue(t, conn.Grant)
	mustCode(t, h, request(t.Context(), next, listTools, "Mcp-Session-Id", id), http.StatusOK)
	if r := <-got; r.header.Get("Mcp-Session-Id") != "of-the-server" {
		t.Errorf("got %v, want the session of before", r.header)
	}
}

// An id that no client could send back, or two of them, is none.
func TestAnIDThatIsNoneIsNotHandedOut(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	ids := [][]string{{"with space"}, {"a", "b"}, {""}}
	f.standBehind(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Mcp-Session-Id"], ids = ids[0], ids[1:]
		answerBehind(w, r)
	})
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	for range 3 {
		w := mustCode(t, h, request(t.Context(), token, listTools), http.StatusOK)
		if id, there := w.Header()["Mcp-Session-Id"]; there {
			t.Errorf("got the id %q, want none", id)
		}
	}
}
