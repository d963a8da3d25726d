package mcp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// An answer puts right what the SDK writes: refusals in plain text become JSON-RPC
// errors, no error tells types of Go, streams ask proxies not to hold them back (MOD-16) or
// become JSON for who takes no stream, and nothing is stored.
type answer struct {
	http.ResponseWriter
	msg    message // what is answered
	status int
	caught bool            // a refusal, not sent as it is,
	plain  strings.Builder // and its text
	folded bool            // a stream, not sent as it is,
	found  [][]byte        // and the responses in it
}

func (a *answer) WriteHeader(status int) {
	h := a.Header()
	a.status = status
	stream := h.Get("Content-Type") == "text/event-stream"
	a.caught = status >= 400 && strings.HasPrefix(h.Get("Content-Type"), "text/plain")
	a.folded = stream && a.msg.fold
	if a.caught || a.folded {
		return
	}
	h.Set("Cache-Control", "no-store")
	if stream {
		h.Set("X-Accel-Buffering", "no")
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	switch {
	case a.caught:
		return a.plain.Write(b)
	case a.folded:
		a.fold(b)
		return len(b), nil
	}
	if _, err := a.ResponseWriter.Write(withoutTypes(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// fold keeps the response in an event, and passes over progress and log lines. The SDK
// writes each event whole, with its message on one line.
func (a *answer) fold(event []byte) {
	_, data, _ := bytes.Cut(event, []byte("data: "))
	var message struct {
		Method string `json:"method"`
	}
	if json.Unmarshal(data, &message) == nil && message.Method == "" {
		a.found = append(a.found, withoutTypes(bytes.TrimSpace(bytes.Clone(data))))
	}
}

// unfold sends what was kept, as a list to a list.
func (a *answer) unfold() {
	h := a.Header()
	h.Del("Connection")
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	body := bytes.Join(a.found, []byte(","))
	if a.msg.list {
		body = slices.Concat([]byte("["), body, []byte("]"))
	}
	_, _ = a.ResponseWriter.Write(body) // the caller left; nobody is there to tell
}

// Flush is for streams. Headers leave with the first byte.
func (a *answer) Flush() {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if !a.folded {
		_ = http.NewResponseController(a.ResponseWriter).Flush()
	}
}

// finish sends what was kept back. A method that an old revision does not
// have is an answer like any other there (JSON-RPC 2.0): some clients end a session
// over a status of 400.
func (a *answer) finish(r *http.Request) error {
	switch {
	case a.folded:
		a.unfold()
		return nil
	case !a.caught:
		return nil
	}
	p := &problem{status: a.status, code: jsonrpc.CodeInvalidRequest, message: strings.TrimSpace(a.plain.String())}
	p = p.of(a.msg)
	if strings.Contains(p.message, "JSON RPC not handled") {
		p.code, p.message = jsonrpc.CodeMethodNotFound, "no such method"
		if p.id != nil {
			p.status = http.StatusOK
		}
	}
	a.Header().Set("Cache-Control", "no-store") // which http.Error took away
	return p.write(a.ResponseWriter, r)
}

// typed is the SDK's error, in JSON, about params that its decoder did not take. It
// repeats the params and tells types of Go; the last thing that it names is the member.
var (
	typed = regexp.MustCompile(
		`"code":(?:0|-32602),"message":"handling '[^']*': (?:invalid params: )?unmarshaling (?:[^"\\]|\\.)*"`)
	member = regexp.MustCompile(`.*\.(\w+) of type `)
)

func withoutTypes(body []byte) []byte {
	if !bytes.Contains(body, []byte("unmarshaling")) {
		return body
	}
	return typed.ReplaceAllFunc(body, func(text []byte) []byte {
		which := "a member"
		if found := member.FindSubmatch(text); found != nil {
			which = "the member " + string(found[1])
		}
		return []byte(`"code":-32602,"message":"invalid params: ` + which + ` has the wrong type"`)
	})
}
