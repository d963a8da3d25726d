package mcp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/strict"
)

const (
	version20250326 = "2025-03-26" // the one revision with batches
	version20260728 = "2026-07-28" // the first one without a handshake

	listen = "subscriptions/listen" // the one method that is answered by a stream alone

	// maxBatch is how many messages one body may hold.
	maxBatch = 20
)

// A message is what the endpoint itself reads of a body. The SDK reads the rest.
type message struct {
	sent   int    // how many there are
	list   bool   // they came in a list
	method string // of the first one, for the log
	// calls are the requests. A server without sessions has nothing that a notification
	// could be about, so those are accepted and go no further (JSON-RPC 2.0 §4.1).
	calls []call
	all   []call // whatever was sent; of a message that goes on
	// What the caller does not take as an answer, JSON or streams; one of them at most.
	noJSON, noStream bool
}

// A call is one JSON-RPC message of a client: a request or, without an id, a
// notification. Values are as they are written; nil is absent.
type call struct {
	text                    []byte // all of it
	version                 []byte // of JSON-RPC
	id, method, params      []byte
	name, uri               []byte // params.name, params.uri
	revision                []byte // of MCP, in params._meta (SEP-2575)
	traceparent, tracestate []byte // of params._meta (SEP-414)
}

// A place is where a value of a call is kept while it is read.
type place int

const (
	nowhere place = iota // for objects of which only members count
	atVersion
	atID
	atMethod
	atParams
	atName
	atURI
	atRevision
	atTraceparent
	atTracestate
)

type places [atTracestate + 1][]byte

// callFields are what is read of a call.
var callFields = []field{
	{name: "jsonrpc", at: atVersion},
	{name: "id", at: atID},
	{name: "method", at: atMethod},
	{name: "params", at: atParams, below: []field{
		{name: "name", at: atName},
		{name: "uri", at: atURI},
		{name: "_meta", below: []field{ // the rest of it is for the SDK to read
			{name: sdk.MetaKeyProtocolVersion, at: atRevision},
			{name: "traceparent", at: atTraceparent},
			{name: "tracestate", at: atTracestate},
		}},
	}},
}

// call returns the call with that text, and is empty afterwards.
func (p *places) call(text []byte) call {
	c := call{
		text: text, version: p[atVersion], id: p[atID], method: p[atMethod], params: p[atParams],
		name: p[atName], uri: p[atURI], revision: p[atRevision],
		traceparent: p[atTraceparent], tracestate: p[atTracestate],
	}
	*p = places{}
	return c
}

// readMessage reads what decides about a request and refuses what two readers could
// take for different things (HT-07, MP-02, MP-03). The revision is one of versions.
func readMessage(r *http.Request, versions []string) (message, *problem) {
	body, p := readBody(r)
	if p != nil {
		return message{}, p
	}
	msg, p := parse(body, r.Header.Get("Mcp-Protocol-Version"))
	if wrong := checkRevision(r.Header, versions); wrong != nil {
		p = wrong.of(msg)
	}
	if p == nil {
		p = msg.settleAnswer(r.Header)
	}
	if p != nil {
		return message{}, p
	}
	return msg, nil
}

// readBody returns the body, which has to say that it is JSON, and in no other encoding than
// JSON has (RFC 8259 §8.1): a server behind that goes by it would read another message.
func readBody(r *http.Request) ([]byte, *problem) {
	if strict.CheckMediaType(r, "application/json") != nil {
		return nil, &problem{
			status: http.StatusUnsupportedMediaType, code: jsonrpc.CodeInvalidRequest,
			message: "Content-Type must be application/json, in UTF-8",
		}
	}
	body, err := edge.Body(r)
	if err != nil {
		return nil, invalidRequest("the body ended early")
	}
	return body, nil
}

// checkRevision refuses a revision that is not served here.
func checkRevision(h http.Header, versions []string) *problem {
	version := h.Get("Mcp-Protocol-Version")
	if version == "" || slices.Contains(versions, version) {
		return nil
	}
	return &problem{
		status: http.StatusBadRequest, code: sdk.CodeUnsupportedProtocolVersion,
		message: "unsupported protocol version",
		data:    sdk.UnsupportedProtocolVersionData{Supported: versions, Requested: version},
	}
}

// settleAnswer notes what the caller takes, JSON or streams (RFC 9110 §12.5.1): clients that
// leave one of the two out are served all the same.
func (m *message) settleAnswer(h http.Header) *problem {
	takesJSON, takesStreams := accepts(h, "application", "json"), accepts(h, "text", "event-stream")
	for _, c := range m.calls {
		if !takesStreams && unquote(c.method) == listen {
			p := &problem{
				status: http.StatusNotAcceptable, code: jsonrpc.CodeInvalidRequest,
				message: "a subscription is a stream: Accept must have text/event-stream",
			}
			return p.of(*m)
		}
	}
	m.noJSON, m.noStream = takesStreams && !takesJSON, !takesStreams
	return nil
}

// accepts reports whether Accept has a media type. Saying nothing accepts everything.
func accepts(h http.Header, kind, subtype string) bool {
	lines := h["Accept"]
	for entry := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		media, _, _ := strings.Cut(entry, ";")
		switch strings.ToLower(strings.TrimSpace(media)) {
		case kind + "/" + subtype, kind + "/*", "*/*":
			return true
		}
	}
	return len(lines) == 0
}

var supported = sdk.SupportedProtocolVersions()

// revisions are those of an author's server, the newest first.
func (s Server) revisions() []string {
	some := s.Options.SupportedProtocolVersions
	if len(some) == 0 {
		return supported
	}
	return slices.DeleteFunc(slices.Clone(supported), func(v string) bool { return !slices.Contains(some, v) })
}

// parse reads one message, or several if the revision has batches.
func parse(body []byte, version string) (message, *problem) {
	calls, list, p := parseCalls(body, version)
	if p != nil {
		return message{}, p
	}
	msg, p := newMessage(calls)
	msg.list = list
	return msg, p
}

// parseCalls is parse for whatever JSON-RPC has: requests, notifications, responses. list
// says that they came as one.
func parseCalls(body []byte, version string) (calls []call, list bool, p *problem) {
	list = bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("["))
	if list && version > version20250326 {
		return nil, list, invalidRequest("batches ended with protocol version 2025-06-18")
	}
	err := readStrict(body, callFields, func(text []byte, found *places) { calls = append(calls, found.call(text)) })
	switch {
	case err != nil && !json.Valid(body): // JSON-RPC 2.0 §5.1
		p = &problem{
			status: http.StatusBadRequest, code: jsonrpc.CodeParseError, message: "the body: " + err.Error(),
		}
	case err != nil:
		p = invalidRequest("the body: " + err.Error())
	case len(calls) == 0 || len(calls) > maxBatch:
		p = invalidRequest("a batch has 1 to 20 messages")
	}
	return calls, list, p
}

func newMessage(calls []call) (message, *problem) {
	m := message{sent: len(calls), method: unquote(calls[0].method)}
	m.calls = calls[:0] // what is kept takes the place of what was looked at
	for _, c := range calls {
		if p := c.check(); p != nil {
			return message{}, p
		}
		if c.id == nil {
			continue
		}
		for _, earlier := range m.calls {
			if c.sdkID() == earlier.sdkID() {
				return message{}, invalidRequest("two messages of a batch have one id")
			}
		}
		m.calls = append(m.calls, c)
	}
	return m, nil
}

// check refuses a message that is neither a request nor a notification. An answer of a
// client is such a message: this server never asks (MOD-14).
func (c call) check() *problem {
	if p := c.checkForm(); p != nil {
		return p
	}
	switch method := unquote(c.method); {
	case method == "":
		return invalidRequest("a message needs a method; this server takes no responses")
	case c.id != nil && strings.HasPrefix(method, "notifications/"): // which the SDK reads before it refuses
		return invalidRequest("a notification has no id").under(c.id)
	}
	return nil
}

// checkForm refuses what is no JSON-RPC message, or has an id that readers take for
// different ones.
func (c call) checkForm() *problem {
	switch {
	case c.id != nil && c.id[0] != '"' && !integer(string(c.id)):
		return invalidRequest("id must be a string or an integer from -(2^53-1) to 2^53-1")
	case unquote(c.version) != "2.0":
		return invalidRequest("jsonrpc must be \"2.0\"").under(c.id)
	}
	return nil
}

// maxInteger is the largest integer that every reader of JSON has exactly (RFC 8259
// §6).
const maxInteger = 1<<53 - 1

// integer reports whether a JSON number is an integer that comes back as it was sent;
// -0 comes back as 0.
func integer(number string) bool {
	n, err := strconv.ParseInt(number, 10, 64)
	return err == nil && -maxInteger <= n && n <= maxInteger && number != "-0"
}
