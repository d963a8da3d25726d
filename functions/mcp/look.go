package mcp

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp/proxy"
	"github.com/postern-dev/postern/shared/identity"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
)

// lookTime bounds a look at a server behind. It is on its way up, or it is not there.
const lookTime = 15 * time.Second

// Looks are the servers behind this one, for a program that looks at them as the endpoint
// does. [Behind] makes them of settings.
type Looks struct {
	Endpoints []Endpoint // those with an Upstream
	Identity  *identity.Signer
	Issuer    string
	Patience  time.Duration // for each; 0 means 15 s
}

// A Seen is what was found of a server behind.
type Seen struct {
	Revision string // of MCP, that it chose
	Server   string // what it calls itself, and its version
	Streams  bool   // it keeps a stream for what nobody asked (GET)
}

// At greets the server of an endpoint in the name of nobody, looks whether it keeps a stream,
// and ends the session that it may have given. The error is that of the call, a
// [proxy.Fault] where there is no answer that can be passed on.
func (l Looks) At(ctx context.Context, e Endpoint) (Seen, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(l.Patience, lookTime))
	defer cancel()
	s, err := l.at(ctx, e)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = &proxy.Fault{Status: http.StatusGatewayTimeout, Text: "the server behind this one takes too long"}
	}
	return s, err
}

func (l Looks) at(ctx context.Context, e Endpoint) (Seen, error) {
	header, err := e.Upstream.tell(ctx, l.Identity, l.Issuer, &Caller{
		Person:   store.Person{Subject: "postern:check", Login: "postern-check"},
		ClientID: "postern upstreams check", Scopes: oauth.Scopes{oauth.ScopeMCP},
	})
	if err != nil {
		return Seen{}, err
	}
	s, greeting, err := l.greet(ctx, e.Upstream, header)
	if err != nil {
		return Seen{}, err
	}
	if id := greeting.header.Get(sessionHeader); id != "" {
		header.Set(sessionHeader, id)
		defer func() { _, _ = ask(ctx, e.Upstream, http.MethodDelete, "", header) }() // some do not take it
	}
	header.Set("Mcp-Protocol-Version", s.Revision)
	stream, err := ask(ctx, e.Upstream, http.MethodGet, "", header)
	s.Streams = err == nil && stream.status == http.StatusOK
	if f, ok := errors.AsType[*proxy.Fault](err); ok && f.Status >= http.StatusInternalServerError {
		return s, fmt.Errorf("asked for a stream (GET), which 405 would refuse well: %w", err)
	}
	return s, nil
}

const (
	greetingOfOld = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",` +
		`"capabilities":{},"clientInfo":{"name":"postern-check","version":"1"}}}`
	greetingOfNew = `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{` +
		`"io.modelcontextprotocol/protocolVersion":"` + version20260728 + `",` +
		`"io.modelcontextprotocol/clientCapabilities":{}}}}`
)

// greet asks in the way of the older revisions, then in that of the newest, for a server that
// has forgotten the others.
func (l Looks) greet(ctx context.Context, u *Upstream, header http.Header) (Seen, *reply, error) {
	a, err := ask(ctx, u, http.MethodPost, greetingOfOld, header)
	if err != nil {
		return Seen{}, nil, err
	}
	old, refusal := result[sdk.InitializeResult](a)
	if refusal == nil && old.ProtocolVersion != "" {
		s := Seen{Revision: old.ProtocolVersion}
		if old.ServerInfo != nil {
			s.Server = strings.TrimSpace(old.ServerInfo.Name + " " + old.ServerInfo.Version)
		}
		return s, a, nil
	}
	modern := header.Clone()
	modern.Set("Mcp-Protocol-Version", version20260728)
	modern.Set("Mcp-Method", "server/discover")
	if a, err = ask(ctx, u, http.MethodPost, greetingOfNew, modern); err == nil {
		if _, again := result[json.RawMessage](a); again == nil {
			return Seen{Revision: version20260728}, a, nil
		}
	}
	if refusal == nil {
		refusal = errors.New("it answered, but without a revision of MCP")
	}
	return Seen{}, nil, refusal
}

// result reads the result of the one response in an answer, JSON or a stream. An error is
// that of the server, or says that there is none.
func result[T any](a *reply) (out T, err error) {
	body := a.body.Bytes()
	if _, data, found := bytes.Cut(body, []byte("data: {")); found {
		line, _, _ := bytes.Cut(data, []byte("\n"))
		body = append([]byte("{"), line...)
	}
	var response struct {
		Result json.RawMessage `json:"result"`
		Error  *wireError      `json:"error"`
	}
	switch {
	case json.Unmarshal(body, &response) != nil || response.Result == nil && response.Error == nil:
		return out, errors.New("it did not answer in JSON-RPC")
	case response.Error != nil:
		return out, fmt.Errorf("it answered with the error %d: %s", response.Error.Code, short(response.Error.Message))
	}
	return out, json.Unmarshal(response.Result, &out)
}

// ask sends a question through the proxy, as calls go, and returns what came back. Of a stream
// of the server's own only its beginning is awaited.
func ask(ctx context.Context, u *Upstream, method, body string, header http.Header) (*reply, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, u.URL(), io.NopCloser(strings.NewReader(body)))
	if err != nil {
		return nil, err
	}
	r.ContentLength = int64(len(body))
	c := proxy.Call{Header: header}
	r.Header.Set("Accept", "text/event-stream")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		c.IDs = [][]byte{[]byte("1")}
	}
	a := &reply{header: http.Header{}}
	if method == http.MethodGet {
		a.begun = cancel
	}
	err = proxied(u, a, r, c)
	if a.status == http.StatusOK && method == http.MethodGet {
		return a, nil
	}
	return a, err
}

// proxied is [proxy.Proxy.Serve] for an answer of which no more is wanted, which breaks off.
func proxied(u *Upstream, a *reply, r *http.Request, c proxy.Call) (err error) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
			panic(p)
		}
	}()
	return u.Serve(a, r, c)
}

// A reply answer is in memory.
type reply struct {
	header http.Header
	status int
	body   bytes.Buffer
	begun  func() // called when the status is there; nil is not
}

func (a *reply) Header() http.Header { return a.header }

func (a *reply) WriteHeader(status int) {
	a.status = status
	if a.begun != nil {
		a.begun()
	}
}

func (a *reply) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.body.Len()+len(b) > maxEvent {
		return 0, errLargeEvent
	}
	return a.body.Write(b)
}
