package mcp

import (
	"bytes"
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// An answer puts right what the SDK writes: refusals in plain text become JSON-RPC
// errors, no error tells types of Go, streams ask proxies not to hold them back (MOD-16),
// and nothing is stored.
//
// It is one JSON object until something else than the result is to be sent, a log line or
// progress, and from then on a stream (TRN-05). The SDK settles that before the call, and
// in JSON loses what a tool sends (modelcontextprotocol/go-sdk#387); so it always writes
// events here, and this is the one place that decides what becomes of them.
type answer struct {
	http.ResponseWriter
	h      *handler
	ctx    context.Context // of the call,
	who    *admitted
	msg    message // what is answered
	status int
	caught bool            // a refusal, not sent as it is,
	plain  strings.Builder // and its text
	stream bool            // events go out
	kept   [][]byte        // results of a batch, until it is complete
}

// Values of headers that all answers share; they are never changed.
var (
	mediaJSON = []string{"application/json"}
	noStore   = []string{"no-store"}
	bothMedia = []string{"application/json, text/event-stream"}
)

func (a *answer) WriteHeader(status int) {
	if a.stream { // the SDK would change its status after an error of the newest revision
		return
	}
	h := a.Header()
	a.status = status
	a.caught = status >= 400 && strings.HasPrefix(h.Get("Content-Type"), "text/plain")
	if a.caught {
		return
	}
	h["Cache-Control"] = noStore
	if h.Get("Content-Type") == "text/event-stream" {
		a.stream = true
		h.Set("X-Accel-Buffering", "no")
	} else {
		h.Del("Connection")
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write takes what the SDK writes: an event whole, or the text of an error.
func (a *answer) Write(b []byte) (int, error) {
	var err error
	switch {
	case a.caught:
		return a.plain.Write(b)
	case a.stream || a.status == 0 && a.Header().Get("Content-Type") == "text/event-stream":
		err = a.event(b)
	default:
		if a.status == 0 {
			a.WriteHeader(http.StatusOK)
		}
		_, err = a.ResponseWriter.Write(withoutTypes(b))
	}
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

// How the SDK writes events, and how a message starts that is not a result.
var (
	eventStart   = []byte("event: message\ndata: ")
	eventEnd     = []byte("\n\n")
	notification = []byte(`{"jsonrpc":"2.0","method":`)
)

// event decides what becomes of an event.
func (a *answer) event(b []byte) error {
	text := bytes.TrimSuffix(bytes.TrimPrefix(b, eventStart), eventEnd)
	isResult := !bytes.HasPrefix(text, notification)
	switch {
	case a.stream:
	case !isResult && a.msg.noStream:
		return nil // there is nowhere to send it
	case !isResult || a.msg.noJSON:
		if err := a.begin(); err != nil {
			return err
		}
	case a.msg.list:
		a.kept = append(a.kept, bytes.Clone(text))
		return nil
	default:
		return a.json(text)
	}
	return a.send(text)
}

// begin makes the answer a stream, with the results that were kept.
func (a *answer) begin() error {
	a.WriteHeader(http.StatusOK)
	a.h.bound(a.ctx, func() { a.who.cancel(errOver) }, &a.who.caller)
	for _, text := range a.kept {
		if err := a.send(text); err != nil {
			return err
		}
	}
	a.kept = nil
	return nil
}

func (a *answer) send(text []byte) error {
	_, err := a.ResponseWriter.Write(slices.Concat(eventStart, withoutTypes(text), eventEnd))
	return err
}

func (a *answer) json(text []byte) error {
	a.Header()["Content-Type"] = mediaJSON
	a.WriteHeader(http.StatusOK)
	_, err := a.ResponseWriter.Write(withoutTypes(text))
	return err
}

// Flush is for streams.
func (a *answer) Flush() {
	if a.stream {
		_ = http.NewResponseController(a.ResponseWriter).Flush()
	}
}

// finish sends what was kept back. A method that an old revision does not
// have is an answer like any other there (JSON-RPC 2.0): some clients end a session
// over a status of 400.
func (a *answer) finish(r *http.Request) error {
	if a.kept != nil {
		return a.json(slices.Concat([]byte("["), bytes.Join(a.kept, []byte(",")), []byte("]")))
	}
	if !a.caught {
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
