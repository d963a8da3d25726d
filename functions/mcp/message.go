package mcp

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	version20250326 = "2025-03-26" // the one revision with batches
	version20260728 = "2026-07-28" // the first one without a handshake

	// maxBatch is how many messages one body may hold.
	maxBatch = 20
)

// A message is what the endpoint itself reads of a body. The SDK reads the rest.
type message struct {
	calls []call
	// stream says that the caller wants more than the result: progress, log lines,
	// or a subscription.
	stream bool
}

// A call is one JSON-RPC message of a client: a request or, without an id, a
// notification. Values are as they are written; nil is absent.
type call struct {
	id, method, name        []byte // name is params.name
	progressToken, logLevel []byte // of params._meta
}

// fields says where a call's values go.
func (c *call) fields() []field {
	return []field{
		{name: "jsonrpc"},
		{name: "id", raw: &c.id},
		{name: "method", raw: &c.method},
		{name: "params", below: []field{
			{name: "name", raw: &c.name},
			{name: "_meta", below: []field{
				{name: "progressToken", raw: &c.progressToken},
				{name: "io.modelcontextprotocol/logLevel", raw: &c.logLevel},
			}},
		}},
	}
}

// readMessage reads what decides about a request and refuses what two readers could
// take for different things (HT-07, MP-02, MP-03). The body stays readable.
func readMessage(r *http.Request) (message, *problem) {
	if p := settleHeaders(r); p != nil {
		return message{}, p
	}
	body, err := io.ReadAll(r.Body) // the edge has it in memory
	if err != nil {
		return message{}, invalidRequest("the body ended early")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	msg, p := parse(body, r.Header.Get("Mcp-Protocol-Version"))
	if p != nil {
		return message{}, p
	}
	return msg, nil
}

// settleHeaders checks the headers that the SDK answers in plain text, or reads in
// another way than MCP does.
func settleHeaders(r *http.Request) *problem {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return &problem{
			status: http.StatusUnsupportedMediaType, code: jsonrpc.CodeInvalidRequest,
			message: "Content-Type must be application/json",
		}
	}
	version := r.Header.Get("Mcp-Protocol-Version")
	if version != "" && version < version20260728 && !slices.Contains(supported, version) {
		return &problem{
			status: http.StatusBadRequest, code: sdk.CodeUnsupportedProtocolVersion,
			message: "unsupported protocol version",
			data:    sdk.UnsupportedProtocolVersionData{Supported: supported, Requested: version},
		}
	}
	for name, values := range r.Header {
		if len(values) > 1 && strings.HasPrefix(name, "Mcp-Param-") {
			return &problem{
				status: http.StatusBadRequest, code: sdk.CodeHeaderMismatch,
				message: "a Mcp-Param header is repeated",
			}
		}
	}
	if len(r.Header["Accept"]) == 0 {
		r.Header.Set("Accept", "*/*") // RFC 9110 §12.5.1
	}
	// There are no streams to resume (MOD-17), and the SDK refuses the header.
	r.Header.Del("Last-Event-Id")
	decodeName(r.Header)
	return nil
}

var supported = sdk.SupportedProtocolVersions()

// decodeName decodes Mcp-Name (MOD-10), which go-sdk v1.8.0 compares as it stands. A
// malformed one is left for the SDK to refuse.
func decodeName(h http.Header) {
	inner, ok := strings.CutPrefix(h.Get("Mcp-Name"), "=?base64?")
	if !ok {
		return
	}
	inner, ok = strings.CutSuffix(inner, "?=")
	name, err := base64.StdEncoding.Strict().DecodeString(inner)
	if ok && err == nil && utf8.Valid(name) && !strings.ContainsAny(inner, "\r\n") {
		h.Set("Mcp-Name", string(name))
	}
}

// parse reads one message, or several if the revision has batches.
func parse(body []byte, version string) (message, *problem) {
	if batch := bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("[")); batch && version > version20250326 {
		return message{}, invalidRequest("batches ended with protocol version 2025-06-18")
	}
	var calls []call
	var c call
	err := readStrict(body, c.fields(), func() {
		calls = append(calls, c)
		c = call{}
	})
	switch {
	case err != nil && !json.Valid(body): // JSON-RPC 2.0 §5.1
		return message{}, &problem{
			status: http.StatusBadRequest, code: jsonrpc.CodeParseError, message: "the body: " + err.Error(),
		}
	case err != nil:
		return message{}, invalidRequest("the body: " + err.Error())
	case len(calls) == 0 || len(calls) > maxBatch:
		return message{}, invalidRequest("a batch has 1 to 20 messages")
	}
	return newMessage(calls)
}

func newMessage(calls []call) (message, *problem) {
	m := message{calls: calls}
	for i, c := range calls {
		if p := c.check(); p != nil {
			return message{}, p
		}
		for _, earlier := range calls[:i] {
			if c.id != nil && bytes.Equal(c.id, earlier.id) {
				return message{}, invalidRequest("two messages of a batch have one id")
			}
		}
		if c.progressToken != nil || c.logLevel != nil || unquote(c.method) == "subscriptions/listen" {
			m.stream = true
		}
	}
	return m, nil
}

// check refuses a message that is neither a request nor a notification. An answer of a
// client is such a message: this server never asks (MOD-14).
func (c call) check() *problem {
	switch {
	case unquote(c.method) == "":
		return invalidRequest("a message needs a method; this server takes no responses")
	case c.id != nil && c.id[0] != '"' && !integer(string(c.id)):
		return invalidRequest("id must be a string or an integer from -(2^53-1) to 2^53-1")
	}
	return nil
}

// maxInteger is the largest integer that every reader of JSON has exactly (RFC 8259
// §6). The SDK reads a number as a float64, and would answer to another id.
const maxInteger = 1<<53 - 1

// integer reports whether a JSON number is an integer that comes back as it was sent;
// -0 comes back as 0.
func integer(number string) bool {
	n, err := strconv.ParseInt(number, 10, 64)
	return err == nil && -maxInteger <= n && n <= maxInteger && number != "-0"
}
