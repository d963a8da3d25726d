package mcp

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

// idsIn are the ids of the events in a stream.
func idsIn(stream string) (ids []string) {
	for line := range strings.Lines(stream) {
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			ids = append(ids, strings.TrimSpace(id))
		}
	}
	return ids
}

// A stream of a server behind goes on where it broke off for the person whose it is alone,
// whatever the server finds it by: an event id that is another person's, of another server,
// altered, or the server's own reaches nobody (MP-21).
func TestAnEventIsOfNoUseToAnotherPerson(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	got, _ := f.standBehind(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "id: of-the-server_7\ndata: {}\n\n")
	})
	also := f.Endpoints[0]
	also.Path = "/mcp/wiki"
	f.Endpoints = append(f.Endpoints, also)
	h := f.open(t)
	mine := f.connect(t, "octocat", "Client", nil).token
	theirs := f.connect(t, "mona", "Client", nil).token
	elsewhere := f.connectTo(t, "/mcp/wiki").token
	stream := func(token, path, last string, want int) string {
		r := request(t.Context(), token, "")
		r.Method, r.URL.Path, r.RequestURI = http.MethodGet, path, path
		if last != "" {
			r.Header.Set("Last-Event-Id", last)
		}
		return mustCode(t, h, r, want).Body.String()
	}

	first := stream(mine, "/mcp", "", http.StatusOK)
	<-got
	ids := idsIn(first)
	if len(ids) != 1 || strings.Contains(first, "of-the-server") || !strings.HasSuffix(first, "\ndata: {}\n\n") {
		t.Fatalf("got %q, want the event under an id of ours", first)
	}
	stream(mine, "/mcp", ids[0], http.StatusOK)
	if last := (<-got).header.Get("Last-Event-Id"); last != "of-the-server_7" {
		t.Errorf("got the event %q at the server, want its own id", last)
	}
	for name, row := range map[string]struct{ token, path, id string }{
		"another person": {theirs, "/mcp", ids[0]}, "another server": {elsewhere, "/mcp/wiki", ids[0]},
		"altered":          {mine, "/mcp", ids[0][:len(ids[0])-4] + "AAA="},
		"the server's own": {mine, "/mcp", "of-the-server_7"},
	} {
		if body := stream(row.token, row.path, row.id, http.StatusNotFound); !strings.Contains(body, "begin another") {
			t.Errorf("%s: got %s, want what to do", name, body)
		}
	}
	planted := request(t.Context(), mine, "")
	planted.Method, planted.Header["Last-Event-Id"] = http.MethodGet, []string{"", "of-the-server_7"}
	mustCode(t, h, planted, http.StatusBadRequest)
	nothingReached(t, got)
}

// Nothing of a stream changes but the ids of its events, in whatever pieces it comes and however
// its lines end; an id that no client could send back is none.
func TestAStreamChangesInItsIDsAlone(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxHeld+2)
	in := "id: 1\nevent: message\ndata: {\"id\":1}\n\nid:2\r\ndata: id: 3\r\n\r\nid:  4\rdata: x\r\r" +
		": id: 5\nidea: 6\nid\nid:\ni\n\nid: " + long + "\r\ndata: y\r\n\r\nid: a\x01b\ndata: z\n\nid: cut"
	want := "id: <1>\nevent: message\ndata: {\"id\":1}\n\nid: <2>\r\ndata: id: 3\r\n\r\nid: < 4>\rdata: x\r\r" +
		": id: 5\nidea: 6\nid\nid:\ni\n\n:\r\ndata: y\r\n\r\n:\ndata: z\n\n"
	sealed := func(id string) (string, error) { return "<" + id + ">", nil }
	for name, pieces := range map[string]io.Reader{
		"whole": strings.NewReader(in), "byte by byte": iotest.OneByteReader(strings.NewReader(in)),
		"halves": iotest.HalfReader(strings.NewReader(in)), "with the end": iotest.DataErrReader(strings.NewReader(in)),
	} {
		got, err := io.ReadAll(&sealedIDs{stream: io.NopCloser(pieces), seal: sealed})
		if string(got) != want || err != nil {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, want)
		}
	}
	broken := errors.New("no keys")
	got, err := io.ReadAll(&sealedIDs{
		stream: io.NopCloser(strings.NewReader(in)), seal: func(string) (string, error) { return "", broken },
	})
	if !errors.Is(err, broken) || strings.Contains(string(got), "id: 1") {
		t.Errorf("without keys: got %q, %v; want no id", got, err)
	}
}

// A piece without an id is handed on as it is, before its line has ended.
func TestAStreamIsNotHeldBack(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	s := &sealedIDs{stream: r, seal: func(string) (string, error) { return "x", nil }}
	b := make([]byte, 64)
	for _, piece := range []string{": a", "\n", "data: {", "}\n\n"} {
		go func() { _, _ = io.WriteString(w, piece) }()
		if n, err := s.Read(b); string(b[:n]) != piece || err != nil {
			t.Errorf("got %q, %v; want %q at once", b[:n], err, piece)
		}
	}
}
